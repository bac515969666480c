package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// A process of the test's binary is the exporter if it has runVariable. With cpusVariable, it sees another number of
// possible CPUs; its mounts are its own.
const (
	runVariable  = "LIBBPF_GO_EXPORTER_RUN"
	cpusVariable = "LIBBPF_GO_EXPORTER_CPUS"
)

func TestMain(m *testing.M) {
	if os.Getenv(runVariable) != "" {
		if cpus := os.Getenv(cpusVariable); cpus != "" {
			if err := pretendCPUs(cpus); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		main()
		return
	}
	os.Exit(testutil.Main(m))
}

// pretendCPUs puts a file over the one that tells how many CPUs there may be.
func pretendCPUs(list string) error {
	folder, err := os.MkdirTemp("", "exporter")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "possible")
	if err := os.WriteFile(file, []byte(list+"\n"), 0o600); err != nil {
		return err
	}
	return unix.Mount(file, "/sys/devices/system/cpu/possible", "", unix.MS_BIND, "")
}

// process is a running exporter.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	client  *http.Client
	done    chan error
}

var listening = regexp.MustCompile(`address=(\S+)`)

// runExporter runs the exporter with a configuration until the test ends. cpus may be empty. before is a command that
// executes it.
func runExporter(t *testing.T, config, cpus string, before ...string) *process {
	t.Helper()
	testutil.Root(t)
	path := filepath.Join(t.TempDir(), "exporter.yml")
	testutil.Check(t, os.WriteFile(path, []byte(config), 0o600))
	self, err := os.Executable()
	testutil.Check(t, err)
	args := append(before, self, "-config", path, "-listen", "127.0.0.1:0")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), runVariable+"=1")
	if cpus != "" {
		cmd.Env = append(cmd.Env, cpusVariable+"="+cpus)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	stderr, err := cmd.StderrPipe()
	testutil.Check(t, err)
	testutil.Check(t, cmd.Start())
	e := &process{t: t, cmd: cmd, client: &http.Client{Transport: &http.Transport{DisableCompression: true}}, done: make(chan error, 1)}
	address := make(chan string, 1)
	go func() {
		var printed strings.Builder
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			printed.WriteString(lines.Text() + "\n")
			if match := listening.FindStringSubmatch(lines.Text()); match != nil {
				address <- match[1]
			}
		}
		close(address)
		if err := cmd.Wait(); err != nil {
			e.done <- fmt.Errorf("%w\n%s", err, &printed)
			return
		}
		e.done <- nil
	}()
	t.Cleanup(func() {
		e.client.CloseIdleConnections()
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-e.done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			t.Error("it does not end: ", <-e.done)
		}
	})
	var ok bool
	if e.address, ok = <-address; !ok {
		err := <-e.done
		e.done <- nil
		t.Fatal(err)
	}
	return e
}

// scrape reads /metrics.
func (e *process) scrape(encoding string) []byte {
	e.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+e.address+"/metrics", nil)
	testutil.Check(e.t, err)
	if encoding != "" {
		request.Header.Set("Accept-Encoding", encoding)
	}
	response, err := e.client.Do(request)
	testutil.Check(e.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	testutil.Check(e.t, err)
	return body
}

// object is the path of an object of testdata.
func object(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	testutil.Check(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run make bpf", err)
	}
	return path
}

// within waits until something is so.
func within(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute")
		}
	}
}
