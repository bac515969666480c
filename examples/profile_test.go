//go:build !race

package examples

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/internal/testutil/usdt"
)

func init() {
	// Allocates with the C library. The tests' heap notes the stack of each allocation, by functions of libgcc, whose
	// names are there also when the test's binary is stripped.
	works["profile"] = func() {
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
			for range 1000 {
				usdt.Realpath()
			}
		}
	}
}

func TestProfile(t *testing.T) {
	needs.PerfEvents(t)
	t.Parallel()
	file := filepath.Join(t.TempDir(), "flames.svg")
	for _, args := range [][]string{nil, {"-svg", file}} {
		cmd := command(t, "profile", append(args, "-hz", "199", testBinary(t))...)
		cmd.Env = append(os.Environ(), workVariable+"=profile")
		text := startCommand(t, cmd).end()
		if args == nil {
			matches(t, text, `^\S+;(_Unwind_\w+|_dl_find_object)(;\S+)? [1-9][0-9]*$`)
			continue
		}
		if text != "" {
			t.Errorf("it prints %s", text)
		}
		svg, err := os.ReadFile(file)
		testutil.Check(t, err)
		matches(t, string(svg), `<title>(_Unwind_\w+|_dl_find_object): [1-9][0-9]* samples, [0-9.]+%</title><rect `)
		for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}
