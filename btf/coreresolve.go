package btf

import (
	"fmt"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Resolution is what a CO-RE relocation becomes on one kernel.
type Resolution struct {
	Relocation
	// Err is why libbpf can't apply the relocation: it would not load the program.
	Err error
	// Poisoned says that there is nothing that matches, or nothing that the instruction can read. libbpf replaces the
	// instruction by one that the verifier refuses if a program can reach it.
	Poisoned bool
	// Old is the value for the object's own types, which the compiler has written into the instruction, and New the one
	// for the target's types.
	Old, New uint64
	// In has the type that matched: the kernel's types or those of a module. It is nil if none did.
	In *BTF
	// Target is the type that matched, in In, and TargetSpec what matched in C, such as "struct task_struct.pid".
	Target     TypeID
	TargetSpec string

	steps []int // from Target to the member
}

// Resolve says what the relocations become on a kernel: the running one's types ([LoadKernel]), or those of another one
// ([Parse], [ParseRaw]). As libbpf does, it looks into the modules for types that the kernel does not have; the modules'
// types refer to the kernel's ([LoadModule]).
//
// The result has a Resolution for each of [Relocations.All], in the same order. The error is for the whole: errors.Is:
// [ErrClosed]; unix.EINVAL for a module of another kernel.
func (r *Relocations) Resolve(kernel *BTF, modules ...*BTF) ([]Resolution, error) {
	if r == nil {
		return nil, ErrClosed
	}
	if err := r.h.Acquire(); err != nil {
		return nil, err
	}
	defer r.h.Drop()
	targets, err := newCoreTargets(kernel, modules)
	if err != nil {
		return nil, err
	}
	defer targets.drop()
	found := make(map[coreCandidateKey]*coreCandidateList)
	all := make([]Resolution, len(r.all))
	for i := range all {
		all[i].Relocation = r.all[i]
		all[i].Err = r.resolve(i, targets, found, &all[i])
	}
	return all, nil
}

func (r *Relocations) resolve(i int, in *coreTargets, found map[coreCandidateKey]*coreCandidateList, to *Resolution) error {
	list, err := r.candidates(i, in, found)
	if err != nil {
		return err
	}
	insn, err := r.instruction(i)
	if err != nil {
		return err
	}
	var c cArgs
	defer c.Free()
	function := c.Of("function", to.Function)
	if c.Err != nil {
		return c.Err
	}
	var result cCoreResult
	err = saying(func() error {
		var ret cInt
		list.left, ret = coreResolve(function, i, r.types.c, &r.relos[i], list.left, &insn, &result)
		return clib.FromRet(int(ret))
	})
	to.Old, to.New, to.Poisoned = uint64(result.old_value), uint64(result.new_value), bool(result.poisoned)
	if result.btf != nil {
		to.In = in.of(result.btf)
		to.Target = TypeID(result.target._type)
		to.TargetSpec = specText(&result.target, to.Kind)
		for _, step := range result.target.steps[:result.target.len] {
			to.steps = append(to.steps, int(step))
		}
	}
	return err
}

// coreCandidateKey is a local type. Fewer types can be the target of a relocation that is about an enumerator.
type coreCandidateKey struct {
	id    TypeID
	enums bool
}

// coreCandidateList has the types that may be a local type. Like libbpf, each relocation for the local type removes
// those that do not match it.
type coreCandidateList struct {
	left []cCoreCandidate
	err  error
}

func (r *Relocations) candidates(i int, in *coreTargets, found map[coreCandidateKey]*coreCandidateList) (*coreCandidateList, error) {
	of := &r.all[i]
	if of.Kind == RelocateTypeIDLocal {
		return &coreCandidateList{}, nil
	}
	key := coreCandidateKey{of.Type, of.Kind.ofEnum()}
	list, ok := found[key]
	if !ok {
		list = &coreCandidateList{}
		list.left, list.err = in.find(r.types, key.id, key.enums)
		found[key] = list
	}
	return list, list.err
}

// coreTargets are the types that relocations may resolve to.
type coreTargets struct {
	all    []*BTF // the kernel's, then the modules'
	checks []*dumpCheck
}

func newCoreTargets(kernel *BTF, modules []*BTF) (*coreTargets, error) {
	t := &coreTargets{}
	for i, b := range append([]*BTF{kernel}, modules...) {
		if err := b.acquire(); err != nil {
			t.drop()
			return nil, err
		}
		t.all = append(t.all, b)
		t.checks = append(t.checks, newDumpCheck(b))
		if i > 0 && b.base != kernel {
			t.drop()
			return nil, fmt.Errorf("btf: %s: %w", b.what, fault.Invalidf("it does not refer to %s", kernel.what))
		}
	}
	return t, nil
}

func (t *coreTargets) drop() {
	for _, b := range t.all {
		b.h.Drop()
	}
}

// of finds the BTF with libbpf's struct btf.
func (t *coreTargets) of(c *cBTF) *BTF {
	for _, b := range t.all {
		if b.c == c {
			return b
		}
	}
	return nil
}

// find finds the types with the name of a local type: the kernel's or, if it has none, those of all modules.
func (t *coreTargets) find(local *BTF, id TypeID, enums bool) ([]cCoreCandidate, error) {
	var found []cCoreCandidate
	for i, b := range t.all {
		start := TypeID(1)
		if i > 0 {
			start = TypeID(t.all[0].numTypes + 1)
		}
		var ids []TypeID
		if err := saying(func() error {
			var ret cInt
			ids, ret = coreCandidates(local.c, id, b.c, start)
			return clib.FromRet(int(ret))
		}); err != nil {
			return nil, err
		}
		for _, id := range ids {
			if ok, err := t.usable(i, id, enums); err != nil {
				return nil, err
			} else if ok {
				found = append(found, cCoreCandidate{btf: b.c, _type: cU32(id)})
			}
		}
		if i == 0 && len(found) > 0 {
			break
		}
	}
	return found, nil
}

// usable refuses damaged types: libbpf trusts compilers in the types that it compares. Those of which no enumerator can
// be taken do not match; libbpf reads what is behind their end.
func (t *coreTargets) usable(i int, id TypeID, enum bool) (bool, error) {
	b, c := t.all[i], t.checks[i]
	if _, err := c.walk(dumpVisit{id, false}); err != nil {
		return false, fmt.Errorf("btf: %s: %w", b.what, err)
	}
	if !enum {
		return true, nil
	}
	is, err := b.resolve(id)
	if err != nil {
		return false, err
	}
	e, ok := is.(*Enum)
	return ok && len(e.Values) > 0, nil
}
