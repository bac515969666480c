package tracepipe

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) {
	testutil.TraceFS()
	os.Exit(testutil.Main(m))
}

const pipe = "            sshd-1234    [001] d..21  1234.567890: bpf_trace_printk: hello: there\n" +
	"   a b-7 [000] x-99    (     99) [003] .....    5.000001: bpf_trace_printk: \x1b[2Jmessage\n" +
	"          <idle>-0       [000] ..s1    6.000000: sched_switch: prev=1\n" +
	"CPU:2 [LOST 17 EVENTS]\n" +
	"what is this\n"

func show(t *testing.T, o options, mode cli.JSON) string {
	t.Helper()
	var out bytes.Buffer
	testutil.Check(t, o.copy(cli.Quiet(&out, io.Discard), &mode, strings.NewReader(pipe)))
	return out.String()
}

func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		options
		want string
	}{
		"bpf_printk": {options{}, `1234.567890  sshd(1234)  cpu 1  hello: there
5.000001  a b-7 [000] x(99)  cpu 3  \x1b[2Jmessage
17 lines of CPU 2 are lost
what is this
`},
		"all": {options{all: true, count: 3}, `1234.567890  sshd(1234)  cpu 1  hello: there
5.000001  a b-7 [000] x(99)  cpu 3  \x1b[2Jmessage
6.000000  <idle>(0)  cpu 0  sched_switch: prev=1
`},
		"pid":  {options{pid: 99, count: 1}, "5.000001  a b-7 [000] x(99)  cpu 3  \\x1b[2Jmessage\n"},
		"grep": {options{grep: regexp.MustCompile("^hello"), count: 1}, "1234.567890  sshd(1234)  cpu 1  hello: there\n"},
	} {
		if got := show(t, tt.options, cli.JSON{}); got != tt.want {
			t.Errorf("%s:\n%swant\n%s", name, got, tt.want)
		}
	}
	want := `{"time":1234.56789,"task":"sshd","pid":1234,"cpu":1,"message":"hello: there"}
{"time":5.000001,"task":"a b-7 [000] x","pid":99,"cpu":3,"message":"\u001b[2Jmessage"}
{"cpu":2,"lost":17}
{"message":"what is this"}
`
	if got := show(t, options{}, cli.JSON{On: true}); got != want {
		t.Errorf("%swant\n%s", got, want)
	}
}

// What a program prints may look like a line of the kernel's.
func TestForged(t *testing.T) {
	huge := strings.Repeat("9", 400)
	for _, text := range []string{
		"CPU:" + huge + " [LOST 1 EVENTS]", "CPU:1 [LOST " + huge + " EVENTS]", "CPU:1 [LOST 0 EVENTS]",
		"            sshd-" + huge + "    [001] d..21  1.5: x: y",
		"            sshd-1    [" + huge + "] d..21  1.5: x: y",
		"            sshd-1    [001] d..21  " + huge + ": x: y",
		"            sshd-1    [001] d..21  1.2.3: x: y",
	} {
		var out, lines bytes.Buffer
		testutil.Check(t, (&options{}).copy(cli.Quiet(&out, io.Discard), &cli.JSON{}, strings.NewReader(text)))
		if out.String() != text+"\n" {
			t.Errorf("%q", &out)
		}
		testutil.Check(t, (&options{}).copy(cli.Quiet(&lines, io.Discard), &cli.JSON{On: true}, strings.NewReader(text)))
		if want := fmt.Sprintf("{\"message\":%q}\n", text); lines.String() != want {
			t.Errorf("%q, want %q", &lines, want)
		}
	}
}

// A program prints, and bpfgo shows it.
func TestKernel(t *testing.T) {
	testutil.Root(t)
	p, err := libbpf.LoadProgram(libbpf.ProgramTypeXDP, "prints", "GPL", prints("bpfgo!\n"), libbpf.ProgramLoadOptions{})
	if testutil.Refused(err) {
		testutil.Skip(t, "bpf_trace_printk", err)
	}
	testutil.Check(t, err)
	defer p.Close()
	file, err := open()
	if err != nil {
		testutil.Skip(t, "tracefs", err)
	}
	testutil.Check(t, file.Close())
	_, err = p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
	testutil.Check(t, err)
	tool := clitest.Tool{Command}
	stdout, _ := tool.Must(t, "trace-pipe", "--pid", fmt.Sprint(os.Getpid()), "--grep", "^bpfgo!$", "--count", "1", "--json")
	var got line
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Message != "bpfgo!" || got.CPU == nil {
		t.Errorf("%v: %s", err, stdout)
	}
}

// A signal ends it, while it waits for lines.
func TestSignal(t *testing.T) {
	testutil.Root(t)
	file, err := open()
	if err != nil {
		testutil.Skip(t, "tracefs", err)
	}
	testutil.Check(t, file.Close())
	// Until the command listens for it, the signal must not end the tests.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGHUP)
	defer signal.Stop(signals)
	ended := make(chan int)
	go func() {
		_, _, status := clitest.Tool{Command}.Run("trace-pipe")
		ended <- status
	}()
	for {
		testutil.Check(t, unix.Kill(os.Getpid(), unix.SIGHUP))
		select {
		case status := <-ended:
			if status != cli.StatusOK {
				t.Errorf("exit status %d", status)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// prints are the instructions of a program that prints a text of at most 8 bytes.
func prints(text string) []libbpf.Instruction {
	var padded [8]byte
	copy(padded[:], text)
	number := binary.NativeEndian.Uint64(padded[:])
	const fp = 10
	return []libbpf.Instruction{
		{Code: 0x18, Registers: libbpf.MakeRegisters(1, 0), Immediate: int32(uint32(number))}, // r1 = the text
		{Immediate: int32(uint32(number >> 32))},
		{Code: 0x7b, Registers: libbpf.MakeRegisters(fp, 1), Offset: -8}, // *(u64 *)(r10 - 8) = r1
		{Code: 0xbf, Registers: libbpf.MakeRegisters(1, fp)},             // r1 = r10
		{Code: 0x07, Registers: libbpf.MakeRegisters(1, 0), Immediate: -8},
		{Code: 0xb7, Registers: libbpf.MakeRegisters(2, 0), Immediate: int32(len(text) + 1)},
		{Code: 0x85, Immediate: int32(libbpf.HelperTracePrintk)},
		{Code: 0xb7}, {Code: 0x95},
	}
}
