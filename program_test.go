package libbpf_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A program's own log is not overwritten when other programs are loaded.
func TestProgramLog(t *testing.T) {
	testutil.Root(t)
	o := open(t, "testrun")
	p, err := o.Program("change_mark")
	check(t, err)
	if size, err := p.LogSize(); size != 0 || err != nil {
		t.Errorf("log size %d, %v at first", size, err)
	}
	check(t, p.SetLogSize(1<<10))
	check(t, p.SetLogSize(1<<16))
	check(t, p.SetLogLevel(2))
	if size, err := p.LogSize(); size != 1<<16 || err != nil {
		t.Errorf("log size %d, %v", size, err)
	}
	wantErr(t, p.SetLogSize(-1), libbpf.ErrInvalid)
	wantErr(t, p.SetLogSize(beyondInt32), libbpf.ErrInvalid)
	wantErr(t, (*libbpf.OpenProgram)(nil).SetLogSize(1), libbpf.ErrClosed)
	loaded := load(t, o)
	change := findProgram(t, loaded, "change_mark")
	if log := change.KernelLog(); !strings.Contains(log, "exit") || !strings.Contains(log, "processed ") {
		t.Errorf("log %q", log)
	}
	if log := findProgram(t, loaded, "count_packet").KernelLog(); log != "" {
		t.Errorf("a program without a log has %q", log)
	}
	wantErr(t, p.SetLogSize(1), libbpf.ErrLoaded)
	check(t, loaded.Close())
	if log := change.KernelLog() + new(libbpf.Program).KernelLog(); log != "" {
		t.Errorf("log %q after Close", log)
	}
}

// The log of a rejected program is read from the buffer that it was written to.
func TestProgramLogOfARejection(t *testing.T) {
	testutil.Root(t)
	o := open(t, "rejected")
	for p := range o.Programs() {
		check(t, p.SetLogSize(1<<20))
	}
	_, err := o.Load()
	var rejected *libbpf.VerifierError
	if !errors.As(err, &rejected) || !strings.Contains(rejected.Log, "processed ") {
		t.Fatalf("error %v", err)
	}
}

func TestSetInstructions(t *testing.T) {
	testutil.Root(t)
	o := open(t, "attach")
	p, err := o.Program("anywhere")
	check(t, err)
	insns, err := p.Instructions() // r0 = XDP_PASS; exit
	check(t, err)
	wide := slices.Concat(insns, []libbpf.Instruction{{Code: unix.BPF_LD | unix.BPF_IMM | unix.BPF_DW}})
	for _, wrong := range [][]libbpf.Instruction{nil, insns[1:], wide} {
		wantErr(t, p.SetInstructions(wrong), libbpf.ErrInvalid)
	}
	wantErr(t, (*libbpf.OpenProgram)(nil).SetInstructions(insns), libbpf.ErrClosed)
	insns[0].Immediate = 77
	check(t, p.SetInstructions(append(insns[:1:1], insns...)))
	loaded := load(t, o)
	result, err := findProgram(t, loaded, "anywhere").TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
	check(t, err)
	if result.ReturnValue != 77 {
		t.Errorf("the program returns %d", result.ReturnValue)
	}
	now, err := findProgram(t, loaded, "anywhere").Instructions()
	check(t, err)
	if len(now) != len(insns)+1 {
		t.Errorf("%d instructions", len(now))
	}
	wantErr(t, p.SetInstructions(insns), libbpf.ErrLoaded)
}

// FuncInfo and LineInfo are what libbpf passed to the kernel with the instructions.
func TestProgramDebugInfo(t *testing.T) {
	o := loadTestRun(t, false)
	p := findProgram(t, o, "grow_packet")
	funcs, err := p.FuncInfo()
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "libbpf-1.6", err)
	}
	check(t, err)
	types, err := o.BTF()
	check(t, err)
	defer types.Close()
	if len(funcs) != 1 || funcs[0].InstructionOffset != 0 {
		t.Fatalf("functions %+v", funcs)
	}
	f, err := types.TypeByID(funcs[0].TypeID)
	check(t, err)
	if f.Name() != "grow_packet" {
		t.Errorf("the function is %q", f.Name())
	}
	lines, err := p.LineInfo()
	check(t, err)
	insns, err := p.Instructions()
	check(t, err)
	source, err := os.ReadFile("bpf/testrun.bpf.c")
	check(t, err)
	text := strings.Split(string(source), "\n")
	if len(lines) == 0 || !strings.Contains(text[lines[0].Line()-1], "grow_packet") {
		t.Fatalf("lines %+v", lines)
	}
	for _, l := range lines {
		if int(l.InstructionOffset) >= len(insns) || l.Line() > len(text) {
			t.Errorf("line %+v of %d instructions and %d lines", l, len(insns), len(text))
			continue
		}
		source, err := l.Source(types)
		check(t, err)
		if source.Text != text[l.Line()-1] || !strings.HasSuffix(source.File, "testrun.bpf.c") ||
			!strings.HasPrefix(source.String(), fmt.Sprintf("%s:%d: ", source.File, l.Line())) {
			t.Errorf("the source is %+v, and the line %q", source, text[l.Line()-1])
		}
	}
	_, err = new(libbpf.Program).LineInfo()
	wantErr(t, err, libbpf.ErrClosed)
	check(t, o.Close())
	_, err = p.FuncInfo()
	wantErr(t, err, libbpf.ErrClosed)
}

func TestAssociateStructOps(t *testing.T) {
	o := loadTestRun(t, true)
	congestion := findMap(t, loadCongestion(t), "congestion")
	other := findMap(t, loadCongestion(t), "congestion")
	p := findProgram(t, o, "add_fields")
	wantErr(t, p.AssociateStructOps(findMap(t, o, "bystander")), libbpf.ErrInvalid)
	wantErr(t, p.AssociateStructOps(nil), libbpf.ErrClosed)
	err := p.AssociateStructOps(congestion)
	if errors.Is(err, errors.ErrUnsupported) {
		feature := "associated-struct_ops"
		if v := (*libbpf.VersionError)(nil); errors.As(err, &v) {
			feature = "libbpf-1.7"
		}
		testutil.Skip(t, feature, err)
	}
	check(t, err)
	wantErr(t, p.AssociateStructOps(other), unix.EBUSY)
}
