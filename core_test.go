package libbpf_test

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// minimalBTF is what core.bpf.c needs of the running kernel's types.
func minimalBTF(t testing.TB) []byte {
	t.Helper()
	r, err := btf.RelocationsInFile(testutil.Object(t, "core"))
	if errors.Is(err, errors.ErrUnsupported) {
		testutil.Skip(t, "vendored-libbpf", err)
	}
	check(t, err)
	defer r.Close()
	all, err := btf.Minimize([]*btf.Relocations{r}, kernelBTF(t))
	check(t, err)
	defer all[0].Close()
	raw, err := all[0].Raw()
	check(t, err)
	return raw
}

// relocatedValues loads core.bpf.c, runs it, and returns what its relocations became, by the names of its variables.
func relocatedValues(t testing.TB, b libbpf.ObjectBuilder) (map[string]uint64, error) {
	t.Helper()
	o, err := b.OpenFile(testutil.Object(t, "core"))
	if err != nil {
		return nil, err
	}
	types, err := o.BTF()
	check(t, err)
	defer types.Close()
	obj, err := o.Load()
	if err != nil {
		return nil, err
	}
	defer obj.Close()
	_, err = findProgram(t, obj, "relocated").TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
	check(t, err)
	data, err := findMap(t, obj, ".bss").Lookup(u32(0), libbpf.Any)
	check(t, err)
	values := make(map[string]uint64)
	section, err := types.TypeByName(".bss", btf.KindDatasec)
	check(t, err)
	for _, v := range section.(*btf.Datasec).Vars {
		variable, err := types.TypeByID(v.Type)
		check(t, err)
		values[variable.Name()] = binary.NativeEndian.Uint64(data[v.Offset:])
	}
	return values, nil
}

// An object that is opened with minimal types has the same relocations as with the kernel's own.
func TestMinimalBTF(t *testing.T) {
	testutil.Root(t)
	minimal := minimalBTF(t)
	want, err := relocatedValues(t, libbpf.ObjectBuilder{})
	check(t, err)
	if size := want["task_size"]; size < 1000 || want["pid_exists"] != 1 || want["missing_member"] != 0 || want["sock_raw"] != 3 {
		t.Errorf("the values are %v", want)
	}
	path := filepath.Join(t.TempDir(), "minimal.btf")
	check(t, os.WriteFile(path, minimal, 0o600))
	for name, b := range map[string]libbpf.ObjectBuilder{
		"bytes": {BTFCustom: minimal},
		"path":  {BTFCustomPath: path},
	} {
		got, err := relocatedValues(t, b)
		check(t, err)
		for variable, value := range want {
			if got[variable] != value {
				t.Errorf("%s: %s is %d, and %d with the kernel's types", name, variable, got[variable], value)
			}
		}
	}
	// Loading in two steps reads the bytes later.
	o, err := libbpf.ObjectBuilder{BTFCustom: minimal}.OpenFile(testutil.Object(t, "core"))
	check(t, err)
	prepared, err := o.Prepare()
	if !errors.Is(err, errors.ErrUnsupported) {
		check(t, err)
		obj, err := prepared.Load()
		check(t, err)
		check(t, obj.Close())
	}
	check(t, o.Close())
}

func TestBadCustomBTF(t *testing.T) {
	cycle := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	cycle = append(cycle, 1, 0)
	for _, word := range []uint32{24, 0, 12, 12, 3, 1, 8 << 24, 1} { // a typedef of itself
		cycle = binary.NativeEndian.AppendUint32(cycle, word)
	}
	cycle = append(cycle, "\x00t\x00"...)
	path := filepath.Join(t.TempDir(), "cycle.btf")
	check(t, os.WriteFile(path, cycle, 0o600))
	for name, c := range map[string]struct {
		b  libbpf.ObjectBuilder
		is error
	}{
		"both":          {libbpf.ObjectBuilder{BTFCustom: cycle, BTFCustomPath: path}, libbpf.ErrInvalid},
		"empty":         {libbpf.ObjectBuilder{BTFCustom: []byte{}}, unix.EINVAL},
		"no BTF":        {libbpf.ObjectBuilder{BTFCustom: readObject(t, "nobtf")}, btf.ErrNoBTF},
		"cycle":         {libbpf.ObjectBuilder{BTFCustom: cycle}, unix.ELOOP},
		"cycle by path": {libbpf.ObjectBuilder{BTFCustomPath: path}, unix.ELOOP},
	} {
		o, err := c.b.OpenFile(testutil.Object(t, "core"))
		if wantErr(t, err, c.is); err == nil {
			t.Error(name)
			_ = o.Close()
		}
	}
}

// With minimal types, an object loads on a kernel that has none. The test hides the kernel's types from a process.
func TestKernelWithoutBTF(t *testing.T) {
	const variable = "LIBBPF_GO_WITHOUT_BTF"
	testutil.Root(t)
	if path := os.Getenv(variable); path != "" {
		check(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		// Where libbpf looks for the kernel's types.
		for _, folder := range []string{"/sys/kernel/btf", "/boot", "/lib/modules", "/usr/lib/debug"} {
			if _, err := os.Stat(folder); err == nil {
				check(t, unix.Mount("none", folder, "tmpfs", 0, ""))
			}
		}
		if _, err := btf.LoadKernel(); err == nil {
			t.Error("the kernel's types are still there")
		}
		if _, err := relocatedValues(t, libbpf.ObjectBuilder{}); err == nil {
			t.Error("the object loads without any types")
		}
		minimal, err := os.ReadFile(path)
		check(t, err)
		values, err := relocatedValues(t, libbpf.ObjectBuilder{BTFCustom: minimal})
		check(t, err)
		if values["pid_exists"] != 1 || values["task_size"] < 1000 {
			t.Errorf("the values are %v", values)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "minimal.btf")
	check(t, os.WriteFile(path, minimalBTF(t), 0o600))
	self, err := os.Executable()
	check(t, err)
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
