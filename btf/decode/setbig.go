package decode

import (
	"math/big"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// setBig sets a number of more than 64 bits.
func (t *Type) setBig(data []byte, value string) error {
	digits, base := strings.ToLower(value), 10
	sign := ""
	if rest, ok := strings.CutPrefix(digits, "-"); ok {
		sign, digits = "-", rest
	}
	if hex, ok := strings.CutPrefix(digits, "0x"); ok {
		digits, base = hex, 16
	}
	// SetString takes a second sign, too.
	number, ok := new(big.Int).SetString(sign+digits, base)
	if !ok || strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		return fault.Invalidf("value %q for %s is no integer", value, t.declaration())
	}
	raw := t.at.bytes(data)
	if len(raw) < t.at.size {
		return t.beyond()
	}
	bits := 8 * t.at.size
	lowest, above := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(bits))
	if t.at.signed {
		above.Rsh(above, 1)
		lowest.Neg(above)
	}
	if number.Cmp(lowest) < 0 || number.Cmp(above) >= 0 {
		return fault.Invalidf("value %s does not fit the %d bits of %s", value, bits, t.declaration())
	}
	if number.Sign() < 0 {
		number.Add(number, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	}
	highest := number.FillBytes(make([]byte, len(raw)))
	for i := range raw {
		raw[at(i, len(raw), t.at.order)] = highest[len(raw)-1-i]
	}
	return nil
}
