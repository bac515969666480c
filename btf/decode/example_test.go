package decode_test

import (
	"fmt"
	"log"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// The types of an object or of the kernel are used in the same way as these, which are made here.
func Example() {
	b := btf.NewBuilder()
	defer b.Close()
	u32, char := b.AddInt("u32", 4, 0), b.AddInt("char", 1, btf.IntChar)
	task := b.AddStruct("task", 12,
		btf.Member{Name: "pid", Type: u32},
		btf.Member{Name: "comm", Type: b.AddArray(char, u32, 8), BitOffset: 32})
	b.AddStruct("event", 16,
		btf.Member{Name: "task", Type: task},
		btf.Member{Name: "calls", Type: u32, BitOffset: 96})
	built, err := b.BTF()
	if err != nil {
		log.Fatal(err)
	}
	defer built.Close()

	types, err := decode.NewTypes(built)
	if err != nil {
		log.Fatal(err)
	}
	event, err := types.Named("struct event")
	if err != nil {
		log.Fatal(err)
	}
	comm, err := event.Field("task.comm")
	if err != nil {
		log.Fatal(err)
	}
	calls, err := event.Field("calls")
	if err != nil {
		log.Fatal(err)
	}

	data := make([]byte, event.Size())
	if err := comm.Set(data, "init"); err != nil {
		log.Fatal(err)
	}
	if err := calls.SetUint(data, 7); err != nil {
		log.Fatal(err)
	}
	n, ok := calls.Uint(data)
	fmt.Println(n, ok)
	fmt.Println(event.Text(data))
	fmt.Println(string(event.AppendJSON(nil, data)))
	fmt.Println(event.Any(data).(map[string]any)["task"])
	// Output:
	// 7 true
	// {task={pid=0 comm="init"} calls=7}
	// {"task":{"pid":0,"comm":"init"},"calls":7}
	// map[comm:init pid:0]
}
