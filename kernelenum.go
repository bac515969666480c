package libbpf

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
)

// The kernel's enums that grow with what can be attached.
const (
	enumLinkType   = "bpf_link_type"
	enumAttachType = "bpf_attach_type"
)

// explainOld makes a kernel's EINVAL an [errors.ErrUnsupported] where one of the kernel's enums lacks a value: an old kernel
// says no more of a kind of attachment that came later. A kernel without BTF leaves it as it is.
func explainOld(err error, what, enum string, value uint32) error {
	if !errors.Is(err, unix.EINVAL) || errors.Is(err, ErrInvalid) {
		return err
	}
	kernel, btfErr := btf.LoadKernel()
	if btfErr != nil {
		return err
	}
	defer kernel.Close()
	t, btfErr := kernel.TypeByName(enum, btf.KindEnum)
	e, ok := t.(*btf.Enum)
	if btfErr != nil || !ok || hasValue(e, value) {
		return err
	}
	return &lacking{what, err}
}

// hasValue reports whether an enum of the kernel's has a value. The last one, such as __MAX_BPF_ATTACH_TYPE, is the number of
// those before it, which is what a later kernel uses for something.
func hasValue(e *btf.Enum, value uint32) bool {
	return slices.ContainsFunc(e.Values, func(v btf.EnumValue) bool {
		return v.Value == int64(value) && !strings.HasPrefix(strings.TrimLeft(v.Name, "_"), "MAX_")
	})
}
