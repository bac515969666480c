package libbpf_test

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
)

// Before Linux 6.14, unless a distribution has backported the fix, a batch that reaches a key without a value ends with
// EINTR and the number of elements before that key.
func TestBatchIsInterrupted(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "interrupted", 4, 4, 8, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	want := []uint32{0, 1, 2, 3, 4, 5, 6, 7}
	for _, i := range want {
		check(t, m.Update(u32(i), u32(10*i), libbpf.Any))
	}
	for _, index := range []uint32{0, 1, 5} {
		var found []uint32
		err := interruptBatches(t, index, func() error {
			var cursor libbpf.MapCursor
			keys, values := make([]byte, 4*len(want)), make([]byte, 4*len(want))
			n, err := m.LookupBatch(&cursor, keys, values, libbpf.Any)
			for i := range n {
				key := binary.NativeEndian.Uint32(keys[4*i:])
				if value := binary.NativeEndian.Uint32(values[4*i:]); value != 10*key {
					t.Errorf("at %d: %d = %d", index, key, value)
				}
				found = append(found, key)
			}
			return err
		})
		check(t, err)
		if !slices.Equal(found, want) {
			t.Errorf("at %d: %d, want %d", index, found, want)
		}
	}
}

// interruptBatches runs f on its own thread, with a seccomp filter that hands batch lookups to this function. The
// function ends the batches that reach an index, as if the index had no value.
func interruptBatches(t *testing.T, index uint32, f func() error) error {
	t.Helper()
	type started struct {
		listener int
		err      error
	}
	listener, done := make(chan started), make(chan error, 1)
	go threads.Run(func() { // the filter ends with the thread
		fd, err := interceptBatches()
		listener <- started{fd, err}
		if err == nil {
			done <- f()
		}
	})
	s := <-listener
	if s.err != nil {
		testutil.Skip(t, "seccomp", s.err)
	}
	defer unix.Close(s.listener)
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	check(t, err)
	defer memory.Close()
	for calls := 0; ; {
		select {
		case err := <-done:
			return err
		default:
		}
		poll := []unix.PollFd{{Fd: int32(s.listener), Events: unix.POLLIN}}
		if n, _ := unix.Poll(poll, 10); n != 1 || poll[0].Revents&unix.POLLIN == 0 {
			continue
		}
		var call seccompCall
		check(t, ioctl(s.listener, 0xc0502100, unsafe.Pointer(&call))) // SECCOMP_IOCTL_NOTIF_RECV
		answer := seccompAnswer{id: call.id, flags: 1}                 // go on
		if calls++; calls > 20 {
			t.Error("it does not come to an end")
		} else if interrupt(t, memory, int64(call.args[1]), index) {
			answer = seccompAnswer{id: call.id, err: -int32(unix.EINTR)}
		}
		check(t, ioctl(s.listener, 0xc0182101, unsafe.Pointer(&answer))) // SECCOMP_IOCTL_NOTIF_SEND
	}
}

// interrupt does what the kernel does with a batch that reaches an index without a value: it reads the elements before
// the index, if any, and stores their number. It returns whether the batch reaches the index.
func interrupt(t *testing.T, memory *os.File, attr int64, index uint32) bool {
	t.Helper()
	const size, count = 56, 32 // in union bpf_attr: the size of the batch members, and the offset of the count
	batch, token := make([]byte, size), make([]byte, 4)
	_, err := memory.ReadAt(batch, attr)
	check(t, err)
	start := uint32(0)
	if in := binary.NativeEndian.Uint64(batch); in != 0 {
		_, err := memory.ReadAt(token, int64(in))
		check(t, err)
		start = binary.NativeEndian.Uint32(token) + 1
	}
	if start > index {
		return false
	}
	binary.NativeEndian.PutUint32(batch[count:], index-start)
	if index > start {
		if _, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_LOOKUP_BATCH, uintptr(unsafe.Pointer(&batch[0])),
			size); errno != 0 {
			t.Error(errno)
		}
	}
	_, err = memory.WriteAt(batch[count:count+4], attr+count)
	check(t, err)
	return true
}

// seccompCall is the kernel's struct seccomp_notif, seccompAnswer its struct seccomp_notif_resp.
type (
	seccompCall struct {
		id          uint64
		pid, flags  uint32
		nr          int32
		arch        uint32
		instruction uint64
		args        [6]uint64
	}
	seccompAnswer struct {
		id    uint64
		value int64
		err   int32
		flags uint32
	}
)

// interceptBatches installs a filter for the thread, and returns the descriptor from which to read the calls.
func interceptBatches() (int, error) {
	const nr, command = 0, 16 // in struct seccomp_data: the call's number, and its first argument
	lower := uint32(command)
	if bigEndian {
		lower += 4
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	skipUnless := func(value uint32, otherwise uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: otherwise}
	}
	filter := []unix.SockFilter{
		load(nr), skipUnless(unix.SYS_BPF, 3),
		load(lower), skipUnless(unix.BPF_MAP_LOOKUP_BATCH, 1),
		{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fc00000}, // SECCOMP_RET_USER_NOTIF
		{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fff0000}, // SECCOMP_RET_ALLOW
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, 1 /* SECCOMP_SET_MODE_FILTER */, 8, /* SECCOMP_FILTER_FLAG_NEW_LISTENER */
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}
