package main

/*
#include <malloc.h>
*/
import "C"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// usage is what the process holds while everything that jobs open is closed.
type usage struct {
	at             time.Duration
	rss, c, heap   int // bytes: resident and not of files, allocated by C, allocated by Go
	mappings       int // of memory
	files          int
	goroutines     int
	threads        int
	ids            int // closed things that the kernel still knows
	produced, lost uint64
	cycles         uint64
}

var began = time.Now()

func (s *soak) measure() (usage, error) {
	var u usage
	var err error
	if u.ids, err = s.closed.left(); err != nil {
		return u, err
	}
	runtime.GC()
	debug.FreeOSMemory()
	C.malloc_trim(0)
	allocated := C.mallinfo2()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return u, err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return u, err
	}
	mappings, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "RssAnon: %d kB", &u.rss)
		_, _ = fmt.Sscanf(line, "Threads: %d", &u.threads)
	}
	u.at = time.Since(began)
	u.rss *= 1024
	u.c = int(allocated.uordblks + allocated.hblkhd)
	u.heap = int(memory.HeapAlloc)
	u.mappings = bytes.Count(mappings, []byte("\n"))
	u.files = len(files) - 1 // without that of the folder itself
	u.goroutines = runtime.NumGoroutine()
	for _, j := range s.jobs {
		u.produced += j.records.produced.Load()
		u.lost += j.records.lost.Load()
		u.cycles += j.cycles.Load()
	}
	return u, nil
}

func (u usage) String() string {
	return fmt.Sprintf("%7s: %6d cycles, %11d records, %2.0f %% lost; %5.1f MB, C %6.1f KB, Go %6.1f KB, %d mappings, "+
		"%d files, %d goroutines, %d threads, %d closed ids", u.at.Round(time.Second/10), u.cycles, u.produced,
		100*float64(u.lost)/float64(max(u.produced, 1)), float64(u.rss)/1e6, float64(u.c)/1e3, float64(u.heap)/1e3, u.mappings,
		u.files, u.goroutines, u.threads, u.ids)
}

// fewest is how many measurements there are, however slow the machine is.
const fewest = 8

// observe measures from time to time, for so long, or until ctx is done.
func (s *soak) observe(ctx context.Context, duration, every time.Duration) (log []usage, err error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for len(log) < fewest || time.Since(began) < duration {
		select {
		case <-ctx.Done():
			return log, nil
		case <-ticker.C:
		}
		s.during.Lock()
		u, err := s.measure()
		s.during.Unlock()
		if err != nil {
			return log, err
		}
		fmt.Println("soak:", u)
		log = append(log, u)
	}
	return log, nil
}

// compare fails if the process held more at the end than at the beginning. All of it was closed each time, so counts are
// to be equal. Memory is compared over quarters, because allocators keep some: what a cycle may leave behind is far less
// than any object that it makes.
func compare(log []usage) error {
	log = log[len(log)/8:] // after a while, allocators are full
	first := log[0]
	var err error
	for _, u := range log {
		if u.files != first.files || u.goroutines != first.goroutines {
			err = errors.Join(err, fmt.Errorf("at %v: %d files, %d goroutines, and at %v %d, %d",
				first.at, first.files, first.goroutines, u.at, u.files, u.goroutines))
			break
		}
	}
	quarter := len(log) / 4
	for _, m := range []struct {
		name    string
		of      func(usage) int
		allowed int
	}{
		{"resident bytes", func(u usage) int { return u.rss }, 16 << 20},
		{"bytes of C", func(u usage) int { return u.c }, 64 << 10},
		{"bytes of Go", func(u usage) int { return u.heap }, 512 << 10},
		{"mappings of memory", func(u usage) int { return u.mappings }, 64},
		{"threads", func(u usage) int { return u.threads }, 8},
	} {
		before, after := mean(log[:quarter], m.of), mean(log[len(log)-quarter:], m.of)
		if after-before > m.allowed {
			err = errors.Join(err, fmt.Errorf("%d %s, and %d at the end", before, m.name, after))
		}
	}
	return err
}

func mean(log []usage, of func(usage) int) int {
	sum := 0
	for _, u := range log {
		sum += of(u)
	}
	return sum / len(log)
}

// summarize prints the figures.
func (s *soak) summarize(log []usage) {
	fmt.Printf("soak: %v on %d CPUs\n", time.Since(began).Round(time.Second), runtime.NumCPU())
	for _, j := range s.jobs {
		t := &j.records
		if produced := t.produced.Load(); produced > 0 {
			fmt.Printf("soak: %-18s %8d rounds: %d records = %d received + %d lost + %d without a buffer\n",
				j.name, j.cycles.Load(), produced, t.received.Load(), t.lost.Load(), t.absent.Load())
		} else {
			fmt.Printf("soak: %-18s %8d cycles\n", j.name, j.cycles.Load())
		}
	}
	fmt.Printf("soak: begin %v\nsoak: end   %v\n", log[0], log[len(log)-1])
}
