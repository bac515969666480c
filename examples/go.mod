module github.com/libbpf-go/libbpf-go/examples

go 1.25.0

require (
	github.com/libbpf-go/libbpf-go v0.0.0
	golang.org/x/arch v0.29.0
	golang.org/x/sys v0.44.0
)

require (
	github.com/ianlancetaylor/demangle v0.0.0-20260724033716-83e58baca724 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
)

tool github.com/libbpf-go/libbpf-go/cmd/bpfgo

replace github.com/libbpf-go/libbpf-go => ../
