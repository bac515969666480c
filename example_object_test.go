package libbpf_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// Before Load, an object can be changed.
func ExampleOpenObject() {
	open, err := libbpf.OpenFile("bpf/syscalls.bpf.o")
	if err != nil {
		log.Fatal(err)
	}
	defer open.Close()

	if err := open.SetGlobal("target_tgid", os.Getpid()); err != nil {
		log.Fatal(err)
	}
	stats, err := open.Map("stats")
	if err != nil {
		log.Fatal(err)
	}
	if err := stats.SetMaxEntries(4096); err != nil {
		log.Fatal(err)
	}
	for prog := range open.Programs() {
		if err := prog.SetAutoload(prog.Name() == "on_sys_enter"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(open.SetGlobal("no_such_variable", 1) != nil)
	// Output:
	// true
}

// Two objects become one, in memory.
func ExampleLinker() {
	var joined bytes.Buffer
	linker, err := libbpf.NewLinkerTo(&joined)
	if err != nil {
		log.Fatal(err)
	}
	defer linker.Close()
	for _, path := range []string{"bpf/link_main.bpf.o", "bpf/link_library.bpf.o"} {
		if err := linker.AddFile(path); err != nil {
			log.Fatal(err)
		}
	}
	if err := linker.Link(); err != nil {
		log.Fatal(err)
	}

	open, err := libbpf.OpenMemory(joined.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	defer open.Close()
	fmt.Println(open.Name())
	// Output:
	// memory
}

// All programs of an object are attached as their sections say. The object owns the links.
func ExampleObject_Attach() {
	var obj *libbpf.Object // from Load

	links, err := obj.Attach()
	if err != nil {
		log.Fatal(err)
	}
	for _, link := range links {
		fmt.Println(link.Program().Name())
	}
}

// A program is attached to a kernel function, and stays when the process ends.
func ExampleLink_Pin() {
	var prog *libbpf.Program // of an Object: SEC("kprobe")

	link, err := prog.AttachKprobe("do_unlinkat", libbpf.KprobeOptions{Cookie: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer link.Close()
	if err := link.Pin("/sys/fs/bpf/unlink"); err != nil {
		log.Fatal(err)
	}
	// Later, perhaps in another process:
	again, err := libbpf.LinkFromPinnedPath("/sys/fs/bpf/unlink")
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
}

// A program runs once, without being attached.
func ExampleProgram_TestRun() {
	var prog *libbpf.Program // of an Object: SEC("xdp")

	result, err := prog.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64), Repeat: 1000})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.ReturnValue)
}

// What the verifier said is in the error.
func ExampleVerifierError() {
	var open *libbpf.OpenObject

	_, err := open.Load()
	var rejected *libbpf.VerifierError
	if errors.As(err, &rejected) {
		fmt.Println(rejected.Program)
		fmt.Println(rejected.Log) // all of it
	}
}

// An array of an object as memory: no system call for an access.
func ExampleMapMemory() {
	var m *libbpf.Map // an array with BPF_F_MMAPABLE

	memory, err := m.Memory()
	if err != nil {
		log.Fatal(err)
	}
	defer memory.Close()
	third, err := libbpf.MemoryAt[uint64](memory, 3*8)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*third)
}

// A command goes to a program through a user ring buffer.
func ExampleUserRingBuffer() {
	var m *libbpf.Map // of the type BPF_MAP_TYPE_USER_RINGBUF

	ring, err := libbpf.NewUserRingBuffer(m)
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Close()
	sample, err := ring.Reserve(8)
	if err != nil {
		log.Fatal(err)
	}
	copy(sample.Bytes(), "command!")
	if err := sample.Submit(); err != nil {
		log.Fatal(err)
	}
}

// Callbacks receive the records of a ring buffer.
func ExampleRingBufferBuilder() {
	var m *libbpf.Map // a ring buffer

	ring, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{
		Map: m,
		Callback: func(record []byte) error {
			fmt.Println(len(record), "bytes")
			return nil
		},
	}}}.Build()
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Close()
	for {
		if _, err := ring.Poll(time.Second); err != nil {
			log.Fatal(err)
		}
	}
}

// Callbacks receive the records of a perf buffer.
func ExamplePerfBufferBuilder() {
	var m *libbpf.Map // a perf event array

	buffer, err := libbpf.PerfBufferBuilder{
		Sample: func(cpu int, record []byte) error {
			fmt.Println(cpu, len(record), "bytes")
			return nil
		},
		Lost: func(cpu int, count uint64) { fmt.Println(cpu, "lost", count) },
	}.Build(m)
	if err != nil {
		log.Fatal(err)
	}
	defer buffer.Close()
	for {
		if _, err := buffer.Poll(time.Second); err != nil {
			log.Fatal(err)
		}
	}
}
