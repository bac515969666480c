package leaks

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Descriptors returns the process's descriptors and what they are open on.
func Descriptors() map[int]string {
	files := make(map[int]string)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// The descriptor of the directory itself is closed by now.
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			files[fd] = target
		}
	}
	return files
}

func (w *Watch) newDescriptors() []Leak {
	var leaked []Leak
	for fd, target := range Descriptors() {
		if w.descriptors[fd] != target {
			leaked = append(leaked, Leak{What: fmt.Sprintf("descriptor %d -> %s%s", fd, target, bpfOf(fd))})
		}
	}
	slices.SortFunc(leaked, func(a, b Leak) int { return strings.Compare(a.What, b.What) })
	return leaked
}

// bpfOf is what the kernel tells about a BPF descriptor: its type and id.
func bpfOf(fd int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return ""
	}
	var facts string
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "map_type", "map_id", "prog_type", "prog_id", "link_type", "link_id", "btf_id":
			facts += fmt.Sprintf(", %s %s", strings.ReplaceAll(name, "_", " "), strings.TrimSpace(value))
		}
	}
	return facts
}
