package verify

import (
	"errors"
	"fmt"

	"github.com/libbpf-go/libbpf-go"
)

// target is a loaded program whose functions freplace programs replace.
type target struct {
	object  *libbpf.Object
	program *libbpf.Program
}

// openTarget loads a program that is given as OBJ:PROGRAM.
func openTarget(text string) (*target, error) {
	path, name, found := cutLast(text, ':')
	if !found || path == "" || name == "" {
		return nil, errors.New("must be OBJ:PROGRAM")
	}
	open, err := libbpf.ObjectBuilder{RelaxedMaps: true}.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer open.Close()
	one := result{File: path, Program: name}
	if _, err := one.isolate(open, &options{}); err != nil {
		return nil, err
	}
	object, err := open.Load()
	if err != nil {
		return nil, err
	}
	program, err := object.Program(name)
	if err != nil {
		_ = object.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &target{object, program}, nil
}

func (t *target) fd() int { return t.program.FD() }

func (t *target) close() {
	if t != nil {
		_ = t.object.Close()
	}
}

func cutLast(text string, separator byte) (before, after string, found bool) {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == separator {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}
