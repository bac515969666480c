// Package faults runs code on a thread of its own, on which a chosen system call fails: the kernel hands each call of
// the thread to a supervisor (seccomp), which lets it pass or answers with an errno. Other threads do not notice.
package faults

/*
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#include "../../../libbpf/vendor.h"
#include "supervise_cgo.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
	_ "github.com/libbpf-go/libbpf-go/libbpf" // what vendor.h refers to
)

// Call is a system call that a run made.
type Call struct {
	Name string // "openat", and with its command "bpf PROG_LOAD", "ioctl 0x2400"
	Text string // what it was for, if that is known: a path, the name of a map or program, what is open
}

func (c Call) String() string {
	if c.Text == "" {
		return c.Name
	}
	return fmt.Sprintf("%s %q", c.Name, c.Text)
}

// Run is one run of some code with a fault.
type Run struct {
	Enter func() error // on the thread, before its calls are watched; nil for nothing
	Nth   int          // the call to fail, counted from 1; 0 for none
	Errno unix.Errno   // what it fails with
	Code  func()       // what to run
}

// Result is what came of a Run.
type Result struct {
	Calls  []Call // in their order, with the one that failed
	Failed bool   // the chosen call was made, and failed
	Panic  string // of the code, with its stack; "" for none
}

// Do runs the code. When it returns, the thread has ended. An error means that the kernel does not allow such a filter,
// or that Enter failed; the code did not run then.
func (r Run) Do() (Result, error) {
	s := C.faults_new()
	if s == nil {
		return Result{}, unix.ENOMEM
	}
	defer C.faults_free(s)
	var lent runtime.Pinner
	defer lent.Unpin()
	lent.Pin(&runtimeFiles[0])
	s.runtime = &runtimeFiles[0]
	s.info_size = leaks.InfoSize
	s.fail_at, s.error = C.int(r.Nth), C.int(r.Errno)
	served := make(chan struct{})
	go func() {
		defer close(served)
		C.faults_serve(s)
	}()
	var result Result
	var failure error
	threads.Run(func() {
		if r.Enter != nil {
			failure = r.Enter()
		}
		if failure != nil {
			C.faults_give_up(s)
			return
		}
		if errno := C.faults_filter(s); errno != 0 {
			failure = os.NewSyscallError("seccomp", unix.Errno(errno))
			return
		}
		defer func() {
			if cause := recover(); cause != nil {
				result.Panic = fmt.Sprintf("%v\n%s", cause, debug.Stack())
			}
		}()
		r.Code()
	})
	<-served
	for _, call := range s.calls[:s.n] {
		result.Calls = append(result.Calls, describe(call))
	}
	result.Failed = s.failed != 0
	return result, failure
}

func describe(c C.struct_faults_call) Call {
	name := names[int(c.nr)]
	switch name {
	case "bpf":
		if command := int(c.command); command < len(commands) {
			name += " " + commands[command]
		} else {
			name += fmt.Sprintf(" %d", command)
		}
	case "ioctl", "fcntl", "epoll_ctl":
		name += fmt.Sprintf(" %#x", int(c.command))
	}
	return Call{name, C.GoString(&c.text[0])}
}

// names are those of the system calls that are watched, by their numbers.
var names = func() map[int]string {
	names := make(map[int]string)
	for i := C.int(0); ; i++ {
		var name *C.char
		number := C.faults_number(i, &name)
		if number < 0 {
			return names
		}
		names[int(number)] = C.GoString(name)
	}
}()

// commands are those of bpf(2), by their numbers.
var commands = strings.Fields(`MAP_CREATE MAP_LOOKUP_ELEM MAP_UPDATE_ELEM MAP_DELETE_ELEM MAP_GET_NEXT_KEY PROG_LOAD
	OBJ_PIN OBJ_GET PROG_ATTACH PROG_DETACH PROG_TEST_RUN PROG_GET_NEXT_ID MAP_GET_NEXT_ID PROG_GET_FD_BY_ID
	MAP_GET_FD_BY_ID OBJ_GET_INFO_BY_FD PROG_QUERY RAW_TRACEPOINT_OPEN BTF_LOAD BTF_GET_FD_BY_ID TASK_FD_QUERY
	MAP_LOOKUP_AND_DELETE_ELEM MAP_FREEZE BTF_GET_NEXT_ID MAP_LOOKUP_BATCH MAP_LOOKUP_AND_DELETE_BATCH MAP_UPDATE_BATCH
	MAP_DELETE_BATCH LINK_CREATE LINK_UPDATE LINK_GET_FD_BY_ID LINK_GET_NEXT_ID ENABLE_STATS ITER_CREATE LINK_DETACH
	PROG_BIND_MAP TOKEN_CREATE PROG_STREAM_READ_BY_FD PROG_ASSOC_STRUCT_OPS`)

// runtimeFiles are the descriptors of Go's poller, and -1. The pipe makes the runtime open them.
var runtimeFiles = func() []C.int {
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
	var files []C.int
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + entry.Name())
		var fd int
		if _, err := fmt.Sscan(entry.Name(), &fd); err == nil && strings.HasPrefix(target, "anon_inode:[event") {
			files = append(files, C.int(fd))
		}
	}
	return append(files, -1)
}()
