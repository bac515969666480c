module github.com/libbpf-go/libbpf-go

go 1.25.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/ianlancetaylor/demangle v0.0.0-20260724033716-83e58baca724
	github.com/rivo/uniseg v0.4.7
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.9
	golang.org/x/arch v0.29.0
	golang.org/x/sys v0.44.0
)

require github.com/inconshreveable/mousetrap v1.1.0 // indirect
