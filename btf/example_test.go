package btf_test

import (
	"fmt"
	"log"
	"os"

	"github.com/libbpf-go/libbpf-go/btf"
)

func ExampleBuilder() {
	b := btf.NewBuilder()
	defer b.Close()
	number := b.AddInt("int", 4, btf.IntSigned)
	next := b.NextID() // the pointer in the struct refers to the struct
	b.AddStruct("node", 16,
		btf.Member{Name: "value", Type: number},
		btf.Member{Name: "next", Type: next + 1, BitOffset: 64})
	b.AddPtr(next)

	types, err := b.BTF() // has the first error of all calls
	if err != nil {
		log.Fatal(err)
	}
	defer types.Close()
	size, err := types.Size(next)
	if err != nil {
		log.Fatal(err)
	}
	declaration, err := types.Declaration(next+1, "head")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(size, declaration)
	// Output: 16 struct node *head
}

// A few of the kernel's types, for a program that needs no more.
func ExampleBuilder_AddReachable() {
	kernel, err := btf.LoadKernel()
	if err != nil {
		log.Fatal(err)
	}
	defer kernel.Close()
	list, err := kernel.TypeByName("list_head", btf.KindStruct)
	if err != nil {
		log.Fatal(err)
	}
	b := btf.NewBuilder()
	defer b.Close()
	b.AddReachable(kernel, list.ID())
	types, err := b.BTF()
	if err != nil {
		log.Fatal(err)
	}
	defer types.Close()
	for t := range types.Types(&err) {
		fmt.Printf("%s %q\n", t.Kind(), t.Name())
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ptr ""
	// struct "list_head"
}

func ExampleBTF_DumpData() {
	b := btf.NewBuilder()
	defer b.Close()
	char := b.AddInt("char", 1, btf.IntSigned)
	pair := b.AddStruct("pair", 2,
		btf.Member{Name: "a", Type: char},
		btf.Member{Name: "b", Type: char, BitOffset: 8})
	types, err := b.BTF()
	if err != nil {
		log.Fatal(err)
	}
	defer types.Close()
	if err := types.DumpData(os.Stdout, pair, []byte{1, 2}, btf.DumpDataOptions{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// (struct pair){
	// 	.a = (char)1,
	// 	.b = (char)2,
	// }
}
