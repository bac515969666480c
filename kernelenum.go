package libbpf

import (
	"errors"
	"slices"

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
	if e, ok := t.(*btf.Enum); btfErr != nil || !ok ||
		slices.ContainsFunc(e.Values, func(v btf.EnumValue) bool { return v.Value == int64(value) }) {
		return err
	}
	return &lacking{what, err}
}
