// Command cilium prints the first record of first.bpf.c, with cilium/ebpf, and ends when standard input does.
package main

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

//go:embed first_bpf.o
var object []byte

type event struct {
	PID  uint32
	Comm [16]byte
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return err
	}
	err = errors.Join(spec.Variables["target"].Set(uint32(os.Getpid())), spec.Variables["getpgid_nr"].Set(uint32(unix.SYS_GETPGID)))
	if err != nil {
		return err
	}
	var first struct {
		OnSysEnter *ebpf.Program `ebpf:"on_sys_enter"`
		Events     *ebpf.Map     `ebpf:"events"`
	}
	if err := spec.LoadAndAssign(&first, nil); err != nil {
		return err
	}
	attached, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: first.OnSysEnter})
	if err != nil {
		return err
	}
	defer attached.Close()
	ring, err := ringbuf.NewReader(first.Events)
	if err != nil {
		return err
	}
	defer ring.Close()
	if _, err := unix.Getpgid(0); err != nil {
		return err
	}
	record, err := ring.Read()
	if err != nil {
		return err
	}
	var e event
	if _, err := binary.Decode(record.RawSample, binary.NativeEndian, &e); err != nil {
		return err
	}
	fmt.Println(e.PID, unix.ByteSliceToString(e.Comm[:]))
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
