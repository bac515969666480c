package btf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// RelocationKind says what a CO-RE relocation writes into its instruction. The values are those of
// enum bpf_core_relo_kind in linux/bpf.h.
type RelocationKind uint32

// The kinds of relocations. Without a matching type or member, a relocation that asks whether it exists, for its size or
// for its number, is 0. Others make libbpf poison the instruction: the verifier accepts it only if it is never reached.
const (
	RelocateFieldByteOffset RelocationKind = 0  // the offset of a member, in bytes
	RelocateFieldByteSize   RelocationKind = 1  // its size, in bytes
	RelocateFieldExists     RelocationKind = 2  // whether there is such a member
	RelocateFieldSigned     RelocationKind = 3  // whether it is signed
	RelocateFieldLShiftU64  RelocationKind = 4  // how far to shift left to read a bit field
	RelocateFieldRShiftU64  RelocationKind = 5  // how far to shift right then
	RelocateTypeIDLocal     RelocationKind = 6  // the type's number in the object's BTF
	RelocateTypeIDTarget    RelocationKind = 7  // its number in the kernel's BTF
	RelocateTypeExists      RelocationKind = 8  // whether there is a type of that name and kind
	RelocateTypeSize        RelocationKind = 9  // its size, in bytes
	RelocateEnumvalExists   RelocationKind = 10 // whether there is such an enumerator
	RelocateEnumvalValue    RelocationKind = 11 // its value
	RelocateTypeMatches     RelocationKind = 12 // whether there is such a type with all members
)

var relocationKindNames = [...]string{
	RelocateFieldByteOffset: "byte_off",
	RelocateFieldByteSize:   "byte_sz",
	RelocateFieldExists:     "field_exists",
	RelocateFieldSigned:     "signed",
	RelocateFieldLShiftU64:  "lshift_u64",
	RelocateFieldRShiftU64:  "rshift_u64",
	RelocateTypeIDLocal:     "local_type_id",
	RelocateTypeIDTarget:    "target_type_id",
	RelocateTypeExists:      "type_exists",
	RelocateTypeSize:        "type_size",
	RelocateEnumvalExists:   "enumval_exists",
	RelocateEnumvalValue:    "enumval_value",
	RelocateTypeMatches:     "type_matches",
}

// String is libbpf's name for the kind, such as "byte_off".
func (k RelocationKind) String() string {
	if int(k) < len(relocationKindNames) {
		return relocationKindNames[k]
	}
	return "relocation kind " + strconv.FormatUint(uint64(k), 10)
}

// ofField tells whether the relocation is about a member.
func (k RelocationKind) ofField() bool { return k <= RelocateFieldRShiftU64 }

// ofEnum tells whether the relocation is about an enumerator.
func (k RelocationKind) ofEnum() bool { return k == RelocateEnumvalExists || k == RelocateEnumvalValue }

// Relocation is one CO-RE relocation: libbpf changes one instruction so that it fits the types of the running kernel.
type Relocation struct {
	Section     string // of the ELF file, such as "tp_btf/sched_switch"
	Function    string // the C function with the instruction
	Instruction int    // its number in the function
	Kind        RelocationKind
	Type        TypeID // in the object's BTF: see Relocations.Types
	Access      string // the path to the member or enumerator, as indices: "0:77"
	Spec        string // what this is in C, as libbpf prints it: "struct task_struct.pid"
}

// String is such as "on_switch insn 4: byte_off struct task_struct.pid".
func (r Relocation) String() string {
	return fmt.Sprintf("%s insn %d: %s %s", r.Function, r.Instruction, r.Kind, r.Spec)
}

// Relocations are the CO-RE relocations of a compiled object. All methods are safe for concurrent use, also with Close.
type Relocations struct {
	h     *handle.Handle
	what  string // for errors
	types *BTF   // owned
	all   []Relocation
	relos []cCoreRelo
	code  map[string][]byte // the sections with instructions
}

// RelocationsInFile reads the CO-RE relocations of a compiled object. The caller closes the result. An object without
// relocations is fine: the result then has none.
//
// errors.Is: [ErrNoBTF] for an object without type information; [os.ErrNotExist]; unix.EINVAL for a damaged object, and
// for one of the other byte order; [errors.ErrUnsupported] if libbpf is the system's, which does not tell this.
func RelocationsInFile(path string) (*Relocations, error) {
	image, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("btf: relocations: %w", err)
	}
	return readRelocations(path, image)
}

// RelocationsInMemory is [RelocationsInFile] for an object in memory. It does not keep the bytes after it returns.
func RelocationsInMemory(object []byte) (*Relocations, error) {
	return readRelocations("object in memory", object)
}

func readRelocations(what string, image []byte) (*Relocations, error) {
	r := &Relocations{what: what, code: make(map[string][]byte)}
	if err := r.read(image); err != nil {
		_ = r.types.Close()
		return nil, fmt.Errorf("btf: relocations of %s: %w", what, err)
	}
	// The types stay in memory if the user closes them before the relocations.
	_ = r.types.acquire()
	r.h = handle.New(handle.Resource{Release: func() error {
		defer r.types.h.Drop()
		return r.types.Close()
	}})
	return r, nil
}

// errSystemCore is why nothing is known about relocations.
var errSystemCore = fault.New("CO-RE relocations can't be read with the system's libbpf: build with the vendored one",
	errors.ErrUnsupported)

