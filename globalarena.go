package libbpf

/*
#include <bpf/libbpf.h>

// lbg_load_arena is bpf_object__load, and also returns where the global variables of the object's arena are. Only
// libbpf's functions for skeletons return that.
static int lbg_load_arena(struct bpf_object *obj, struct bpf_map *arena, void **globals)
{
	struct bpf_map_skeleton map = { .map = &arena, .mmaped = globals };
	struct bpf_object_skeleton skeleton = {
		.sz = sizeof(skeleton),
		.name = bpf_object__name(obj),
		.obj = &obj,
		.map_cnt = 1,
		.map_skel_sz = sizeof(map),
		.maps = &map,
	};

	return bpf_object__load_skeleton(&skeleton);
}

// An older libbpf has no such function, and Go does not call this one.
static int lbg_object_prepare(struct bpf_object *obj)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 6
	return bpf_object__prepare(obj);
#else
	(void)obj;
	return 0;
#endif
}
*/
import "C"

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
func (o *OpenObject) prepareObject() error { return clib.FromRet(int(C.lbg_object_prepare(o.ptr))) }

// loadObject is bpf_object__load.
func (o *OpenObject) loadObject() error {
	if m := o.arena(); m != nil {
		return clib.FromRet(int(C.lbg_load_arena(o.ptr, m.ptr, (*unsafe.Pointer)(unsafe.Pointer(&m.arena.placed)))))
	}
	return clib.FromRet(int(C.bpf_object__load(o.ptr)))
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
	var size C.size_t
	memory := C.bpf_map__initial_value(m.ptr, &size)
	if memory != nil && memory != from.arena.image {
		info, _ := mapInfo(m.fd)
		m.arena = &arena{memory: addresses.Range{Start: memory, Length: length, Use: addresses.ToArena, MapID: info.ID}}
	}
	m.setGlobals(from)
}

// setGlobals stores where the global variables are, once the object is loaded.
func (m *Map) setGlobals(from *OpenMap) {
	if from.arena.placed != 0 {
		var size C.size_t
		m.globals = int(from.arena.placed - uintptr(C.bpf_map__initial_value(m.ptr, &size)))
	}
}
