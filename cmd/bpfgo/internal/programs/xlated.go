package programs

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
)

// The instructions that are shown in another way, as the kernel's bpf.h has them.
const (
	loadImm64 = 0x18 // BPF_LD | BPF_IMM | BPF_DW
	call      = 0x85 // BPF_JMP | BPF_CALL
	exit      = 0x95 // BPF_JMP | BPF_EXIT
	jumpLong  = 0x06 // BPF_JMP32 | BPF_JA
	classJMP  = 0x05
	classJ32  = 0x06

	mapID    = 1 // BPF_PSEUDO_MAP_FD: a loaded number, or BPF_PSEUDO_CALL: a called function
	mapValue = 2 // BPF_PSEUDO_MAP_VALUE, or BPF_PSEUDO_KFUNC_CALL
)

// xlated are the instructions after verification.
func (d *dumper) xlated() ([]line, error) {
	insns := d.info.XlatedInstructions
	if len(insns) == 0 {
		return nil, hiddenError("instructions")
	}
	var lines []line
	for index, text := range libbpf.Disassemble(insns) {
		l := line{Index: &index, Function: d.functions[index], Text: text}
		if s, found := d.sources[index]; found {
			l.Source = &s
		}
		i := insns[index]
		l.Opcodes = opcodes(i)
		switch {
		case i.Code == loadImm64 && index+1 < len(insns):
			l.Opcodes += opcodes(insns[index+1])
			l.Text = d.loadText(i, insns[index+1], text)
		case i.Code == call:
			l.Text = d.callText(index, i, text)
		default:
			if to, jumps := target(index, i); jumps {
				l.Text += fmt.Sprintf("  # %d", to)
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// opcodes are the bytes of an instruction.
func opcodes(i libbpf.Instruction) string {
	bytes := []byte{i.Code, i.Registers}
	bytes = binary.NativeEndian.AppendUint16(bytes, uint16(i.Offset))
	bytes = binary.NativeEndian.AppendUint32(bytes, uint32(i.Immediate))
	return hexBytes(bytes)
}

// target is the instruction that a jump goes to. A call is none.
func target(index int, i libbpf.Instruction) (to int, jumps bool) {
	switch class := i.Code & 7; {
	case class != classJMP && class != classJ32, i.Code == call, i.Code == exit:
		return 0, false
	case i.Code&0xf0 == 0x80 || i.Code&0xf8 == 0x08: // an indirect call or jump
		return 0, false
	case i.Code == jumpLong:
		return index + 1 + int(i.Immediate), true
	}
	return index + 1 + int(i.Offset), true
}

// loadText is the text of a load of 64 bits. After verification, maps are there by their ids.
func (d *dumper) loadText(first, second libbpf.Instruction, text string) string {
	register, id := first.Destination(), uint32(first.Immediate)
	name := d.maps[id]
	switch first.Source() {
	case mapID:
		return strings.TrimSpace(fmt.Sprintf("r%d = map[id:%d] %s", register, id, name))
	case mapValue:
		return strings.TrimSpace(fmt.Sprintf("r%d = map[id:%d][0]%+d %s", register, id, second.Immediate, name))
	}
	return text
}

// callText is the text of a call, with the name of what it calls.
func (d *dumper) callText(index int, i libbpf.Instruction, text string) string {
	if i.Source() == mapID { // a function of the program; the offset is that of its first instruction
		to := index + 1 + int(i.Offset)
		if name := d.functions[to]; name != "" {
			return fmt.Sprintf("call %s  # %d", name, to)
		}
		return fmt.Sprintf("call pc%+d  # %d", i.Offset, to)
	}
	if i.Immediate == 0 {
		d.hiddenCalls = true
		return "call ?"
	}
	// The address of the function is relative to that of another one.
	if symbols := d.kernelSymbols(); d.callBase != 0 {
		address := d.callBase + uint64(int64(i.Immediate))
		if s, found := symbols.Find(address); found && s.Address == address {
			return "call " + s.Name
		}
	}
	if i.Source() == mapValue {
		if name := names.Type(d.known.Get(kernelBTF), btfID(i.Immediate)); name != "" {
			return "call " + name
		}
	}
	return text
}
