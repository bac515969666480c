package typed_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
	"github.com/libbpf-go/libbpf-go/typed"
)

// xdp loads the XDP program of attach.bpf.o alone, for attaching where it says.
func xdp(t *testing.T, attachType libbpf.ProgramAttachType) *libbpf.Program {
	t.Helper()
	testutil.Root(t)
	open, err := libbpf.OpenFile(testutil.Object(t, "attach"))
	check(t, err)
	defer open.Close()
	for _, name := range []string{"on_enter", "on_exit"} {
		p, err := open.Program(name)
		check(t, err)
		check(t, p.SetAutoload(false))
	}
	p, err := open.Program("anywhere")
	check(t, err)
	check(t, p.SetAttachType(attachType))
	needs.ToLoad(t, open)
	object, err := open.Load()
	check(t, err)
	t.Cleanup(func() { check(t, object.Close()) })
	program, err := object.Program("anywhere")
	check(t, err)
	return program
}

func TestProgArray(t *testing.T) {
	program := xdp(t, 0)
	a := must[*typed.ProgArray](t)(typed.NewProgArray(create(t, libbpf.MapTypeProgArray, 4, 4, 4)))
	equal(t, "maximum", a.MaxEntries(), 4)
	wantErr(t, second(a.Lookup(1, libbpf.Any)), libbpf.ErrKeyNotExist)
	check(t, a.Update(1, program, libbpf.Any))
	check(t, a.UpdateFD(2, program.FD(), libbpf.Any))
	n := must[uint32](t)(a.Lookup(1, libbpf.Any))
	if n == 0 {
		t.Error("the program has no id")
	}
	checkAll(t, a.All, map[uint32]uint32{1: n, 2: n})
	checkKeys(t, a.Keys, 1, 2)
	handle := must[*libbpf.ProgramHandle](t)(libbpf.ProgramHandleFrom(program))
	defer handle.Close()
	check(t, a.Update(3, handle, libbpf.Any))
	equal(t, "id", must[uint32](t)(a.Lookup(3, libbpf.Any)), n)
	wantErr(t, a.Update(1, new(libbpf.Program), libbpf.Any), libbpf.ErrClosed)
	wantErr(t, a.Update(1, program, libbpf.NoExist), unix.EINVAL)
	wantErr(t, a.Update(4, program, libbpf.Any), libbpf.ErrIndexRange)
	wantErr(t, a.Update(1, nil, libbpf.Any), libbpf.ErrClosed)
	wantErr(t, a.UpdateFD(1, -1, libbpf.Any), libbpf.ErrInvalid)
	check(t, a.Delete(1))
	wantErr(t, a.Delete(1), libbpf.ErrKeyNotExist)
	fd := program.FD()
	noAllocs(t, map[string]func(){
		"set":  func() { _ = a.UpdateFD(1, fd, libbpf.Any) },
		"id":   func() { _, _ = a.Lookup(1, libbpf.Any) },
		"miss": func() { _, _ = a.Lookup(0, libbpf.Any) },
	})
	wantInvalid(t, second(typed.NewProgArray(create(t, libbpf.MapTypeArray, 4, 4, 1))), "array", "prog_array")
}

// cgroup is a descriptor of the root of a cgroup2 hierarchy.
func cgroup(t *testing.T) int {
	t.Helper()
	testutil.Root(t)
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "cgroup2", 0, ""); err != nil {
		t.Fatalf("mount cgroup2: %v", err)
	}
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return openFD(t, dir)
}

func openFD(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	check(t, err)
	t.Cleanup(func() { check(t, unix.Close(fd)) })
	return fd
}

func TestCgroupArray(t *testing.T) {
	a := must[*typed.CgroupArray](t)(typed.NewCgroupArray(create(t, libbpf.MapTypeCgroupArray, 4, 4, 2)))
	equal(t, "maximum", a.MaxEntries(), 2)
	check(t, a.Update(1, cgroup(t), libbpf.Any))
	wantErr(t, a.Update(2, cgroup(t), libbpf.Any), libbpf.ErrIndexRange)
	wantErr(t, a.Update(0, openFD(t, "/dev/null"), libbpf.Any), unix.EBADF)
	check(t, a.Delete(1))
	wantErr(t, a.Delete(1), libbpf.ErrKeyNotExist)
}

