package main

import "strings"

// remarks say of each table what it measures, and why libbpf-go loses where it does. The longest beginning of a title
// counts, so that one remark can be about several tables.
var remarks = map[string]string{
	"lookup that hits":               "Looks up keys that are there, one after the other. " + crossing,
	"lookup that misses":             "Looks up keys that are not there. " + crossing,
	"update":                         "Sets elements that are there. " + crossing,
	"add and delete":                 "Adds all elements to an empty map, then deletes all: one operation is both. " + crossing,
	"update in batches":              "Sets 256 elements in one call. " + batching,
	"add and delete in batches":      "Adds all elements to an empty map, 256 in one call, then deletes them. " + batching,
	"lookup by number of keys":       "Looks up keys that are there. The larger the table, the less of it is in the CPU's caches. " + crossing,
	"load by number of programs":     "Opens an object, loads it and closes it. " + openingCost,
	"lookup of 8 bytes for each CPU": "Looks up the values of all CPUs and adds them up. " + perCPUCost,
	"lookup of 4 bytes for each CPU": "Looks up the values of all CPUs, which have 4 bytes in slots of 8, and adds them up. " + perCPUCost,
	"update of 8 bytes for each CPU": "Sets the values of all CPUs. " + perCPUCost,
	"store a global variable": "Stores numbers into a variable in .bss. The field of a skeleton is memory, as in C. Global also checks that it is\n" +
		"not closed meanwhile.",
	"load a global variable": "Reads a variable in .bss. The field of a skeleton is memory, as in C. Global also checks that it is not closed\n" +
		"meanwhile.",
	"send a sample": "Reserves a sample, fills it in and submits it. The program takes all samples after the run. Go calls C twice for\n" +
		"each sample. cilium/ebpf has no user ring buffers.",
	"records of one of many rings": "Waits for the records of one ring, of several that are in one RingBuffer, and takes them. " + ringsCost,
	"records of all of many rings": "Waits for the records of all rings that are in one RingBuffer, and takes them. " + ringsCost,
	"records by size":              "Takes records out of a ring buffer. RingReader leaves them where they are; the others for Go copy them.",
	"readers that wait": "Each reader has a ring of its own, and waits. Then each gets a record, 20 times: the CPU time is the program's,\n" +
		"the reader's and that of waking it. Idle is CPU time while nothing comes. RingReader waits without a thread.",
	"peak memory of": "The most memory that a process has had, which did nothing else (VmHWM). All are this program, C's with Go's runtime,\n" +
		"too. libbpf-go keeps a copy of the object's bytes, and reads its sections to look for damage.",
	"a tool's first record": "From the start of a process to the first record that it prints: it opens, loads and attaches a program with\n" +
		"CO-RE relocations. CPU time and memory are of the whole process. libbpf-go has Go's runtime to start, and the checks of Load.",
	"a tool's binary": "The size of the binary of such a tool, with and without symbols. C's has libbpf, libelf and zlib in it, as that of\n" +
		"libbpf-go, but no runtime.",
	"building a tool": "Builds such a tool with an empty cache, then again. With an empty cache, libbpf, libelf and zlib are compiled, too.",
	"generate Go": "Runs the command once, clang included. The memory is that of the largest process, which is clang\n" +
		"where it runs.",
	"generate Go code of an object and": "Runs the command once, clang included. bpf2go refuses types with pointers.",
	"push and pop":                      "Fills a map without keys, then empties it: one operation is both. " + crossing,
	"lookup of an id":                   "Looks up the kernel's id of an inner map. " + crossing,
	"open a map": "Looks an inner map up, opens it by its id, and closes it again. C has a bare descriptor. A MapHandle also has\n" +
		"the map's type, sizes and flags, for which it asks the kernel once more, and a lock for Close.",
	"all entries": "Reads all entries and adds their values up. Go checks each batch and hands over each entry to the loop's body.",
	"value of a mapped array": "Reads values that are in memory, without a system call. MemoryAt checks bounds and alignment: to call it for\n" +
		"each value, instead of once, is the slow way.",
	"ring buffer, 16 MiB": "Takes all records out of a ring buffer, which is full. RingBuffer copies records into a batch for the callbacks,\n" +
		"so that C does not call Go for each; RingReader does not.",
	"perf buffer": "Takes all records out of the perf buffer of one CPU, which is full.",
	"live": "Reads records while another process writes them. A reader that is slow sleeps less and pays less for each\n" +
		"record; so all columns belong together. Before Go's runtime sleeps, it looks for work and asks its poller, which takes 1\n" +
		"to 2 µs of each sleep. RingBuffer also calls C after each: in a process that does nothing else, this wakes a\n" +
		"thread of the runtime. To look again for 2 µs before a sleep, or to give way once, took more than it saved; to look\n" +
		"for 5 µs only after 512 bytes of records changed nothing. To sleep in poll for up to 200 µs, as C does, took four\n" +
		"times as much, as the runtime's monitor does not rest meanwhile. With SetCoalesce, a loop sleeps a millisecond after\n" +
		"it had records, and neither it nor the program pays for wake-ups.",
	"opening one of":      "Opens objects one after the other, and closes them. " + openingCost,
	"load a small object": "Opens an object of one program and one map, loads it and closes it. " + openingCost,
	"load an object of":   "Opens an object, loads it and closes it. " + openingCost,
	"load one program of": "Opens an object, loads one of its programs, and closes it. " + openingCost,
	"attach": "Attaches probes to functions of a binary that nobody runs, and detaches them. To attach by name, all of\n" +
		"them read the names of the binary for each link, but cilium/ebpf only once for an Executable. Where libbpf maps the\n" +
		"file into memory, libbpf-go reads it: a file that becomes shorter meanwhile would end the process.",
	"read the types": "Reads /sys/kernel/btf/vmlinux and makes it ready for lookups.",
	"find a struct":  "Finds a struct by its name. libbpf looks at one type after the other, libbpf-go and cilium/ebpf have an index.",
	"write the types of the": "Writes all types of the kernel as C. C's writes them in the order of their numbers and\n" +
		"without kfuncs. The sorted header is the one of bpftool, of which two kernels' differ in little.",
}

const (
	ringsCost = "RingBuffer waits in Go's poller, and\n" +
		"then asks C, which asks the kernel once more. cilium/ebpf has a reader for each ring only."
	perCPUCost = "With simulated CPUs, all have room for so many values, and copy and decode them, while the kernel copies those\n" +
		"of the CPUs that there are. " + crossing
	batching    = "The kernel does nearly all of the work."
	crossing    = "What libbpf-go takes above C is the way from Go into C and back, and the lock that makes Close safe."
	openingCost = "libbpf-go also checks the file for damage that libbpf does not notice, and collects libbpf's messages for\n" +
		"errors. While C works for more than 20 µs, Go's runtime looks for other work on another thread."
)

// remark is "" where there is none.
func (t *table) remark() string {
	longest := ""
	for beginning := range remarks {
		if strings.HasPrefix(t.Title, beginning) && len(beginning) > len(longest) {
			longest = beginning
		}
	}
	return remarks[longest]
}
