package btf

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Check reports whether the types are such as compilers make. Code in C may trust that of them: libbpf's linker and its
// relocations do. It finds numbers and names that are out of range, types that contain themselves, types that are nested
// too deep or too large to be real, and members without a size.
//
// errors.Is: unix.EINVAL, unix.ELOOP or unix.E2BIG for types that are not; [ErrClosed].
func (b *BTF) Check() error {
	if err := b.acquire(); err != nil {
		return err
	}
	defer b.h.Drop()
	if err := b.dumpable(); err != nil {
		return fmt.Errorf("btf: %s: %w", b.what, err)
	}
	if err := b.checkDeclarations(); err != nil {
		return fmt.Errorf("btf: %s: %w", b.what, err)
	}
	return nil
}

// checkDeclarations checks the types that describe no values of C.
func (b *BTF) checkDeclarations() error {
	var err error
	for t := range b.Types(&err) {
		var next []TypeID
		var want []Kind
		switch t := t.(type) {
		case *Func:
			next, want = []TypeID{t.Proto}, []Kind{KindFuncProto}
		case *Datasec:
			next, want = references(t), []Kind{KindVar, KindFunc}
		}
		for _, id := range next {
			is, err := b.typeByID(id)
			if err != nil {
				return err
			}
			if is.Kind() != want[0] && is.Kind() != want[len(want)-1] {
				return fmt.Errorf("type %d, a %s, refers to type %d, a %s: %w", t.ID(), t.Kind(), id, is.Kind(), unix.EINVAL)
			}
		}
	}
	return err
}
