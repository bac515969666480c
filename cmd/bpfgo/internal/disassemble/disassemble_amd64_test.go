package disassemble

import (
	"fmt"
	"strings"
	"testing"
)

func TestAMD64(t *testing.T) {
	code := []byte{0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xe8, 0x10, 0, 0, 0, 0x74, 0x01, 0xc3, 0x2e, 0xe8, 0, 0, 0, 0, 0x06}
	lines, err := Code(code, 0x1000, func(address uint64) (string, uint64) {
		if address == 0x101d {
			return "bpf_ktime_get_ns", 0
		}
		return "", 0
	})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&text, "%x %s\n", line.Offset, line.Text)
	}
	want := "0 endbr64\n4 push %rbp\n5 mov %rsp,%rbp\n8 callq bpf_ktime_get_ns\nd je 10\nf retq\n10 cs callq 16\n16 .byte 0x06\n"
	if text.String() != want {
		t.Errorf("%s\nwant\n%s", text.String(), want)
	}
}
