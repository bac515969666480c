package libbpf_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The kernel cuts names at 15 characters; handles have the whole ones.
func TestHandlesHaveWholeNames(t *testing.T) {
	o := load(t, open(t, "longname"))
	const programName, mapName = "a_program_with_a_long_name", "a_map_with_a_long_name"
	p, m := findProgram(t, o, programName), findMap(t, o, mapName)
	path := filepath.Join(testutil.BPFFS(t), "program")
	check(t, p.Pin(path))
	info, err := p.Info(0)
	check(t, err)
	for how, open := range map[string]func() (*libbpf.ProgramHandle, error){
		"from a program": func() (*libbpf.ProgramHandle, error) { return libbpf.ProgramHandleFrom(p) },
		"from an id":     func() (*libbpf.ProgramHandle, error) { return libbpf.ProgramHandleFromID(info.ID) },
		"from a pin":     func() (*libbpf.ProgramHandle, error) { return libbpf.ProgramHandleFromPinnedPath(path) },
		"from an fd":     func() (*libbpf.ProgramHandle, error) { return libbpf.ProgramHandleFromFD(p.FD()) },
	} {
		h, err := open()
		check(t, err)
		if h.Name() != programName {
			t.Errorf("%s: %q", how, h.Name())
		}
		check(t, h.Close())
	}
	h, err := libbpf.MapHandleFrom(m)
	check(t, err)
	defer h.Close()
	created, err := libbpf.CreateMap(libbpf.MapTypeArray, mapName, 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer created.Close()
	for _, m := range []*libbpf.MapHandle{h, created} {
		info, err := m.Info()
		check(t, err)
		if m.Name() != mapName || info.Name != mapName[:15] {
			t.Errorf("%q, %q in the kernel", m.Name(), info.Name)
		}
	}
}

func TestProgramFDInfo(t *testing.T) {
	p := findProgram(t, loadTestRun(t, true), "count_packet")
	info, err := p.Info(0)
	check(t, err)
	got, err := p.FDInfo()
	check(t, err)
	if got.ID != info.ID || got.Type != info.Type || got.VerifiedInstructions != info.VerifiedInstructions ||
		got.JITed != (info.JITedSize > 0) || got.Memlock == 0 || got.Memlock%uint64(os.Getpagesize()) != 0 {
		text, _ := json.Marshal(got)
		t.Errorf("%s, info %+v", text, info)
	}
	h, err := libbpf.ProgramHandleFrom(p)
	check(t, err)
	again, err := h.FDInfo()
	check(t, err)
	if again != got {
		t.Errorf("%+v, %+v", again, got)
	}
	check(t, h.Close())
	_, err = h.FDInfo()
	wantErr(t, err, libbpf.ErrClosed)
}

// Sockets' cookies have 8 bytes: where values have fewer, the error says that, and not that there is no room.
func TestSocketsWithoutCookies(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeSockMap, "short", 4, 4, 1<<20, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	check(t, m.Update(u32(0), u32(uint32(tcpSocket(t))), libbpf.Any))
	_, lookup := m.Lookup(u32(0), libbpf.Any)
	_, batch := m.LookupBatch(new(libbpf.MapCursor), make([]byte, 4), make([]byte, 4), libbpf.Any)
	var entries error
	for range m.All(&entries) {
	}
	_, many := m.LookupMany(make([]byte, 4), make([]byte, 4), make([]bool, 1), libbpf.Any)
	for how, err := range map[string]error{"lookup": lookup, "batch": batch, "entries": entries, "many": many} {
		wantErr(t, err, unix.ENOSPC)
		if !strings.Contains(err.Error(), "socket cookies, which need 8 bytes") {
			t.Errorf("%s: %v", how, err)
		}
	}
}

// A duplicate has no number that others give a meaning to, and is not handed on to other programs.
func TestDuplicatesAreKeptApart(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "m", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	stdin, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	check(t, err)
	check(t, unix.Close(0))
	h, err := libbpf.MapHandleFrom(m)
	check(t, unix.Dup3(stdin, 0, 0))
	check(t, unix.Close(stdin))
	check(t, err)
	defer h.Close()
	flags, err := unix.FcntlInt(uintptr(h.FD()), unix.F_GETFD, 0)
	check(t, err)
	if h.FD() < 3 || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("fd %d, flags %d", h.FD(), flags)
	}
}
