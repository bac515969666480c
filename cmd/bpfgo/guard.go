package main

import (
	"cmp"
	"encoding/json"
	"errors"
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
)

// guardName is what bpfgo is started as to be a guard: a process of its own that starts the command, and ends it, with
// all that it has started, when bpfgo tells it to or is gone. bpfgo itself can't, once it was killed, and the kernel's
// Pdeathsig reaches neither a command that became another user nor what the command has started.
const guardName = "bpfgo-guard"

// What bpfgo tells its guard, a byte each. If there is no more to come, as bpfgo is gone, that is orderEnd.
const (
	orderRun  = 'r' // let the command begin
	orderEnd  = 'e' // ask all to end, and kill what has not after a while
	orderKill = 'k' // kill all
)

// The guard's ends of the pipes to bpfgo.
const (
	ordersFD  = 3
	reportsFD = 4
)

// report is what a guard tells bpfgo, as JSON: first that the command is there, or why not; then how it ended.
type report struct {
	PID    int                `json:"pid"`
	Status syscall.WaitStatus `json:"status"`
	Error  string             `json:"error"`
}

// grace is how long those who were asked to end may take.
var grace = 2 * time.Second

// guard is that whole process.
func guard(argv []string) int {
	// Ptrace and Pdeathsig know a thread for the parent.
	runtime.LockOSThread()
	// A terminal sends these to the guard as well, but it is bpfgo that decides.
	notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	unix.CloseOnExec(ordersFD)
	unix.CloseOnExec(reportsFD)
	reports := json.NewEncoder(os.NewFile(reportsFD, "reports"))
	pid, err := startTraced(argv)
	if err != nil {
		_ = reports.Encode(report{Error: err.Error()})
		return exitFailure
	}
	_ = reports.Encode(report{PID: pid})

	orders := readOrders(os.NewFile(ordersFD, "orders"))
	var ending, killing bool
	if <-orders != orderRun || unix.PtraceDetach(pid) != nil {
		ending, killing = true, true
	}
	running := true // the command
	asked := map[int]bool{}
	reaped := reap()
	var overdue <-chan time.Time
	for {
		if ending {
			left, denied := children("self"), 0
			if running && !slices.Contains(left, pid) {
				left = append(left, pid) // The kernel may be built without lists of children.
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
				_ = reports.Encode(report{Error: "may not be ended: " + unix.EPERM.Error()})
				return exitFailure
			}
		}
		select {
		case child, ok := <-reaped:
			if !ok {
				return exitOK
			}
			// What it has started is the guard's now.
			delete(asked, child.pid)
			if child.pid == pid {
				running = false
				_ = reports.Encode(report{PID: pid, Status: child.status})
				if !ending {
					return exitOK
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

// startTraced starts a command, which stops before its first instruction, and is killed if the guard is.
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
			return errors.New("it ended before it began")
		default:
			return nil
		}
	}
}

// readOrders receives bpfgo's orders, until there are no more to come.
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

// reap waits for children, and for those whose parents have left them to the guard, until there are none.
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

// notify is signal.Notify, but signals that this process was started to ignore, as by nohup, remain ignored.
func notify(c chan<- os.Signal, signals ...os.Signal) {
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(c, sig)
		}
	}
}
