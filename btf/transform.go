package btf

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Dedup removes types and strings that are there more than once (btf__dedup). The numbers of types change. The types of
// the base stay as they are; types that the base has are removed. ext, if it is not nil, belongs to the types: its
// numbers and offsets change with them.
//
// It takes memory for a stack that is as large as the number of types needs. Types that were made for it can keep
// libbpf busy for a long time: only give it types whose origin you trust.
//
// The error is in [Builder.Err]: unix.EINVAL if a type refers to one that does not exist, or the types are damaged,
// unix.ELOOP for a cycle without a struct.
func (b *Builder) Dedup(ext *Ext) {
	b.transform("dedup", ext, func(c *cExt) error {
		if err := b.checkChains(true); err != nil {
			return err
		}
		return clib.FromRet(int(dedup(b.c, c)))
	})
}

// Permute gives the types new numbers, and so changes their order (btf__permute). numbers has the new number of each
// type that is not the base's, in the order of the old numbers. ext is as for [Builder.Dedup].
//
// The error is in [Builder.Err]: unix.EINVAL if numbers is no permutation, or if a type refers to one that does not
// exist, [errors.ErrUnsupported] before libbpf 1.7.
func (b *Builder) Permute(numbers []TypeID, ext *Ext) {
	b.transform("permute", ext, func(c *cExt) error {
		if err := clib.Needs("btf__permute", 1, 7); err != nil {
			return err
		}
		first := 1
		if b.base != nil {
			first += b.base.numTypes
		}
		if own := numTypes(b.c) + 1 - first; len(numbers) != own {
			return fault.Invalidf("there are %d numbers for %d types", len(numbers), own)
		}
		if len(numbers) == 0 {
			return nil
		}
		to := make([]uint32, 0, len(numbers)+1)
		if b.base == nil {
			to = append(to, 0) // void
		}
		for _, number := range numbers {
			to = append(to, uint32(number))
		}
		return clib.FromRet(int(permute(b.c, to, c)))
	})
}

// Relocate makes the types refer to those of another base (btf__relocate). The base until now has only what it needs to
// tell the types of a base, as that of [BTF.DistillBase] and that in a module's section .BTF.base: each of its types
// must be found in the other base, by name, kind and, where it matters, size.
//
// The error is in [Builder.Err]: unix.EINVAL without a base, for a base that itself has a base, and for types that are
// not found or are ambiguous; unix.ELOOP for a cycle; [ErrClosed] for base, [errors.ErrUnsupported] before libbpf 1.5.
func (b *Builder) Relocate(base *BTF) {
	b.transform("relocate", nil, func(*cExt) error {
		if err := clib.Needs("btf__relocate", 1, 5); err != nil {
			return err
		}
		// libbpf does not check these: it has room for the strings of one base only.
		switch {
		case b.base == nil:
			return fault.Invalidf("the types have no base")
		case b.base.base != nil || base != nil && base.base != nil:
			return fault.Invalidf("a base has a base")
		}
		if err := b.checkChains(false); err != nil {
			return err
		}
		before := Builder{base: b.base, ownBase: b.ownBase}
		b.base, b.ownBase = nil, nil
		order := b.order
		err := b.setBase(base)
		b.order = order
		if err == nil {
			err = clib.FromRet(int(relocate(b.c, b.cBase())))
		}
		before.dropBase()
		return err
	})
}

// transform runs an operation that changes all types. libbpf does not check what they refer to, does not bring what it
// stored of them up to date, and forgets how much memory they have. So it gets them parsed, and parses the result.
func (b *Builder) transform(op string, ext *Ext, f func(ext *cExt) error) {
	b.do(op, func() error {
		if err := b.reparse(); err != nil {
			return err
		}
		if err := checkNumbers(b.c); err != nil {
			return err
		}
		run := func(c *cExt) error {
			if err := saying(func() error { return f(c) }); err != nil {
				return err
			}
			return b.reparse()
		}
		if ext == nil {
			return run(nil)
		}
		return ext.change(func(c *cExt) error {
			if err := checkExt(c, b.c); err != nil {
				return fmt.Errorf("the ext: %w", err)
			}
			return run(c)
		})
	})
}

