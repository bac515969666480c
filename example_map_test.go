package libbpf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/libbpf-go/libbpf-go"
)

// A map without an object: bytes in, bytes out. The package typed has Go values instead.
func ExampleCreateMap() {
	m, err := libbpf.CreateMap(libbpf.MapTypeHash, "ages", 4, 8, 16, libbpf.MapCreateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	key := binary.NativeEndian.AppendUint32(nil, 7)
	_, err = m.Lookup(key, libbpf.Any)
	fmt.Println(errors.Is(err, libbpf.ErrKeyNotExist))
	if err := m.Update(key, binary.NativeEndian.AppendUint64(nil, 42), libbpf.NoExist); err != nil {
		log.Fatal(err)
	}
	for key, value := range m.All(&err) {
		fmt.Println(binary.NativeEndian.Uint32(key), binary.NativeEndian.Uint64(value))
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// true
	// 7 42
}

// All elements of an array are read with few system calls, and without an allocation for each.
func ExampleMapHandle_LookupBatch() {
	m, err := libbpf.CreateMap(libbpf.MapTypeArray, "squares", 4, 8, 10, libbpf.MapCreateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	var keys, values []byte
	for i := range uint32(10) {
		keys = binary.NativeEndian.AppendUint32(keys, i)
		values = binary.NativeEndian.AppendUint64(values, uint64(i*i))
	}
	if _, err := m.UpdateBatch(keys, values, libbpf.Any); err != nil {
		log.Fatal(err)
	}

	var cursor libbpf.MapCursor
	sum := uint64(0)
	for {
		n, err := m.LookupBatch(&cursor, keys, values, libbpf.Any) // as many as keys and values have room for
		for i := range n {
			sum += binary.NativeEndian.Uint64(values[i*8:])
		}
		if err == io.EOF { // there are no more
			break
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(sum)
	// Output:
	// 285
}

// A map with a value for each possible CPU.
func ExampleMapHandle_LookupPerCPU() {
	m, err := libbpf.CreateMap(libbpf.MapTypePerCPUArray, "packets", 4, 8, 1, libbpf.MapCreateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	cpus, err := libbpf.PossibleCPUs()
	if err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 4)
	values := make([][]byte, cpus)
	for cpu := range values {
		values[cpu] = binary.NativeEndian.AppendUint64(nil, 5)
	}
	if err := m.UpdatePerCPU(key, values, libbpf.Any); err != nil {
		log.Fatal(err)
	}

	perCPU, err := m.LookupPerCPU(key, libbpf.Any)
	if err != nil {
		log.Fatal(err)
	}
	sum := uint64(0)
	for _, value := range perCPU {
		sum += binary.NativeEndian.Uint64(value)
	}
	fmt.Println(sum == 5*uint64(cpus))
	// Output:
	// true
}
