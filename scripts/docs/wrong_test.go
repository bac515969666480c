package docs_test

import (
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A page with a mistake in its code fails, where the mistake is.
func TestMistakesAreFound(t *testing.T) {
	const before = "Text.\n\n"
	packages, err := ourPackages()
	testutil.Check(t, err)
	c, err := bpfCompiler()
	testutil.Check(t, err)
	for _, test := range []struct{ name, text, want string }{
		{"right", "```go\nm.Freeze()\n```\n", ""},
		{"right-file", "```go\npackage main\n\nimport \"os\"\n\nfunc main() { os.Exit(0) }\n```\n", ""},
		{"right-types", "```go\ntype T struct{}\n```\n\n```go\nvar t T\n_ = t\n```\n", ""},
		{"right-again", "```go\ntype T int\n```\n\n```go\ntype T struct{ A int }\nfunc (t T) Get() int { return t.A }\n```\n", ""},
		{"right-hidden", "<!-- snippet: hidden\n```go\ntype T int\n```\n-->\n\n```go\nvar t T = 3\n_ = t\n```\n", ""},
		{"right-list", "1. One:\n\n   ```go\n   m.Freeze()\n   ```\n", ""},
		{"method", "```go\nm.Melt()\n```\n", "page.md:4: m.Melt undefined"},
		{"argument", "```go\n// A comment.\nprog.AttachTCX(\"eth0\", libbpf.PlacementOptions{})\n```\n", "page.md:5: cannot use"},
		{"field", "```go\n_ = libbpf.KprobeOptions{Nothing: 1}\n```\n", "page.md:4: unknown field"},
		{"package", "```go\nwrong.Call()\n```\n", "page.md:4: undefined: wrong"},
		{"syntax", "```go\nif {\n```\n", "page.md:4:"},
		{"result", "```go\nfunc f() int { return nil }\n```\n", "page.md:4: cannot use nil"},
		{"import", "```go\npackage main\n\nimport \"os\"\n\nfunc main() {}\n```\n", "page.md:6: \"os\" imported and not used"},
		{"unused", "```go\npackage main\n\nfunc main() { x := 1 }\n```\n", "page.md:6: declared and not used: x"},
		{"new", "```go\ntype T int\n```\n\n<!-- snippet: new -->\n```go\nvar t T\n_ = t\n```\n", "page.md:9: undefined: T"},
		{"right-c", "```c\nSEC(\"xdp\")\nint f(struct xdp_md *ctx)\n{\n\treturn XDP_PASS;\n}\n```\n", ""},
		{"right-body", "<!-- snippet: body -->\n```c\nbpf_printk(\"x\");\n```\n", ""},
		{"right-user", "<!-- snippet: user body -->\n```c\nlibbpf_num_possible_cpus();\n```\n", ""},
		{"helper", "```c\nint f(void)\n{\n\treturn bpf_no_such_helper();\n}\n```\n", "page.md:6:9: error"},
		{"type", "```c\nstruct no_such_type x;\n```\n", "page.md:4:21: error"},
		{"user", "<!-- snippet: user body -->\n```c\nlibbpf_no_such_call();\n```\n", "page.md:5:1: error"},
		{"kind", "<!-- snippet: nonsense -->\n```go\n```\n", "page.md:3: \"nonsense\" is no kind of snippets"},
		{"alone", "<!-- snippet: body -->\n\nText.\n", "page.md:5: no block comes after the comment"},
		{"end", "```go\n", "page.md:4: the block has no end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			found, err := blocks("page.md", before+test.text)
			if err != nil {
				got = err.Error()
			}
			var s *scope
			for _, b := range found {
				if s == nil || b.kind == "new" {
					s, err = newScope(packages)
					testutil.Check(t, err)
				}
				if b.lang == "go" {
					err = s.check(b)
				} else {
					_, err = c.check(b, b.kind == "user")
				}
				if err != nil {
					got += err.Error()
				}
			}
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
