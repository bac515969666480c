package libbpf_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func prepare(t *testing.T, name string) *libbpf.PreparedObject {
	t.Helper()
	p, err := open(t, name).Prepare()
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "libbpf-1.6", err)
	}
	check(t, err)
	t.Cleanup(func() { check(t, p.Close()) })
	return p
}

// The verifier knows the content of a map that is filled and frozen before it runs. Without that content it rejects
// this program.
func TestPrepare(t *testing.T) {
	_, err := open(t, "prepared").Load()
	var rejected *libbpf.VerifierError
	if !errors.As(err, &rejected) {
		t.Fatalf("it is loaded without what the verifier must know: %v", err)
	}

	p := prepare(t, "prepared")
	if p.Name() != "prepared" {
		t.Errorf("it is %q", p.Name())
	}
	limits, err := p.Map("limits")
	check(t, err)
	check(t, limits.Update(u32(0), u64(63), libbpf.Any))
	check(t, limits.Freeze())
	data, err := p.Map("data")
	check(t, err)
	bytes := make([]byte, 64)
	bytes[63] = 42
	check(t, data.Update(u32(0), bytes, libbpf.Any))
	maps := 0
	for range p.Maps() {
		maps++
	}
	if maps < 2 {
		t.Errorf("%d maps", maps)
	}

	o, err := p.Load()
	check(t, err)
	defer o.Close()
	program, err := o.Program("read_at_limit")
	check(t, err)
	testRunReturns(t, program, 42)
	if findMap(t, o, "data") != data {
		t.Error("another map of that name")
	}
	_, err = p.Load()
	wantErr(t, err, libbpf.ErrLoaded)
	check(t, p.Close()) // does nothing
	testRunReturns(t, program, 42)
	check(t, o.Close())
	_, err = data.Lookup(u32(0), libbpf.Any)
	wantErr(t, err, libbpf.ErrClosed)
}

// A load that fails leaves nothing in the kernel; so does a Close without a load.
func TestPrepareEnds(t *testing.T) {
	p := prepare(t, "prepared")
	m, err := p.Map("limits")
	check(t, err)
	_, err = p.Load()
	var rejected *libbpf.VerifierError
	if !errors.As(err, &rejected) {
		t.Fatalf("%v", err)
	}
	testClosedMap(t, m)

	p = prepare(t, "prepared")
	m, err = p.Map("limits")
	check(t, err)
	check(t, p.Close())
	check(t, p.Close())
	testClosedMap(t, m)
	_, err = p.Load()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = p.Map("limits")
	wantErr(t, err, libbpf.ErrClosed)

	open := open(t, "prepared")
	check(t, open.Close())
	_, err = open.Prepare()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = (*libbpf.PreparedObject)(nil).Load()
	wantErr(t, err, libbpf.ErrClosed)
	_, err = (*libbpf.PreparedObject)(nil).Map("limits")
	wantErr(t, err, libbpf.ErrClosed)
}

// Global variables keep their values through both phases, also in arenas.
func TestPrepareGlobals(t *testing.T) {
	open := open(t, "globals")
	p, err := open.Prepare()
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "libbpf-1.6", err)
	}
	check(t, err)
	defer p.Close()
	_, err = open.Map(".rodata")
	wantErr(t, err, libbpf.ErrLoaded)
	o, err := p.Load()
	check(t, err)
	defer o.Close()
	memory, at, err := o.GlobalMemory("limit")
	check(t, err)
	defer memory.Close()
	if limit := binary.NativeEndian.Uint64(memory.Bytes()[at:]); limit != 7 {
		t.Errorf("limit is %d", limit)
	}
}