func (b *Builder) reparse() error {
	raw := rawData(b.c)
	if raw == nil {
		return unix.ENOMEM
	}
	return b.replace(raw)
}

// checkNumbers checks that the types to which types refer exist. libbpf checks most of them, but not what a function
// returns, and not the number that a declaration may have in place of a size, which it follows too.
func checkNumbers(c *cBTF) error {
	n := uint32(numTypes(c))
	for id := uint32(1); id <= n; id++ {
		words := typeMemory(c, TypeID(id))
		if Kind(words[wordInfo]>>24&0x1f) == KindFwd && words[wordSize] != 0 {
			return fmt.Errorf("type %d, a declaration, refers to type %d: %w", id, words[wordSize], unix.EINVAL)
		}
		for _, at := range referenceWords(words[wordInfo]) {
			if words[at] > n {
				return fmt.Errorf("type %d refers to type %d of %d: %w", id, words[at], n, unix.EINVAL)
			}
		}
	}
	return nil
}

// checkChains finds cycles of types that only add something to another type. libbpf would follow them without an end.
// Where pointers and functions end a chain for libbpf, throughPtr is false.
func (b *Builder) checkChains(throughPtr bool) error {
	const unseen, busy, done = 0, 1, 2
	state := make([]byte, numTypes(b.c)+1)
	for id := 1; id < len(state); id++ {
		var chain []TypeID
		at := TypeID(id)
		for at != 0 && state[at] == unseen {
			state[at] = busy
			chain = append(chain, at)
			at = nextInChain(typeMemory(b.c, at), throughPtr)
		}
		if at != 0 && state[at] == busy {
			return fmt.Errorf("type %d refers to itself: %w", at, errCycle)
		}
		for _, id := range chain {
			state[id] = done
		}
	}
	return nil
}

// nextInChain is 0 for the end.
func nextInChain(words []uint32, throughPtr bool) TypeID {
	switch Kind(words[wordInfo] >> 24 & 0x1f) {
	case KindConst, KindVolatile, KindRestrict, KindTypedef, KindTypeTag:
		return TypeID(words[wordSize])
	case KindPtr, KindFunc:
		if throughPtr {
			return TypeID(words[wordSize])
		}
	case KindArray:
		return TypeID(words[wordsFixed])
	}
	return 0
}

// DistillBase makes a base that only has what is needed to find the types to which b refers in another version of b's
// base, and a version of b that refers to it (btf__distill_base). The caller closes both. [Builder.Relocate] is the way
// back.
//
// errors.Is: unix.EINVAL if b has no base, or refers to a function, variable or section of its base; unix.ENOMEM,
// [ErrClosed], [errors.ErrUnsupported] before libbpf 1.5.
func (b *BTF) DistillBase() (base, split *BTF, err error) {
	fail := func(err error) (*BTF, *BTF, error) {
		return nil, nil, fmt.Errorf("btf: distill the base of %s: %w", b, err)
	}
	if err := b.acquire(); err != nil {
		return fail(err)
	}
	defer b.h.Drop()
	if b.base == nil {
		return fail(fault.Invalidf("it has none"))
	}
	if err := clib.Needs("btf__distill_base", 1, 5); err != nil {
		return fail(err)
	}
	if err := checkNumbers(b.c); err != nil {
		return fail(err)
	}
	var cBase, cSplit *cBTF
	err = saying(func() error {
		var ret cInt
		cBase, cSplit, ret = distill(b.c)
		return clib.FromRet(int(ret))
	})
	if err != nil {
		return fail(err)
	}
	defer freeBTF(cBase)
	defer freeBTF(cSplit)
	rawBase, rawSplit := rawData(cBase), rawData(cSplit)
	if rawBase == nil || rawSplit == nil {
		return fail(unix.ENOMEM)
	}
	if base, err = ParseRaw(rawBase); err != nil {
		return fail(err)
	}
	if split, err = ParseRawSplit(rawSplit, base); err != nil {
		_ = base.Close()
		return fail(err)
	}
	base.what, split.what = "the distilled base of "+b.what, b.what
	base.setPointerSize(b.pointerSize)
	split.setPointerSize(b.pointerSize)
	return base, split, nil
}
