package verify

import (
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/reject"
)

// verdict is what became of a program.
type verdict string

const (
	accepted verdict = "accepted"
	rejected verdict = "rejected" // by the verifier
	failed   verdict = "failed"   // it did not come to the verifier
	skipped  verdict = "skipped"  // it can't be tried alone
)

// result is what is known of a program after it was tried.
type result struct {
	Kernel  string  `json:"kernel,omitempty"` // that of a virtual machine
	File    string  `json:"file"`
	Program string  `json:"program"`
	Section string  `json:"section"`
	Type    string  `json:"type"`
	Verdict verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"` // why it was not accepted
	Errno   string  `json:"errno,omitempty"`
	statistics
	Size      *uint64           `json:"compiled_instructions,omitempty"`
	Xlated    *uint64           `json:"xlated_bytes,omitempty"`
	JITed     *uint64           `json:"jited_bytes,omitempty"`
	Rejection *reject.Rejection `json:"rejection,omitempty"`
	Log       string            `json:"log,omitempty"`

	with []string // other programs that are loaded with it
	err  error    // why it failed
}
