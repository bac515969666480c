package ring

import (
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The emulators that tests run in do not have the memory order of a real arm64. So look at the instructions.
func TestInstructionsOfARM64(t *testing.T) {
	testutil.CheckInstructions(t, map[string]string{
		"(*Reader).Begin":     "LDAR LDAR",
		"(*Reader).Extend":    "LDAR",
		"(*Reader).Publish":   "STLR",
		"(*Reader).Grant":     "STLR",
		"(*Reader).Pending":   "LDAR LDARW",
		"(*Reader).Peek":      "LDARW",
		"(*Reader).Read":      "LDARW LDARW", // the header, and the flag to stop
		"(*Buffer).Positions": "LDAR LDAR",
		"(*Buffer).Pending":   "LDAR LDAR LDARW",
	})
}
