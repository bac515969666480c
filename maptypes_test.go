package libbpf_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// openMapTypes opens maptypes.bpf.o without the maps that the kernel lacks.
func openMapTypes(t *testing.T, missing map[string]error) *libbpf.OpenObject {
	t.Helper()
	o := open(t, "maptypes")
	for name := range missing {
		m, err := o.Map(name)
		check(t, err)
		check(t, m.SetAutocreate(false))
	}
	return o
}

// loadMapTypes loads maptypes.bpf.o without the maps that the kernel lacks. The function that it returns gets the
// others.
func loadMapTypes(t *testing.T) (*libbpf.Object, func(t *testing.T, name string) *libbpf.Map) {
	t.Helper()
	missing := missingMaps(t, "maptypes")
	open := openMapTypes(t, missing)
	check(t, open.SetGlobal("target_tgid", selfTGID(t)))
	check(t, open.SetGlobal("getpgid_nr", unix.SYS_GETPGID))
	o := load(t, open)
	return o, func(t *testing.T, name string) *libbpf.Map {
		t.Helper()
		if err := missing[name]; err != nil {
			testutil.Skip(t, name, err)
		}
		return findMap(t, o, name)
	}
}

// Each kind of map with its own kind of use is used that way. TestMapOperations, TestPerCPU, TestKeyless,
// TestLookupBatch, TestMapInMap and TestStructOps test the other kinds; the tests of events test the buffers.
func TestMapTypes(t *testing.T) {
	o, get := loadMapTypes(t)

	t.Run("prog_array", func(t *testing.T) {
		m := get(t, "prog_array")
		p, err := o.Program("on_sys_enter")
		check(t, err)
		check(t, m.Update(u32(2), u32(uint32(p.FD())), libbpf.Any))
		id, err := m.Lookup(u32(2), libbpf.Any)
		check(t, err)
		if binary.NativeEndian.Uint32(id) == 0 {
			t.Error("no program id")
		}
		wantErr(t, m.Update(u32(4), u32(uint32(p.FD())), libbpf.Any), libbpf.ErrIndexRange)
		wantErr(t, m.Update(u32(0), u32(uint32(m.FD())), libbpf.Any), unix.EINVAL) // a map is no program
		info, err := m.FDInfo()
		check(t, err)
		if info.OwnerProgramType != libbpf.ProgramTypeRawTracepoint {
			t.Errorf("fdinfo %+v", info)
		}
		check(t, m.Delete(u32(2)))
		_, err = m.Lookup(u32(2), libbpf.Any)
		wantErr(t, err, libbpf.ErrKeyNotExist)
	})

	t.Run("perf_event_array", func(t *testing.T) {
		needs.PerfEvents(t)
		m := get(t, "perf_event_array")
		fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample_type: unix.PERF_SAMPLE_RAW,
			Size: uint32(unix.PERF_ATTR_SIZE_VER5),
		}, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
		check(t, err)
		defer unix.Close(fd)
		check(t, m.Update(u32(0), u32(uint32(fd)), libbpf.Any))
		check(t, m.Delete(u32(0)))
		wantErr(t, m.Delete(u32(0)), libbpf.ErrKeyNotExist)
	})

	t.Run("stack_trace", func(t *testing.T) {
		m := get(t, "stack_trace")
		p, err := o.Program("on_sys_enter")
		check(t, err)
		link, err := p.Attach()
		check(t, err)
		_, _ = unix.Getpgid(0)
		check(t, link.Close())
		memory, offset, err := o.GlobalMemory("stack_id")
		check(t, err)
		defer memory.Close()
		id, err := libbpf.MemoryAt[int64](memory, offset)
		check(t, err)
		if *id < 0 {
			t.Fatalf("stack id %d", *id)
		}
		stack, err := m.Lookup(u32(uint32(*id)), libbpf.Any)
		check(t, err)
		if len(stack) != 127*8 || binary.NativeEndian.Uint64(stack) == 0 {
			t.Errorf("stack %v", stack[:16])
		}
		check(t, m.Delete(u32(uint32(*id))))
	})

	cgroup := testutil.NewCgroup(t)
	t.Run("cgroup_array", func(t *testing.T) {
		m := get(t, "cgroup_array")
		check(t, m.Update(u32(1), u32(uint32(cgroup.Fd())), libbpf.Any))
		wantErr(t, m.Update(u32(2), u32(uint32(cgroup.Fd())), libbpf.Any), libbpf.ErrIndexRange)
		check(t, m.Delete(u32(1)))
	})

	for _, name := range []string{"devmap", "devmap_hash"} {
		t.Run(name, func(t *testing.T) {
			m := get(t, name)
			loopback, err := net.InterfaceByName("lo")
			check(t, err)
			check(t, m.Update(u32(3), u32(uint32(loopback.Index)), libbpf.Any))
			value, err := m.Lookup(u32(3), libbpf.Any)
			check(t, err)
			if !bytes.Equal(value, u32(uint32(loopback.Index))) {
				t.Errorf("%v", value)
			}
			check(t, m.Delete(u32(3)))
			wantErr(t, m.Update(u32(3), u32(1<<30), libbpf.Any), unix.EINVAL) // no such device
		})
	}

	t.Run("cpumap", func(t *testing.T) {
		m := get(t, "cpumap")
		check(t, m.Update(u32(0), u32(64), libbpf.Any)) // a queue of 64
		value, err := m.Lookup(u32(0), libbpf.Any)
		check(t, err)
		if !bytes.Equal(value, u32(64)) {
			t.Errorf("queue size %v", value)
		}
		check(t, m.Delete(u32(0)))
	})

	t.Run("xskmap", func(t *testing.T) {
		m := get(t, "xskmap")
		fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		check(t, err)
		defer unix.Close(fd)
		check(t, unix.SetsockoptInt(fd, unix.SOL_XDP, unix.XDP_RX_RING, 64)) // Linux 7 requires one
		check(t, m.Update(u32(0), u32(uint32(fd)), libbpf.Any))
		wantErr(t, m.Update(u32(4), u32(uint32(fd)), libbpf.Any), libbpf.ErrIndexRange)
		check(t, m.Delete(u32(0)))
		wantErr(t, m.Delete(u32(9)), unix.EINVAL)
	})

	for _, name := range []string{"sockmap", "sockhash"} {
		t.Run(name, func(t *testing.T) {
			m := get(t, name)
			fd := tcpSocket(t)
			check(t, m.Update(u32(1), u64(uint64(fd)), libbpf.Any))
			wantErr(t, m.Update(u32(1), u64(uint64(fd)), libbpf.NoExist), libbpf.ErrKeyExist)
			cookie, err := m.Lookup(u32(1), libbpf.Any)
			check(t, err)
			want, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
			check(t, err)
			if !bytes.Equal(cookie, u64(want)) {
				t.Errorf("cookie %v, want %d", cookie, want)
			}
			check(t, m.Delete(u32(1)))
			wantErr(t, m.Update(u32(1), u64(uint64(m.FD())), libbpf.Any), unix.ENOTSOCK)
		})
	}

	t.Run("reuseport_sockarray", func(t *testing.T) {
		m := get(t, "reuseport_sockarray")
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		check(t, err)
		defer unix.Close(fd)
		check(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
		check(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		check(t, m.Update(u32(0), u64(uint64(fd)), libbpf.Any))
		_, err = m.Lookup(u32(0), libbpf.Any)
		check(t, err)
		check(t, m.Delete(u32(0)))
	})

	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	check(t, err)
	defer unix.Close(pidfd)
	file, err := os.Open(filepath.Join("/proc", "self", "exe"))
	check(t, err)
	defer file.Close()
	for name, fd := range map[string]int{
		"sk_storage": tcpSocket(t), "inode_storage": int(file.Fd()), "task_storage": pidfd,
		"cgrp_storage": int(cgroup.Fd()),
	} {
		t.Run(name, func(t *testing.T) {
			m := get(t, name)
			key := u32(uint32(fd))
			_, err := m.Lookup(key, libbpf.Any)
			wantErr(t, err, libbpf.ErrKeyNotExist)
			check(t, m.Update(key, u64(7), libbpf.NoExist))
			wantErr(t, m.Update(key, u64(8), libbpf.NoExist), libbpf.ErrKeyExist)
			check(t, m.Update(key, u64(9), libbpf.Exist))
			value, err := m.Lookup(key, libbpf.Any)
			check(t, err)
			if !bytes.Equal(value, u64(9)) {
				t.Errorf("%v", value)
			}
			check(t, m.Delete(key))
			wantErr(t, m.Delete(key), libbpf.ErrKeyNotExist)
			wantErr(t, m.Update(u32(1<<20), u64(1), libbpf.Any), unix.EBADF)
			for range m.Keys(&err) {
				t.Error("a key of what can't be walked")
			}
			if err == nil {
				t.Error("walked")
			}
		})
	}

	t.Run("cgroup_storage", func(t *testing.T) {
		// Only attached programs create elements, and none is attached.
		key := make([]byte, 16)
		_, err := get(t, "cgroup_storage").Lookup(key, libbpf.Any)
		wantErr(t, err, libbpf.ErrKeyNotExist)
		_, err = get(t, "percpu_cgroup_storage").LookupPerCPU(key, libbpf.Any)
		wantErr(t, err, libbpf.ErrKeyNotExist)
	})

	for _, name := range []string{"ringbuf", "user_ringbuf"} {
		t.Run(name, func(t *testing.T) {
			m := get(t, name)
			if m.KeySize() != 0 || m.ValueSize() != 0 || m.MaxEntries() != uint32(os.Getpagesize()) {
				t.Errorf("%d, %d, %d", m.KeySize(), m.ValueSize(), m.MaxEntries())
			}
			if _, err := m.Lookup(nil, libbpf.Any); err == nil {
				t.Error("looked up in")
			}
		})
	}

	t.Run("arena", func(t *testing.T) {
		info, err := get(t, "arena").Info()
		check(t, err)
		if info.Type != libbpf.MapTypeArena || info.MaxEntries != 2 || info.Flags&libbpf.CreateMMapable == 0 {
			t.Errorf("info %+v", info)
		}
	})
}

// An instruction array is filled with offsets in a program, and frozen. The kernel completes it when it loads the
// program.
func TestInsnArray(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeInsnArray, "places", 4, 16, 2, libbpf.MapCreateOptions{})
	if err != nil {
		wantErr(t, err, unix.EINVAL)
		testutil.Skip(t, "insn_array", err)
	}
	defer m.Close()
	// Original, translated and compiled offset.
	for i, original := range []uint32{0, 3} {
		check(t, m.Update(u32(uint32(i)), append(u32(original), make([]byte, 12)...), libbpf.Any))
	}
	check(t, m.Freeze())
	o := open(t, "insn_array")
	places, err := o.Map("places")
	check(t, err)
	check(t, places.Reuse(m))
	loaded, err := o.Load()
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "insn_array", err)
	}
	check(t, err)
	defer loaded.Close()
	compiled := make([]uint32, 2)
	for i := range compiled {
		value, err := m.Lookup(u32(uint32(i)), libbpf.Any)
		check(t, err)
		compiled[i] = binary.NativeEndian.Uint32(value[8:])
	}
	if compiled[0] >= compiled[1] {
		t.Errorf("the instructions are at %v", compiled)
	}
}

// tcpSocket is one end of a TCP connection over the loopback device.
func tcpSocket(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	accepted, err := l.Accept()
	check(t, err)
	t.Cleanup(func() { check(t, accepted.Close()) })
	raw, err := c.(*net.TCPConn).SyscallConn()
	check(t, err)
	fd := -1
	check(t, raw.Control(func(n uintptr) { fd = int(n) }))
	return fd
}
