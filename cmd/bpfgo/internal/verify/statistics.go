package verify

import (
	"regexp"
	"strconv"
	"strings"
)

// statistics are what the verifier says about its work at the end of a log. What a kernel does not tell is nil.
type statistics struct {
	Instructions *uint64 `json:"instructions,omitempty"` // that it processed
	States       *uint64 `json:"states,omitempty"`       // that it remembered
	PeakStates   *uint64 `json:"peak_states,omitempty"`  // at one time
	MaxStates    *uint64 `json:"max_states_per_instruction,omitempty"`
	MarkRead     *uint64 `json:"mark_read,omitempty"` // the longest walk to parents of a state
	Stack        *uint64 `json:"stack_bytes,omitempty"`
	Time         *uint64 `json:"time_us,omitempty"`
}

var (
	processedLine = regexp.MustCompile(`(?m)^processed (\d+) insns (.*)$`)
	timeLine      = regexp.MustCompile(`(?m)^verification time (\d+) usec`)
	stackLine     = regexp.MustCompile(`(?m)^stack depth ([\d+]+)`)
	counter       = regexp.MustCompile(`(\w+) (\d+)`)
)

// readStatistics reads the end of a log. The counters have names in it, because kernels have others.
func readStatistics(log string) statistics {
	var s statistics
	if match := last(processedLine, log); match != nil {
		s.Instructions = number(match[1])
		for _, pair := range counter.FindAllStringSubmatch(match[2], -1) {
			switch pair[1] {
			case "max_states_per_insn":
				s.MaxStates = number(pair[2])
			case "total_states":
				s.States = number(pair[2])
			case "peak_states":
				s.PeakStates = number(pair[2])
			case "mark_read":
				s.MarkRead = number(pair[2])
			}
		}
	}
	if match := last(timeLine, log); match != nil {
		s.Time = number(match[1])
	}
	if match := last(stackLine, log); match != nil {
		// One number for each function.
		var sum uint64
		for depth := range strings.SplitSeq(match[1], "+") {
			if n := number(depth); n != nil {
				sum += *n
			}
		}
		s.Stack = &sum
	}
	return s
}

func last(pattern *regexp.Regexp, log string) []string {
	all := pattern.FindAllStringSubmatch(log, -1)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func number(text string) *uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
