package libbpf_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestPinIn(t *testing.T) {
	pins := testutil.BPFFS(t)
	directory, err := os.Open(pins)
	check(t, err)
	defer directory.Close()
	o, link := attachRaw(t)
	handle, err := libbpf.CreateMap(libbpf.MapTypeArray, "m", 4, 4, 1, libbpf.MapCreateOptions{})
	check(t, err)
	defer handle.Close()
	program, err := o.Program("on_sys_enter")
	check(t, err)
	second, err := libbpf.ProgramHandleFrom(program)
	check(t, err)
	defer second.Close()
	for name, pin := range map[string]func(int, string) error{
		"map": findMap(t, o, "events").PinIn, "map_handle": handle.PinIn, "program": program.PinIn,
		"program_handle": second.PinIn, "link": link.PinIn,
	} {
		err := pin(int(directory.Fd()), name)
		if errors.Is(err, errors.ErrUnsupported) && !libbpf.Version().Vendored || errors.Is(err, unix.EINVAL) {
			testutil.Skip(t, "path-fd", err)
		}
		check(t, err)
		if _, err := os.Stat(filepath.Join(pins, name)); err != nil {
			t.Error(err)
		}
		wantErr(t, pin(int(directory.Fd()), name), os.ErrExist)
		wantErr(t, pin(-1, name), libbpf.ErrInvalid)
		wantErr(t, pin(int(directory.Fd()), "a\x00b"), libbpf.ErrInvalid)
	}
	directoryFD := int(directory.Fd())
	check(t, handle.Close())
	wantErrSaying(t, handle.PinIn(directoryFD, "closed"), libbpf.ErrClosed, "pin map")
	check(t, second.Close())
	wantErrSaying(t, second.PinIn(directoryFD, "closed"), libbpf.ErrClosed, "pin program")
	check(t, link.Close())
	wantErr(t, link.PinIn(directoryFD, "closed"), libbpf.ErrClosed)
}
