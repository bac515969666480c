module github.com/libbpf-go/libbpf-go/cmd/bpfgo/mkdocs

go 1.25.0

require (
	github.com/libbpf-go/libbpf-go v0.0.0
	github.com/spf13/cobra v1.10.2
)

require (
	github.com/cpuguy83/go-md2man/v2 v2.0.6 // indirect
	github.com/ianlancetaylor/demangle v0.0.0-20260724033716-83e58baca724 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	go.yaml.in/yaml/v3 v3.0.4 // indirect
	golang.org/x/arch v0.29.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
)

replace github.com/libbpf-go/libbpf-go => ../../..
