package programs

import (
	"fmt"
	"sort"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/disassemble"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kallsyms"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
)

// kernelBTF is the id of the kernel's own BTF, which is there before any other.
const kernelBTF = 1

func btfID(n int32) btf.TypeID { return btf.TypeID(uint32(n)) }

// kernelSymbols are the symbols of the kernel.
func (d *dumper) kernelSymbols() *kallsyms.Table {
	if d.symbols == nil {
		symbols, _ := kallsyms.Read() // none where the kernel hides them
		d.symbols = &symbols
		d.callBase, _ = d.symbols.Address("__bpf_call_base")
	}
	return d.symbols
}

// jited is the machine code.
func (d *dumper) jited() ([]line, error) {
	code := d.info.JITedInstructions
	switch {
	case d.info.JITedSize == 0:
		return nil, uncompiled()
	case len(code) == 0 || len(d.info.JITedFuncLens) == 0:
		return nil, hiddenError("machine code")
	}
	functions, sources := d.sortedFunctions(), d.sourcesByAddress()
	var lines []line
	for i, length := range d.info.JITedFuncLens {
		size := min(int(length), len(code))
		var address uint64
		if i < len(d.info.JITedKsyms) {
			address = d.info.JITedKsyms[i]
		}
		instructions, err := disassemble.Code(code[:size], address, d.called)
		if err != nil {
			return nil, err
		}
		code = code[size:]
		name := fmt.Sprintf("function %d", i)
		if i < len(functions) && functions[i] != "" {
			name = functions[i]
		}
		for j, one := range instructions {
			l := line{Offset: &one.Offset, Opcodes: hexBytes(one.Bytes), Text: one.Text}
			if address != 0 {
				l.Address = fmt.Sprintf("%#x", address+uint64(one.Offset))
			}
			if j == 0 {
				l.Function = name
			}
			if s, found := sources[address+uint64(one.Offset)]; found {
				l.Source = &s
			}
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// sortedFunctions are the names of the functions, in their order.
func (d *dumper) sortedFunctions() []string {
	var starts []int
	for start := range d.functions {
		starts = append(starts, start)
	}
	sort.Ints(starts)
	var sorted []string
	for _, start := range starts {
		sorted = append(sorted, d.functions[start])
	}
	return sorted
}

// sourcesByAddress are the lines of the source, by the address where their machine code begins. Of several at one
// address it is the first.
func (d *dumper) sourcesByAddress() map[uint64]source {
	lines := map[uint64]source{}
	for i, at := range d.info.JITedLineInfo {
		if _, seen := lines[at]; seen || i >= len(d.info.LineInfo) || d.types == nil {
			continue
		}
		if s, err := d.info.LineInfo[i].Source(d.types); err == nil {
			lines[at] = source{s.File, s.Line, s.Column, s.Text}
		}
	}
	return lines
}

// called names what is at an address: a function of the program, or of the kernel.
func (d *dumper) called(address uint64) (string, uint64) {
	for i, at := range d.info.JITedKsyms {
		if at == address && i < len(d.info.FuncInfo) {
			return names.Type(d.types, d.info.FuncInfo[i].TypeID), 0
		}
	}
	s, found := d.kernelSymbols().Find(address)
	if !found {
		return "", 0
	}
	return s.Name, address - s.Address
}
