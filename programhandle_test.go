package libbpf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestProgramInfo(t *testing.T) {
	o := loadTestRun(t, false)
	bss, err := findMap(t, o, ".bss").Info()
	check(t, err)
	bothProgramCores(t, findProgram(t, o, "grow_packet"), func(t *testing.T, p libbpf.ProgramCore) {
		info, err := p.Info(libbpf.IncludeAll)
		check(t, err)
		if info.Type != libbpf.ProgramTypeXDP || info.ID == 0 || info.Name != "grow_packet" || !info.GPLCompatible ||
			info.LoadTime <= 0 || info.CreatedByUID != 0 || info.BTFID == 0 || info.IfIndex != 0 {
			t.Errorf("info %+v", info)
		}
		if want := []uint32{bss.ID}; !slices.Equal(info.MapIDs, want) {
			t.Errorf("maps %d, want %d", info.MapIDs, want)
		}
		if n := len(info.XlatedInstructions); n == 0 || n*8 != info.XlatedSize {
			t.Errorf("%d instructions in %d bytes", n, info.XlatedSize)
		}
		// The last instruction is the exit.
		if last := info.XlatedInstructions[len(info.XlatedInstructions)-1]; last.Code != unix.BPF_JMP|unix.BPF_EXIT {
			t.Errorf("last instruction %+v", last)
		}
		if info.JITedSize > 0 && len(info.JITedInstructions) != info.JITedSize {
			t.Errorf("%d bytes of %d were JITed", len(info.JITedInstructions), info.JITedSize)
		}
		if len(info.JITedKsyms) != len(info.JITedFuncLens) || len(info.FuncTags) != 1 || info.FuncTags[0] != info.Tag {
			t.Errorf("functions %x %d %s, tag %s", info.JITedKsyms, info.JITedFuncLens, info.FuncTags, info.Tag)
		}
		if len(info.FuncInfo) != 1 || info.FuncInfo[0].InstructionOffset != 0 {
			t.Errorf("functions %+v", info.FuncInfo)
		}
		text, err := os.ReadFile("bpf/testrun.bpf.c")
		check(t, err)
		lines := strings.Split(string(text), "\n")
		for _, l := range info.LineInfo {
			if l.Line() < 1 || l.Line() > len(lines) {
				t.Errorf("line %d, column %d of %d lines", l.Line(), l.Column(), len(lines))
			}
		}
		if first := info.LineInfo[0]; !strings.Contains(lines[first.Line()-1], "grow_packet") {
			t.Errorf("the first line is %d", first.Line())
		}
		source, err := p.SourceLines()
		check(t, err)
		if len(source) != len(info.LineInfo) {
			t.Errorf("%d source lines of %d", len(source), len(info.LineInfo))
		}
		for i, l := range source {
			if l.Line != info.LineInfo[i].Line() || l.Column != info.LineInfo[i].Column() || l.Text != lines[l.Line-1] ||
				filepath.Base(l.File) != "testrun.bpf.c" || l.InstructionOffset >= len(info.XlatedInstructions) {
				t.Errorf("%+v, and the line is %q", l, lines[l.Line-1])
			}
		}
		types, err := p.BTF()
		check(t, err)
		defer types.Close()
		f, err := types.TypeByID(info.FuncInfo[0].TypeID)
		check(t, err)
		if f.Name() != "grow_packet" {
			t.Errorf("the function is %q", f.Name())
		}
		if len(info.JITedLineInfo) != 0 && len(info.JITedLineInfo) != len(info.LineInfo) {
			t.Errorf("%d JITed lines and %d lines", len(info.JITedLineInfo), len(info.LineInfo))
		}
		if tag := fdinfo(t, p.FD(), "prog_tag"); tag != info.Tag.String() {
			t.Errorf("tag %s, and /proc has %s", info.Tag, tag)
		}
		if n := fdinfo(t, p.FD(), "verified_insns"); n != "" && n != fmt.Sprint(info.VerifiedInstructions) {
			t.Errorf("%d verified instructions, and /proc has %s", info.VerifiedInstructions, n)
		}

		plain, err := p.Info(0)
		check(t, err)
		part, err := p.Info(libbpf.IncludeMapIDs)
		check(t, err)
		if plain.MapIDs != nil || !slices.Equal(part.MapIDs, info.MapIDs) || part.LineInfo != nil {
			t.Errorf("no part %+v, one part %+v", plain, part)
		}
		part.MapIDs = nil
		if diff := cmp.Diff(plain, part); diff != "" {
			t.Errorf("with map ids: %s", diff)
		}
		_, err = p.Info(libbpf.IncludeAll + 1)
		wantErr(t, err, libbpf.ErrInvalid)
	})
}

