package typed_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
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

func id(t *testing.T, m libbpf.MapCore) uint32 {
	t.Helper()
	info, err := m.Info()
	check(t, err)
	return info.ID
}

func TestMapsOfMaps(t *testing.T) {
	inner := create(t, libbpf.MapTypeArray, 4, 4, 1)
	another := create(t, libbpf.MapTypeArray, 4, 4, 1)
	options := libbpf.MapCreateOptions{InnerMap: inner}

	a := must[*typed.ArrayOfMaps](t)(typed.NewArrayOfMaps(
		createWith(t, libbpf.MapTypeArrayOfMaps, 4, 4, 2000, options)))
	equal(t, "length", a.Len(), 2000)
	wantErr(t, second(a.Get(0)), libbpf.ErrKeyNotExist)
	wantErr(t, second(a.ID(0)), libbpf.ErrKeyNotExist)
	check(t, a.Set(0, inner))
	check(t, a.Set(1999, another))
	wantErr(t, a.Set(2000, inner), libbpf.ErrIndexRange)
	wantErr(t, a.Set(0, create(t, libbpf.MapTypeHash, 4, 4, 1)), unix.EINVAL)
	wantErr(t, a.Set(0, nil), libbpf.ErrClosed)
	checkAll(t, a.All, map[uint32]uint32{0: id(t, inner), 1999: id(t, another)})
	got, err := a.Get(0)
	check(t, err)
	equal(t, "inner map", id(t, got), id(t, inner))
	check(t, got.Update(make([]byte, 4), []byte{1, 2, 3, 4}, libbpf.Any))
	check(t, got.Close())
	equal(t, "id", must[uint32](t)(a.ID(0)), id(t, inner))
	check(t, a.Delete(0))
	wantErr(t, a.Delete(0), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){
		"id":       func() { _, _ = a.ID(1999) },
		"id, miss": func() { _, _ = a.ID(0) },
	})

	m := createWith(t, libbpf.MapTypeHashOfMaps, 12, 4, 8, options)
	h := must[*typed.HashOfMaps[padded]](t)(typed.NewHashOfMaps[padded](m))
	equal(t, "capacity", h.Capacity(), 8)
	equal(t, "empty", must[bool](t)(h.IsEmpty()), true)
	check(t, h.Set(dirty(1, 2, true), inner))
	wantErr(t, h.Insert(dirty(1, 2, true), another, libbpf.NoExist), libbpf.ErrKeyExist)
	check(t, h.Insert(padded{}, another, libbpf.NoExist))
	checkAll(t, h.All, map[padded]uint32{{1, 2, true}: id(t, inner), {}: id(t, another)})
	checkKeys(t, h.Keys, padded{1, 2, true}, padded{})
	equal(t, "length", must[int](t)(h.Len()), 2)
	got, err = h.Get(dirty(1, 2, true))
	check(t, err)
	equal(t, "inner map", id(t, got), id(t, inner))
	check(t, got.Close())
	equal(t, "id", must[uint32](t)(h.ID(dirty(1, 2, true))), id(t, inner))
	check(t, h.Delete(dirty(1, 2, true)))
	wantErr(t, second(h.Get(padded{1, 2, true})), libbpf.ErrKeyNotExist)
	wantInvalid(t, second(typed.NewHashOfMaps[uint32](m)), "4 bytes", "12")
	wantInvalid(t, second(typed.NewArrayOfMaps(m)), "hash_of_maps", "array_of_maps")
	wantInvalid(t, second(typed.NewHashOfMaps[uint32](a.Map())), "hash_of_maps", "array_of_maps")
}

