package btf

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// DumpCOptions are options of [BTF.DumpC].
type DumpCOptions struct {
	// IncludeGuard is the macro that prevents including the header twice. The default is __VMLINUX_H__.
	IncludeGuard string
	// Unsorted writes types in the order of their numbers. Otherwise the order is that of their kinds and names, as
	// bpftool's, which changes less from one kernel to the next.
	Unsorted bool
	// Types are the types to write, in this order, with those that they need, and without kfuncs. The default is all.
	Types []TypeID
}

const dumpPrologue = `#ifndef %[1]s
#define %[1]s

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`

const dumpEpilogue = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* %s */
`

// DumpC writes all types as a C header that clang compiles for BPF (btf_dump__dump_type). It defines each type before
// it is used. For the kernel's types, this is the file that BPF programs include as vmlinux.h. Accesses to members of
// its structs are relocated when a program is loaded, unless BPF_NO_PRESERVE_ACCESS_INDEX is defined. It declares the
// kfuncs, unless BPF_NO_KFUNC_PROTOTYPES is defined. The types of Linux 7 need clang's -fms-extensions (and
// -Wno-microsoft-anon-tag), because they have members without a name.
//
// Byte for byte, it is what bpftool 7.7 writes, which has the same libbpf as 1.7; but of the sorted types, bpftool
// leaves out the first.
//
// errors.Is: [ErrClosed], [ErrNotFound] for one of Types; unix.EINVAL, unix.ELOOP or unix.E2BIG for types that can't be
// written as C, or are too large; the error that w returned. When it returns an error, it may have written a part of
// the header.
func (b *BTF) DumpC(w io.Writer, opts DumpCOptions) error {
	if err := b.acquire(); err != nil {
		return err
	}
	defer b.h.Drop()
	d, err := b.newDumper(w)
	if err != nil {
		return fmt.Errorf("btf: dump %s: %w", b.what, err)
	}
	defer d.free()
	if err := d.header(opts); err != nil {
		return fmt.Errorf("btf: dump %s: %w", b.what, err)
	}
	return nil
}

// Declaration returns the C declaration of a variable of that type (btf_dump__emit_type_decl): for the name "comm",
// "const char comm[16]". With an empty name it returns the type only, "const char[16]".
//
// errors.Is: [ErrNotFound], [ErrClosed]; unix.EINVAL, unix.ELOOP or unix.E2BIG if any type of b can't be written as C.
func (b *BTF) Declaration(id TypeID, name string) (string, error) {
	if err := b.acquire(); err != nil {
		return "", err
	}
	defer b.h.Drop()
	t, err := b.typeByID(id)
	if err != nil {
		return "", err
	}
	if !isC(t.Kind()) {
		return "", fmt.Errorf("btf: declaration of type %d: %w", id, fault.Invalidf("C has no declaration for a %s", t.Kind()))
	}
	var text strings.Builder
	d, err := b.newDumper(&text)
	if err == nil {
		defer d.free()
		if err = d.declare(id, name); err == nil {
			err = d.flush()
		}
	}
	if err != nil {
		return "", fmt.Errorf("btf: declaration of type %d: %w", id, err)
	}
	return text.String(), nil
}

// dumper writes types as C.
type dumper struct {
	b    *BTF
	w    io.Writer
	c    *cDump
	text *cDumpText
}

func (b *BTF) newDumper(w io.Writer) (*dumper, error) {
	if err := b.dumpable(); err != nil {
		return nil, err
	}
	return b.makeDumper(w)
}

// makeDumper is newDumper for a dump whose types are checked elsewhere.
func (b *BTF) makeDumper(w io.Writer) (*dumper, error) {
	text := newDumpText()
	if text == nil {
		return nil, unix.ENOMEM
	}
	var c *cDump
	err := saying(func() error {
		var ret cInt
		c, ret = newDump(b.c, text)
		return clib.FromRet(int(ret))
	})
	if err != nil {
		freeDumpText(text)
		return nil, err
	}
	return &dumper{b, w, c, text}, nil
}

func (d *dumper) free() {
	freeDump(d.c)
	freeDumpText(d.text)
}

// flush writes the collected text.
func (d *dumper) flush() error {
	if d.text.err != 0 {
		return clib.FromRet(int(d.text.err))
	}
	if d.text.len == 0 {
		return nil
	}
	text := unsafe.Slice((*byte)(unsafe.Pointer(d.text.data)), int(d.text.len))
	d.text.len = 0
	// A Writer must not keep the slice, but some do: it gets a copy.
	_, err := d.w.Write(bytes.Clone(text))
	return err
}

func (d *dumper) header(opts DumpCOptions) error {
	guard := cmp.Or(opts.IncludeGuard, "__VMLINUX_H__")
	ids, err := d.b.dumpIDs(opts)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(d.w, dumpPrologue, guard); err != nil {
		return err
	}
	const enough = 64 << 10
	for at := 0; at < len(ids); {
		n := 0
		err := saying(func() error {
			var ret cInt
			n, ret = dumpTypes(d.c, d.text, ids[at:], enough)
			return clib.FromRet(int(ret))
		})
		if at += n; err != nil {
			return fmt.Errorf("type %d: %w", ids[at-1], err)
		}
		if err := d.flush(); err != nil {
			return err
		}
	}
	if opts.Types == nil {
		if err := d.kfuncs(); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(d.w, dumpEpilogue, guard)
	return err
}

// dumpIDs are the types to dump, in order.
func (b *BTF) dumpIDs(opts DumpCOptions) ([]TypeID, error) {
	switch {
	case opts.Types != nil:
		for _, id := range opts.Types {
			if int64(id) > int64(b.numTypes) {
				return nil, fmt.Errorf("type %d: %w", id, ErrNotFound)
			}
		}
		return opts.Types, nil
	case opts.Unsorted:
		ids := make([]TypeID, b.numTypes)
		for i := range ids {
			ids[i] = TypeID(i + 1)
		}
		return ids, nil
	default:
		return b.dumpOrder()
	}
}

// kfuncs declares the functions that the kernel's build has tagged as callable from BPF programs.
func (d *dumper) kfuncs() error {
	type kfunc struct {
		name  string
		proto TypeID
		id    TypeID
	}
	var kfuncs []kfunc
	fast := make(map[TypeID]bool)
	next := func(id TypeID) TypeID { return nextOfKind(d.b.c, id, d.b.numTypes, KindDeclTag) }
	for id := next(0); id != 0; id = next(id) {
		t, err := d.b.typeByID(id)
		if err != nil {
			return err
		}
		tag := t.(*DeclTag)
		if tag.Component != -1 {
			continue
		}
		switch tag.Name() {
		case "bpf_kfunc":
		case "bpf_fastcall":
			fast[tag.Target] = true
			continue
		default:
			continue
		}
		target, err := d.b.typeByID(tag.Target)
		if err != nil {
			return err
		}
		if f, ok := target.(*Func); ok {
			kfuncs = append(kfuncs, kfunc{f.Name(), f.Proto, f.ID()})
		}
	}
	slices.SortStableFunc(kfuncs, func(a, b kfunc) int { return cmp.Compare(a.name, b.name) })
	kfuncs = slices.Compact(kfuncs)

	var err error
	write := func(text string) {
		if err == nil {
			_, err = io.WriteString(d.w, text)
		}
	}
	write("\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n")
	for _, f := range kfuncs {
		write("extern ")
		if fast[f.id] {
			write("__bpf_fastcall ")
		}
		if err == nil {
			err = d.declare(f.proto, f.name)
		}
		if err == nil {
			err = d.flush()
		}
		write(" __weak __ksym;\n")
	}
	write("#endif\n\n")
	return err
}

func (d *dumper) declare(id TypeID, name string) error {
	var c cArgs
	defer c.Free()
	n := c.Of("name", name)
	if c.Err != nil {
		return c.Err
	}
	return saying(func() error { return clib.FromRet(int(dumpDeclaration(d.c, id, n))) })
}
