package libbpf

/*
#include <errno.h>
#include <string.h>
#include <bpf/btf.h>

// Copies the name of a function, which is a type in the BTF that has the id btf_id in the kernel.
static int lbg_func_name(__u32 btf_id, __u32 type_id, char *name, size_t size)
{
	struct btf *btf = btf__load_from_kernel_by_id(btf_id);
	const struct btf_type *type;
	const char *found = NULL;
	int err = -ENOENT;

	if (!btf)
		return -errno;
	type = btf__type_by_id(btf, type_id);
	if (type && btf_is_func(type))
		found = btf__name_by_offset(btf, type->name_off);
	if (found && strlen(found) < size) {
		strcpy(name, found);
		err = 0;
	}
	btf__free(btf);
	return err;
}
*/
import "C"

import (
	"strings"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// programName is the program's whole name. The kernel keeps the first 15 characters. The whole name is in the program's
// BTF, which needs CAP_SYS_ADMIN.
func programName(fd int, info ProgramInfo) string {
	if len(info.Name) < maxKernelName || info.BTFID == 0 {
		return info.Name
	}
	more, err := programInfo(fd, IncludeFuncInfo)
	if err != nil || len(more.FuncInfo) == 0 {
		return info.Name
	}
	var name [1024]C.char
	err = call("read BTF of", "program", func() error { // call captures what libbpf prints after a failure
		return clib.FromRet(int(C.lbg_func_name(C.__u32(info.BTFID), C.__u32(more.FuncInfo[0].TypeID), &name[0],
			C.size_t(len(name)))))
	})
	if whole := C.GoString(&name[0]); err == nil && strings.HasPrefix(whole, info.Name) {
		return whole
	}
	return info.Name
}
