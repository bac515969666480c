package libbpf_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

func TestQueryTaskFD(t *testing.T) {
	self := os.Getpid()
	query := func(p *libbpf.Program, link *libbpf.Link) libbpf.TaskFDInfo {
		t.Helper()
		info, err := libbpf.QueryTaskFD(self, link.FD())
		check(t, err)
		if id := programID(t, p); info.ProgramID != id {
			t.Errorf("program %d, want %d", info.ProgramID, id)
		}
		return info
	}
	o := loadAttach(t, nil)
	p := findProgram(t, o, "on_exit")
	link, err := p.Attach()
	check(t, err)
	if info := query(p, link); info.Type != libbpf.TaskFDRawTracepoint || info.Name != "sys_exit" {
		t.Errorf("raw tracepoint: %+v", info)
	}

	executable, err := filepath.EvalSymlinks("/proc/self/exe")
	check(t, err)
	_, p = loadSeen(t, "uprobe", "uprobe", "on_entry", nil)
	for retprobe, kind := range map[bool]libbpf.TaskFDType{false: libbpf.TaskFDUprobe, true: libbpf.TaskFDUretprobe} {
		offset := fileOffset(t, targetOne)
		link, err = p.AttachUprobe(libbpf.ThisProcess, executable, offset, libbpf.UprobeOptions{
			Mode: libbpf.ProbeModePerf, Retprobe: retprobe,
		})
		if err != nil {
			skipMissing(t, "uprobe", err)
		}
		if info := query(p, link); info.Type != kind || info.Name != executable || info.Offset != offset {
			t.Errorf("%v of %s+%#x: %+v", kind, executable, offset, info)
		}
		check(t, link.Close())
	}

	file, err := os.Open(os.DevNull)
	check(t, err)
	defer file.Close()
	_, err = libbpf.QueryTaskFD(self, int(file.Fd()))
	wantErr(t, err, errors.ErrUnsupported)
	_, err = libbpf.QueryTaskFD(self, 1<<20)
	wantErr(t, err, unix.EBADF)
	_, err = libbpf.QueryTaskFD(1<<30, 1)
	wantErr(t, err, os.ErrNotExist)
	for _, ids := range [][2]int{{0, 1}, {-1, 1}, {self, -1}} {
		_, err = libbpf.QueryTaskFD(ids[0], ids[1])
		wantErr(t, err, libbpf.ErrInvalid)
	}
	for kind, want := range map[libbpf.TaskFDType]string{
		libbpf.TaskFDTracepoint: "tracepoint", libbpf.TaskFDKretprobe: "kretprobe", 9: "task_fd_type(9)",
	} {
		if kind.String() != want {
			t.Errorf("type %d is %q", uint32(kind), kind)
		}
	}
}