func TestProgArray(t *testing.T) {
	program := xdp(t, 0)
	a := must[*typed.ProgArray](t)(typed.NewProgArray(create(t, libbpf.MapTypeProgArray, 4, 4, 4)))
	equal(t, "length", a.Len(), 4)
	wantErr(t, second(a.ID(1)), libbpf.ErrKeyNotExist)
	check(t, a.Set(1, program))
	check(t, a.SetFD(2, program.FD()))
	n := must[uint32](t)(a.ID(1))
	if n == 0 {
		t.Error("the program has no id")
	}
	checkAll(t, a.All, map[uint32]uint32{1: n, 2: n})
	wantErr(t, a.Set(4, program), libbpf.ErrIndexRange)
	wantErr(t, a.Set(1, nil), libbpf.ErrClosed)
	wantErr(t, a.SetFD(1, -1), libbpf.ErrInvalid)
	check(t, a.Delete(1))
	wantErr(t, a.Delete(1), libbpf.ErrKeyNotExist)
	fd := program.FD()
	noAllocs(t, map[string]func(){
		"set":  func() { _ = a.SetFD(1, fd) },
		"id":   func() { _, _ = a.ID(1) },
		"miss": func() { _, _ = a.ID(0) },
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
	equal(t, "length", a.Len(), 2)
	check(t, a.Set(1, cgroup(t)))
	wantErr(t, a.Set(2, cgroup(t)), libbpf.ErrIndexRange)
	wantErr(t, a.Set(0, openFD(t, "/dev/null")), unix.EBADF)
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
	equal(t, "length", m.Len(), 4)
	wantErr(t, second(m.Cookie(1)), libbpf.ErrKeyNotExist)
	check(t, m.SetConn(1, client))
	raw, err := server.SyscallConn()
	check(t, err)
	check(t, raw.Control(func(fd uintptr) {
		check(t, m.Set(2, int(fd)))
		wantErr(t, m.Insert(2, int(fd), libbpf.NoExist), libbpf.ErrKeyExist)
		wantErr(t, m.Insert(3, int(fd), libbpf.Exist), libbpf.ErrKeyNotExist)
		wantErr(t, m.Set(4, int(fd)), libbpf.ErrIndexRange)
		check(t, m.Delete(2))
		noAllocs(t, map[string]func(){
			"set and delete": func() { _ = m.Set(2, int(fd)); _ = m.Delete(2) },
			"cookie":         func() { _, _ = m.Cookie(1) },
			"miss":           func() { _, _ = m.Cookie(0) },
		})
		check(t, m.Set(2, int(fd)))
	}))
	equal(t, "cookie", must[uint64](t)(m.Cookie(1)), cookieOf(t, client))
	checkAll(t, m.All, map[uint32]uint64{1: cookieOf(t, client), 2: cookieOf(t, server)})
	check(t, m.Delete(1))
	wantErr(t, m.Delete(1), unix.EINVAL)
	wantErr(t, m.Set(0, -1), libbpf.ErrInvalid)
	check(t, client.Close())
	wantErr(t, m.SetConn(0, client), net.ErrClosed)

	old := must[*typed.SockMap](t)(typed.NewSockMap(create(t, libbpf.MapTypeSockMap, 4, 4, 4)))
	other, _ := tcp(t)
	check(t, old.SetConn(0, other))
	wantErr(t, second(old.Cookie(0)), unix.ENOSPC)
	wantInvalid(t, second(typed.NewSockMap(create(t, libbpf.MapTypeHash, 4, 4, 4))), "hash", "sockmap")
}

func TestSockHash(t *testing.T) {
	client, server := tcp(t)
	m := create(t, libbpf.MapTypeSockHash, 12, 8, 4)
	h := must[*typed.SockHash[padded]](t)(typed.NewSockHash[padded](m))
	equal(t, "capacity", h.Capacity(), 4)
	equal(t, "empty", must[bool](t)(h.IsEmpty()), true)
	check(t, h.SetConn(dirty(1, 2, true), client))
	check(t, h.SetConn(padded{}, server))
	equal(t, "cookie", must[uint64](t)(h.Cookie(dirty(1, 2, true))), cookieOf(t, client))
	checkKeys(t, h.Keys, padded{1, 2, true}, padded{})
	check(t, h.Delete(dirty(1, 2, true)))
	wantErr(t, h.Delete(padded{1, 2, true}), libbpf.ErrKeyNotExist)
	wantErr(t, second(h.Cookie(padded{1, 2, true})), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){
		"cookie": func() { _, _ = h.Cookie(padded{}) },
		"miss":   func() { _, _ = h.Cookie(padded{A: 1}) },
		"delete": func() { _ = h.Delete(padded{A: 1}) },
	})
	wantInvalid(t, second(typed.NewSockHash[uint32](m)), "4 bytes", "12")
	wantInvalid(t, second(typed.NewSockHash[string](m)), "string")
}

func TestReuseportSockArray(t *testing.T) {
	m := must[*typed.ReuseportSockArray](t)(typed.NewReuseportSockArray(
		create(t, libbpf.MapTypeReuseportSockArray, 4, 8, 4)))
	equal(t, "length", m.Len(), 4)
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}), err)
	}}
	conn, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	check(t, err)
	defer conn.Close()
	check(t, m.SetConn(2, conn.(*net.UDPConn)))
	checkAll(t, m.All, map[uint32]uint64{2: cookieOf(t, conn.(*net.UDPConn))})
	check(t, m.Delete(2))
	wantErr(t, m.Delete(2), libbpf.ErrKeyNotExist)
	wantErr(t, second(m.Cookie(2)), libbpf.ErrKeyNotExist)
}

