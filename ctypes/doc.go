// Package ctypes has what Go declarations of C types need: a bool that can be any byte, text that ends with a NUL, bit
// fields, and values at any address. Code that [github.com/libbpf-go/libbpf-go/btf/gotypes] generates uses it. It knows
// nothing of BPF.
package ctypes
