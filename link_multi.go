package libbpf

import (
	"math"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// multi is the common part of kprobe.multi and uprobe.multi, which attach to many functions at once.
type multi struct {
	pattern           string
	symbols           []string
	numbers           []uint64
	numbersAre        string
	cookies           []uint64
	retprobe, session bool
}

func (m *multi) check() error {
	given := 0
	for _, on := range []bool{m.pattern != "", len(m.symbols) > 0, len(m.numbers) > 0} {
		if on {
			given++
		}
	}
	n := m.count()
	switch {
	case given != 1:
		return fault.Invalidf("exactly one of a pattern, symbols and %s must be given, not %d", m.numbersAre, given)
	case len(m.cookies) > 0 && len(m.cookies) != n:
		return fault.Invalidf("give a cookie for each function or none, not %d for %d %s", len(m.cookies), n, m.counted())
	case n > math.MaxInt32:
		return fault.Invalidf("%d %s are more than the %d that the kernel takes", n, m.counted(), math.MaxInt32)
	case m.retprobe && m.session:
		return fault.Invalidf("a session already sees returns: do not set Retprobe")
	}
	return nil
}

// count is the number of functions; a pattern has none until it is resolved.
func (m *multi) count() int { return len(m.symbols) + len(m.numbers) }

// counted names what count counts, for messages.
func (m *multi) counted() string {
	switch {
	case m.pattern != "":
		return "functions: a pattern takes none"
	case len(m.symbols) > 0:
		return "symbols"
	}
	return m.numbersAre
}
