package stack

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"slices"
	"sort"
	"strconv"
)

// A runtime that compiles code while it runs may write a list of its functions, /tmp/perf-PID.map.

// jitted is a function that a runtime has compiled.
type jitted struct {
	start, end uint64
	name       string
}

// Limits for such a list. It is the file of another user.
const (
	maxPerfMap  = 64 << 20 // bytes
	maxJitted   = 1 << 20
	maxJitName  = 4096
	maxJitOuter = 4 // how many functions may begin within another one
)

// parsePerfMap reads lines of the form "START SIZE NAME", both numbers in hexadecimal. Of functions at one place, the
// last one counts: the runtime has used the memory again.
func parsePerfMap(r io.Reader) []jitted {
	var all []jitted
	lines := bufio.NewScanner(io.LimitReader(r, maxPerfMap))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && len(all) < maxJitted {
		start, rest, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		size, name, _ := bytes.Cut(rest, []byte(" "))
		name = bytes.TrimSpace(name)
		from, err := strconv.ParseUint(string(bytes.TrimPrefix(start, []byte("0x"))), 16, 64)
		if err != nil || len(name) == 0 {
			continue
		}
		length, err := strconv.ParseUint(string(bytes.TrimPrefix(size, []byte("0x"))), 16, 64)
		if err != nil || length == 0 || from+length < from {
			continue
		}
		all = append(all, jitted{from, from + length, string(name[:min(len(name), maxJitName)])})
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b jitted) int { return cmp.Compare(a.start, b.start) })
	return slices.CompactFunc(all, func(a, b jitted) bool { return a.start == b.start })
}

func jittedAt(all []jitted, address uint64) (jitted, bool) {
	next := sort.Search(len(all), func(i int) bool { return all[i].start > address })
	for i := next - 1; i >= max(0, next-maxJitOuter); i-- {
		if address < all[i].end {
			return all[i], true
		}
	}
	return jitted{}, false
}