// tcp is the ends of a connection over loopback.
func tcp(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	s, err := l.Accept()
	check(t, err)
	t.Cleanup(func() { _ = c.Close(); _ = s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func cookieOf(t *testing.T, conn syscall.Conn) (cookie uint64) {
	t.Helper()
	raw, err := conn.SyscallConn()
	check(t, err)
	check(t, raw.Control(func(fd uintptr) {
		cookie, err = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_COOKIE)
	}))
	check(t, err)
	return cookie
}

func TestSockMap(t *testing.T) {
	client, server := tcp(t)
	m := must[*typed.SockMap](t)(typed.NewSockMap(create(t, libbpf.MapTypeSockMap, 4, 8, 4)))
	equal(t, "maximum", m.MaxEntries(), 4)
	wantErr(t, second(m.Lookup(1, libbpf.Any)), libbpf.ErrKeyNotExist)
	check(t, m.UpdateConn(1, client, libbpf.Any))
	raw, err := server.SyscallConn()
	check(t, err)
	check(t, raw.Control(func(fd uintptr) {
		check(t, m.Update(2, int(fd), libbpf.Any))
		wantErr(t, m.Update(2, int(fd), libbpf.NoExist), libbpf.ErrKeyExist)
		wantErr(t, m.Update(3, int(fd), libbpf.Exist), libbpf.ErrKeyNotExist)
		wantErr(t, m.Update(4, int(fd), libbpf.Any), libbpf.ErrIndexRange)
		check(t, m.Delete(2))
		noAllocs(t, map[string]func(){
			"set and delete": func() { _ = m.Update(2, int(fd), libbpf.Any); _ = m.Delete(2) },
			"cookie":         func() { _, _ = m.Lookup(1, libbpf.Any) },
			"miss":           func() { _, _ = m.Lookup(0, libbpf.Any) },
		})
		check(t, m.Update(2, int(fd), libbpf.Any))
	}))
	equal(t, "cookie", must[uint64](t)(m.Lookup(1, libbpf.Any)), cookieOf(t, client))
	checkAll(t, m.All, map[uint32]uint64{1: cookieOf(t, client), 2: cookieOf(t, server)})
	checkKeys(t, m.Keys, 1, 2)
	check(t, m.Delete(1))
	wantErr(t, m.Delete(1), unix.EINVAL)
	wantErr(t, m.Update(0, -1, libbpf.Any), libbpf.ErrInvalid)
	check(t, client.Close())
	wantErr(t, m.UpdateConn(0, client, libbpf.Any), net.ErrClosed)
	wantErr(t, m.UpdateConn(0, new(net.TCPConn), libbpf.Any), unix.EINVAL)
	tooLarge := math.MaxInt32
	tooLarge++
	wantErr(t, m.Update(0, tooLarge, libbpf.Any), libbpf.ErrInvalid)
	wantErr(t, m.Update(0, math.MaxInt32, libbpf.Any), unix.EBADF)

	old := must[*typed.SockMap](t)(typed.NewSockMap(create(t, libbpf.MapTypeSockMap, 4, 4, 4)))
	other, _ := tcp(t)
	check(t, old.UpdateConn(0, other, libbpf.Any))
	wantErr(t, second(old.Lookup(0, libbpf.Any)), unix.ENOSPC)
	wantInvalid(t, second(typed.NewSockMap(create(t, libbpf.MapTypeHash, 4, 4, 4))), "hash", "sockmap")
}

func TestSockHash(t *testing.T) {
	client, server := tcp(t)
	m := create(t, libbpf.MapTypeSockHash, 12, 8, 4)
	h := must[*typed.SockHash[padded]](t)(typed.NewSockHash[padded](m))
	equal(t, "maximum", h.MaxEntries(), 4)
	check(t, h.UpdateConn(dirty(1, 2, true), client, libbpf.Any))
	check(t, h.UpdateConn(padded{}, server, libbpf.Any))
	equal(t, "cookie", must[uint64](t)(h.Lookup(dirty(1, 2, true), libbpf.Any)), cookieOf(t, client))
	checkKeys(t, h.Keys, padded{1, 2, true}, padded{})
	checkAll(t, h.All, map[padded]uint64{{1, 2, true}: cookieOf(t, client), {}: cookieOf(t, server)})
	check(t, h.Delete(dirty(1, 2, true)))
	wantErr(t, h.Delete(padded{1, 2, true}), libbpf.ErrKeyNotExist)
	wantErr(t, second(h.Lookup(padded{1, 2, true}, libbpf.Any)), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){
		"cookie": func() { _, _ = h.Lookup(padded{}, libbpf.Any) },
		"miss":   func() { _, _ = h.Lookup(padded{A: 1}, libbpf.Any) },
		"delete": func() { _ = h.Delete(padded{A: 1}) },
	})
	wantInvalid(t, second(typed.NewSockHash[uint32](m)), "4 bytes", "12")
	wantInvalid(t, second(typed.NewSockHash[string](m)), "string")
}

func TestReuseportSockArray(t *testing.T) {
	m := must[*typed.ReuseportSockArray](t)(typed.NewReuseportSockArray(
		create(t, libbpf.MapTypeReuseportSockArray, 4, 8, 4)))
	equal(t, "maximum", m.MaxEntries(), 4)
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}), err)
	}}
	conn, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	check(t, err)
	defer conn.Close()
	check(t, m.UpdateConn(2, conn.(*net.UDPConn), libbpf.Any))
	checkAll(t, m.All, map[uint32]uint64{2: cookieOf(t, conn.(*net.UDPConn))})
	check(t, m.Delete(2))
	wantErr(t, m.Delete(2), libbpf.ErrKeyNotExist)
	wantErr(t, second(m.Lookup(2, libbpf.Any)), libbpf.ErrKeyNotExist)
}

