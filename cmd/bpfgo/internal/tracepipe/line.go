package tracepipe

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// printk is the event of bpf_printk.
const printk = "bpf_trace_printk"

// line is a line of the pipe. What can't be read as one only has a message.
type line struct {
	Seconds float64 `json:"time,omitempty"` // since boot
	Task    string  `json:"task,omitempty"`
	PID     int     `json:"pid,omitempty"` // of the thread, as the kernel numbers it
	CPU     *int    `json:"cpu,omitempty"`
	Event   string  `json:"event,omitempty"` // if it is not that of bpf_printk
	Message string  `json:"message,omitempty"`
	Lost    uint64  `json:"lost,omitempty"` // how many lines of the CPU the kernel dropped here

	time string // as the kernel writes it
}

// taskWidth is the width of the name of a task, which can have any characters. The pid follows after a dash.
const taskWidth = 16

var (
	// "-1234    [001] d..21   123.456789: bpf_trace_printk: text", with "(  1234)" behind the pid if wanted
	afterTask = regexp.MustCompile(`^-(\d+) +(?:\([ \d-]+\) )?\[(\d+)\] (?:\S+ +)?([\d.]+): ([^\s:]+): ?(.*)$`)
	lostLine  = regexp.MustCompile(`^CPU:(\d+) \[LOST (\d+) EVENTS\]$`)
)

// parse reads a line. A program can print one that looks as if the kernel had written it: numbers that are out of range
// make it a message.
func parse(text string) line {
	message := line{Message: text}
	if m := lostLine.FindStringSubmatch(text); m != nil {
		cpu, err := strconv.Atoi(m[1])
		lost, failed := strconv.ParseUint(m[2], 10, 64)
		if err != nil || failed != nil || lost == 0 {
			return message
		}
		return line{CPU: &cpu, Lost: lost}
	}
	if len(text) <= taskWidth {
		return message
	}
	m := afterTask.FindStringSubmatch(text[taskWidth:])
	if m == nil {
		return message
	}
	l := line{Task: strings.TrimLeft(text[:taskWidth], " "), Event: m[4], Message: m[5], time: m[3]}
	var errs [3]error
	var cpu int
	l.PID, errs[0] = strconv.Atoi(m[1])
	cpu, errs[1] = strconv.Atoi(m[2])
	l.Seconds, errs[2] = strconv.ParseFloat(m[3], 64)
	if errors.Join(errs[:]...) != nil {
		return message
	}
	l.CPU = &cpu
	if l.Event == printk {
		l.Event = ""
	}
	return l
}

// text is the line for people.
func (l line) text(env *cli.Env) string {
	switch {
	case l.Lost > 0:
		return env.Paint(cli.Yellow, fmt.Sprintf("%d lines of CPU %d are lost", l.Lost, *l.CPU))
	case l.time == "":
		return cli.Safe(l.Message)
	}
	message := l.Message
	if l.Event != "" {
		message = l.Event + ": " + message
	}
	head := fmt.Sprintf("%s  %s(%d)  cpu %d", l.time, cli.Safe(l.Task), l.PID, *l.CPU)
	return env.Paint(cli.Faint, head) + "  " + cli.Safe(message)
}
