package libbpf

import (
	"encoding/binary"
	"fmt"
	"iter"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// Instruction is one BPF instruction, with the layout of the kernel's struct bpf_insn. An instruction that loads 64
// bits takes two: the second has Code 0, and the upper half of the number in Immediate.
type Instruction struct {
	Code      uint8
	Registers uint8 // two C bit fields, in this machine's order: see Destination and Source
	Offset    int16
	Immediate int32
}

// instructionSize is the size of an [Instruction], in bytes.
const instructionSize = uint32(unsafe.Sizeof(Instruction{}))

// ParseInstructions reads instructions from bytes, 8 for each, in this machine's byte order. errors.Is(err,
// [ErrInvalid]) when the last one is incomplete.
func ParseInstructions(raw []byte) ([]Instruction, error) {
	if len(raw)%int(instructionSize) != 0 {
		return nil, &Error{Op: "parse", Object: "instructions",
			Err: fault.Invalidf("there are %d bytes, which is not a multiple of %d", len(raw), instructionSize)}
	}
	insns := make([]Instruction, len(raw)/int(instructionSize))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(insns))), len(raw)), raw)
	return insns, nil
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// MakeRegisters returns the value of Instruction.Registers for two registers, each from 0 to 10.
func MakeRegisters(destination, source uint8) uint8 {
	if bigEndian {
		destination, source = source, destination
	}
	return destination&0xf | source<<4
}

// Destination is the number of the register that the instruction writes to or, if it writes to none, of its first
// operand.
func (i Instruction) Destination() uint8 {
	if bigEndian {
		return i.Registers >> 4
	}
	return i.Registers & 0xf
}

// Source is the number of the other register. For a load of 64 bits or a call, it says what Immediate means.
func (i Instruction) Source() uint8 {
	if bigEndian {
		return i.Registers & 0xf
	}
	return i.Registers >> 4
}

// The parts of an opcode, with the names of the kernel's bpf.h and bpf_common.h. The class is in the lower three bits.
// The other bits of a load or store are its size and mode; those of other instructions are the kind of the operand and
// the operation.
const (
	classLD    = 0x00
	classLDX   = 0x01
	classST    = 0x02
	classSTX   = 0x03
	classALU   = 0x04
	classJMP   = 0x05
	classJMP32 = 0x06
	classALU64 = 0x07

	modeIMM    = 0x00
	modeABS    = 0x20
	modeIND    = 0x40
	modeMEM    = 0x60
	modeMEMSX  = 0x80
	modeATOMIC = 0xc0

	sourceX = 0x08 // the operand is a register

	loadImm64 = classLD | 0x18 | modeIMM // the only instruction that takes two slots: BPF_LD | BPF_IMM | BPF_DW
)

// The values of Source that say what a loaded number is (BPF_PSEUDO_MAP_FD ...).
const (
	pseudoMapFD = 1 + iota
	pseudoMapValue
	pseudoBTFID
	pseudoFunc
	pseudoMapIndex
	pseudoMapIndexValue
)

// The values of Source that say what a called function is.
const (
	pseudoCall      = 1 // a function of the program
	pseudoKfuncCall = 2
)

// String returns the instruction in the notation of the verifier's log, such as "r0 = *(u64 *)(r10 -8)". For an
// instruction that takes two slots it only shows the lower half of the number: use [Disassemble].
func (i Instruction) String() string {
	if i.Code == loadImm64 {
		return i.loadText(uint64(uint32(i.Immediate)), true)
	}
	if text := i.text(); text != "" {
		return text
	}
	return fmt.Sprintf("unknown instruction %#02x (registers %d and %d, offset %d, immediate %d)", i.Code, i.Destination(),
		i.Source(), i.Offset, i.Immediate)
}

// Disassemble yields the index and text of each instruction, in the notation of the verifier's log. An instruction that
// takes two slots is yielded once, with its whole number. The target of a jump is relative to the next instruction, as
// in the kernel.
func Disassemble(insns []Instruction) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for at := 0; at < len(insns); at++ {
			index, i := at, insns[at]
			var text string
			if i.Code == loadImm64 && at+1 < len(insns) {
				at++
				text = i.loadText(uint64(uint32(i.Immediate))|uint64(uint32(insns[at].Immediate))<<32, false)
			} else {
				text = i.String()
			}
			if !yield(index, text) {
				return
			}
		}
	}
}