func TestXSKMap(t *testing.T) {
	m := must[*typed.XSKMap](t)(typed.NewXSKMap(create(t, libbpf.MapTypeXSKMap, 4, 4, 4)))
	equal(t, "maximum", m.MaxEntries(), 4)
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		testutil.Skip(t, "xsk", err)
	}
	check(t, err)
	defer unix.Close(fd)
	check(t, unix.SetsockoptInt(fd, unix.SOL_XDP, unix.XDP_RX_RING, 64)) // Linux 7 wants one
	check(t, m.Update(1, fd, libbpf.Any))
	other, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(other)
	check(t, unix.SetsockoptInt(other, unix.SOL_XDP, unix.XDP_RX_RING, 64))
	wantErr(t, m.Update(1, other, libbpf.NoExist), libbpf.ErrKeyExist)
	wantErr(t, m.Update(2, fd, libbpf.Exist), libbpf.ErrKeyNotExist)
	check(t, m.Delete(1))
	check(t, m.Delete(1))
	file := os.NewFile(uintptr(must[int](t)(unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0))), "xsk")
	check(t, m.UpdateConn(1, file, libbpf.NoExist))
	check(t, file.Close())
	if m.UpdateConn(1, file, libbpf.Any) == nil {
		t.Error("a socket that is closed")
	}
	wantErr(t, m.Update(1, other, libbpf.NoExist), libbpf.ErrKeyExist)
	client, _ := tcp(t)
	raw, err := client.SyscallConn()
	check(t, err)
	check(t, raw.Control(func(fd uintptr) { wantErr(t, m.Update(0, int(fd), libbpf.Any), unix.EOPNOTSUPP) }))
	wantInvalid(t, second(typed.NewXSKMap(create(t, libbpf.MapTypeArray, 4, 4, 4))), "xskmap")
}

func loopback(t *testing.T) int {
	t.Helper()
	lo, err := net.InterfaceByName("lo")
	check(t, err)
	return lo.Index
}

