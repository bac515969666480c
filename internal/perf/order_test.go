package perf

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The emulators that tests run in do not have the memory order of a real arm64. So look at the instructions.
func TestInstructionsOfARM64(t *testing.T) {
	testutil.CheckInstructions(t, map[string]string{
		"(*Buffer).Begin":   "LDAR LDAR",
		"(*Buffer).Pending": "LDAR LDAR",
		"(*Buffer).Publish": "LDAR STLR",
	})
}
