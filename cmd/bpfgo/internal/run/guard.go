package run

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// GuardName is the name under which bpfgo starts itself as a guard. A guard is a separate process that starts the
// command. It ends the command, and all that the command has started, when bpfgo tells it to or has ended. bpfgo itself
// can't do this after it was killed, and the kernel's Pdeathsig reaches neither a command that became another user nor
// the processes that the command has started.
const GuardName = "bpfgo-guard"

// bpfgo's orders to its guard, one byte each. When bpfgo has ended and the pipe is closed, that means orderEnd.
const (
	orderRun  = 'r' // let the command begin
	orderEnd  = 'e' // ask all processes to end, and kill those that have not ended after a while
	orderKill = 'k' // kill all processes
)

// The guard's ends of the pipes to bpfgo.
const (
	ordersFD  = 3
	reportsFD = 4
)

// report is what a guard tells bpfgo, a line each: first that the command has started, or why not; then how it ended.
type report struct {
	PID    int
	Status syscall.WaitStatus
	Error  string
}

const reportFormat = "%d %d %q\n"

func (r report) send(to io.Writer) { _, _ = fmt.Fprintf(to, reportFormat, r.PID, r.Status, r.Error) }

// receive reads the next report.
func receive(from io.Reader) report {
	var r report
	if _, err := fmt.Fscanf(from, reportFormat, &r.PID, &r.Status, &r.Error); err != nil {
		r.Error = "the guard process was killed"
	}
	return r
}

// grace is how long processes may take to end after they were asked to.
var grace = 2 * time.Second

// Guard is the main function of the guard process.
func Guard(argv []string) int {
	// For ptrace and Pdeathsig, the parent is a thread.
	runtime.LockOSThread()
	// A terminal sends these signals to the guard as well, but bpfgo decides what to do.
	notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	unix.CloseOnExec(ordersFD)
	unix.CloseOnExec(reportsFD)
	reports := os.NewFile(reportsFD, "reports")
	pid, err := startTraced(argv)
	if err != nil {
		report{Error: err.Error()}.send(reports)
		return cli.StatusFailed
	}
	report{PID: pid}.send(reports)

	orders := readOrders(os.NewFile(ordersFD, "orders"))
	var ending, killing bool
	if <-orders != orderRun || unix.PtraceDetach(pid) != nil {
		ending, killing = true, true
	}
	running := true // the command has not ended
	asked := map[int]bool{}
	reaped := reap()
	var overdue <-chan time.Time
	for {
		if ending {
			left, denied := children("self"), 0
			if running && !slices.Contains(left, pid) {
				left = append(left, pid) // the kernel may lack lists of children
			}
			for _, child := range left {
				sig := unix.SIGTERM
				if killing {
					sig = unix.SIGKILL
				} else if asked[child] {
					continue
				}
				asked[child] = true
				if unix.Kill(child, sig) == unix.EPERM {
					denied++
				}
			}
			if killing && denied > 0 && denied == len(left) {
				report{Error: "no permission to end the command: " + unix.EPERM.Error()}.send(reports)
				return cli.StatusFailed
			}
		}
		select {
		case child, ok := <-reaped:
			if !ok {
				return cli.StatusOK
			}
			// The guard is now the parent of the processes that it has started.
			delete(asked, child.pid)
			if child.pid == pid {
				running = false
				report{PID: pid, Status: child.status}.send(reports)
				if !ending {
					return cli.StatusOK
				}
			}
		case order, ok := <-orders:
			if !ok {
				orders = nil
			}
			killing = killing || order == orderKill
			if !ending {
				ending, overdue = true, time.After(grace)
			}
		case <-overdue:
			killing = true
		}
	}
}

// startTraced starts a command. The command stops before its first instruction, and is killed if the guard is killed.
func startTraced(argv []string) (pid int, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	path := argv[0]
	if filepath.Base(path) == path {
		if path, err = exec.LookPath(path); err != nil {
			return 0, cmp.Or(errors.Unwrap(err), err)
		}
	}
	pid, err = syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Ptrace: true, Pdeathsig: unix.SIGKILL},
	})
	if err != nil {
		return 0, err
	}
	if err := waitStopped(pid); err != nil {
		return 0, err
	}
	return pid, unix.PtraceSetOptions(pid, unix.PTRACE_O_EXITKILL)
}

// waitStopped waits until the process has executed its program and stopped for its tracer.
func waitStopped(pid int) error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case !status.Stopped():
			return errors.New("the command ended before its first instruction")
		default:
			return nil
		}
	}
}

// readOrders receives bpfgo's orders until the pipe is closed.
func readOrders(pipe *os.File) <-chan byte {
	orders := make(chan byte)
	go func() {
		defer close(orders)
		var order [1]byte
		for {
			if n, _ := pipe.Read(order[:]); n == 0 {
				return
			}
			orders <- order[0]
		}
	}()
	return orders
}

// ended is a process that has ended.
type ended struct {
	pid    int
	status syscall.WaitStatus
}

// reap waits for the guard's children until there are none. Processes whose parents have ended become its children.
func reap() <-chan ended {
	reaped := make(chan ended)
	go func() {
		defer close(reaped)
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, 0, nil)
			switch {
			case err == syscall.EINTR:
			case err != nil:
				return
			default:
				reaped <- ended{pid, status}
			}
		}
	}()
	return reaped
}

// children are the process ids of a process's children.
func children(process string) []int {
	var all []int
	lists, _ := filepath.Glob("/proc/" + process + "/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// notify is signal.Notify, but keeps ignoring signals that this process was started to ignore, as by nohup.
func notify(c chan<- os.Signal, signals ...os.Signal) {
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(c, sig)
		}
	}
}