func TestDevMap(t *testing.T) {
	lo, program := loopback(t), xdp(t, libbpf.AttachTypeXDPDevMap)
	m := must[*typed.DevMap](t)(typed.NewDevMap(create(t, libbpf.MapTypeDevMap, 4, 8, 4)))
	equal(t, "maximum", m.MaxEntries(), 4)
	wantErr(t, second(m.Lookup(1, libbpf.Any)), libbpf.ErrKeyNotExist)
	check(t, m.Update(1, lo, libbpf.Any))
	equal(t, "device", must[typed.Device](t)(m.Lookup(1, libbpf.Any)), typed.Device{IfIndex: uint32(lo)})
	check(t, m.UpdateWithProgram(2, lo, program, libbpf.Any))
	withProgram := must[typed.Device](t)(m.Lookup(2, libbpf.Any))
	if withProgram.IfIndex != uint32(lo) || withProgram.ProgramID == 0 {
		t.Errorf("device %+v", withProgram)
	}
	checkAll(t, m.All, map[uint32]typed.Device{1: {IfIndex: uint32(lo)}, 2: withProgram})
	wantErr(t, m.UpdateWithProgram(2, lo, xdp(t, 0), libbpf.Any), unix.EINVAL)
	wantErr(t, m.UpdateWithProgram(2, lo, nil, libbpf.Any), libbpf.ErrClosed)
	handle := must[*libbpf.ProgramHandle](t)(libbpf.ProgramHandleFrom(program))
	defer handle.Close()
	check(t, m.UpdateWithProgram(3, lo, handle, libbpf.Any))
	equal(t, "device", must[typed.Device](t)(m.Lookup(3, libbpf.Any)), withProgram)
	check(t, m.Delete(3))
	wantErr(t, m.Update(0, lo, libbpf.NoExist), libbpf.ErrKeyExist)
	wantErr(t, m.Update(0, 0, libbpf.Any), libbpf.ErrInvalid)
	index := math.MaxInt32
	err := m.Update(0, index, libbpf.Any)
	wantErr(t, err, unix.EINVAL)
	if errors.Is(err, libbpf.ErrInvalid) {
		t.Errorf("the kernel was not asked for the largest index: %v", err)
	}
	index++
	wantErr(t, m.Update(0, index, libbpf.Any), libbpf.ErrInvalid)
	check(t, m.Delete(1))
	check(t, m.Delete(1))
	noAllocs(t, map[string]func(){
		"set":  func() { _ = m.Update(1, lo, libbpf.Any) },
		"get":  func() { _, _ = m.Lookup(1, libbpf.Any) },
		"miss": func() { _, _ = m.Lookup(0, libbpf.Any) },
	})
	old := must[*typed.DevMap](t)(typed.NewDevMap(create(t, libbpf.MapTypeDevMap, 4, 4, 4)))
	check(t, old.Update(0, lo, libbpf.Any))
	equal(t, "device", must[typed.Device](t)(old.Lookup(0, libbpf.Any)), typed.Device{IfIndex: uint32(lo)})
	wantErr(t, old.UpdateWithProgram(0, lo, program, libbpf.Any), libbpf.ErrInvalid)

	h := must[*typed.DevMapHash](t)(typed.NewDevMapHash(create(t, libbpf.MapTypeDevMapHash, 4, 8, 4)))
	equal(t, "maximum", h.MaxEntries(), 4)
	check(t, h.Update(1000, lo, libbpf.Any))
	check(t, h.UpdateWithProgram(2000, lo, program, libbpf.Any))
	equal(t, "device", must[typed.Device](t)(h.Lookup(2000, libbpf.Any)), withProgram)
	checkAll(t, h.All, map[uint32]typed.Device{1000: {IfIndex: uint32(lo)}, 2000: withProgram})
	checkKeys(t, h.Keys, 1000, 2000)
	check(t, h.Delete(1000))
	wantErr(t, h.Delete(1000), libbpf.ErrKeyNotExist)
	wantErr(t, second(h.Lookup(1000, libbpf.Any)), libbpf.ErrKeyNotExist)
	wantInvalid(t, second(typed.NewDevMap(h.Map())), "devmap_hash")
}

