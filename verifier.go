package libbpf

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// VerifierError says that the kernel's verifier rejected a program. errors.Is sees through to the errno: EACCES for most,
// EINVAL, E2BIG for a program that is too complex, EPERM for a helper that needs a capability.
type VerifierError struct {
	Program string // the program's name
	Log     string // what the verifier wrote, whole; it can be megabytes
	Err     error
}

// Error has the program's name and the last meaningful lines of the log, which tell why.
func (e *VerifierError) Error() string {
	text := fmt.Sprintf("load program %q: %s", e.Program, errorText(e.Err))
	if lines := e.lastLines(2); lines != "" {
		text += ": " + lines
	}
	return text
}

// Format writes Error, and for %+v the whole log after it.
func (e *VerifierError) Format(f fmt.State, verb rune) {
	switch {
	case verb == 'v' && f.Flag('+'):
		_, _ = fmt.Fprintf(f, "%s\n%s", e.Error(), e.Log)
	case verb == 'q':
		_, _ = fmt.Fprintf(f, "%q", e.Error())
	default:
		_, _ = io.WriteString(f, e.Error())
	}
}

func (e *VerifierError) Unwrap() error { return e.Err }

// lastLines are up to n lines from the end of the log that say something about the program, in one line.
func (e *VerifierError) lastLines(n int) string {
	var last []string
	for rest := strings.TrimSpace(e.Log); rest != "" && len(last) < n; {
		begin := strings.LastIndexByte(rest, '\n') + 1
		line := strings.TrimSpace(rest[begin:])
		rest = rest[:max(begin-1, 0)]
		// The statistics, which end every log, and notes on the source and the state.
		if line == "" || strings.HasPrefix(line, "processed ") || strings.HasPrefix(line, "verification time") ||
			strings.HasPrefix(line, "stack depth") || strings.HasPrefix(line, "peak_states") ||
			strings.HasPrefix(line, "mark_precise") {
			continue
		}
		last = append([]string{line}, last...)
	}
	return strings.Join(last, "; ")
}

// verifierError turns a failed load into a [VerifierError] if a program's verification is what failed. libbpf prints the
// log of the program that failed, unless it went to a buffer of the user's, whose content userLog knows.
func verifierError(err error, userLog func(program string) string) error {
	var failed *Error
	if !errors.As(err, &failed) {
		return err
	}
	for _, message := range failed.Messages {
		program, rest, ok := cutProgram(message)
		if !ok {
			continue
		}
		if log, ok := strings.CutPrefix(rest, "-- BEGIN PROG LOAD LOG --\n"); ok {
			log = strings.TrimSuffix(log, "-- END PROG LOAD LOG --")
			return &VerifierError{Program: program, Log: log, Err: failed.Err}
		}
		if log := userLog(program); log != "" && strings.HasPrefix(rest, "BPF program load failed") {
			return &VerifierError{Program: program, Log: log, Err: failed.Err}
		}
	}
	return err
}

// cutProgram takes the name off a message such as "libbpf: prog 'name': rest".
func cutProgram(message string) (program, rest string, ok bool) {
	rest, ok = strings.CutPrefix(message, "libbpf: prog '")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "': ")
}
