module github.com/libbpf-go/libbpf-go/selftests

go 1.25.0

require (
	github.com/libbpf-go/libbpf-go v0.0.0
	golang.org/x/sys v0.44.0
)

tool github.com/libbpf-go/libbpf-go/cmd/bpfgo

replace github.com/libbpf-go/libbpf-go => ../