// loadText is the text of an instruction that loads 64 bits. If half, only the lower half of the number is known.
func (i Instruction) loadText(number uint64, half bool) string {
	lower, upper := int32(uint32(number)), int32(uint32(number>>32))
	what := fmt.Sprintf("%#x", number)
	switch i.Source() {
	case 0:
		if half {
			what += " (lower half)"
		}
	case pseudoMapFD:
		what = fmt.Sprintf("map[fd:%d]", lower)
	case pseudoMapValue:
		what = fmt.Sprintf("map[fd:%d][0]%+d", lower, upper)
	case pseudoBTFID:
		what = fmt.Sprintf("variable[btf:%d id:%d]", upper, lower)
	case pseudoFunc:
		what = fmt.Sprintf("function pc%+d", lower)
	case pseudoMapIndex:
		what = fmt.Sprintf("map[index:%d]", lower)
	case pseudoMapIndexValue:
		what = fmt.Sprintf("map[index:%d][0]%+d", lower, upper)
	default:
		what = fmt.Sprintf("%s (kind %d)", what, i.Source())
	}
	return fmt.Sprintf("r%d = %s", i.Destination(), what)
}

// text is "" for an unknown instruction.
func (i Instruction) text() string {
	switch i.Code & 7 {
	case classALU, classALU64:
		return i.aluText()
	case classJMP, classJMP32:
		return i.jumpText()
	case classLD:
		return i.packetText()
	case classLDX:
		switch i.Code & 0xe0 {
		case modeMEM:
			return fmt.Sprintf("r%d = %s", i.Destination(), i.memory("u", i.Source()))
		case modeMEMSX:
			return fmt.Sprintf("r%d = %s", i.Destination(), i.memory("s", i.Source()))
		}
	case classST:
		if i.Code&0xe0 == modeMEM {
			return fmt.Sprintf("%s = %d", i.memory("u", i.Destination()), i.Immediate)
		}
	case classSTX:
		switch i.Code & 0xe0 {
		case modeMEM:
			return fmt.Sprintf("%s = r%d", i.memory("u", i.Destination()), i.Source())
		case modeATOMIC:
			return i.atomicText()
		}
	}
	return ""
}

// bits is the width of a load or store.
func (i Instruction) bits() int { return [4]int{32, 16, 8, 64}[i.Code>>3&3] }

// address is the address of a load or store. base is the register with the base address.
func (i Instruction) address(sign string, base uint8) string {
	return fmt.Sprintf("(%s%d *)(r%d %+d)", sign, i.bits(), base, i.Offset)
}

func (i Instruction) memory(sign string, base uint8) string { return "*" + i.address(sign, base) }

// packetText is the text of a classic load from a packet.
func (i Instruction) packetText() string {
	switch i.Code & 0xe0 {
	case modeABS:
		return fmt.Sprintf("r0 = *(u%d *)skb[%d]", i.bits(), i.Immediate)
	case modeIND:
		return fmt.Sprintf("r0 = *(u%d *)skb[r%d %+d]", i.bits(), i.Source(), i.Immediate)
	}
	return ""
}

// The operations of arithmetic instructions, by the upper four bits of the opcode. Instructions without one here have a
// different notation.
var aluOperations = [16]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "", "%=", "^=", "=", "s>>="}

const (
	aluDiv = 0x30
	aluNeg = 0x80
	aluMod = 0x90
	aluMov = 0xb0
	aluEnd = 0xd0
)

func (i Instruction) aluText() string {
	register := "w"
	if i.Code&7 == classALU64 {
		register = "r"
	}
	destination := fmt.Sprintf("%s%d", register, i.Destination())
	operand := fmt.Sprint(i.Immediate)
	if i.Code&sourceX != 0 {
		operand = fmt.Sprintf("%s%d", register, i.Source())
	}
	switch i.Code & 0xf0 {
	case aluNeg:
		return fmt.Sprintf("%s = -%s", destination, destination)
	case aluEnd:
		order := "le"
		switch {
		case i.Code&7 == classALU64:
			order = "bswap"
		case i.Code&sourceX != 0:
			order = "be"
		}
		return fmt.Sprintf("r%d = %s%d r%d", i.Destination(), order, i.Immediate, i.Destination())
	case aluMov:
		switch {
		case i.Code&sourceX == 0 || i.Offset == 0:
		case i.Code&7 == classALU64 && i.Offset == 1: // Immediate holds both address spaces
			return fmt.Sprintf("%s = addr_space_cast(%s, %d, %d)", destination, operand, uint32(i.Immediate)>>16,
				uint32(i.Immediate)&0xffff)
		case i.Code&7 == classALU64 && i.Offset == -1:
			return fmt.Sprintf("%s = &(void __percpu *)(%s)", destination, operand)
		default:
			operand = fmt.Sprintf("(s%d)%s", i.Offset, operand)
		}
	case aluDiv, aluMod:
		if i.Offset == 1 {
			return fmt.Sprintf("%s s%s %s", destination, aluOperations[i.Code>>4], operand)
		}
	}
	operation := aluOperations[i.Code>>4]
	if operation == "" {
		return ""
	}
	return fmt.Sprintf("%s %s %s", destination, operation, operand)
}