func TestCPUMap(t *testing.T) {
	program := xdp(t, libbpf.AttachTypeXDPCPUMap)
	m := must[*typed.CPUMap](t)(typed.NewCPUMap(create(t, libbpf.MapTypeCPUMap, 4, 8, 2)))
	equal(t, "maximum", m.MaxEntries(), 2)
	wantErr(t, second(m.Lookup(0, libbpf.Any)), libbpf.ErrKeyNotExist)
	check(t, m.Update(0, 64, libbpf.Any))
	equal(t, "queue", must[typed.CPUQueue](t)(m.Lookup(0, libbpf.Any)), typed.CPUQueue{Size: 64})
	check(t, m.UpdateWithProgram(0, 128, program, libbpf.Any))
	queue := must[typed.CPUQueue](t)(m.Lookup(0, libbpf.Any))
	if queue.Size != 128 || queue.ProgramID == 0 {
		t.Errorf("queue %+v", queue)
	}
	checkAll(t, m.All, map[uint32]typed.CPUQueue{0: queue})
	checkKeys(t, m.Keys, 0)
	handle := must[*libbpf.ProgramHandle](t)(libbpf.ProgramHandleFrom(program))
	defer handle.Close()
	check(t, m.UpdateWithProgram(0, 128, handle, libbpf.Exist))
	equal(t, "queue", must[typed.CPUQueue](t)(m.Lookup(0, libbpf.Any)), queue)
	// Linux 7 says what is wrong.
	if err := m.UpdateWithProgram(0, 64, xdp(t, 0), libbpf.Any); !errors.Is(err, unix.EINVAL) {
		wantErr(t, err, unix.ENOMEM)
	}
	wantErr(t, m.UpdateWithProgram(0, 64, nil, libbpf.Any), libbpf.ErrClosed)
	wantErr(t, m.Update(0, 64, libbpf.NoExist), libbpf.ErrKeyExist)
	wantErr(t, m.Update(0, 16385, libbpf.Any), unix.EOVERFLOW)
	cpus := must[int](t)(libbpf.PossibleCPUs())
	large := must[*typed.CPUMap](t)(typed.NewCPUMap(create(t, libbpf.MapTypeCPUMap, 4, 4, uint32(cpus)+1)))
	wantErr(t, large.Update(uint32(cpus), 64, libbpf.Any), unix.ENODEV)
	check(t, large.Update(0, 64, libbpf.Any))
	equal(t, "queue", must[typed.CPUQueue](t)(large.Lookup(0, libbpf.Any)), typed.CPUQueue{Size: 64})
	wantErr(t, large.UpdateWithProgram(0, 64, program, libbpf.Any), libbpf.ErrInvalid)
	wantErr(t, m.Update(0, 0, libbpf.Any), libbpf.ErrInvalid)
	check(t, m.Delete(0))
	check(t, m.Delete(0))
	wantErr(t, second(m.Lookup(0, libbpf.Any)), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){"miss": func() { _, _ = m.Lookup(0, libbpf.Any) }})
}

// address is a pointer as the kernel's structs have it on all machines.
func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// bpf is the system call, for what the package has no function for.
func bpf[T any](t *testing.T, command uintptr, attr *T) int {
	t.Helper()
	ret, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	if errno != 0 {
		t.Fatalf("bpf command %d: %v", command, errno)
	}
	return int(ret)
}

