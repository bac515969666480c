package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is the command that bpfgo runs, through a guard. It is held before its first instruction until all is attached,
// so that it can be traced from there on although its pid is known long before.
type child struct {
	name   string
	pid    int
	orders *os.File      // to the guard
	done   chan struct{} // closed when it has ended, and the guard too
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
	guard.Args[0] = guardName
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
	from := json.NewDecoder(reports)
	first := receive(from)
	c.pid = first.PID
	go func() {
		defer close(c.done)
		if c.last = first; first.Error == "" {
			c.last = receive(from)
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

// receive is the guard's next report.
func receive(from *json.Decoder) report {
	var r report
	if err := from.Decode(&r); err != nil {
		r.Error = "its guard was killed"
	}
	return r
}

// order tells the guard something, unless it is gone.
func (c *child) order(what byte) { _, _ = c.orders.Write([]byte{what}) }

// release lets the command run.
func (c *child) release() { c.order(orderRun) }

// patience is how long a command may take to end that was told to by something else.
const patience = 300 * time.Millisecond

// stop ends the command if it still runs, with all that it has started, and returns when that is gone. asked tells that
// it may have had a signal already, as ^C sends one to all that run in a terminal's foreground. hurry kills it at once.
// A nil child has ended.
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
