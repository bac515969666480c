module github.com/libbpf-go/libbpf-go/bench

go 1.25.0

require (
	github.com/cilium/ebpf v0.22.0
	github.com/libbpf-go/libbpf-go v0.0.0
	golang.org/x/sys v0.44.0
)

require github.com/aquasecurity/libbpfgo v0.5.1-libbpf-1.2

replace github.com/libbpf-go/libbpf-go => ../
