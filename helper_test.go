package libbpf_test

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// beyondInt32 has a bit above those of an int32, which the kernel would ignore. On a machine of 32 bits, where no int has
// one, it is -1, which is refused where this is.
const beyondInt32 = 1<<32*(math.MaxUint>>63) - (1 - math.MaxUint>>63)

// runUnprivileged runs one test of this binary as the user nobody, with the path of a copy of attach.bpf.o, which that
// user can read, in its environment.
func runUnprivileged(t *testing.T, test string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "libbpf-go")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755))
	binary, err := os.Executable()
	check(t, err)
	copyFile(t, binary, filepath.Join(dir, "test"), 0o755)
	object := filepath.Join(dir, "attach.bpf.o")
	copyFile(t, testutil.Object(t, "attach"), object, 0o644)

	const nobody = 65534
	cmd := exec.Command(filepath.Join(dir, "test"), "-test.run=^"+test+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LIBBPF_GO_UNPRIVILEGED="+object)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	in, err := os.Open(from)
	check(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	check(t, err)
	_, err = io.Copy(out, in)
	check(t, err)
	check(t, out.Close())
}

// kernelBTF is the kernel's own BTF, read once for all tests.
func kernelBTF(t testing.TB) *btf.BTF {
	t.Helper()
	kernel, err := kernelBTFOnce()
	check(t, err)
	return kernel
}

var kernelBTFOnce = sync.OnceValues(func() (*btf.BTF, error) {
	kernel, err := btf.LoadKernel()
	testutil.Finally(func() { _ = kernel.Close() })
	return kernel, err
})

// bigEndian is whether this machine has the highest byte of a number first.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// kernelHasStruct tells whether the kernel's own BTF has a struct of that name.
func kernelHasStruct(t testing.TB, name string) bool {
	t.Helper()
	_, err := kernelBTF(t).TypeByName(name, btf.KindStruct)
	if !errors.Is(err, btf.ErrNotFound) {
		check(t, err)
	}
	return err == nil
}

// kernelEnum are the values of one of the kernel's enums, by its own BTF.
func kernelEnum(t testing.TB, name string) []btf.EnumValue {
	t.Helper()
	typ, err := kernelBTF(t).TypeByName(name, btf.KindEnum)
	check(t, err)
	return typ.(*btf.Enum).Values
}

// address is where b is until the test ends, for the kernel to write to.
func address(t testing.TB, b []byte) uint64 {
	t.Helper()
	var pinner runtime.Pinner
	pinner.Pin(&b[0])
	t.Cleanup(pinner.Unpin)
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}

// kernelHasMember tells whether one of the kernel's structs has a member of that name.
func kernelHasMember(t testing.TB, name, member string) bool {
	t.Helper()
	typ, err := kernelBTF(t).TypeByName(name, btf.KindStruct)
	check(t, err)
	return slices.ContainsFunc(typ.(*btf.Composite).Members, func(m btf.Member) bool { return m.Name == member })
}
