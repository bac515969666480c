package stack

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is what is kept of a process, also after its end.
type process struct {
	pid         int
	began       string        // when, as the kernel counts; another process may get the pid
	generations []*generation // newest first
	checked     time.Time
	used        uint64

	list     *os.File // the list of compiled functions, nil if there is none
	listSize int64    // when it was read
	listed   []jitted
	sought   time.Time // when the list was looked for
}

// generation is the code of a process from an execve(2), dlopen(3) or the like to the next.
type generation struct {
	mappings []mapping
	binaries []*object // of each mapping, nil for none
}

// Limits for what is kept.
const (
	maxProcesses   = 4096
	maxGenerations = 8
)

// How often a process is looked at again.
const (
	fresh = time.Second            // when it is seen again
	hasty = 100 * time.Millisecond // when it has an address that is not in its mappings
)

// Remember reads the mappings of a process, unless it did so a short time ago. It is cheap enough for each event. Stacks
// of the process then have names also when it has ended.
func (s *Symbols) Remember(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(pid, fresh)
}

// remember is Remember for mappings that are older.
func (s *Symbols) remember(pid int, age time.Duration) *process {
	if pid <= 0 {
		return nil
	}
	p := s.processes[pid]
	if p == nil {
		p = &process{pid: pid}
		s.processes[pid] = p
		s.forgetProcesses()
	}
	s.clock++
	p.used = s.clock
	if time.Since(p.checked) >= age {
		s.look(p)
		p.checked = time.Now()
	}
	return p
}

// forgetProcesses forgets those that were not used for the longest time, if there are too many.
func (s *Symbols) forgetProcesses() {
	if len(s.processes) <= maxProcesses {
		return
	}
	all := make([]*process, 0, len(s.processes))
	for _, p := range s.processes {
		if p.used > 0 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *process) int { return int(int64(a.used) - int64(b.used)) })
	for _, p := range all[:len(all)/4] {
		p.close()
		delete(s.processes, p.pid)
	}
}

// look reads the mappings of a process. Those before stay: stacks of that time may come later.
func (s *Symbols) look(p *process) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/maps", p.pid))
	if err == nil {
		defer file.Close()
		var mappings []mapping
		if mappings, err = parseMaps(file); err == nil {
			if began := beginning(p.pid); began != "" && began != p.began {
				p.close()
				*p = process{pid: p.pid, began: began, used: p.used}
			}
			s.take(p, mappings)
		}
	}
	if err != nil && isDenied(err) {
		s.warn(fmt.Sprintf("the mappings of process %d and of others may not be read (CAP_SYS_PTRACE is missing): "+
			"their functions have no names", p.pid), "mappings")
	}
}

// beginning is when a process began, "" if it has ended.
func beginning(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in parentheses, may have anything in it.
	const field = 22 - 3
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= field {
		return ""
	}
	return fields[field]
}

func isDenied(err error) bool { return errors.Is(err, fs.ErrPermission) }

// take takes mappings that were read.
func (s *Symbols) take(p *process, mappings []mapping) {
	if len(mappings) == 0 { // it has ended, or is one of the kernel's
		return
	}
	if len(p.generations) > 0 && slices.Equal(p.generations[0].mappings, mappings) {
		return
	}
	g := &generation{mappings, make([]*object, len(mappings))}
	for i := range mappings {
		g.binaries[i] = s.objectOf(p.pid, &mappings[i])
	}
	p.generations = slices.Insert(p.generations, 0, g)
	p.generations = p.generations[:min(len(p.generations), maxGenerations)]
	if g.hasLoose() {
		p.findList()
	}
}

// hasLoose tells whether there is code that is in no file, as a runtime makes it.
func (g *generation) hasLoose() bool {
	return slices.ContainsFunc(g.mappings, func(m mapping) bool { return m.inode == 0 && m.path != vdsoName })
}

// findList opens the runtime's list of functions. It trusts only one that the process's user has made.
func (p *process) findList() {
	if p.list != nil || time.Since(p.sought) < fresh {
		return
	}
	p.sought = time.Now()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return
	}
	var users []string
	name := strconv.Itoa(p.pid) // in the process's own pid namespace
	for line := range strings.Lines(string(status)) {
		switch key, value, _ := strings.Cut(line, ":"); key {
		case "Uid":
			users = strings.Fields(value)
		case "NStgid":
			if all := strings.Fields(value); len(all) > 0 {
				name = all[len(all)-1]
			}
		}
	}
	file, err := openInRoot(p.pid, "/tmp/perf-"+name+".map")
	if err != nil {
		return
	}
	var about unix.Stat_t
	if unix.Fstat(int(file.Fd()), &about) != nil || !slices.Contains(users, strconv.FormatUint(uint64(about.Uid), 10)) {
		_ = file.Close()
		return
	}
	p.list = file
}

// compiled is the function of the runtime's list that is at an address.
func (p *process) compiled(address uint64) (jitted, bool) {
	if p.findList(); p.list == nil {
		return jitted{}, false
	}
	if f, ok := jittedAt(p.listed, address); ok {
		return f, true
	}
	about, err := p.list.Stat()
	if err != nil || about.Size() == p.listSize {
		return jitted{}, false
	}
	if _, err := p.list.Seek(0, 0); err != nil {
		return jitted{}, false
	}
	p.listSize, p.listed = about.Size(), parsePerfMap(p.list)
	return jittedAt(p.listed, address)
}

func (p *process) close() {
	if p.list != nil {
		_ = p.list.Close()
		p.list = nil
	}
}

// Look is [Symbols.Remember] also for a process that was seen a short time ago, such as one that begins.
func (s *Symbols) Look(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(pid, 0)
}
