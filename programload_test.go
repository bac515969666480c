package libbpf_test

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// returns is a program that returns a number.
func returns(number int32) []libbpf.Instruction {
	return []libbpf.Instruction{insn(0xb7, 0, 0, 0, number), insn(0x95, 0, 0, 0, 0)}
}

func loadProgram(
	t *testing.T, typ libbpf.ProgramType, insns []libbpf.Instruction, options libbpf.ProgramLoadOptions,
) *libbpf.ProgramHandle {
	t.Helper()
	needs.ProgramType(t, typ)
	p, err := libbpf.LoadProgram(typ, "made", "GPL", insns, options)
	check(t, err)
	t.Cleanup(func() { check(t, p.Close()) })
	return p
}

func testRunReturns(t *testing.T, p libbpf.ProgramCore, want uint32) {
	t.Helper()
	result, err := p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
	check(t, err)
	if result.ReturnValue != want {
		t.Errorf("it returned %d, not %d", result.ReturnValue, want)
	}
}

func TestLoadProgram(t *testing.T) {
	p := loadProgram(t, libbpf.ProgramTypeSocketFilter, returns(42), libbpf.ProgramLoadOptions{})
	if p.Name() != "made" || p.Type() != libbpf.ProgramTypeSocketFilter {
		t.Errorf("%q of type %v", p.Name(), p.Type())
	}
	testRunReturns(t, p, 42)

	// The instructions can come from bytes that another program wrote.
	var raw []byte
	for _, i := range returns(7) {
		raw = append(raw, i.Code, i.Registers)
		raw = binary.NativeEndian.AppendUint16(raw, uint16(i.Offset))
		raw = binary.NativeEndian.AppendUint32(raw, uint32(i.Immediate))
	}
	insns, err := libbpf.ParseInstructions(raw)
	check(t, err)
	testRunReturns(t, loadProgram(t, libbpf.ProgramTypeXDP, insns, libbpf.ProgramLoadOptions{}), 7)
	_, err = libbpf.ParseInstructions(raw[1:])
	wantErr(t, err, libbpf.ErrInvalid)
}

// Instructions refer to maps by descriptor, or by index into a list of descriptors.
func TestLoadProgramWithMap(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "numbers", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	check(t, m.Update(u32(0), u32(99), libbpf.Any))
	read := func(kind uint8, what int32) []libbpf.Instruction {
		return []libbpf.Instruction{
			insn(0x18, 1, kind, 0, what), insn(0, 0, 0, 0, 0), // r1 = the value
			insn(0x61, 0, 1, 0, 0), // r0 = *(u32 *)(r1 +0)
			insn(0x95, 0, 0, 0, 0),
		}
	}
	const byFD, byIndex = 2, 6
	testRunReturns(t, loadProgram(t, libbpf.ProgramTypeSocketFilter, read(byFD, int32(m.FD())),
		libbpf.ProgramLoadOptions{}), 99)
	indexed, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "indexed", "GPL", read(byIndex, 1),
		libbpf.ProgramLoadOptions{FDArray: []int{0, m.FD()}})
	if errors.Is(err, unix.E2BIG) {
		testutil.Skip(t, "fd_array", err)
	}
	check(t, err)
	defer indexed.Close()
	testRunReturns(t, indexed, 99)

	// A program has a bound map even if no instruction uses it.
	p, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "binds", "GPL", returns(0),
		libbpf.ProgramLoadOptions{FDArray: []int{m.FD()}, BindFDArray: true})
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.E2BIG) {
		testutil.Skip(t, "fd_array_cnt", err)
	}
	check(t, err)
	defer p.Close()
	info, err := p.Info(libbpf.IncludeMapIDs)
	check(t, err)
	mapInfo, err := m.Info()
	check(t, err)
	if len(info.MapIDs) != 1 || info.MapIDs[0] != mapInfo.ID {
		t.Errorf("its maps are %d, not %d", info.MapIDs, mapInfo.ID)
	}
}

func TestLoadProgramRejected(t *testing.T) {
	testutil.Root(t)
	reads := []libbpf.Instruction{insn(0xbf, 0, 5, 0, 0), insn(0x95, 0, 0, 0, 0)}
	_, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "bad", "GPL", reads, libbpf.ProgramLoadOptions{})
	wantErr(t, err, os.ErrPermission)
	var rejected *libbpf.VerifierError
	if !errors.As(err, &rejected) || rejected.Program != "bad" || !strings.Contains(err.Error(), "R5 !read_ok") {
		t.Errorf("%v", err)
	}
	// A log that does not fit into the first buffer: it has a line for each jump.
	long := []libbpf.Instruction{insn(0xbf, 6, 1, 0, 0)}
	for range 3000 {
		long = append(long, insn(0x61, 0, 6, 0, 0), insn(0x15, 0, 0, 0, 7))
	}
	long = append(long, reads...)
	_, err = libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "long", "GPL", long, libbpf.ProgramLoadOptions{LogLevel: 2})
	if !errors.As(err, &rejected) || len(rejected.Log) <= 64<<10 || !strings.Contains(rejected.Log, "R5 !read_ok") {
		t.Errorf("%v, with a log of %d bytes", err, len(rejected.Log))
	}
}

func TestLoadProgramLog(t *testing.T) {
	var log string
	loadProgram(t, libbpf.ProgramTypeSocketFilter, returns(1), libbpf.ProgramLoadOptions{LogLevel: 2, Log: &log})
	if !strings.Contains(log, "processed 2 insns") {
		t.Errorf("the log is %q", log)
	}
}

func TestLoadProgramInvalid(t *testing.T) {
	testutil.Root(t)
	p := loadProgram(t, libbpf.ProgramTypeSocketFilter, returns(1), libbpf.ProgramLoadOptions{})
	closed := loadProgram(t, libbpf.ProgramTypeSocketFilter, returns(1), libbpf.ProgramLoadOptions{})
	check(t, closed.Close())
	load := func(options libbpf.ProgramLoadOptions) error {
		_, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, "p", "GPL", returns(1), options)
		return err
	}
	wantErr(t, load(libbpf.ProgramLoadOptions{AttachProgram: p, AttachBTFObjectFD: 7}), libbpf.ErrInvalid)
	wantErr(t, load(libbpf.ProgramLoadOptions{AttachProgram: closed}), libbpf.ErrClosed)
	wantErr(t, load(libbpf.ProgramLoadOptions{BindFDArray: true}), libbpf.ErrInvalid)
	wantErr(t, load(libbpf.ProgramLoadOptions{Attempts: -1}), libbpf.ErrInvalid)
	wantErr(t, load(libbpf.ProgramLoadOptions{FuncInfo: make([]libbpf.FuncInfo, 1)}), libbpf.ErrInvalid)
	for _, options := range []libbpf.ProgramLoadOptions{
		{BTFFD: -1}, {TokenFD: -1}, {AttachBTFObjectFD: beyondInt32}, {FDArray: []int{-1}},
	} {
		wantErr(t, load(options), unix.EBADF)
	}
	for _, c := range []struct {
		name, license string
		insns         []libbpf.Instruction
	}{{"a\x00b", "GPL", returns(1)}, {"p", "", returns(1)}, {"p", "GPL", nil}} {
		_, err := libbpf.LoadProgram(libbpf.ProgramTypeSocketFilter, c.name, c.license, c.insns, libbpf.ProgramLoadOptions{})
		wantErr(t, err, libbpf.ErrInvalid)
	}
}