func (r *Relocations) read(image []byte) error {
	if !clib.Vendored() {
		return errSystemCore
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return fault.Invalidf("%v", err)
	}
	if file.ByteOrder != nativeOrder {
		return fault.Invalidf("it has the other byte order (%v)", file.Data)
	}
	raw, err := sectionData(file, ".BTF")
	switch {
	case err != nil:
		return err
	case raw == nil:
		return ErrNoBTF
	}
	if r.types, err = ParseRaw(raw); err != nil {
		return err
	}
	if err := r.types.Check(); err != nil {
		return err
	}
	rawExt, err := sectionData(file, ".BTF.ext")
	if err != nil || rawExt == nil {
		return err
	}
	ext, err := ParseExt(rawExt)
	if err != nil {
		return err
	}
	defer ext.Close()
	err = ext.with(func(c *cExt) error {
		var ret cInt
		r.relos, ret = coreRelos(c)
		return clib.FromRet(int(ret))
	})
	if err != nil {
		return err
	}
	for i := range r.relos {
		relocation, err := r.relocation(&r.relos[i])
		if err != nil {
			return fmt.Errorf("relocation %d: %w", i, err)
		}
		r.all = append(r.all, relocation)
		if _, ok := r.code[relocation.Section]; !ok {
			if r.code[relocation.Section], err = sectionData(file, relocation.Section); err != nil {
				return err
			}
		}
	}
	return nil
}

// sectionData is nil for a section that is not there, or has no content.
func sectionData(file *elf.File, name string) ([]byte, error) {
	s := file.Section(name)
	if s == nil || s.Type == elf.SHT_NOBITS || s.Size == 0 {
		return nil, nil
	}
	data, err := s.Data()
	if err != nil {
		return nil, fault.Invalidf("section %s: %v", name, err)
	}
	return data, nil
}

// relocation checks a relocation, and describes it: libbpf trusts compilers in the numbers that it has.
func (r *Relocations) relocation(relo *cCoreRelo) (Relocation, error) {
	out := Relocation{Kind: RelocationKind(relo.kind), Type: TypeID(relo._type)}
	var err error
	if out.Section, err = r.types.name(uint32(relo.section)); err != nil {
		return Relocation{}, err
	}
	if out.Access, err = r.types.name(uint32(relo.access)); err != nil {
		return Relocation{}, err
	}
	if relo._func != 0 {
		f, err := r.types.TypeByID(TypeID(relo._func))
		if err != nil {
			return Relocation{}, err
		}
		out.Function = f.Name()
	}
	if relo.offset%slotSize != 0 {
		return Relocation{}, fault.Invalidf("it is for an instruction at %d", relo.offset)
	}
	out.Instruction = int((relo.offset - relo.func_offset) / slotSize)
	if _, err := r.types.TypeByID(out.Type); err != nil {
		return Relocation{}, err
	}
	for index := range strings.SplitSeq(out.Access, ":") {
		if _, err := strconv.ParseUint(index, 10, 31); err != nil {
			return Relocation{}, fault.Invalidf("its access string is %q", out.Access)
		}
	}
	var c cArgs
	defer c.Free()
	function := c.Of("function", out.Function)
	if c.Err != nil {
		return Relocation{}, c.Err
	}
	var spec cCoreSpec
	err = saying(func() error { return clib.FromRet(int(coreLocal(function, r.types.c, relo, &spec))) })
	if err != nil {
		return Relocation{}, err
	}
	out.Spec = specText(&spec, out.Kind)
	return out, nil
}

// slotSize is the size of an instruction; some take two slots.
const slotSize = 8

// specText takes the type and the members out of libbpf's text "<byte_off> [7] struct s.x (0:1 @ offset 8)".
func specText(spec *cCoreSpec, kind RelocationKind) string {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&spec.text[0])), len(spec.text))
	text := string(raw[:max(bytes.IndexByte(raw, 0), 0)])
	if _, after, found := strings.Cut(text, "] "); found {
		text = after
	}
	if end := strings.LastIndex(text, " ("); end >= 0 && kind.ofField() {
		text = text[:end]
	}
	return text
}

// All returns the relocations, in the order of the object. It is empty after Close.
func (r *Relocations) All() []Relocation {
	if r == nil || r.h.Acquire() != nil {
		return nil
	}
	defer r.h.Drop()
	return slices.Clone(r.all)
}

// Types are the object's own types, to which [Relocation.Type] refers. Close of r closes them.
func (r *Relocations) Types() *BTF {
	if r == nil {
		return nil
	}
	return r.types
}

// Close frees the relocations. It is idempotent.
func (r *Relocations) Close() error {
	if r == nil {
		return nil
	}
	return r.h.Close()
}

// errDamagedCode says that a relocation is for what is no instruction.
var errDamagedCode = fault.New("it is not for an instruction", unix.EINVAL)

// instruction is a copy of the instruction of a relocation, in two slots.
func (r *Relocations) instruction(i int) (insn [2]uint64, err error) {
	code, at := r.code[r.all[i].Section], uint64(r.relos[i].offset)
	if at+slotSize > uint64(len(code)) {
		return insn, errDamagedCode
	}
	code = code[at:]
	insn[0] = binary.NativeEndian.Uint64(code)
	if isLong := code[0] == 0x18; isLong && len(code) < 2*slotSize {
		return insn, errDamagedCode
	} else if isLong {
		insn[1] = binary.NativeEndian.Uint64(code[slotSize:])
	}
	return insn, nil
}
