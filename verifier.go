package libbpf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// VerifierError says that the kernel's verifier rejected a program. [errors.Is] finds the errno: EACCES for most
// reasons, EINVAL for others, E2BIG for a program that is too complex, EPERM for a helper that needs a capability.
type VerifierError struct {
	Program string // the program's name
	Log     string // the verifier's whole log; it can have megabytes
	Err     error
	// Messages has the warnings that libbpf printed meanwhile, in order, without the log. The function that [SetPrint]
	// set does not receive them.
	Messages []string
}

// Error returns the program's name, the errno, and the last lines of the log that say why.
func (e *VerifierError) Error() string {
	text := fmt.Sprintf("load program %q: %s", e.Program, errorText(e.Err))
	if lines := e.lastLines(2); lines != "" {
		text += ": " + lines
	}
	return text
}

// Format writes Error. For %+v it also writes all messages and the whole log.
func (e *VerifierError) Format(f fmt.State, verb rune) {
	formatError(f, verb, e.Error(), append(slices.Clip(e.Messages), e.Log))
}

func (e *VerifierError) Unwrap() error { return e.Err }

// Is makes the kernel's ENOTSUPP, which package syscall does not know, match [errors.ErrUnsupported].
func (e *VerifierError) Is(target error) bool { return isNotSupp(e.Err, target) }

// lastLines returns up to n of the last lines of the log that say something about the program, as one line.
func (e *VerifierError) lastLines(n int) string {
	var last []string
	for rest := strings.TrimSpace(e.Log); rest != "" && len(last) < n; {
		begin := strings.LastIndexByte(rest, '\n') + 1
		line := strings.TrimSpace(rest[begin:])
		rest = rest[:max(begin-1, 0)]
		// Skip the statistics, which end every log, and notes about the source and the state.
		if line == "" || strings.HasPrefix(line, "processed ") || strings.HasPrefix(line, "verification time") ||
			strings.HasPrefix(line, "stack depth") || strings.HasPrefix(line, "insns processed ") || strings.HasPrefix(line, "peak_states") ||
			strings.HasPrefix(line, "mark_precise") {
			continue
		}
		last = append([]string{line}, last...)
	}
	return strings.Join(last, "; ")
}

// verifierError turns a failed load into a [VerifierError] if a program's verification is what failed. libbpf prints
// the log of the program that failed, unless it went to a buffer of the user's, whose content userLog knows.
func verifierError(err error, userLog func(program string) string) error {
	var failed *Error
	if !errors.As(err, &failed) {
		return err
	}
	for i, message := range failed.Messages {
		program, rest := cutProgram(message)
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

// cutProgram splits a message such as "libbpf: prog 'name': rest" into name and rest. Of other messages, rest is "".
func cutProgram(message string) (program, rest string) {
	if message, ok := strings.CutPrefix(message, "libbpf: prog '"); ok {
		program, rest, _ = strings.Cut(message, "': ")
	}
	return program, rest
}
