package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is the command that bpfgo runs, through a guard. It is held before its first instruction until everything is
// attached. So it can be traced from its start, although its pid is known before.
type child struct {
	name   string
	pid    int
	orders *os.File      // to the guard
	done   chan struct{} // closed when the command and the guard have ended
	last   report        // valid once done
}

// startHeld starts a command that waits for release or stop.
func startHeld(argv []string, stdout, stderr io.Writer) (*child, error) {
	fail := func(err error) error { return fmt.Errorf("start %s: %w", argv[0], err) }
	ordersOut, orders, err := os.Pipe()
	if err != nil {
		return nil, fail(err)
	}
	defer ordersOut.Close()
	reports, reportsIn, err := os.Pipe()
	if err != nil {
		_ = orders.Close()
		return nil, fail(err)
	}
	guard := exec.Command("/proc/self/exe", argv...)
	guard.Args[0] = GuardName
	guard.Stdin, guard.Stdout, guard.Stderr = os.Stdin, stdout, stderr
	guard.ExtraFiles = []*os.File{ordersOut, reportsIn} // ordersFD, reportsFD
	guard.WaitDelay = time.Second
	err = guard.Start()
	_ = reportsIn.Close()
	if err != nil {
		_, _ = orders.Close(), reports.Close()
		return nil, fail(err)
	}

	c := &child{name: argv[0], orders: orders, done: make(chan struct{})}
	first := receive(reports)
	c.pid = first.PID
	go func() {
		defer close(c.done)
		if c.last = first; first.Error == "" {
			c.last = receive(reports)
		}
		_ = guard.Wait()
		_, _ = orders.Close(), reports.Close()
	}()
	if first.Error != "" {
		<-c.done
		return nil, fail(errors.New(first.Error))
	}
	return c, nil
}

// order sends an order to the guard, unless the guard has ended.
func (c *child) order(what byte) { _, _ = c.orders.Write([]byte{what}) }

// release lets the command run.
func (c *child) release() { c.order(orderRun) }

// patience is how long to wait for a command that something else has told to end.
const patience = 300 * time.Millisecond

// stop ends the command if it still runs, and all processes that it has started, and waits until they have ended. asked
// says that the command may have got a signal already: ^C sends one to all processes in a terminal's foreground. A
// signal in hurry kills the command at once. A nil child has ended.
func (c *child) stop(asked bool, hurry <-chan os.Signal) {
	if c == nil {
		return
	}
	var wait time.Duration
	if asked {
		wait = patience
	}
	end := time.After(wait)
	for {
		select {
		case <-c.done:
			return
		case <-end:
			c.order(orderEnd)
		case <-hurry:
			c.order(orderKill)
		}
	}
}

// outcome says how the command ended.
func (c *child) outcome() string {
	switch status := c.last.Status; {
	case c.last.Error != "":
		return c.name + ": " + c.last.Error
	case status.Signaled():
		return fmt.Sprintf("%s was ended by signal %d (%v)", c.name, int(status.Signal()), status.Signal())
	default:
		return fmt.Sprintf("%s exited with status %d", c.name, status.ExitStatus())
	}
}
