// Pinning pins a map and a link, so that a program keeps counting after its process has closed them. A second process,
// which knows only the paths, opens both, uses them, and removes them.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

//go:generate go tool bpfgo gen --target native -I../../bpf/generated pinning.bpf.c

func main() {
	run := first
	if len(os.Args) == 3 && os.Args[1] == "second" {
		run = func() error { return second(os.Args[2]) }
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "pinning: process %d: %v\n", os.Getpid(), err)
		os.Exit(1)
	}
}

// first pins, runs the second process, and checks that everything is gone.
func first() error {
	dir, err := os.MkdirTemp("", "pinning")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := mountBPFFS(dir); err != nil {
		return fmt.Errorf("mount a bpf file system: %w", err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	if err := pin(dir); err != nil {
		return err
	}
	pinned, err := libbpf.MapHandleFromPinnedPath(filepath.Join(dir, "hits"))
	if err != nil {
		return err
	}
	defer pinned.Close()
	hits, err := typed.NewHash[uint32, uint64](pinned)
	if err != nil {
		return err
	}
	if err := expectHits(hits, 10, "pinned, and all else closed"); err != nil {
		return err
	}

	cmd := exec.Command("/proc/self/exe", "second", dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("second process: %w", err)
	}
	for _, name := range []string{"hits", "link"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("the pin of the %s is left: %v", name, err)
		}
	}
	return expectHits(hits, 0, "after the second process")
}

// second knows only the folder of the pins.
func second(dir string) error {
	pinned, err := libbpf.MapHandleFromPinnedPath(filepath.Join(dir, "hits"))
	if err != nil {
		return err
	}
	defer pinned.Close()
	hits, err := typed.NewHash[uint32, uint64](pinned)
	if err != nil {
		return err
	}
	link, err := libbpf.LinkFromPinnedPath(filepath.Join(dir, "link"))
	if err != nil {
		return err
	}
	defer link.Close()
	if err := expectHits(hits, 10, "opened by path"); err != nil {
		return err
	}
	if err := errors.Join(link.Unpin(), pinned.Unpin(filepath.Join(dir, "hits"))); err != nil {
		return err
	}
	if err := expectHits(hits, 10, "unpinned, and the link still open"); err != nil {
		return err
	}
	if err := link.Close(); err != nil {
		return err
	}
	return expectHits(hits, 0, "unpinned and closed")
}

// pin attaches the program, pins its map and link, and closes everything.
func pin(dir string) error {
	open, err := OpenPinning(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	open.Rodata.GetpgidNr = unix.SYS_GETPGID
	pinning, err := open.Load()
	if err != nil {
		return err
	}
	defer pinning.Close()
	if err := pinning.Attach(); err != nil {
		return err
	}
	return errors.Join(pinning.Links.OnSysEnter.Pin(filepath.Join(dir, "link")),
		pinning.Maps.Hits.Map().Pin(filepath.Join(dir, "hits")))
}

// expectHits makes ten calls, and checks how many are counted. It tries again for a while, because the kernel may
// detach a moment after the last close.
func expectHits(hits *typed.Hash[uint32, uint64], want uint64, when string) error {
	tgid := uint32(os.Getpid())
	for range 100 {
		if err := hits.Update(tgid, 0, libbpf.Any); err != nil {
			return err
		}
		for range 10 {
			_, _ = unix.Getpgid(0)
		}
		count, err := hits.Lookup(tgid, libbpf.Any)
		if err != nil {
			return err
		}
		if count == want {
			fmt.Printf("pinning: process %d: %s: %d hits\n", os.Getpid(), when, want)
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s: not %d hits", when, want)
}

// mountBPFFS mounts a bpf file system that only this thread and its children see. It is unmounted when they end, in any
// way, because the thread has its own mount namespace.
func mountBPFFS(dir string) error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount("bpf", dir, "bpf", 0, "")
}