// stackID has a program record the stack it is called on.
func stackID(t *testing.T, m libbpf.MapCore) uint32 {
	t.Helper()
	needs.ProgramType(t, libbpf.ProgramTypeRawTracepoint)
	const stackIDFunc, reuse = 27, 1 << 10
	insns := []libbpf.Instruction{
		{Code: 0x18, Registers: libbpf.MakeRegisters(2, 1), Immediate: int32(m.FD())}, {}, // r2 = map
		{Code: 0xb7, Registers: libbpf.MakeRegisters(3, 0), Immediate: reuse}, // r3 = BPF_F_REUSE_STACKID
		{Code: 0x85, Immediate: stackIDFunc},                                  // r0 = bpf_get_stackid(r1, r2, r3)
		{Code: 0x95},                                                          // exit
	}
	license := append([]byte("GPL"), 0)
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&insns[0])
	pins.Pin(&license[0])
	load := struct {
		typ, count        uint32
		insns, license    uint64
		logLevel, logSize uint32
		log               uint64
		version, flags    uint32
	}{
		typ: uint32(libbpf.ProgramTypeRawTracepoint), count: uint32(len(insns)),
		insns: address(&insns[0]), license: address(&license[0]),
	}
	fd := bpf(t, unix.BPF_PROG_LOAD, &load)
	defer unix.Close(fd)
	run := struct {
		fd, result uint32
		rest       [64]byte
	}{fd: uint32(fd)}
	bpf(t, unix.BPF_PROG_TEST_RUN, &run)
	if int32(run.result) < 0 {
		t.Fatalf("bpf_get_stackid: %v", syscall.Errno(-int32(run.result)))
	}
	return run.result
}

func TestStackTrace(t *testing.T) {
	m := create(t, libbpf.MapTypeStackTrace, 4, 20*8, 16)
	s := must[*typed.StackTrace](t)(typed.NewStackTrace(m))
	equal(t, "maximum", s.MaxEntries(), 16)
	equal(t, "depth", s.Depth(), 20)
	n := stackID(t, m)
	trace := must[[]uint64](t)(s.Lookup(n, libbpf.Any))
	if len(trace) == 0 || slices.Contains(trace, 0) {
		t.Errorf("trace %x", trace)
	}
	var err error
	found := 0
	for id, got := range s.All(&err) {
		found++
		if id != n || !slices.Equal(got, trace) {
			t.Errorf("%d: %x", id, got)
		}
	}
	check(t, err)
	equal(t, "traces", found, 1)
	checkKeys(t, s.Keys, n)
	frames := make([]uint64, s.Depth())
	equal(t, "frames", must[int](t)(s.LookupInto(n, frames, libbpf.Any)), len(trace))
	wantErr(t, second(s.LookupInto(n, frames[1:], libbpf.Any)), libbpf.ErrInvalid)
	check(t, s.Delete(n))
	wantErr(t, s.Delete(n), libbpf.ErrKeyNotExist)
	wantErr(t, second(s.Lookup(n, libbpf.Any)), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){"miss": func() { _, _ = s.LookupInto(n, frames, libbpf.Any) }})

	// Traces that are read together. Each program is somewhere else.
	traces := make(map[uint32][]uint64)
	for range 4 {
		stackID(t, m)
	}
	for id := range s.Keys(nil) {
		traces[id] = must[[]uint64](t)(s.Lookup(id, libbpf.Any))
	}
	checkAll(t, func(err *error) iter.Seq2[uint32, string] {
		return func(yield func(uint32, string) bool) {
			for id, trace := range s.All(err) {
				if !yield(id, fmt.Sprint(trace)) {
					return
				}
			}
		}
	}, texts(traces))
	wantInvalid(t, second(typed.NewStackTrace(createWith(t, libbpf.MapTypeStackTrace, 4, 32, 4,
		libbpf.MapCreateOptions{Flags: libbpf.CreateStackBuildID}))), "build ids")
	wantInvalid(t, second(typed.NewStackTrace(create(t, libbpf.MapTypeArray, 4, 8, 4))), "stack_trace")
}

// texts are traces as text, which can be compared.
func texts(traces map[uint32][]uint64) map[uint32]string {
	all := make(map[uint32]string)
	for id, trace := range traces {
		all[id] = fmt.Sprint(trace)
	}
	return all
}

