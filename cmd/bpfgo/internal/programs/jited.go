package programs

import (
	"fmt"
	"sort"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/disassemble"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
)

// kernelBTF is the id of the kernel's own BTF, which is there before any other.
const kernelBTF = 1

func btfID(n int32) btf.TypeID { return btf.TypeID(uint32(n)) }

// symbolTable are the symbols of the kernel.
type symbolTable struct{ *inventory.Symbols }

func (d *dumper) symbolTable() *symbolTable {
	if d.symbols == nil {
		d.symbols = &symbolTable{inventory.ReadSymbols()}
	}
	return d.symbols
}

func (t *symbolTable) address(name string) (uint64, bool) { return t.Address(name) }

func (t *symbolTable) name(address uint64) (string, uint64) {
	name, offset, _ := t.Find(address)
	return name, offset
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
	functions := d.sortedFunctions()
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
			l.Source = d.sourceAt(address + uint64(one.Offset))
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

// sourceAt is the line of the source whose machine code begins at an address, or nil.
func (d *dumper) sourceAt(address uint64) *source {
	for i, at := range d.info.JITedLineInfo {
		if at == address && i < len(d.info.LineInfo) && d.types != nil {
			if s, err := d.info.LineInfo[i].Source(d.types); err == nil {
				return &source{s.File, s.Line, s.Column, s.Text}
			}
		}
	}
	return nil
}

// called names what is at an address: a function of the program, or of the kernel.
func (d *dumper) called(address uint64) (string, uint64) {
	for i, at := range d.info.JITedKsyms {
		if at == address && i < len(d.info.FuncInfo) {
			return names.Type(d.types, d.info.FuncInfo[i].TypeID), 0
		}
	}
	return d.symbolTable().name(address)
}
