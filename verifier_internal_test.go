package libbpf

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The error of a Load is the verifier's if a message of libbpf names the program that was rejected, and has its log or
// says that the log went elsewhere.
func TestVerifierErrorOfMessages(t *testing.T) {
	const (
		before    = "libbpf: prog 'other': skipped"
		failed    = "libbpf: prog 'p': BPF program load failed: -EACCES"
		log       = "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n0: exit\nR0 !read_ok\n-- END PROG LOAD LOG --"
		after     = "libbpf: prog 'p': failed to load: -EACCES"
		text      = "0: exit\nR0 !read_ok\n"
		elsewhere = "the user's\n"
	)
	for name, c := range map[string]struct {
		said []string
		own  string         // what is in the user's buffer
		want *VerifierError // nil: it is not the verifier's
	}{
		"libbpf's log": {[]string{before, failed, log, after}, "",
			&VerifierError{Program: "p", Log: text, Messages: []string{before, failed, after}}},
		"a user's log": {[]string{before, failed, after}, elsewhere,
			&VerifierError{Program: "p", Log: elsewhere, Messages: []string{before, failed, after}}},
		"both":                    {[]string{log}, elsewhere, &VerifierError{Program: "p", Log: text}},
		"an empty log of a user":  {[]string{failed, after}, "", nil},
		"a log of what succeeded": {[]string{before, after}, elsewhere, nil},
		"no program":              {[]string{"libbpf: failed to load object 'o'", "libbpf: prog 'p'"}, elsewhere, nil},
	} {
		err := error(&Error{Op: "load", Object: "o", Err: unix.EACCES, Messages: c.said})
		got := verifierError(err, func(program string) string {
			if program != "p" {
				return ""
			}
			return c.own
		})
		if c.want == nil {
			if got != err {
				t.Errorf("%s: %#v", name, got)
			}
			continue
		}
		rejected, ok := got.(*VerifierError)
		if !ok || rejected.Program != c.want.Program || rejected.Log != c.want.Log || rejected.Err != unix.EACCES ||
			!slices.Equal(rejected.Messages, c.want.Messages) {
			t.Errorf("%s: %#v, want %#v", name, got, c.want)
		}
	}
	other := errors.New("other")
	if err := verifierError(other, nil); err != other {
		t.Errorf("%v became %v", other, err)
	}
}

// An error quotes the last two lines that say something, and with %+v has everything.
func TestVerifierErrorQuotes(t *testing.T) {
	for log, want := range map[string]string{
		"":                        "",
		"\n":                      "",
		"one":                     ": one",
		"x":                       ": x",
		"processed 1 insns":       "",
		"one\ntwo\nthree":         ": two; three",
		"one\n\n  two \n\n":       ": one; two",
		"processed 1\none\n":      ": one",
		"\nx\ny":                  ": x; y",
		"one\npeak_states 1":      ": one",
		"one\nmark_precise: r1\n": ": one",
		"stacks\nmarks\n":         ": stacks; marks",
	} {
		err := &VerifierError{Program: "p", Err: unix.EACCES, Log: log, Messages: []string{"said"}}
		text := `load program "p": permission denied` + want
		for format, formatted := range map[string]string{
			"%v": text, "%s": text, "%+s": text, "%q": fmt.Sprintf("%q", text), "%+v": text + "\nsaid\n" + log,
		} {
			if got := fmt.Sprintf(format, err); got != formatted {
				t.Errorf("%s of the log %q is %q, want %q", format, log, got, formatted)
			}
		}
	}
}
