package libbpf

import (
	"fmt"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// BTF reads the program's own type information from the kernel (btf__load_from_kernel_by_id, Linux 5.0); the caller
// closes it. It needs CAP_SYS_ADMIN. errors.Is(err, [btf.ErrNoBTF]) when the program was loaded without.
func (p *programCore) BTF() (*btf.BTF, error) {
	info, err := p.Info(0)
	if err != nil {
		return nil, err
	}
	return p.typesOf(info)
}

func (p *programCore) typesOf(info ProgramInfo) (*btf.BTF, error) {
	const op = "get types of"
	if info.BTFID == 0 {
		return nil, p.fail(op, btf.ErrNoBTF)
	}
	types, err := btf.FromID(info.BTFID)
	if err != nil {
		return nil, p.fail(op, err)
	}
	return types, nil
}

// SourceLine is a line of a program's source, and the first instruction that was compiled from it.
type SourceLine struct {
	InstructionOffset int    // counted in instructions
	File              string // as the compiler was given it
	Line              int    // starting at 1
	Column            int
	Text              string // the whole line, as it is in the source
}

// String is such as "prog.bpf.c:12: return 0;", with the text without its indentation.
func (l SourceLine) String() string {
	return fmt.Sprintf("%s:%d: %s", l.File, l.Line, strings.TrimSpace(l.Text))
}

// Source reads the strings of a line in the program's BTF: [Program.BTF] for the lines of a [ProgramInfo], [Object.BTF]
// for those of [Program.LineInfo]. errors.Is(err, unix.EINVAL) when types has no such strings.
func (l LineInfo) Source(types *btf.BTF) (SourceLine, error) {
	file, err := types.StringByOffset(l.FileNameOffset)
	if err != nil {
		return SourceLine{}, err
	}
	text, err := types.StringByOffset(l.LineOffset)
	if err != nil {
		return SourceLine{}, err
	}
	return SourceLine{int(l.InstructionOffset), file, l.Line(), l.Column(), text}, nil
}

// SourceLines asks the kernel for the source lines of the program's instructions after verification, in their order.
// A line goes up to the instruction of the next one. It needs CAP_SYS_ADMIN. errors.Is(err, [btf.ErrNoBTF]) when the
// program was loaded without types; without lines, and where the kernel hides them, there are none.
func (p *programCore) SourceLines() ([]SourceLine, error) {
	info, err := p.Info(IncludeLineInfo)
	if err != nil {
		return nil, err
	}
	types, err := p.typesOf(info)
	if err != nil {
		return nil, err
	}
	defer types.Close()
	lines := make([]SourceLine, len(info.LineInfo))
	for i, l := range info.LineInfo {
		if lines[i], err = l.Source(types); err != nil {
			return nil, p.fail("get the source of", err)
		}
	}
	return lines, nil
}
