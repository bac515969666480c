package gotypes

import (
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The members of one type are counted, those of all types, and how deep structs without names are in each other.
func TestMemberLimits(t *testing.T) {
	b := btf.NewBuilder()
	defer b.Close()
	char := b.AddInt("char", 1, btf.IntSigned)
	members := make([]btf.Member, maxVisits+1)
	for i := range members {
		members[i] = btf.Member{Name: "m" + strconv.Itoa(i), Type: char, BitOffset: 8 * uint32(i)}
	}
	most, more := b.AddStruct("most", maxVisits, members[:maxVisits]...), b.AddStruct("more", maxVisits+1, members...)
	two, one := b.AddStruct("two", 2, members[:2]...), b.AddStruct("one", 1, members[:1]...)
	nested := b.AddStruct("", 1, members[:1]...)
	for range maxDepth - 2 {
		nested = b.AddStruct("", 1, btf.Member{Type: nested})
	}
	deep := b.AddStruct("deep", 1, btf.Member{Type: nested})
	deeper := b.AddStruct("deeper", 1, btf.Member{Type: b.AddStruct("", 1, btf.Member{Type: nested})})
	types, err := b.BTF()
	testutil.Check(t, err)
	defer types.Close()
	for _, c := range []struct {
		id     btf.TypeID
		before int // members
		want   string
	}{
		{most, 0, ""}, {more, 0, "too many members"}, {two, totalVisit - 2, ""}, {two, totalVisit - 1, "too many members"},
		{one, totalVisit, "too many members"}, {deep, 0, ""}, {deeper, 0, "nested too deep"},
	} {
		g := New(types, Options{})
		g.visits = c.before
		_, err := g.Type(c.id)
		testutil.Check(t, err)
		warnings := strings.Join(g.Warnings(), "\n")
		if !strings.Contains(warnings, c.want) || c.want == "" && warnings != "" {
			t.Errorf("type %d after %d members: warnings %q, want %q", c.id, c.before, warnings, c.want)
		}
	}
}
