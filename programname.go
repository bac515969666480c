package libbpf

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
	var whole string
	err = call("read BTF of", "program", func() error { // call captures what libbpf prints after a failure
		var ret cInt
		whole, ret = functionName(info.BTFID, more.FuncInfo[0].TypeID)
		return clib.FromRet(int(ret))
	})
	if err == nil && strings.HasPrefix(whole, info.Name) {
		return whole
	}
	return info.Name
}
