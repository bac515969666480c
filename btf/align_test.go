package btf

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAlignment(t *testing.T) {
	b := newRaw()
	b.add("int", KindInt, 0, 4, 1<<24|32)                                    // 1
	b.add("char", KindInt, 0, 1, 1<<24|8)                                    // 2
	b.add("", KindPtr, 0, 1)                                                 // 3
	b.add("", KindArray, 0, 0, 1, 1, 5)                                      // 4
	b.add("plain", KindStruct, 2, 16, b.name("c"), 2, 0, b.name("p"), 3, 64) // 5
	b.add("packed", KindStruct, 2, 5, b.name("c"), 2, 0, b.name("n"), 1, 8)  // 6
	b.add("odd", KindStruct, 1, 6, b.name("n"), 1, 0)                        // 7
	b.add("name", KindTypedef, 0, 5)                                         // 8
	b.add("", KindConst, 0, 8)                                               // 9
	b.add("fwd", KindFwd, 0, 0)                                              // 10
	b.add("has", KindStruct, 1, 8, b.name("f"), 10, 0)                       // 11
	b.add("wide", KindInt, 0, 16, 128)                                       // 12
	b.add("bits", KindStruct|kflag, 1, 4, b.name("b"), 1, 3<<24|5)           // 13
	b.add("", KindFuncProto, 0, 0)                                           // 14
	b.add("self", KindStruct, 1, 4, b.name("m"), 15, 0)                      // 15
	b.add("", KindConst, 0, 16)                                              // 16
	parsed := parse(t, b)
	for id, want := range map[TypeID]int{1: 4, 2: 1, 3: 8, 4: 4, 5: 8, 6: 1, 7: 1, 8: 8, 9: 8, 12: 8, 13: 4} {
		if got, err := parsed.Alignment(id); err != nil || got != want {
			t.Errorf("Alignment(%d) = %d, %v, want %d", id, got, err, want)
		}
	}
	for id, want := range map[TypeID]error{
		0: unix.EINVAL, 10: unix.EINVAL, 11: unix.EINVAL, 14: unix.EINVAL, 15: unix.ELOOP, 16: unix.ELOOP,
		99: ErrNotFound,
	} {
		if got, err := parsed.Alignment(id); !errors.Is(err, want) {
			t.Errorf("Alignment(%d) = %d, %v, want %v", id, got, err, want)
		}
	}
}

func TestAlignmentOfTheKernelsTypes(t *testing.T) {
	k := loadKernel(t)
	for name, want := range map[string]int{"task_struct": 8, "sockaddr_in": 4, "ethhdr": 2} {
		typ, err := k.TypeByName(name, KindStruct)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Alignment(typ.ID()); err != nil || got != want {
			t.Errorf("the alignment of struct %s is %d, %v, want %d", name, got, err, want)
		}
	}
}