// The conditions of jumps, by the upper four bits of the opcode.
var jumpConditions = [16]string{
	"", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<=",
}

const (
	jumpAlways = 0x00
	jumpCall   = 0x80
	jumpExit   = 0x90
	jumpMay    = 0xe0
)

func (i Instruction) jumpText() string {
	wide := i.Code&7 == classJMP
	switch i.Code & 0xf8 {
	case jumpAlways:
		if wide {
			return fmt.Sprintf("goto pc%+d", i.Offset)
		}
		return fmt.Sprintf("gotol pc%+d", i.Immediate)
	case jumpAlways | sourceX:
		if wide {
			return fmt.Sprintf("gotox r%d", i.Destination())
		}
		return ""
	case jumpCall:
		if wide {
			return i.callText()
		}
		return ""
	case jumpCall | sourceX:
		if wide {
			return fmt.Sprintf("callx r%d", i.Destination())
		}
		return ""
	case jumpExit:
		if wide {
			return "exit"
		}
		return ""
	case jumpMay:
		if wide {
			return fmt.Sprintf("may_goto pc%+d", i.Offset)
		}
		return ""
	}
	condition := jumpConditions[i.Code>>4]
	if condition == "" {
		return ""
	}
	register := "r"
	if !wide {
		register = "w"
	}
	operand := fmt.Sprintf("%#x", uint32(i.Immediate)) // as the verifier prints it
	if i.Code&sourceX != 0 {
		operand = fmt.Sprintf("%s%d", register, i.Source())
	}
	return fmt.Sprintf("if %s%d %s %s goto pc%+d", register, i.Destination(), condition, operand, i.Offset)
}

func (i Instruction) callText() string {
	switch i.Source() {
	case pseudoCall:
		return fmt.Sprintf("call pc%+d", i.Immediate)
	case pseudoKfuncCall:
		return fmt.Sprintf("call kernel-function#%d", i.Immediate)
	}
	name := HelperID(i.Immediate).String()
	if i.Immediate > 0 && int(i.Immediate) < len(helperNames) {
		name = "bpf_" + name
	}
	return fmt.Sprintf("call %s#%d", name, i.Immediate)
}

// The operations of atomic instructions, which are in Immediate.
const (
	atomicFetch   = 0x01
	atomicXchg    = 0xe0 | atomicFetch
	atomicCmpXchg = 0xf0 | atomicFetch
	atomicLoad    = 0x100
	atomicStore   = 0x110
)

var atomicNames = map[int32]string{0x00: "add", 0x40: "or", 0x50: "and", 0xa0: "xor"}

func (i Instruction) atomicText() string {
	address := func(base uint8) string { return i.address("u", base) }
	kind := "atomic"
	if i.bits() == 64 {
		kind = "atomic64"
	}
	destination, source := i.Destination(), i.Source()
	switch i.Immediate {
	case atomicXchg:
		return fmt.Sprintf("r%d = %s_xchg(%s, r%d)", source, kind, address(destination), source)
	case atomicCmpXchg:
		return fmt.Sprintf("r0 = %s_cmpxchg(%s, r0, r%d)", kind, address(destination), source)
	case atomicLoad:
		return fmt.Sprintf("r%d = load_acquire(%s)", destination, address(source))
	case atomicStore:
		return fmt.Sprintf("store_release(%s, r%d)", address(destination), source)
	}
	name, known := atomicNames[i.Immediate&^atomicFetch]
	switch {
	case !known:
		return ""
	case i.Immediate&atomicFetch != 0:
		return fmt.Sprintf("r%d = %s_fetch_%s(%s, r%d)", source, kind, name, address(destination), source)
	default:
		return fmt.Sprintf("lock *%s %s r%d", address(destination), aluOperations[i.Immediate>>4], source)
	}
}
