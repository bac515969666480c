//go:build !race

package examples

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func init() {
	works["count"] = func() {
		for range time.Tick(time.Millisecond) {
			_, _ = unix.Getpgid(0)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	target := work("count")
	testutil.Check(t, target.Start())
	defer func() {
		_ = target.Process.Kill()
		_ = target.Wait()
	}()
	text := start(t, "count", fmt.Sprint(target.Process.Pid)).end()
	matches(t, text, fmt.Sprintf(`^\S+ makes system call %d$`, unix.SYS_GETPGID))
	matches(t, text, fmt.Sprintf(`^system call %d: [1-9][0-9]*$`, unix.SYS_GETPGID))
	matches(t, text, `^[1-9][0-9]* system calls$`)
}
