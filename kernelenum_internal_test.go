package libbpf

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
)

// The last value of an enum, the number of its values, does not count.
func TestEnumHasValue(t *testing.T) {
	e := &btf.Enum{Values: []btf.EnumValue{{Name: "BPF_LINK_TYPE_XDP", Value: 6}, {Name: "MAX_BPF_LINK_TYPE", Value: 7},
		{Name: "__MAX_BPF_ATTACH_TYPE", Value: 8}}}
	for value, has := range map[uint32]bool{6: true, 7: false, 8: false, 9: false} {
		if hasValue(e, value) != has {
			t.Errorf("value %d: %t", value, !has)
		}
	}
}

// EINVAL for a value that the running kernel has stays EINVAL. For a value that no kernel has, it becomes
// ErrUnsupported.
func TestExplainOld(t *testing.T) {
	for _, c := range []struct {
		err   error
		enum  string
		value uint32
		lacks bool
	}{
		{unix.EINVAL, enumLinkType, uint32(LinkTypeTracing), false},
		{unix.EINVAL, enumLinkType, 1 << 20, true},
		{unix.EINVAL, enumAttachType, uint32(AttachTypeTraceIter), false},
		{unix.EINVAL, enumAttachType, 1 << 20, true},
		{unix.EINVAL, "no_such_enum", 1, false},
		{unix.EPERM, enumLinkType, 1 << 20, false},
		{ErrInvalid, enumLinkType, 1 << 20, false},
		{nil, enumLinkType, 1 << 20, false},
	} {
		got := explainOld(c.err, "it", c.enum, c.value)
		if errors.Is(got, errors.ErrUnsupported) != c.lacks || !errors.Is(got, c.err) {
			t.Errorf("%v, %s %d: %v", c.err, c.enum, c.value, got)
		}
	}
}
