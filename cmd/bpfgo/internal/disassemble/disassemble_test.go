package disassemble

import (
	"bytes"
	"testing"
)

// Each byte is part of one line, whatever the bytes are.
func TestAllBytes(t *testing.T) {
	if decode == nil {
		return // there is none for this architecture
	}
	code := make([]byte, 4096)
	for i := range code {
		code[i] = byte(i * i >> 3)
	}
	for length := range 64 {
		lines, err := Code(code[length:length*60+length], 0x1000, func(uint64) (string, uint64) { return "", 0 })
		if err != nil {
			t.Fatal(err)
		}
		var again []byte
		for _, line := range lines {
			if line.Offset != len(again) || line.Text == "" {
				t.Fatalf("%+v at %d", line, len(again))
			}
			again = append(again, line.Bytes...)
		}
		if !bytes.Equal(again, code[length:length*60+length]) {
			t.Fatal("bytes are missing")
		}
	}
}
