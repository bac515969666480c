package symbol

import (
	"bytes"
	"os"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// FuzzBinary looks for functions in damaged binaries. What is found lies in the file, or is not found.
func FuzzBinary(f *testing.F) {
	dir := f.TempDir()
	for _, source := range []string{
		"int outer(int x) { return x + 1; }\nint other(void) { return outer(2); }\n",
		"__attribute__((weak)) int outer(void) { return 1; }\nextern int elsewhere(void); int other(void) { return elsewhere(); }\n",
	} {
		write(f, dir+"/seed.c", []byte(source))
		run(f, dir, "gcc", "-shared", "-fPIC", "-nostdlib", "-g", "-o", "seed.so", "seed.c")
		image, err := os.ReadFile(dir + "/seed.so")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(image)
	}
	f.Fuzz(mutate.Target(f, 20, func(t *testing.T, image []byte) {
		file, err := New(bytes.NewReader(image), dir, "/none")
		if err != nil {
			mutate.Ended(err)
			return
		}
		defer file.Close()
		offsets, err := file.Offsets([]string{"outer", "other"})
		mutate.Ended(err)
		if err == nil && len(offsets) != 2 {
			t.Errorf("%d offsets of two functions", len(offsets))
		}
		names := file.Names()
		for _, offset := range append(offsets, 0, 0x1000, 1<<63) {
			if name, into, ok := names.At(offset); ok && (name == "" || into > offset) {
				t.Errorf("%q at %#x, %d in it", name, offset, into)
			}
		}
		if names.Size() > 64*len(image)+1<<20 {
			t.Errorf("%d bytes of names in a file of %d", names.Size(), len(image))
		}
	}))
}
