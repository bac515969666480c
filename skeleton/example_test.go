package skeleton_test

import (
	"fmt"
	"log"
	"os"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/skeleton"
	"github.com/libbpf-go/libbpf-go/typed"
)

// A struct names the part of an object that a program needs: the rest is not loaded.
func ExampleSpec_Load() {
	object, err := os.ReadFile("app.bpf.o")
	if err != nil {
		log.Fatal(err)
	}
	var app struct {
		Counts *typed.Hash[uint32, uint64] `bpf:"counts"`
		Link   *libbpf.Link                `bpf:"on_exec"`
	}
	loaded, err := skeleton.Spec{Name: "app", ELF: object}.Load(libbpf.ObjectBuilder{}, &app)
	if err != nil {
		log.Fatal(err)
	}
	defer loaded.Close()
	if err := loaded.AttachTo(&app); err != nil {
		log.Fatal(err)
	}
	for pid, n := range app.Counts.All(&err) {
		fmt.Println(pid, n)
	}
}
