package tracepipe

import (
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

func parse(text string) line {
	if m := lostLine.FindStringSubmatch(text); m != nil {
		l := line{CPU: number(m[1])}
		l.Lost, _ = strconv.ParseUint(m[2], 10, 64)
		return l
	}
	if len(text) <= taskWidth {
		return line{Message: text}
	}
	m := afterTask.FindStringSubmatch(text[taskWidth:])
	if m == nil {
		return line{Message: text}
	}
	l := line{Task: strings.TrimLeft(text[:taskWidth], " "), CPU: number(m[2]), Event: m[4], Message: m[5], time: m[3]}
	l.PID, _ = strconv.Atoi(m[1])
	l.Seconds, _ = strconv.ParseFloat(m[3], 64)
	if l.Event == printk {
		l.Event = ""
	}
	return l
}

func number(text string) *int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return &n
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
