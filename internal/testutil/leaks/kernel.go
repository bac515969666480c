package leaks

/*
#cgo libbpf_system CFLAGS: -DLIBBPF_GO_SYSTEM
#cgo LDFLAGS: -Wl,--wrap=syscall
#include "kernel_cgo.h"
*/
import "C"

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	_ "github.com/libbpf-go/libbpf-go/libbpf" // which vendor.h asks for, and whose calls are watched
)

// InfoSize is the length of the info that is asked for, on the thread that makes something in the kernel, right after.
const InfoSize = C.leaks_info_size

func watchKernel() { C.leaks_watch() }

// most is how many objects in the kernel are looked at in one report.
const most = 1000

// inKernel are the maps, programs, links and type information that this process made, and that are still there. A link
// keeps its program, a program its maps, a pin what is pinned, and all of these their BTF.
func inKernel() []Leak {
	objects := make([]C.struct_leaks_object, most)
	objects = objects[:C.leaks_alive(&objects[0], most)]
	if len(objects) == 0 {
		return nil
	}
	pinned := pins()
	leaked := make([]Leak, len(objects))
	for i, object := range objects {
		kind := [...]string{"map", "program", "link", "BTF"}[object.kind]
		what := fmt.Sprintf("%s with id %d in the kernel", kind, object.id)
		var name [16]C.char
		C.leaks_name(object, &name[0])
		if text := C.GoString((*C.char)(unsafe.Pointer(&name))); text != "" {
			what += fmt.Sprintf(", %q", text)
		}
		if path := pinned[fmt.Sprintf("%s %d", kind, object.id)]; path != "" {
			what += ", pinned at " + path
		}
		leaked[i] = Leak{What: what}
	}
	return leaked
}

// pins are the pins in the bpf file systems that are mounted, by the kind and id of what they pin.
func pins() map[string]string {
	found := make(map[string]string)
	for _, m := range mounts() {
		if m.kind != "bpf" {
			continue
		}
		_ = filepath.WalkDir(m.point, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return nil
			}
			if what := pinnedAt(path); what != "" {
				found[what] = path
			}
			return nil
		})
	}
	return found
}

// pinnedAt is the kind and id of what is pinned at a path.
func pinnedAt(path string) string {
	cPath := append([]byte(path), 0)
	fd := C.leaks_open_pin((*C.char)(unsafe.Pointer(&cPath[0])))
	if fd < 0 {
		return ""
	}
	defer unix.Close(int(fd))
	facts := bpfOf(int(fd))
	for kind, name := range map[string]string{"map": "map id ", "program": "prog id ", "link": "link id "} {
		// The info of a link names its program too.
		if _, id, ok := strings.Cut(facts, name); ok && (kind != "program" || !strings.Contains(facts, "link id ")) {
			id, _, _ = strings.Cut(id, ",")
			return kind + " " + id
		}
	}
	return ""
}
