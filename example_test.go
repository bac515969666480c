package libbpf_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// Example counts this process's own calls of getpgid.
func Example() {
	if err := countCalls(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 3 calls of getpgid, 3 records
}

func countCalls() error {
	open, err := libbpf.OpenFile("bpf/syscalls.bpf.o")
	if err != nil {
		return err
	}
	defer open.Close()
	for name, value := range map[string]any{"target_tgid": os.Getpid(), "slow_ns": 0} { // each call is slow
		if err := open.SetGlobal(name, value); err != nil {
			return err
		}
	}
	obj, err := open.Load() // in the kernel now, verified
	if err != nil {
		return err
	}
	defer obj.Close() // detaches, too
	stats, err := obj.Map("stats")
	if err != nil {
		return err
	}
	events, err := obj.Map("events")
	if err != nil {
		return err
	}

	records := 0
	count := func(record []byte) error { // a struct slow_call
		if binary.NativeEndian.Uint32(record[24:]) == syscall.SYS_GETPGID {
			records++
		}
		return nil
	}
	ring, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: events, Callback: count}}}.Build()
	if err != nil {
		return err
	}
	defer ring.Close()

	if _, err := obj.Attach(); err != nil { // as the sections say
		return err
	}
	for range 3 {
		_, _ = syscall.Getpgid(0)
	}
	if _, err := ring.Poll(time.Second); err != nil {
		return err
	}
	key := binary.NativeEndian.AppendUint32(nil, syscall.SYS_GETPGID)
	perCPU, err := stats.LookupPerCPU(key, libbpf.Any) // a struct syscall_stats for each CPU
	if err != nil {
		return err
	}
	calls := uint64(0)
	for _, value := range perCPU {
		calls += binary.NativeEndian.Uint64(value)
	}
	fmt.Printf("%d calls of getpgid, %d records\n", calls, records)
	return nil
}

// The README shows the example as it is here.
func TestREADMEShowsTheExample(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	check(t, err)
	_, code, _ := strings.Cut(string(source), "\nfunc countCalls() error {\n")
	code, _, _ = strings.Cut(code, "\n}\n")
	readme, err := os.ReadFile("README.md")
	check(t, err)
	if code == "" || !strings.Contains(string(readme), code) {
		t.Error("README.md does not show countCalls as it is")
	}
}
