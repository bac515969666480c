package libbpf

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/internal/addresses"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// arenaGlobals is where the global variables of an arena are. libbpf copies them to the beginning of the arena, or to
// its end on kernels that can address the end.
type arenaGlobals struct {
	image  unsafe.Pointer // libbpf's memory for their initial values
	placed uintptr        // their address once the object is loaded; for a reused arena, it is relative to image
}

// prepareObject is bpf_object__prepare.
func (o *OpenObject) prepareObject() error {
	if o.otherOrder {
		return errOtherOrder
	}
	return clib.FromRet(int(prepareObject(o.ptr)))
}

// loadObject is bpf_object__load.
func (o *OpenObject) loadObject() error {
	if o.otherOrder {
		return errOtherOrder
	}
	if m := o.arena(); m != nil {
		placed, ret := loadObjectWithArena(o.ptr, m.ptr)
		m.arena.placed = placed
		return clib.FromRet(int(ret))
	}
	return clib.FromRet(int(loadObject(o.ptr)))
}

// arena is the object's arena if it has global variables, otherwise nil. An object has at most one. The first call must
// come before the arena is in the kernel.
func (o *OpenObject) arena() *OpenMap {
	for _, m := range o.maps {
		if m.typ() == MapTypeArena && m.arena.image == nil {
			m.arena.image = unsafe.Pointer(unsafe.SliceData(m.initialValue()))
		}
		if m.arena.image != nil {
			return m
		}
	}
	return nil
}

// withoutSkeleton removes libbpf's message about the skeleton that loadObject made.
func withoutSkeleton(err error) error {
	if failed, ok := err.(*Error); ok {
		failed.Messages = slices.DeleteFunc(failed.Messages, func(m string) bool {
			return strings.HasPrefix(m, "libbpf: failed to load BPF skeleton")
		})
	}
	return err
}

// setArena stores where libbpf has mapped an arena, and where its global variables are. libbpf does not map an arena
// that it did not create.
func (m *Map) setArena(from *OpenMap, length uintptr) {
	memory := unsafe.Pointer(unsafe.SliceData(mapInitialValue(m.ptr)))
	if memory != nil && memory != from.arena.image {
		info, _ := mapInfo(m.fd)
		m.arena = &arena{memory: addresses.Range{Start: memory, Length: length, Use: addresses.ToArena, MapID: info.ID}}
	}
	m.setGlobals(from)
}

// setGlobals stores where the global variables are, once the object is loaded.
func (m *Map) setGlobals(from *OpenMap) {
	if from.arena.placed != 0 {
		m.globals = int(from.arena.placed - uintptr(unsafe.Pointer(unsafe.SliceData(mapInitialValue(m.ptr)))))
	}
}