func TestXSKMap(t *testing.T) {
	m := must[*typed.XSKMap](t)(typed.NewXSKMap(create(t, libbpf.MapTypeXSKMap, 4, 4, 4)))
	equal(t, "length", m.Len(), 4)
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		testutil.Skip(t, "xsk", err)
	}
	check(t, err)
	defer unix.Close(fd)
	check(t, unix.SetsockoptInt(fd, unix.SOL_XDP, unix.XDP_RX_RING, 64)) // Linux 7 wants one
	check(t, m.Set(1, fd))
	other, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(other)
	check(t, unix.SetsockoptInt(other, unix.SOL_XDP, unix.XDP_RX_RING, 64))
	wantErr(t, m.Update(1, other, libbpf.NoExist), libbpf.ErrKeyExist)
	wantErr(t, m.Update(2, fd, libbpf.Exist), libbpf.ErrKeyNotExist)
	wantErr(t, m.Set(4, fd), libbpf.ErrIndexRange)
	check(t, m.Delete(1))
	check(t, m.Delete(1))
	client, _ := tcp(t)
	raw, err := client.SyscallConn()
	check(t, err)
	check(t, raw.Control(func(fd uintptr) { wantErr(t, m.Set(0, int(fd)), unix.EOPNOTSUPP) }))
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
	equal(t, "length", m.Len(), 4)
	wantErr(t, second(m.Get(1)), libbpf.ErrKeyNotExist)
	check(t, m.Set(1, lo))
	equal(t, "device", must[typed.Device](t)(m.Get(1)), typed.Device{IfIndex: uint32(lo)})
	check(t, m.SetProgram(2, lo, program))
	withProgram := must[typed.Device](t)(m.Get(2))
	if withProgram.IfIndex != uint32(lo) || withProgram.ProgramID == 0 {
		t.Errorf("device %+v", withProgram)
	}
	checkAll(t, m.All, map[uint32]typed.Device{1: {IfIndex: uint32(lo)}, 2: withProgram})
	wantErr(t, m.SetProgram(2, lo, xdp(t, 0)), unix.EINVAL)
	wantErr(t, m.SetProgram(2, lo, nil), libbpf.ErrClosed)
	wantErr(t, m.Set(4, lo), libbpf.ErrIndexRange)
	wantErr(t, m.Set(0, 0), libbpf.ErrInvalid)
	wantErr(t, m.Set(0, 1<<30), unix.EINVAL)
	check(t, m.Delete(1))
	check(t, m.Delete(1))
	noAllocs(t, map[string]func(){
		"set":  func() { _ = m.Set(1, lo) },
		"get":  func() { _, _ = m.Get(1) },
		"miss": func() { _, _ = m.Get(0) },
	})
	old := must[*typed.DevMap](t)(typed.NewDevMap(create(t, libbpf.MapTypeDevMap, 4, 4, 4)))
	check(t, old.Set(0, lo))
	equal(t, "device", must[typed.Device](t)(old.Get(0)), typed.Device{IfIndex: uint32(lo)})
	wantErr(t, old.SetProgram(0, lo, program), libbpf.ErrInvalid)

	h := must[*typed.DevMapHash](t)(typed.NewDevMapHash(create(t, libbpf.MapTypeDevMapHash, 4, 8, 4)))
	equal(t, "capacity", h.Capacity(), 4)
	equal(t, "empty", must[bool](t)(h.IsEmpty()), true)
	check(t, h.Set(1000, lo))
	check(t, h.SetProgram(2000, lo, program))
	equal(t, "device", must[typed.Device](t)(h.Get(2000)), withProgram)
	checkAll(t, h.All, map[uint32]typed.Device{1000: {IfIndex: uint32(lo)}, 2000: withProgram})
	checkKeys(t, h.Keys, 1000, 2000)
	check(t, h.Delete(1000))
	wantErr(t, h.Delete(1000), libbpf.ErrKeyNotExist)
	wantErr(t, second(h.Get(1000)), libbpf.ErrKeyNotExist)
	wantInvalid(t, second(typed.NewDevMap(h.Map())), "devmap_hash")
}

