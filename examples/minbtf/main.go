// Command minbtf shows executed programs. It brings the types of kernels that have none: those that are in its folder
// btf when it is built.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen minbtf.bpf.c

// A file of it is called RELEASE.btf, as "uname -r" prints the release.
//
//go:embed btf
var types embed.FS

func main() {
	log.SetFlags(0)
	root := flag.Int("p", 0, "show only descendants of this process (default: all processes)")
	folder := flag.String("btf", "", "a folder with the types of more kernels: RELEASE.btf")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *root, *folder)
	stop()
	if err != nil {
		log.Fatalln("minbtf:", err)
	}
}

func run(ctx context.Context, root int, folder string) error {
	kernel, from, err := kernelTypes(folder)
	if err != nil {
		return err
	}
	open, err := OpenMinbtf(libbpf.ObjectBuilder{BTFCustom: kernel})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.Root = int32(root)
	minbtf, err := open.Load()
	if err != nil {
		return err
	}
	defer minbtf.Close()
	executions, err := minbtf.ExecutionsReader()
	if err != nil {
		return err
	}
	defer executions.Close()
	if err := minbtf.Attach(); err != nil {
		return err
	}

	fmt.Println("types from", from)
	for e := range executions.Records(ctx, &err) {
		fmt.Printf("%s (%d) executes %s (%d)\n", e.ParentComm, e.Parent, e.Comm, e.PID)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// kernelTypes returns the types of the running kernel, and where they are from; nil if the kernel has them itself.
func kernelTypes(folder string) ([]byte, string, error) {
	const own = "/sys/kernel/btf/vmlinux"
	if info, err := os.Stat(own); err == nil && info.Size() > 0 {
		return nil, own, nil
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, "", os.NewSyscallError("uname", err)
	}
	file := unix.ByteSliceToString(name.Release[:]) + ".btf"
	if folder != "" {
		data, err := fs.ReadFile(os.DirFS(folder), file)
		if !errors.Is(err, fs.ErrNotExist) {
			return data, file, err
		}
	}
	data, err := types.ReadFile("btf/" + file)
	if err != nil {
		return nil, "", fmt.Errorf("the kernel has no types, and this program has no %s", file)
	}
	return data, file, nil
}
