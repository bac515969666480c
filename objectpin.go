package libbpf

/*
#include <stdlib.h>
#include <bpf/libbpf.h>

// Where libbpf has no such functions, Go does not call these.
static int lbg_object_unpin(struct bpf_object *obj, const char *path)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 3
	return bpf_object__unpin(obj, path);
#else
	(void)obj;
	(void)path;
	return 0;
#endif
}

static int lbg_object_token_fd(const struct bpf_object *obj)
{
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
	return bpf_object__token_fd(obj);
#else
	(void)obj;
	return -1;
#endif
}
*/
import "C"

import "fmt"

// Pin pins all maps and programs under a folder on a bpf file system, by their names (bpf_object__pin). The folder is made
// if the one above it exists. When one of them can't be pinned, such as a program that was not loaded, nothing is.
func (o *Object) Pin(folder string) error {
	return o.pinning("pin", folder, func(path *C.char) C.int { return C.bpf_object__pin(o.ptr, path) })
}

// Unpin removes what Pin made, but for the folder (bpf_object__unpin). errors.Is(err, [errors.ErrUnsupported]) before
// libbpf 1.3.
func (o *Object) Unpin(folder string) error {
	if err := needs("bpf_object__unpin", 1, 3); err != nil {
		return &Error{Op: "unpin", Object: o.object(), Err: err}
	}
	return o.pinning("unpin", folder, func(path *C.char) C.int { return C.lbg_object_unpin(o.ptr, path) })
}

// PinMaps is Pin for the maps alone (bpf_object__pin_maps). With "", it pins those that have a path of their own, by
// definition or by [OpenMap.SetPinPath], where Load did not.
func (o *Object) PinMaps(folder string) error {
	return o.pinningMaps("pin maps of", folder, func(path *C.char) C.int { return C.bpf_object__pin_maps(o.ptr, path) })
}

// UnpinMaps removes what PinMaps made (bpf_object__unpin_maps).
func (o *Object) UnpinMaps(folder string) error {
	return o.pinningMaps("unpin maps of", folder, func(path *C.char) C.int { return C.bpf_object__unpin_maps(o.ptr, path) })
}

// PinPrograms is Pin for the programs alone (bpf_object__pin_programs).
func (o *Object) PinPrograms(folder string) error {
	return o.pinning("pin programs of", folder, func(path *C.char) C.int { return C.bpf_object__pin_programs(o.ptr, path) })
}

// UnpinPrograms removes what PinPrograms made (bpf_object__unpin_programs).
func (o *Object) UnpinPrograms(folder string) error {
	return o.pinning("unpin programs of", folder,
		func(path *C.char) C.int { return C.bpf_object__unpin_programs(o.ptr, path) })
}

func (o *Object) pinning(op, folder string, f func(*C.char) C.int) error {
	return o.use(op, o.object(), func() error {
		if folder == "" {
			return invalidf("no folder is given")
		}
		return withString("folder", folder, f)
	})
}

func (o *Object) pinningMaps(op, folder string, f func(*C.char) C.int) error {
	return o.use(op, o.object(), func() error { return withOptional("folder", folder, f) })
}

// TokenFD is the descriptor of the BPF token that the object was loaded with, or -1 (bpf_object__token_fd). It remains
// the object's: it must not be closed, and may be another file's number after Close.
func (o *Object) TokenFD() int {
	fd := -1
	_ = o.use("get token of", o.object(), func() error {
		if token := int(C.lbg_object_token_fd(o.ptr)); token > 0 {
			fd = token
		}
		return nil
	})
	return fd
}

// object names the object in errors.
func (o *Object) object() string { return fmt.Sprintf("object %q", o.Name()) }
