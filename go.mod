module github.com/libbpf-go/libbpf-go

go 1.25.0

require (
	github.com/google/go-cmp v0.7.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
)
