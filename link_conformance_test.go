package libbpf_test

import (
	"testing"

	"github.com/libbpf-go/libbpf-go"
)

// linkCases are the kinds of links that TestLinkConformance goes through. The tests of each hook add theirs.
var linkCases []linkCase

type linkCase struct {
	name string
	// attach loads what it needs, which t.Cleanup closes, and attaches it. Where the kernel lacks the hook it calls
	// testutil.Skip.
	attach func(t *testing.T) attachedLink
}

type attachedLink struct {
	link *libbpf.Link
	act  func(t *testing.T) // makes the program run, at least once, by something that the test itself does
	hits func() uint64      // how often the program ran
	kind string             // what libbpf calls the kind of link, such as "tracing"; "" where the kernel has no link for it

	// replacement is another program of the same type, for UpdateProgram, which counts in replacementHits; nil where the
	// kernel refuses.
	replacement     *libbpf.Program
	replacementHits func() uint64
}

func TestLinkConformance(t *testing.T) {
	for _, c := range linkCases {
		t.Run(c.name, func(t *testing.T) { c.attach(t) })
	}
}
