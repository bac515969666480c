package stack

import (
	"errors"
	"time"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kallsyms"
)

// kernel has the symbols of the kernel, of its modules and of BPF programs.
type kernel struct {
	symbols kallsyms.Table
	read    time.Time
	hidden  bool // the kernel does not tell this process the addresses
}

// load reads the symbols.
func (k *kernel) load() error {
	k.read = time.Now()
	symbols, err := kallsyms.Read()
	if err != nil {
		return err
	}
	k.symbols = symbols
	return nil
}

// stale is how old a list is that may lack what was loaded later: a module, or a program.
const stale = 2 * time.Second

// frame names an address. call says that it is that behind a call.
func (k *kernel) frame(address uint64, call bool) (Frame, error) {
	f := Frame{Address: address, Kernel: true}
	if k.hidden {
		return f, nil
	}
	var failed error
	if k.read.IsZero() {
		failed = k.load()
		k.hidden = errors.Is(failed, kallsyms.ErrHidden)
	}
	s, ok := k.symbols.Find(instruction(address, call))
	if !ok && failed == nil && !k.hidden && time.Since(k.read) > stale {
		failed = k.load()
		s, ok = k.symbols.Find(instruction(address, call))
	}
	if ok {
		f.Name, f.Module, f.Offset = s.Name, s.Module, address-s.Address
	}
	return f, failed
}

// instruction is an address in the instruction that a frame is at. A call that does not return may be the last
// instruction of its function, so the address behind it is one of another function.
func instruction(address uint64, call bool) uint64 {
	if call && address > 0 {
		return address - 1
	}
	return address
}
