// Package reject tells why the verifier rejected a program: its reason, the source line, and what the reason means.
package reject

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go"
)

// Source is a line of a program's source.
type Source struct {
	File string `json:"file,omitempty"` // kernels before 6.8 do not tell it
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

func (s Source) String() string {
	if s.File == "" {
		return s.Text
	}
	return fmt.Sprintf("%s:%d: %s", s.File, s.Line, s.Text)
}

// Rejection is what the end of a verifier's log says.
type Rejection struct {
	Reason      string   `json:"reason,omitempty"`      // the verifier's last words
	Instruction string   `json:"instruction,omitempty"` // the last that it looked at
	Source      *Source  `json:"source,omitempty"`      // from which the instruction was compiled
	Explanation string   `json:"explanation,omitempty"` // what the reason means, and what helps
	End         []string `json:"log_end"`               // the last lines of the log, without statistics
}

var (
	instructionLine = regexp.MustCompile(`^(?:from \d+ to )?\d+: (?:\([0-9a-f]{2}\)|R\d+=|safe)`)
	sourceLine      = regexp.MustCompile(`^; (.*?)(?: @ (.+):(\d+))?$`)
	stateLine       = regexp.MustCompile(`^(?:from \d+ to \d+(?: \(.*\))?: |\d+: R\d+=|\d+: frame\d+|mark_precise: |parent |regs=)`)
)

// noteLine is what the verifier says about other functions, or in passing.
var noteLine = regexp.MustCompile(`^(?:Validating |Func#\d+ .* is safe|func#\d+ |arg#\d+ reference type\('UNKNOWN|Global function )`)

// endLines is how many lines the end of a log has.
const endLines = 12

// Read reads the log of a program.
func Read(log string) Rejection {
	lines := words(log)
	var r Rejection
	begin := max(0, len(lines)-endLines)
	r.End = append([]string{}, lines[begin:]...)
	reasons := len(lines)
	for i := len(lines) - 1; i >= 0; i-- {
		line := lines[i]
		if match := sourceLine.FindStringSubmatch(line); match != nil {
			r.Source = &Source{File: match[2], Text: strings.TrimSpace(match[1])}
			r.Source.Line, _ = strconv.Atoi(match[3])
			break
		}
		if instructionLine.MatchString(line) && r.Instruction == "" {
			r.Instruction = line
			continue
		}
		if r.Instruction == "" && !stateLine.MatchString(line) {
			reasons = i
		}
	}
	reason := []string{}
	for _, line := range lines[reasons:] {
		if !stateLine.MatchString(line) && !instructionLine.MatchString(line) && !noteLine.MatchString(line) {
			reason = append(reason, line)
		}
	}
	if len(reason) > 3 { // functions that were verified before, and the like
		reason = reason[len(reason)-3:]
	}
	r.Reason = strings.Join(reason, "; ")
	r.Explanation = Explain(r.Reason)
	return r
}

// words are the lines of a log that say something about the program: the end of each log is statistics.
func words(log string) []string {
	var lines []string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, " \r\n\t")
		if line == "" || strings.HasPrefix(line, "verification time ") || strings.HasPrefix(line, "stack depth ") ||
			strings.HasPrefix(line, "insns processed ") || processed.MatchString(line) || strings.HasPrefix(line, "-- ") {
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// processed is the line of statistics.
var processed = regexp.MustCompile(`^processed \d+ insns `)

// Describe adds to an error about a rejected program the source line, and what a well-known reason means. Other errors
// stay as they are.
func Describe(err error) error {
	var rejected *libbpf.VerifierError
	if !errors.As(err, &rejected) {
		return err
	}
	r := Read(rejected.Log)
	if r.Source != nil {
		source := *r.Source
		if source.File != "" {
			source.File = path.Base(source.File)
		}
		err = fmt.Errorf("%w (at %s)", err, source)
	}
	if r.Explanation != "" {
		err = fmt.Errorf("%w; %s", err, r.Explanation)
	}
	return err
}
