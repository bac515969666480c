package libbpf

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
)

// Kernel enums that grow with new kinds of attachments.
const (
	enumLinkType   = "bpf_link_type"
	enumAttachType = "bpf_attach_type"
)

// explainOld turns the kernel's EINVAL into [errors.ErrUnsupported] if a kernel enum lacks a value. An old kernel
// returns only EINVAL for a newer kind of attachment. If the kernel has no BTF, the error stays the same.
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

// hasValue reports whether a kernel enum has a value. The last value of the enum, such as __MAX_BPF_ATTACH_TYPE, is
// only the number of values before it. A later kernel gives this number to a new value.
func hasValue(e *btf.Enum, value uint32) bool {
	return slices.ContainsFunc(e.Values, func(v btf.EnumValue) bool {
		return v.Value == int64(value) && !strings.HasPrefix(strings.TrimLeft(v.Name, "_"), "MAX_")
	})
}