// fdinfo returns a line of /proc/self/fdinfo for a descriptor.
func fdinfo(t *testing.T, fd int, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	check(t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// The info of a program for one tracepoint names the tracepoint's type in the kernel's BTF.
func TestProgramInfoAttachTarget(t *testing.T) {
	info, err := findProgram(t, loadAttach(t, nil), "on_enter").Info(0)
	check(t, err)
	if info.AttachBTFID == 0 && info.AttachBTFObjectID == 0 {
		if kernelHasMember(t, "bpf_prog_info", "attach_btf_id") {
			t.Errorf("info %+v", info)
		}
		return
	}
	typ, err := kernelBTF(t).TypeByID(info.AttachBTFID)
	check(t, err)
	if typ.Name() != "btf_trace_sys_enter" {
		t.Errorf("attached to %q", typ.Name())
	}
}

func TestRunTimeStats(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "count_packet")
	stats, err := libbpf.EnableRunTimeStats()
	check(t, err)
	defer stats.Close()
	_, err = p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64), Repeat: 1000})
	check(t, err)
	info, err := p.Info(0)
	check(t, err)
	if info.RunCount != 1000 || info.RunTime <= 0 {
		t.Errorf("%d runs in %s", info.RunCount, info.RunTime)
	}
	check(t, stats.Close())
	check(t, stats.Close())
	// Another process may have them enabled, too, as a test of bpfgo has for a moment.
	deadline := time.Now().Add(20 * time.Second)
	for {
		before, err := p.Info(0)
		check(t, err)
		_, err = p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64), Repeat: 1000})
		check(t, err)
		after, err := p.Info(0)
		check(t, err)
		if after.RunCount == before.RunCount {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d runs after Close", after.RunCount-before.RunCount)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestBindMap(t *testing.T) {
	o := loadTestRun(t, false)
	m := findMap(t, o, "bystander")
	id, err := m.Info()
	check(t, err)
	p := findProgram(t, o, "count_packet")
	bound := func() bool {
		info, err := p.Info(libbpf.IncludeMapIDs)
		check(t, err)
		return slices.Contains(info.MapIDs, id.ID)
	}
	if bound() {
		t.Error("bound at first")
	}
	check(t, p.BindMap(m))
	check(t, p.BindMap(m))
	if !bound() {
		t.Error("not bound")
	}
	wantErr(t, p.BindMap(nil), libbpf.ErrClosed)
	wantErr(t, p.BindMap(new(libbpf.Map)), libbpf.ErrClosed)
}

// The list of maps can grow between the call that gets its length and the call that fetches it.
func TestProgramInfoWhileMapsAreBound(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "count_packet")
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() {
		for range 300 {
			m, err := libbpf.CreateMap(libbpf.MapTypeArray, "bound", 4, 4, 1, libbpf.MapCreateOptions{})
			if err == nil {
				err = p.BindMap(m)
			}
			if err != nil {
				t.Error(err)
			}
			_ = m.Close()
		}
	})
	for n := 0; n < 300; {
		info, err := p.Info(libbpf.IncludeMapIDs)
		check(t, err)
		if len(info.MapIDs) < n || slices.Contains(info.MapIDs, 0) {
			t.Fatalf("maps %d after %d", info.MapIDs, n)
		}
		n = len(info.MapIDs)
	}
}

