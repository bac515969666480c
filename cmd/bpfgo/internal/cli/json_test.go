package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func TestQuoteLarge(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"b":[9007199254740992,9007199254740993,-9007199254740993]}`: `{"a":1,"b":[9007199254740992,"9007199254740993","-9007199254740993"]}`,
		`{"a":18446744073709551615}`:                                        `{"a":"18446744073709551615"}`,
		`{"18446744073709551615":"\"18446"}`:                                `{"18446744073709551615":"\"18446"}`,
		`[1.5e300,-0.5,123456789012345678901234567890]`:                     `[1.5e300,-0.5,123456789012345678901234567890]`,
		`null`: `null`, `"\\"`: `"\\"`,
	} {
		got := string(QuoteLarge([]byte(text)))
		if got != want {
			t.Errorf("QuoteLarge(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestMarshalEscapes(t *testing.T) {
	const name = "<\x1b[31m \u009b31m \x7f ü大>"
	text, err := Marshal(name)
	if want := `"<\u001b[31m \u009b31m \u007f ü大>"`; err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
	var back string
	if err := json.Unmarshal(text, &back); err != nil || back != name {
		t.Errorf("it is read back as %q, %v", back, err)
	}
}

// command is a command that answers with a document, or fails.
func command(env *Env, answer Document, failure error) *cobra.Command {
	cmd := &cobra.Command{Use: "query"}
	mode := env.JSONFlag(cmd, "as JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		if failure != nil {
			return failure
		}
		return env.Answer(mode, answer, func() string { return "text\n" })
	}
	return cmd
}

func execute(answer Document, failure error, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	env := Quiet(&out, &errs)
	root := &cobra.Command{Use: "bpfgo"}
	root.AddCommand(command(env, answer, failure))
	env.Prepare(root)
	status = env.Execute(root, append([]string{"query"}, args...))
	return out.String(), errs.String(), status
}

func TestDocument(t *testing.T) {
	answer := Document{Name: "things", Value: []uint64{1, 1 << 60}, Warnings: []string{"<one> is missing"}}
	stdout, _, status := execute(answer, nil, "--json=strings")
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(stdout)); err != nil || status != StatusOK {
		t.Fatalf("%d, %v: %s", status, err, stdout)
	}
	want := `{"schema_version":1,"things":[1,"1152921504606846976"],"warnings":["<one> is missing"]}`
	if compact.String() != want+"\n" && compact.String() != want {
		t.Errorf("got %s, want %s", &compact, want)
	}
	stdout, stderr, status := execute(answer, nil)
	if stdout != "text\n" || stderr != "bpfgo: note: <one> is missing\n" || status != StatusOK {
		t.Errorf("%d, %q, %q", status, stdout, stderr)
	}
}

func TestFailure(t *testing.T) {
	failure := fmt.Errorf("read map \"a\x1b[0m\":\n  %w", unix.ENOENT)
	stdout, stderr, status := execute(Document{}, failure, "--json")
	if status != StatusFailed || stderr != "bpfgo: read map \"a\\x1b[0m\":; no such file or directory\n" {
		t.Errorf("exit status %d, %q", status, stderr)
	}
	const want = `{"schema_version":1,"error":{"message":"read map \"a\u001b[0m\":; no such file or directory","status":1,` +
		`"errno":"ENOENT"}}` + "\n"
	if stdout != want {
		t.Errorf("got %s, want %s", stdout, want)
	}
	if stdout, stderr, status = execute(Document{}, Exit(5)); stdout+stderr != "" || status != 5 {
		t.Errorf("%q, %q, %d", stdout, stderr, status)
	}
	if _, _, status = execute(Document{}, unix.EPIPE); status != StatusOK {
		t.Errorf("exit status %d when nobody reads any more", status)
	}
	if _, stderr, status = execute(Document{}, nil, "--nosuch"); status != StatusUsage ||
		!strings.HasSuffix(stderr, "try 'bpfgo query --help'\n") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}
