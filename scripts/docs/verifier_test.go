package docs_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// docs/verifier.md shows programs in pairs. The kernel rejects the first with the lines of the log that come next, and
// loads the second.
func TestVerifierPage(t *testing.T) {
	blocks, err := pageBlocks("docs/verifier.md")
	testutil.Check(t, err)
	c, err := bpfCompiler()
	testutil.Check(t, err)
	pairs := 0
	for i := 0; i+2 < len(blocks); i++ {
		refused, log, mended := blocks[i], blocks[i+1], blocks[i+2]
		if refused.lang != "c" || log.lang != "text" {
			continue
		}
		i += 2
		pairs++
		if mended.lang != "c" {
			t.Errorf("%s: no program follows the log", log)
			continue
		}
		var rejected *libbpf.VerifierError
		err := loads(t, c, refused, errorsOnly)
		if errors.As(err, &rejected) && len(missing(rejected.Log, log.text)) > 0 {
			err = loads(t, c, refused, wholeLog)
		}
		switch {
		case err == nil:
			t.Errorf("%s: the kernel loads it", refused)
		case !errors.As(err, &rejected):
			t.Errorf("%s: %+v", refused, err)
		default:
			for _, line := range missing(rejected.Log, log.text) {
				t.Errorf("%s: the log has no line %q:\n%s", refused, line, end(rejected.Log))
			}
		}
		if err := loads(t, c, mended, wholeLog); err != nil {
			t.Errorf("%s: %+v", mended, err)
		}
	}
	if pairs < 15 {
		t.Errorf("%d pairs of programs", pairs)
	}
}

// errorsOnly is a level of logs without the instructions: there can be a million. With wholeLog libbpf loads a program
// that is rejected once more, for the log.
const (
	wholeLog   = 0
	errorsOnly = 4
)

// loads loads the program of a block.
func loads(t *testing.T, c *compiler, b block, logLevel uint32) error {
	path, err := c.check(b, false)
	testutil.Check(t, err)
	open, err := libbpf.OpenFile(path)
	testutil.Check(t, err)
	defer open.Close()
	for p := range open.Programs() {
		testutil.Check(t, p.SetLogLevel(logLevel))
	}
	obj, err := open.Load()
	if err != nil {
		return err
	}
	return obj.Close()
}

// Another compiler uses other registers.
var register = regexp.MustCompile(`\bR\d+`)

// missing are the lines of text that a log has not.
func missing(log, text string) []string {
	log = register.ReplaceAllString(log, "R")
	var lines []string
	if strings.TrimSpace(text) == "" {
		return []string{"of any text"}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !strings.Contains(log, register.ReplaceAllString(line, "R")) {
			lines = append(lines, line)
		}
	}
	return lines
}

// end is the last part of a log, which can have megabytes.
func end(log string) string { return log[max(0, len(log)-1500):] }
