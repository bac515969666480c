package libbpf

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// TaskFDType is how a descriptor makes a program run, with the numbers of the kernel's enum bpf_task_fd_type.
type TaskFDType uint32

// The types of descriptors.
const (
	TaskFDRawTracepoint TaskFDType = iota // BPF_FD_TYPE_RAW_TRACEPOINT
	TaskFDTracepoint                      // BPF_FD_TYPE_TRACEPOINT
	TaskFDKprobe                          // BPF_FD_TYPE_KPROBE
	TaskFDKretprobe                       // BPF_FD_TYPE_KRETPROBE
	TaskFDUprobe                          // BPF_FD_TYPE_UPROBE
	TaskFDUretprobe                       // BPF_FD_TYPE_URETPROBE
)

var taskFDTypeNames = [...]string{
	TaskFDRawTracepoint: "raw_tracepoint",
	TaskFDTracepoint:    "tracepoint",
	TaskFDKprobe:        "kprobe",
	TaskFDKretprobe:     "kretprobe",
	TaskFDUprobe:        "uprobe",
	TaskFDUretprobe:     "uretprobe",
}

// String returns bpftool's name for the type, such as "kretprobe".
func (t TaskFDType) String() string {
	if t < TaskFDType(len(taskFDTypeNames)) {
		return taskFDTypeNames[t]
	}
	return "task_fd_type(" + strconv.FormatUint(uint64(t), 10) + ")"
}

// TaskFDInfo describes a process's descriptor that makes a program run. The descriptor is a perf event, as with older
// attachments, or a link to a raw tracepoint.
type TaskFDInfo struct {
	ProgramID uint32
	Type      TaskFDType
	Name      string // the tracepoint, the kernel function, or the file of a uprobe; "" for a kprobe at an address
	Offset    uint64 // of a probe, in bytes, in the function or the file
	Address   uint64 // of a kprobe; 0 when the kernel hides addresses
}

// QueryTaskFD returns which program runs for a descriptor of the process pid, which may be the caller's or another one
// (bpf_task_fd_query, Linux 4.18). It needs CAP_SYS_ADMIN. errors.Is(err, [errors.ErrUnsupported]) for a descriptor of
// another type, such as a link of a perf event, which [LinkInfos] returns; unix.EBADF when there is no such descriptor,
// os.ErrNotExist when there is no such process or no program.
func QueryTaskFD(pid, fd int) (TaskFDInfo, error) {
	object := fmt.Sprintf("descriptor %d of process %d", fd, pid)
	fail := func(err error) (TaskFDInfo, error) {
		return TaskFDInfo{}, &Error{Op: "query", Object: object, Err: err}
	}
	if pid <= 0 || pid > math.MaxInt32 || fd < 0 || fd > math.MaxInt32 {
		return fail(fault.Invalidf("a process id must be above 0, and a descriptor must not be below 0"))
	}
	name := make([]byte, unix.PathMax)
	info, ret := queryTaskFD(pid, fd, name)
	if err := clib.FromRet(int(ret)); err != nil {
		return fail(err)
	}
	info.Name = cText(name)
	return info, nil
}
