package libbpf_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// Example counts this process's own calls of getpgid.
func Example() {
	if err := countCalls(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 3 calls of getpgid, 3 records
}

// slowCall is the struct slow_call that bpf/syscalls.bpf.c writes to its ring buffer.
type slowCall struct {
	TGID, TID  uint32
	Comm       [16]byte
	Syscall    uint32
	_          uint32
	Return     int64
	DurationNS uint64
}

// syscallStats is its struct syscall_stats: what the map "stats" holds for each system call and CPU.
type syscallStats struct{ Count, Errors, TotalNS, MaxNS uint64 }

func countCalls() error {
	open, err := libbpf.OpenFile("bpf/syscalls.bpf.o")
	if err != nil {
		return err
	}
	defer open.Close()
	for name, value := range map[string]any{"target_tgid": os.Getpid(), "slow_ns": 0} { // every call is slow
		if err := open.SetGlobal(name, value); err != nil {
			return err
		}
	}
	obj, err := open.Load() // creates the maps and verifies the programs
	if err != nil {
		return err
	}
	defer obj.Close() // detaches the programs as well
	statsMap, err := obj.Map("stats")
	if err != nil {
		return err
	}
	stats, err := typed.NewPerCPUHash[uint32, syscallStats](statsMap)
	if err != nil {
		return err
	}
	eventsMap, err := obj.Map("events")
	if err != nil {
		return err
	}
	events, err := typed.NewRingReader[slowCall](eventsMap)
	if err != nil {
		return err
	}
	defer events.Close()

	if _, err := obj.Attach(); err != nil { // where the sections say
		return err
	}
	for range 3 {
		_, _ = syscall.Getpgid(0)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	records := 0
	for call := range events.Records(ctx, &err) { // waits for records, and reads them in place
		if call.Syscall == syscall.SYS_GETPGID {
			if records++; records == 3 {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	perCPU, err := stats.Lookup(syscall.SYS_GETPGID, libbpf.Any) // one value for each CPU
	if err != nil {
		return err
	}
	calls := uint64(0)
	for _, cpu := range perCPU {
		calls += cpu.Count
	}
	fmt.Printf("%d calls of getpgid, %d records\n", calls, records)
	return nil
}

// The README shows the example as it is here.
func TestREADMEShowsTheExample(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	check(t, err)
	_, code, _ := strings.Cut(string(source), "\n// slowCall is")
	code, _, _ = strings.Cut("// slowCall is"+code, "\n// The README shows")
	readme, err := os.ReadFile("README.md")
	check(t, err)
	if !strings.Contains(string(readme), strings.TrimSpace(code)) {
		t.Error("README.md does not show the example as it is")
	}
}
