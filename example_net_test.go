package libbpf_test

import (
	"errors"
	"io"
	"log"
	"net"
	"os"

	"github.com/libbpf-go/libbpf-go"
)

// A program of traffic control sees what comes in at a device. The attachment is nobody's: this process detaches it,
// but leaves the clsact queueing discipline in place if it was there before.
func ExampleTCHook() {
	var prog *libbpf.Program // of an Object

	device, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Fatal(err)
	}
	hook := libbpf.TCHook{IfIndex: device.Index, AttachPoint: libbpf.TCIngress}
	err = hook.Create()
	created := err == nil
	if err != nil && !errors.Is(err, os.ErrExist) {
		log.Fatal(err)
	}
	filter, err := hook.Attach(prog, libbpf.TCOptions{})
	if err != nil {
		log.Fatal(err)
	}

	// ...

	if err := hook.Detach(filter.Handle, filter.Priority); err != nil {
		log.Print(err)
	}
	if created {
		both := libbpf.TCHook{IfIndex: device.Index, AttachPoint: libbpf.TCIngress | libbpf.TCEgress}
		if err := both.Destroy(); err != nil {
			log.Print(err)
		}
	}
}

// An XDP program is attached for as long as the link is open.
func ExampleProgram_AttachXDP() {
	var prog *libbpf.Program // of an Object

	device, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Fatal(err)
	}
	link, err := prog.AttachXDP(device.Index, libbpf.XDPLinkOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer link.Close()
}

// An XDP program is attached without a link, where the kernel has none or another program shall take over without a
// gap.
func ExampleXDP() {
	var prog *libbpf.Program // of an Object

	device, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Fatal(err)
	}
	dev := libbpf.XDP{IfIndex: device.Index}
	if err := dev.Attach(prog); err != nil {
		log.Fatal(err)
	}
	// Only what this process attached: another one may have replaced it meanwhile.
	if err := dev.DetachProgram(prog); err != nil && !errors.Is(err, os.ErrExist) {
		log.Fatal(err)
	}
}

// An iterator's program prints the tasks of this process.
func ExampleNewIter() {
	var prog *libbpf.Program // of an Object: SEC("iter/task")

	link, err := prog.AttachIter(libbpf.IterOptions{PID: os.Getpid()})
	if err != nil {
		log.Fatal(err)
	}
	defer link.Close()
	tasks, err := libbpf.NewIter(link)
	if err != nil {
		log.Fatal(err)
	}
	defer tasks.Close()
	if _, err := io.Copy(os.Stdout, tasks); err != nil {
		log.Fatal(err)
	}
}