// storageMap creates a map of storages of 8 bytes, for which the kernel wants types.
func storageMap(t *testing.T, typ libbpf.MapType) libbpf.MapCore {
	t.Helper()
	testutil.Root(t)
	names := []byte("\x00int\x00u64\x00")
	var types []byte
	for _, v := range []uint32{1, 1 << 24, 4, 1<<24 | 32 /* int */, 5, 1 << 24, 8, 64 /* u64 */} {
		types = binary.NativeEndian.AppendUint32(types, v)
	}
	blob := append(binary.NativeEndian.AppendUint16(nil, 0xeb9f), 1, 0)
	for _, v := range []uint32{24, 0, uint32(len(types)), uint32(len(types)), uint32(len(names))} {
		blob = binary.NativeEndian.AppendUint32(blob, v)
	}
	blob = append(append(blob, types...), names...)
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&blob[0])
	fd := bpf(t, unix.BPF_BTF_LOAD, &struct {
		data, log               uint64
		size, logSize, logLevel uint32
	}{data: address(&blob[0]), size: uint32(len(blob))})
	defer unix.Close(fd)
	return createWith(t, typ, 4, 8, 0, libbpf.MapCreateOptions{
		Flags: libbpf.CreateNoPrealloc, BTFFD: fd, BTFKeyTypeID: 1, BTFValueTypeID: 2,
	})
}

func TestStorage(t *testing.T) {
	pidfd, err := unix.PidfdOpen(unix.Getpid(), 0)
	check(t, err)
	defer unix.Close(pidfd)
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(socket)
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	null := openFD(t, "/dev/null")
	for _, c := range []struct {
		typ    libbpf.MapType
		make   func(libbpf.MapCore) (*typed.Storage[[2]uint32], error)
		fd     int
		absent error
	}{
		{libbpf.MapTypeSKStorage, typed.NewSKStorage[[2]uint32], socket, unix.ENOTSOCK},
		{libbpf.MapTypeInodeStorage, typed.NewInodeStorage[[2]uint32], openFD(t, file), libbpf.ErrKeyNotExist},
		{libbpf.MapTypeTaskStorage, typed.NewTaskStorage[[2]uint32], pidfd, unix.EBADF},
		{libbpf.MapTypeCgrpStorage, typed.NewCgrpStorage[[2]uint32], cgroup(t), unix.EBADF},
	} {
		t.Run(c.typ.String(), func(t *testing.T) {
			s := must[*typed.Storage[[2]uint32]](t)(c.make(storageMap(t, c.typ)))
			wantErr(t, second(s.Lookup(c.fd, libbpf.Any)), libbpf.ErrKeyNotExist)
			wantErr(t, s.Delete(c.fd), libbpf.ErrKeyNotExist)
			wantErr(t, s.Update(c.fd, [2]uint32{1, 2}, libbpf.Exist), libbpf.ErrKeyNotExist)
			check(t, s.Update(c.fd, [2]uint32{1, 2}, libbpf.NoExist))
			wantErr(t, s.Update(c.fd, [2]uint32{1, 2}, libbpf.NoExist), libbpf.ErrKeyExist)
			check(t, s.Update(c.fd, [2]uint32{3, 4}, libbpf.Any))
			equal(t, "value", must[[2]uint32](t)(s.Lookup(c.fd, libbpf.Any)), [2]uint32{3, 4})
			wantErr(t, second(s.Lookup(null, libbpf.Any)), c.absent)
			wantErr(t, second(s.Lookup(-1, libbpf.Any)), libbpf.ErrInvalid)
			noAllocs(t, map[string]func(){
				"get": func() { _, _ = s.Lookup(c.fd, libbpf.Any) },
				"set": func() { _ = s.Update(c.fd, [2]uint32{}, libbpf.Any) },
			})
			check(t, s.Delete(c.fd))
			noAllocs(t, map[string]func(){"miss": func() { _, _ = s.Lookup(c.fd, libbpf.Any) }})
			wantInvalid(t, second(c.make(create(t, libbpf.MapTypeHash, 4, 8, 1))), c.typ.String())
		})
	}
	wantInvalid(t, second(typed.NewTaskStorage[uint32](storageMap(t, libbpf.MapTypeTaskStorage))), "4 bytes", "8")
}
