// Package describe is C code on libbpf, as a program has it already, and the way to it from Go.
package describe

//go:generate go tool bpfgo cflags --output libbpf_flags.go

// #include "describe.h"
import "C"

import (
	"unsafe"

	"github.com/libbpf-go/libbpf-go"
)

// Describe prints what an object has, and returns how many programs that are.
func Describe(open *libbpf.OpenObject) (programs int, err error) {
	err = open.UsePointer(func(object unsafe.Pointer) error {
		programs = int(C.describe((*C.struct_bpf_object)(object)))
		return nil
	})
	return programs, err
}
