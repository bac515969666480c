package run

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/types"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// What the test's own binary does when it is started as bpfgo, or as the command that bpfgo runs.
const (
	helperVariable = "BPFGO_TEST_HELPER"
	helperMain     = "main"     // bpfgo; what follows the colon is for the command that it runs
	helperCalls    = "calls"    // getpgid(helperFirst + n), so many times
	helperStubborn = "stubborn" // ignores all signals that can be
	helperNobody   = "nobody"   // becomes another user
)

// patientVariable has the guard give an hour to those that were asked to end.
const patientVariable = "BPFGO_TEST_PATIENT"

const helperFirst = 0x40000000

func TestMain(m *testing.M) {
	if os.Args[0] == GuardName {
		if os.Getenv(patientVariable) != "" {
			grace = time.Hour
		}
		os.Exit(Guard(os.Args[1:]))
	}
	if helper := os.Getenv(helperVariable); helper != "" {
		os.Exit(runHelper(helper))
	}
	work, err := os.MkdirTemp("", "bpfgo-test-*")
	if err != nil {
		panic(err)
	}
	scratch = work
	status := testutil.Main(m)
	_ = os.RemoveAll(work)
	os.Exit(status)
}

// scratch is a folder that lasts as long as the tests.
var scratch string

func runHelper(helper string) int {
	verb, rest, _ := strings.Cut(helper, ":")
	switch verb {
	case helperMain:
		if err := os.Setenv(helperVariable, rest); err != nil {
			return 100
		}
		return tool.Execute(cli.Main(), os.Args[1:]...)
	case helperCalls:
		n, times, _ := strings.Cut(rest, ":")
		argument, err := strconv.Atoi(n)
		if err != nil {
			return 100
		}
		count, err := strconv.Atoi(times)
		if err != nil {
			return 100
		}
		for range count {
			testutil.Getpgid(helperFirst + argument)
		}
		return 7
	case helperStubborn:
		ignoreSignals()
		fmt.Println("ready")
		select {}
	case helperNobody:
		if err := syscall.Setuid(65534); err != nil {
			return 100
		}
		fmt.Println("ready")
		time.Sleep(time.Hour)
	}
	return 100
}

// helper is a command line that runs this test's binary as a helper.
func helper(t *testing.T, what string) []string {
	t.Helper()
	t.Setenv(helperVariable, what)
	return []string{"--", os.Args[0]}
}

func calls(n, times int) string { return fmt.Sprintf("%s:%d:%d", helperCalls, n, times) }

// tool is bpfgo, with the command that is tested, and the one that reads objects in another way.
var tool = clitest.Tool{Command, ReplayCommand, types.Command}

// program is bpfgo as a process of its own. What its command does, if it is this test's binary again, is in the
// environment of the test.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	testutil.Root(t)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+helperMain+":"+os.Getenv(helperVariable))
	return cmd
}

// shapesObject is bpf/shapes.bpf.c, compiled.
func shapesObject(t *testing.T) string {
	t.Helper()
	return testutil.Object(t, "shapes")
}
