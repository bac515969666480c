module github.com/libbpf-go/libbpf-go/scripts/site

go 1.25.0

require (
	github.com/alecthomas/chroma/v2 v2.26.1
	github.com/yuin/goldmark v1.8.7
	golang.org/x/net v0.55.0
)

require github.com/dlclark/regexp2/v2 v2.1.1 // indirect
