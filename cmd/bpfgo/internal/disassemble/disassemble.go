// Package disassemble reads machine code of the architecture that it is compiled for.
package disassemble

import (
	"errors"
	"fmt"
	"runtime"
)

// Line is one instruction.
type Line struct {
	Offset int    // from the beginning of the code, in bytes
	Bytes  []byte // part of the code
	Text   string // in the notation of the GNU assembler
}

// Symbol names an address: a function, and how far the address is behind its beginning. The name is empty for an
// address that is not known.
type Symbol func(address uint64) (name string, offset uint64)

// Code reads machine code. address is where it begins in memory; symbol names what it calls. Bytes that are no
// instruction are shown as bytes. errors.Is(err, errors.ErrUnsupported) for an architecture that is not known.
func Code(code []byte, address uint64, symbol Symbol) ([]Line, error) {
	if decode == nil {
		return nil, fmt.Errorf("disassemble: there is no disassembler for %s: %w", runtime.GOARCH, errors.ErrUnsupported)
	}
	// What is in the code itself is named by its offset, as the lines are.
	where := func(target uint64) string {
		if name, offset := symbol(target); name != "" && offset == 0 {
			return name
		}
		if target >= address && target-address < uint64(len(code)) {
			return fmt.Sprintf("%x", target-address)
		}
		return fmt.Sprintf("%#x", target)
	}
	var lines []Line
	for at := 0; at < len(code); {
		text, size := one(code[at:], address+uint64(at), where)
		if size <= 0 || size > len(code)-at {
			size = min(least, len(code)-at)
			text = fmt.Sprintf(".byte %#02x", code[at:at+size])
		}
		lines = append(lines, Line{at, code[at : at+size], text})
		at += size
	}
	return lines, nil
}

// one reads one instruction. The size is 0 if there is none.
func one(code []byte, pc uint64, where func(target uint64) string) (text string, size int) {
	defer func() {
		if recover() != nil { // some decoders panic at bytes that are no instruction
			text, size = "", 0
		}
	}()
	return decode(code, pc, where)
}
