package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is the command that bpfgo runs. It is held before its first instruction until all is attached, so that it can
// be traced from there on although its pid is known long before.
type child struct {
	name    string
	process *os.Process
	control chan bool     // true lets it go, false kills it
	done    chan struct{} // closed when it has ended and was reaped
	err     error         // of exec.Cmd.Wait; valid once done
}

// startHeld starts a command that waits for release or kill.
func startHeld(argv []string, stdout, stderr io.Writer) (*child, error) {
	c := &child{name: argv[0], control: make(chan bool, 1), done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// A tracer is a thread, and Pdeathsig is sent when the thread that forked ends: this one stays until the
		// command has ended, and then goes with its goroutine.
		runtime.LockOSThread()
		defer close(c.done)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
		cmd.WaitDelay = time.Second
		cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Pdeathsig: unix.SIGKILL}
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		c.process = cmd.Process
		err := waitStopped(c.process.Pid)
		started <- err
		if err == nil && <-c.control {
			err = unix.PtraceDetach(c.process.Pid)
		} else {
			err = errors.New("killed before it began")
		}
		if err != nil {
			_ = cmd.Process.Kill()
		}
		c.err = cmd.Wait()
	}()
	if err := <-started; err != nil {
		<-c.done
		var path *fs.PathError
		var name *exec.Error
		switch {
		case errors.As(err, &path):
			err = path.Err
		case errors.As(err, &name):
			err = name.Err
		}
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	return c, nil
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

// release lets the command run.
func (c *child) release() { c.control <- true }

// How long a command that has to end may take: until it is asked to, where something else asked it already, and from
// then until it has no choice.
const (
	patience = 300 * time.Millisecond
	grace    = 2 * time.Second
)

// stop ends the command if it still runs, and returns when it is gone. asked tells that it may have had a signal
// already, as ^C sends one to all that run in a terminal's foreground. hurry kills it at once. A nil child has ended.
func (c *child) stop(asked bool, hurry <-chan os.Signal) {
	if c == nil {
		return
	}
	select {
	case c.control <- false: // where it was never released
	default:
	}
	var wait time.Duration
	if asked {
		wait = patience
	}
	ask := time.After(wait)
	kill := time.After(wait + grace)
	for {
		select {
		case <-c.done:
			return
		case <-ask:
			_ = c.process.Signal(unix.SIGTERM)
		case <-kill:
			_ = c.process.Kill()
		case <-hurry:
			_ = c.process.Kill()
		}
	}
}

// outcome says how the command ended.
func (c *child) outcome() string {
	var exit *exec.ExitError
	if !errors.As(c.err, &exit) {
		if c.err != nil {
			return fmt.Sprintf("%s: %v", c.name, c.err)
		}
		return c.name + " exited with status 0"
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return fmt.Sprintf("%s was ended by signal %d (%v)", c.name, int(status.Signal()), status.Signal())
	}
	return fmt.Sprintf("%s exited with status %d", c.name, exit.ExitCode())
}
