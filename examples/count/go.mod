module example.org/count

go 1.25.0

require github.com/libbpf-go/libbpf-go v0.0.0

require golang.org/x/sys v0.44.0 // indirect

tool github.com/libbpf-go/libbpf-go/cmd/bpfgo

replace github.com/libbpf-go/libbpf-go => ../..