func TestProgramHandle(t *testing.T) {
	pins := testutil.BPFFS(t)
	path := filepath.Join(pins, "program")
	o := loadTestRun(t, false)
	p := findProgram(t, o, "grow_packet")
	info, err := p.Info(0)
	check(t, err)
	check(t, p.Pin(path))

	byID, err := libbpf.ProgramHandleFromID(info.ID)
	check(t, err)
	defer byID.Close()
	byPin, err := libbpf.ProgramHandleFromPinnedPath(path)
	check(t, err)
	defer byPin.Close()
	var byFD *libbpf.ProgramHandle
	check(t, p.UseFD(func(fd int) (err error) {
		byFD, err = libbpf.ProgramHandleFromFD(fd)
		return err
	}))
	defer byFD.Close()
	second, err := libbpf.ProgramHandleFrom(byID)
	check(t, err)
	defer second.Close()
	check(t, o.Close())
	for name, h := range map[string]*libbpf.ProgramHandle{"id": byID, "pin": byPin, "fd": byFD, "handle": second} {
		got, err := h.Info(0)
		check(t, err)
		got.RunTime, got.RunCount = info.RunTime, info.RunCount // another process may have statistics enabled
		if diff := cmp.Diff(info, got); diff != "" || h.Name() != "grow_packet" || h.Type() != libbpf.ProgramTypeXDP {
			t.Errorf("by %s: %q of type %s; %s", name, h.Name(), h.Type(), diff)
		}
		if h.FD() < 3 {
			t.Errorf("by %s: fd %d", name, h.FD())
		}
		_, err = h.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
		check(t, err)
	}
	if byID.FD() == second.FD() {
		t.Error("two handles of one descriptor")
	}

	other := path + "2"
	check(t, byID.Pin(other))
	wantErr(t, byID.Pin(other), os.ErrExist)
	wantErr(t, byID.Pin("a\x00b"), libbpf.ErrInvalid)
	check(t, byPin.Unpin(other))
	if _, err := os.Stat(other); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Unpin: %v", err)
	}
	wantErr(t, byPin.Unpin(other), os.ErrNotExist)
	stranger, err := libbpf.ProgramHandleFrom(findProgram(t, loadTestRun(t, false), "count_packet"))
	check(t, err)
	defer stranger.Close()
	wantErr(t, stranger.Unpin(path), libbpf.ErrInvalid)

	check(t, byID.Close())
	check(t, byID.Close())
	if byID.FD() != -1 {
		t.Errorf("fd %d after Close", byID.FD())
	}
	for name, err := range programErrors(byID) {
		if !errors.Is(err, libbpf.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	for name, err := range programErrors(new(libbpf.ProgramHandle)) {
		if !errors.Is(err, libbpf.ErrClosed) {
			t.Errorf("%s of nil: %v", name, err)
		}
	}
	for name, err := range programErrors(new(libbpf.Program)) {
		if !errors.Is(err, libbpf.ErrClosed) {
			t.Errorf("%s of nil: %v", name, err)
		}
	}
	check(t, (*libbpf.ProgramHandle)(nil).Close())
	// The pin and the other handles keep the program.
	check(t, os.Remove(path))
	again, err := libbpf.ProgramHandleFromID(info.ID)
	check(t, err)
	check(t, again.Close())
}

// programErrors returns the errors of all operations.
func programErrors(p libbpf.ProgramCore) map[string]error {
	_, info := p.Info(0)
	_, run := p.TestRun(libbpf.TestRunOptions{})
	_, stdout := io.ReadAll(p.Stdout())
	_, stderr := io.ReadAll(p.Stderr())
	_, handle := libbpf.ProgramHandleFrom(p)
	return map[string]error{
		"Info": info, "TestRun": run, "Stdout": stdout, "Stderr": stderr, "ProgramHandleFrom": handle,
		"Pin": p.Pin("/nowhere"), "Unpin": p.Unpin("/nowhere"), "BindMap": p.BindMap(nil),
		"UseFD": p.UseFD(func(int) error { return nil }),
	}
}

// What is not a program is refused, in all ways to open one.
func TestProgramHandleOfOtherKinds(t *testing.T) {
	pins := testutil.BPFFS(t)
	o := loadTestRun(t, false)
	m := findMap(t, o, "bystander")
	path := filepath.Join(pins, "map")
	check(t, m.Pin(path))
	_, err := libbpf.ProgramHandleFromPinnedPath(path)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.LinkFromPinnedPath(path)
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.ProgramHandleFromFD(m.FD())
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.ProgramHandleFromFD(-1)
	wantErr(t, err, unix.EBADF)
	_, err = libbpf.ProgramHandleFromFD(findProgram(t, o, "count_packet").FD() | beyondInt32)
	wantErr(t, err, unix.EBADF)
	_, err = libbpf.ProgramHandleFromFD(1 << 20)
	wantErr(t, err, unix.EBADF)
	_, err = libbpf.MapHandleFromFD(findProgram(t, o, "count_packet").FD())
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.ProgramHandleFromPinnedPath(filepath.Join(pins, "nothing"))
	wantErr(t, err, os.ErrNotExist)
	_, err = libbpf.ProgramHandleFromPinnedPath("a\x00b")
	wantErr(t, err, libbpf.ErrInvalid)
	_, err = libbpf.ProgramHandleFromID(1<<32 - 1)
	wantErr(t, err, os.ErrNotExist)
	_, err = libbpf.ProgramHandleFrom(nil)
	wantErr(t, err, libbpf.ErrClosed)
}

// Close runs while others use the handle. Each operation completes or is refused.
func TestProgramHandleCloseRace(t *testing.T) {
	p := findProgram(t, loadTestRun(t, false), "grow_packet")
	want := append([]byte("grow"), make([]byte, 64)...)
	for range 20 {
		h, err := libbpf.ProgramHandleFrom(p)
		check(t, err)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for {
					got, err := h.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64), DataOut: make([]byte, 100)})
					if errors.Is(err, libbpf.ErrClosed) {
						return
					}
					if err != nil || !bytes.Equal(got.Data, want) {
						t.Errorf("%+v, %v", got, err)
						return
					}
					if _, err := h.Info(libbpf.IncludeAll); err != nil && !errors.Is(err, libbpf.ErrClosed) {
						t.Error(err)
						return
					}
				}
			})
		}
		check(t, h.Close())
		wait.Wait()
	}
}
