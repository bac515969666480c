package links

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/needs"
)

// attach attaches a raw tracepoint, which can't be detached, and XDP in a network namespace of its own, which can.
func attach(t *testing.T) (exit, xdp *libbpf.Link) {
	t.Helper()
	o := needs.Load(t, "attach")
	onExit, err := o.Program("on_exit")
	testutil.Check(t, err)
	exit, err = onExit.AttachRawTracepoint("sys_exit", libbpf.RawTracepointOptions{})
	testutil.Check(t, err)
	anywhere, err := o.Program("anywhere")
	testutil.Check(t, err)
	testutil.NewNetwork(t).Do(func() {
		xdp, err = anywhere.AttachXDP(1, libbpf.XDPLinkOptions{Mode: libbpf.XDPSKBMode})
	})
	testutil.Check(t, err)
	return exit, xdp
}

func id(t *testing.T, l *libbpf.Link) uint32 {
	t.Helper()
	info, err := l.Info()
	testutil.Check(t, err)
	return info.ID
}

func TestShow(t *testing.T) {
	exit, _ := attach(t)
	number := fmt.Sprint(id(t, exit))
	stdout, _ := tool.Must(t, "link", "show", number)
	for _, want := range []string{"on_exit\n", "raw tracepoint sys_exit\n", fmt.Sprintf("(%d), descriptor", os.Getpid())} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing:\n%s", want, stdout)
		}
	}
	stdout, _ = tool.Must(t, "link", "show", number, "--json")
	var got struct{ Link inventory.Link }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Link.ProgramName != "on_exit" ||
		got.Link.Target.Tracepoint != "sys_exit" || len(got.Link.Holders) != 1 {
		t.Errorf("%v: %s", err, stdout)
	}
	_, stderr, status := tool.Run("link", "show", "4294967295")
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "link with id 4294967295", "no such file or directory")
}

func TestDetach(t *testing.T) {
	exit, xdp := attach(t)
	number := id(t, xdp)
	stdout, _ := tool.Must(t, "link", "detach", fmt.Sprint(number))
	want := fmt.Sprintf("detached link %d: program ", number)
	if !strings.HasPrefix(stdout, want) || !strings.Contains(stdout, "(anywhere) from XDP of device 1 of another") {
		t.Errorf("%q", stdout)
	}
	info, err := xdp.Info()
	testutil.Check(t, err)
	if device := info.Detail.(libbpf.XDPLinkInfo); device.IfIndex != 0 {
		t.Errorf("it is still attached to %d", device.IfIndex)
	}
	_, stderr, status := tool.Run("link", "detach", fmt.Sprint(id(t, exit)))
	if status != cli.StatusUnsupported {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "ends when nobody holds it", fmt.Sprintf("(%d)", os.Getpid()))
}

func TestPin(t *testing.T) {
	exit, _ := attach(t)
	path := filepath.Join(testutil.BPFFS(t), "a link")
	number := fmt.Sprint(id(t, exit))
	if stdout, _ := tool.Must(t, "link", "pin", number, path); stdout != "pinned link "+number+" at "+path+"\n" {
		t.Errorf("%q", stdout)
	}
	if stdout, _ := tool.Must(t, "link", "show", path); !strings.Contains(stdout, path) {
		t.Errorf("the pin is missing:\n%s", stdout)
	}
	_, stderr, status := tool.Run("link", "pin", number, path)
	if status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
	clitest.WantLine(t, stderr, "exists")
	if stdout, _ := tool.Must(t, "link", "unpin", path); stdout != "removed the pin of link "+number+" at "+path+"\n" {
		t.Errorf("%q", stdout)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the pin is still there: %v", err)
	}
	if _, _, status := tool.Run("link", "unpin", path); status != cli.StatusFailed {
		t.Errorf("exit status %d", status)
	}
}
