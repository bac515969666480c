package libbpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// VerifierError says that the kernel's verifier rejected a program. errors.Is sees through to the errno: EACCES for most,
// EINVAL, E2BIG for a program that is too complex, EPERM for a helper that needs a capability.
type VerifierError struct {
	Program string // the program's name
	Log     string // what the verifier wrote, whole; it can be megabytes
	Err     error
	// Messages holds the warnings that libbpf printed meanwhile, without the log, in order. They are not also sent to the
	// function that [SetPrint] set.
	Messages []string
}

// Error has the program's name and the last meaningful lines of the log, which tell why.
func (e *VerifierError) Error() string {
	text := fmt.Sprintf("load program %q: %s", e.Program, errorText(e.Err))
	if lines := e.lastLines(2); lines != "" {
		text += ": " + lines
	}
	return text
}

// Format writes Error, and for %+v all messages and the whole log after it.
func (e *VerifierError) Format(f fmt.State, verb rune) {
	formatError(f, verb, e.Error(), append(slices.Clip(e.Messages), e.Log))
}

func (e *VerifierError) Unwrap() error { return e.Err }

// Is makes the kernel's ENOTSUPP, which the syscall package does not know, an [errors.ErrUnsupported].
func (e *VerifierError) Is(target error) bool { return isNotSupp(e.Err, target) }

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
	for i, message := range failed.Messages {
		program, rest, ok := cutProgram(message)
		if !ok {
			continue
		}
		if log, ok := strings.CutPrefix(rest, "-- BEGIN PROG LOAD LOG --\n"); ok {
			return &VerifierError{
				Program: program, Log: strings.TrimSuffix(log, "-- END PROG LOAD LOG --"), Err: failed.Err,
				Messages: slices.Delete(failed.Messages, i, i+1),
			}
		}
		if log := userLog(program); log != "" && strings.HasPrefix(rest, "BPF program load failed") {
			return &VerifierError{Program: program, Log: log, Err: failed.Err, Messages: failed.Messages}
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