func TestCPUMap(t *testing.T) {
	program := xdp(t, libbpf.AttachTypeXDPCPUMap)
	m := must[*typed.CPUMap](t)(typed.NewCPUMap(create(t, libbpf.MapTypeCPUMap, 4, 8, 2)))
	equal(t, "length", m.Len(), 2)
	wantErr(t, second(m.Get(0)), libbpf.ErrKeyNotExist)
	check(t, m.Set(0, 64))
	equal(t, "queue", must[typed.CPUQueue](t)(m.Get(0)), typed.CPUQueue{Size: 64})
	check(t, m.SetProgram(0, 128, program))
	queue := must[typed.CPUQueue](t)(m.Get(0))
	if queue.Size != 128 || queue.ProgramID == 0 {
		t.Errorf("queue %+v", queue)
	}
	checkAll(t, m.All, map[uint32]typed.CPUQueue{0: queue})
	wantErr(t, m.Set(2, 64), libbpf.ErrIndexRange)
	wantErr(t, m.Set(0, 0), libbpf.ErrInvalid)
	check(t, m.Delete(0))
	check(t, m.Delete(0))
	wantErr(t, second(m.Get(0)), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){"miss": func() { _, _ = m.Get(0) }})
}

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
	const stackIDFunc = 27
	insns := []libbpf.Instruction{
		{Code: 0x18, Registers: 0x12, Immediate: int32(m.FD())}, {}, // r2 = map
		{Code: 0xb7, Registers: 0x03},        // r3 = 0
		{Code: 0x85, Immediate: stackIDFunc}, // r0 = bpf_get_stackid(r1, r2, r3)
		{Code: 0x95},                         // exit
	}
	license := append([]byte("GPL"), 0)
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&insns[0])
	pins.Pin(&license[0])
	load := struct {
		typ, count        uint32
		insns, license    uintptr
		logLevel, logSize uint32
		log               uint64
		version, flags    uint32
	}{
		typ: uint32(libbpf.ProgramTypeRawTracepoint), count: uint32(len(insns)),
		insns: uintptr(unsafe.Pointer(&insns[0])), license: uintptr(unsafe.Pointer(&license[0])),
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
	equal(t, "capacity", s.Capacity(), 16)
	equal(t, "depth", s.Depth(), 20)
	n := stackID(t, m)
	trace := must[[]uint64](t)(s.Get(n))
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
	equal(t, "frames", must[int](t)(s.GetInto(n, frames)), len(trace))
	wantErr(t, second(s.GetInto(n, frames[1:])), libbpf.ErrInvalid)
	check(t, s.Delete(n))
	wantErr(t, s.Delete(n), libbpf.ErrKeyNotExist)
	wantErr(t, second(s.Get(n)), libbpf.ErrKeyNotExist)
	noAllocs(t, map[string]func(){"miss": func() { _, _ = s.GetInto(n, frames) }})
	wantInvalid(t, second(typed.NewStackTrace(createWith(t, libbpf.MapTypeStackTrace, 4, 32, 4,
		libbpf.MapCreateOptions{Flags: libbpf.StackBuildID}))), "build ids")
	wantInvalid(t, second(typed.NewStackTrace(create(t, libbpf.MapTypeArray, 4, 8, 4))), "stack_trace")
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
	blob := binary.NativeEndian.AppendUint32(nil, 0x0001eb9f)
	for _, v := range []uint32{24, 0, uint32(len(types)), uint32(len(types)), uint32(len(names))} {
		blob = binary.NativeEndian.AppendUint32(blob, v)
	}
	blob = append(append(blob, types...), names...)
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&blob[0])
	fd := bpf(t, unix.BPF_BTF_LOAD, &struct {
		data, log               uintptr
		size, logSize, logLevel uint32
	}{data: uintptr(unsafe.Pointer(&blob[0])), size: uint32(len(blob))})
	defer unix.Close(fd)
	return createWith(t, typ, 4, 8, 0, libbpf.MapCreateOptions{
		Flags: libbpf.NoPrealloc, BTFFD: fd, BTFKeyTypeID: 1, BTFValueTypeID: 2,
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
			wantErr(t, second(s.Get(c.fd)), libbpf.ErrKeyNotExist)
			wantErr(t, s.Delete(c.fd), libbpf.ErrKeyNotExist)
			wantErr(t, s.Insert(c.fd, [2]uint32{1, 2}, libbpf.Exist), libbpf.ErrKeyNotExist)
			check(t, s.Insert(c.fd, [2]uint32{1, 2}, libbpf.NoExist))
			wantErr(t, s.Insert(c.fd, [2]uint32{1, 2}, libbpf.NoExist), libbpf.ErrKeyExist)
			check(t, s.Set(c.fd, [2]uint32{3, 4}))
			equal(t, "value", must[[2]uint32](t)(s.Get(c.fd)), [2]uint32{3, 4})
			wantErr(t, second(s.Get(null)), c.absent)
			wantErr(t, second(s.Get(-1)), libbpf.ErrInvalid)
			noAllocs(t, map[string]func(){
				"get": func() { _, _ = s.Get(c.fd) },
				"set": func() { _ = s.Set(c.fd, [2]uint32{}) },
			})
			check(t, s.Delete(c.fd))
			noAllocs(t, map[string]func(){"miss": func() { _, _ = s.Get(c.fd) }})
			wantInvalid(t, second(c.make(create(t, libbpf.MapTypeHash, 4, 8, 1))), c.typ.String())
		})
	}
	wantInvalid(t, second(typed.NewTaskStorage[uint32](storageMap(t, libbpf.MapTypeTaskStorage))), "4 bytes", "8")
}

