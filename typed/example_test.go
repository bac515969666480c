package typed_test

import (
	"context"
	"fmt"
	"log"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// A hash table with Go types for keys and values.
func ExampleHash() {
	type point struct{ X, Y int32 }
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "points", 4, 8, 16, libbpf.MapCreateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	points, err := typed.NewHash[uint32, point](m) // checks the sizes, once
	if err != nil {
		log.Fatal(err)
	}
	if err := points.Update(1, point{X: 3, Y: 4}, libbpf.Any); err != nil {
		log.Fatal(err)
	}
	for number, point := range points.All(&err) {
		fmt.Println(number, point)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 {3 4}
}

// The records of a ring buffer as Go values, where they are.
func ExampleRingReader() {
	type event struct {
		PID  uint32
		Comm [16]byte
	}
	var m *libbpf.Map // a ring buffer

	events, err := typed.NewRingReader[event](m)
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()
	for e := range events.Records(context.Background(), &err) {
		fmt.Println(e.PID)
	}
	log.Fatal(err)
}

// A global variable of an object in the kernel.
func ExampleGlobal() {
	var obj *libbpf.Object // from Load

	total, err := typed.NewGlobal[uint64](obj, "total")
	if err != nil {
		log.Fatal(err)
	}
	defer total.Close()
	n, err := total.Get()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n)
}
