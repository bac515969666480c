package libbpf

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Before Linux 6.0, Lost knows what the kernel has told, and a loop keeps nothing of its body.
func TestPerfReaderTold(t *testing.T) {
	r, err := NewPerfReader(newPerfMap(t, 1), PerfReaderOptions{Pages: 1})
	testutil.Check(t, err)
	defer r.Close()
	r.p.attr.Read_format = 0 // as on such a kernel
	r.p.receiver.Lost(0, 3)
	r.p.receiver.Lost(1, 4)
	if lost, err := r.Lost(); lost != 7 || err != nil {
		t.Errorf("%d lost, %v", lost, err)
	}
	for range r.Pending(&err) {
		t.Error("a record of nobody's")
	}
	testutil.Check(t, err)
	if r.p.receiver.Body != nil {
		t.Error("the reader keeps the body")
	}
}