// eventRecord is what events.bpf.c writes for getpgid(eventMagic + n): n records.
type eventRecord struct {
	Sequence uint64
	Ring     uint32
	Size     uint32
	Payload  [48]byte
}

const eventMagic = 0x40000000

// eventRings are the ring buffers of events.bpf.c, whose programs are attached: what is written to the one is written to
// the other too.
func eventRings(t *testing.T) (events, more *libbpf.Map) {
	t.Helper()
	testutil.Root(t)
	open, err := libbpf.OpenFile(testutil.Object(t, "events"))
	check(t, err)
	defer open.Close()
	check(t, open.SetGlobal("target_tgid", os.Getpid()))
	check(t, open.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	needs.ToLoad(t, open)
	object, err := open.Load()
	check(t, err)
	t.Cleanup(func() { check(t, object.Close()) })
	events, err = object.Map("events")
	check(t, err)
	more, err = object.Map("more_events")
	check(t, err)
	_, err = object.Attach()
	check(t, err)
	return events, more
}

func TestRingBuf(t *testing.T) {
	events, more := eventRings(t)
	var got []uint64
	errStop := errors.New("stop")
	ring, err := typed.NewRingBuf(events, func(r eventRecord) error {
		got = append(got, r.Sequence)
		if r.Size != 48 || r.Payload[0] != byte(r.Sequence) || r.Payload[47] != byte(r.Sequence) {
			t.Errorf("record %+v", r)
		}
		if len(got) == 3 {
			return errStop
		}
		return nil
	})
	check(t, err)
	defer ring.Close()
	short, err := typed.NewRingBuf(more, func(uint64) error { return nil })
	check(t, err)
	defer short.Close()
	_, _ = unix.Getpgid(eventMagic + 5)
	wantErr(t, second(ring.Poll(time.Second)), errStop)
	n, err := ring.Consume()
	check(t, err)
	equal(t, "records", n, 2)
	if !slices.Equal(got, []uint64{0, 1, 2, 3, 4}) {
		t.Errorf("sequence %v", got)
	}
	equal(t, "map", ring.Map(), libbpf.MapCore(events))
	if ring.EpollFD() < 0 {
		t.Error("no epoll fd")
	}
	wantInvalid(t, second(short.Consume()), "64 bytes", "must have 8, as a uint64 has")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	wantErr(t, second(ring.PollContext(ctx)), context.DeadlineExceeded)
	check(t, ring.Close())
	wantErr(t, second(ring.Poll(0)), libbpf.ErrClosed)

	wantInvalid(t, second(typed.NewRingBuf[eventRecord](events, nil)), "callback")
	wantInvalid(t, second(typed.NewRingBuf(events, func(string) error { return nil })), "string")
	wantInvalid(t, second(typed.NewRingBuf(create(t, libbpf.MapTypeHash, 4, 4, 1), func(eventRecord) error { return nil })),
		"hash", "ringbuf")
}

func TestRingReader(t *testing.T) {
	events, more := eventRings(t)
	ring, err := typed.NewRingReader[eventRecord](events)
	check(t, err)
	defer ring.Close()
	_, _ = unix.Getpgid(eventMagic + 5)
	stats, err := ring.Stats()
	check(t, err)
	equal(t, "available", stats.Available, 5*(8+64))
	var got []uint64
	for r := range ring.Records(t.Context(), &err) {
		got = append(got, r.Sequence)
		if r.Size != 48 || r.Payload[0] != byte(r.Sequence) || r.Payload[47] != byte(r.Sequence) {
			t.Errorf("record %+v", r)
		}
		if len(got) == 3 {
			break
		}
	}
	check(t, err)
	for r := range ring.Pending(&err) {
		got = append(got, r.Sequence)
	}
	check(t, err)
	if !slices.Equal(got, []uint64{0, 1, 2, 3, 4}) {
		t.Errorf("sequence %v", got)
	}
	equal(t, "map", ring.Map(), libbpf.MapCore(events))

	_, _ = unix.Getpgid(eventMagic + 200)
	seen := 0
	noAllocs(t, map[string]func(){"pending": func() {
		for range ring.Pending(nil) {
			if seen++; seen%2 == 0 {
				break
			}
		}
	}})
	if seen < 100 {
		t.Errorf("%d records", seen)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	for range ring.Records(ctx, &err) {
	}
	wantErr(t, err, context.DeadlineExceeded)
	check(t, ring.Close())
	for range ring.Pending(&err) {
		t.Error("a record after Close")
	}
	wantErr(t, err, libbpf.ErrClosed)
	var none *typed.RingReader[eventRecord]
	for range none.Pending(&err) {
		t.Error("a record of nothing")
	}
	wantErr(t, err, libbpf.ErrClosed)

	// A record of another length counts as handled.
	short, err := typed.NewRingReader[uint64](more)
	check(t, err)
	defer short.Close()
	before, err := short.Stats()
	check(t, err)
	for range short.Pending(&err) {
		t.Error("a record of another length")
	}
	wantInvalid(t, err, "64 bytes", "must have 8, as a uint64 has")
	after, err := short.Stats()
	check(t, err)
	equal(t, "consumed", after.ConsumerPos-before.ConsumerPos, 8+64)

	// The first byte of the payload, which counts, is more than a bool can be.
	type flagged struct {
		_     [16]byte
		Truth bool
		_     [47]byte
	}
	_, _ = unix.Getpgid(eventMagic + 400)
	flags, err := typed.NewRingReader[flagged](more)
	check(t, err)
	defer flags.Close()
	truths := 0
	for f := range flags.Pending(&err) {
		if *(*byte)(unsafe.Pointer(&f.Truth)) > 1 {
			t.Fatal("a bool that is neither true nor false")
		}
		if f.Truth {
			truths++
		}
	}
	check(t, err)
	if truths < 300 {
		t.Errorf("%d true", truths)
	}
	wantInvalid(t, second(typed.NewRingReader[string](events)), "string")
	wantInvalid(t, second(typed.NewRingReader[uint64](create(t, libbpf.MapTypeHash, 4, 4, 1))), "hash", "ringbuf")
}
