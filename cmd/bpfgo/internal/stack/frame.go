// Package stack names the addresses of stacks: those of the kernel by its list of symbols, those of processes by their
// mappings and the binaries behind them.
package stack

import (
	"path"
	"strconv"
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// Frame is an address of a stack, and what is known about it.
type Frame struct {
	Address uint64 // 0 if only the place in a binary is known
	Kernel  bool
	Name    string // the function, as its author wrote it, or ""
	Offset  uint64 // from the beginning of the function, or else of the module's file
	Module  string // the binary, or the module of the kernel, or ""
	BuildID string // of the binary, if that is how it was found
}

// demangleLimit is how long a name gets: 1<<demangleLimit bytes. Names can be made that grow without end.
const demangleLimit = 12

// demangled is a function's name as its author wrote it, without parameters.
func demangled(name string) string {
	return demangle.Filter(name, demangle.NoParams, demangle.MaxLength(demangleLimit))
}

// Function is what stands for the frame where only functions are told apart, as in a flame graph.
func (f Frame) Function() string {
	switch {
	case f.Name != "":
		return f.Name
	case f.Module != "":
		return f.module() + "+0x" + strconv.FormatUint(f.Offset, 16)
	}
	return "[unknown]"
}

// module is the name of a binary without folders.
func (f Frame) module() string { return path.Base(strings.TrimSuffix(f.Module, deleted)) }

// String is the frame as people read it.
func (f Frame) String() string {
	text := f.Function()
	if f.Name != "" {
		text += "+0x" + strconv.FormatUint(f.Offset, 16)
		if f.Module != "" {
			text += " [" + f.module() + "]"
		}
	}
	if f.Name == "" && f.Module == "" && f.Address != 0 {
		text += " 0x" + strconv.FormatUint(f.Address, 16)
	}
	return text
}
