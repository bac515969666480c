package libbpf_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cmalloc"
	"github.com/libbpf-go/libbpf-go/internal/testutil/cuser"
	"github.com/libbpf-go/libbpf-go/internal/testutil/faults"
	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// faultCycle makes, uses and closes something. Each system call and each allocation that it makes can fail.
type faultCycle struct {
	name string
	// setup makes what the cycle needs. It is not subject to faults. What it makes lives until the test ends.
	setup func(t *testing.T) faultRun
}

type faultRun struct {
	run    func() error    // the cycle
	given  *cuser.Given    // what the cycle in C works with
	enter  func() error    // on the cycle's thread, before; nil for nothing
	leave  func()          // after the cycle; nil for nothing
	left   func() []string // what is left behind, other than descriptors, mappings and C memory; nil for nothing
	noOp   bool            // the errors are those of package btf, which have no Op
	memory bool            // there is always memory: libbpf crashes without
}

// faultErrnos are what system calls fail with, by the beginning of their names.
var faultErrnos = []struct {
	call   string
	errnos []unix.Errno
}{
	{"bpf PROG_LOAD", []unix.Errno{unix.EPERM, unix.ENOMEM, unix.EMFILE, unix.EAGAIN}},
	{"bpf PROG_TEST_RUN", []unix.Errno{unix.EPERM, unix.ENOMEM, unix.EINTR}},
	{"bpf OBJ_", []unix.Errno{unix.EACCES, unix.ENOMEM, unix.EMFILE}},
	{"bpf", []unix.Errno{unix.EPERM, unix.ENOMEM, unix.EMFILE}},
	{"perf_event_open", []unix.Errno{unix.EACCES, unix.EMFILE}},
	{"mmap", []unix.Errno{unix.ENOMEM, unix.EPERM}},
	{"epoll_ctl 0x2", nil}, // EPOLL_CTL_DEL, which needs nothing
	{"epoll_ctl", []unix.Errno{unix.ENOMEM, unix.ENOSPC}},
	{"epoll_create1", []unix.Errno{unix.ENOMEM, unix.EMFILE}},
	{"epoll_", []unix.Errno{unix.EINTR, unix.EBADF}},
	{"open", []unix.Errno{unix.EMFILE, unix.EACCES}},
	{"close", []unix.Errno{unix.EIO, unix.EINTR}},
	{"fcntl", []unix.Errno{unix.EMFILE}},
	{"dup", []unix.Errno{unix.EMFILE}},
	{"ioctl", []unix.Errno{unix.EPERM, unix.ENOMEM}},
	{"socket", []unix.Errno{unix.EMFILE, unix.ENOBUFS}},
	{"send", []unix.Errno{unix.ENOBUFS, unix.EPERM}},
	{"recv", []unix.Errno{unix.ENOBUFS, unix.EINTR}},
	{"", []unix.Errno{unix.EACCES, unix.EIO}},
}

func errnosOf(call faults.Call) []unix.Errno {
	for _, e := range faultErrnos {
		if strings.HasPrefix(call.Name, e.call) {
			return e.errnos
		}
	}
	return nil
}

// explanation says why faults may have another outcome than an error that is the fault's errno.
type explanation struct {
	outcome outcome
	cycles  string // a regular expression for the beginnings of their names
	points  string // one for what is behind "call 7, " or "allocation 7 "
	why     string
}

// loads begins the names of the cycles that load objects.
const loads = "load |pin and open pins"

var explained = []explanation{
	{unnoticed, "", `close "(/.*|socket:.*|anon_inode:(btf|\[eventpoll\]|\[perf_event\]))": `, "Linux closes the file in any case"},
	{unnoticed, loads + "|(perf|ring|user ring) buffer", `close "anon_inode:bpf-(map|prog|link)": `, "Linux closes it in any case"},
	{unnoticed, "attach (perf event|tracepoint|[ku]probe|ksyscall)|load and attach USDT", `close "anon_inode:bpf_link": `,
		"libbpf closes the event and the link, and tells about the event"},
	{unnoticed, "", byWhom + `lbg_capture_begin|` + byWhom + `capture_reserve`,
		"the messages of libbpf go to the print function, and not into the error"},
	{unnoticed, "perf buffer|ring buffer|user ring buffer", `mremap: `, "the addresses of released memory are then free for others"},
	{unnoticed, "", `fcntl 0x[34] "(/.*|anon_inode:(bpf-map|\[eventpoll\]))": |epoll_ctl 0x1 "Go's poller": |` +
		`fstat "/(sys/devices/system/cpu/online|proc/\d+/fdinfo/\d+)": `,
		"package os goes on without its poller, and without the size"},
	{otherErrno, "(ring|perf) buffer in place", `fcntl 0x3 "anon_inode:.*": |epoll_ctl 0x1 "Go's poller": `,
		"package os says later that it can't wait for the file"},

	{unnoticed, loads, `bpf (PROG_LOAD|BTF_LOAD)( ".*")?: `, "libbpf loads a second time, with a log, or it probes the kernel"},
	{unnoticed, loads, `bpf PROG_BIND_MAP: `, "libbpf binds global data that no program uses, and goes on without"},
	{unnoticed, loads, `bpf MAP_CREATE( ".*")?: `, "libbpf creates a second time, without types, or it probes the kernel"},
	{otherErrno, "load each type of map", `bpf MAP_CREATE "\w+_storage": `, "the error is that of the second time, without types"},
	{unnoticed, loads, `bpf OBJ_GET_INFO_BY_FD: `, "Load takes the size of the definition for that of the map"},
	{unnoticed, loads, `bpf TOKEN_CREATE: |openat "/sys/fs/bpf": `, "without a token, the process's own capabilities count"},
	{unnoticed, loads + "|types of the kernel", `(openat|newfstatat|mmap) "/sys/kernel/btf/vmlinux": `,
		"libbpf reads the file that it can't map, and looks for the kernel's types elsewhere"},
	{unnoticed, loads + "|types of the kernel", byWhom + `(libbpf_add_mem < )?btf_new < (btf__load_vmlinux_btf|libbpf_find_kernel_btf) `,
		"libbpf looks for the kernel's types elsewhere"},
	{otherErrno, "types of the kernel", `read "/sys/kernel/btf/vmlinux": `, "the C library does not keep the errno of reading"},
	{otherErrno, loads + "|open ", byWhom + `file_read_elf < \w+ < \w+elf_memory < bpf_object_open `,
		"libbpf calls each failure of libelf a wrong format"},
	{otherErrno, "load and attach struct_ops", byWhom + `bpf_map__attach_struct_ops `, "libbpf returns EINVAL"},
	{otherErrno, "load and attach struct_ops", `close "anon_inode:bpf_link": `, "libbpf returns -1, which is EPERM"},

	{unnoticed, "pin and open pins", `readlinkat "/proc/self/fd/\d+": `, "whether libbpf made a link of the kernel's"},
	{unnoticed, "load maps, pinned|pin and open pins", `bpf OBJ_GET ".*": EACCES`, "a map that can only be read is opened for reading"},
	{unnoticed, "pin and open pins", `unlinkat "[^"]*/map": `, "the removal by others, which the test makes"},
	{unnoticed, "load maps, pinned", byWhom + `\w*strdup < bpf_map__set_pin_path `, "the path of a pin that is removed"},
	{otherErrno, "load maps, pinned|pin and open pins", byWhom + `\w*strdup < bpf_map__set_pin_path |statfs "/proc/self/fd": `,
		"the error says what is missing: the path of the pin, /proc"},

	{unnoticed, "perf buffer", `bpf MAP_DELETE_ELEM: |ioctl 0x2401 "anon_inode:\[perf_event\]": `, "the event is closed right after"},
	{unnoticed, "attach [ku]probe-legacy", `ioctl 0x2401 "anon_inode:\[perf_event\]": `, "the event is closed right after"},
	{unnoticed, "memory of a map", `mmap "anon_inode:bpf-map": EPERM`, "mapped a second time, for reading"},

	{unnoticed, "link objects|types of an object|load and attach USDT", `fcntl 0x1 "/.*": `,
		"libelf asks whether the descriptor is open, and believes all but EBADF"},
	{unnoticed, "link objects|types of an object|load and attach USDT", `newfstatat "/(memfd:.*|.*\.bpf\.o|.*\.test)": `, "libelf reads a file that it can't map"},
	{unnoticed, "link objects into a file", `newfstatat ".*/out\.o": `, "package wholefile looks whether a file is there"},
	{otherErrno, "link objects", `(newfstatat|pread64) "/memfd:.*": `, "libelf does not keep the errno of reading"},
	{otherErrno, "types of an object", `(pread64|read) ".*/attach\.bpf\.o": `, "libelf and libbpf do not keep the errno of reading"},
	{unnoticed, "types of an object", byWhom + `_IO_file_doallocate < .* < fread < btf_parse_raw `, "the C library reads without a buffer"},
	{otherErrno, "types of an object|load and attach USDT",
		byWhom + `(file_read_elf|load_shdr_wrlock|\w+_internal_(libelf_set_rawdata|elf64_getshdr)_wrlock|libelf_set_rawdata_wrlock) < `,
		"libbpf calls each failure of libelf a wrong format"},

	{unnoticed, "attach (tc|xdp by netlink)", `setsockopt: `, "the kernel's text is missing in a later error"},
	{unnoticed, "attach (tc|xdp by netlink)", `recvmsg: EINTR`, "tried again"},
	{leftBehind, "attach (tc|xdp by netlink)", `recvmsg: ENOBUFS|` + byWhom + `libbpf_netlink_send_recv `,
		"the kernel did what it was asked to do, and only its answer was lost"},

	{unnoticed, "attach kprobe.multi-pattern", `access "/sys/kernel/tracing/available_filter_functions_addrs": `,
		"libbpf finds the addresses in another file"},
	{otherErrno, "attach kprobe.multi-pattern", `read "/sys/kernel/tracing/available_filter_functions_addrs": `,
		"the C library does not keep the errno of reading"},

	{unnoticed, "attach (tracepoint|[ku]probe|ksyscall)", `newfstatat "/sys/(devices/[ku]probe/(type|format/.*)|kernel/tracing/events/.*/id)": |` +
		byWhom + `_IO_file_doallocate < .* < \w*fscanf < parse_uint_from_file `, "the C library reads without a buffer"},
	{unnoticed, "attach (tracepoint|[ku]probe|ksyscall)", `read "/sys/(devices/[ku]probe/(type|format/.*)|kernel/tracing/events/.*/id)": `,
		"the C library has read the number before it looks for the end"},
	{unnoticed, "attach (kprobe(-legacy)?|ksyscall|uprobe(-legacy|-library|-section)?)$", `openat "/sys/bus/event_source/devices/[ku]probe/type": |` +
		byWhom + `.* in libc\.so\.6 < parse_uint_from_file < bpf_program__attach_[ku]probe_opts `,
		"libbpf takes an unreadable number of the kernel's for one that is not there, and attaches in the older way"},
	{otherErrno, "attach [ku]probe-perf", `(openat|read) "/sys/.*/[ku]probe/type": |` +
		byWhom + `.* in libc\.so\.6 < parse_uint_from_file < bpf_program__attach_[ku]probe_opts `, "libbpf says that the kernel has no such events"},
	{otherErrno, "attach tracepoint", `read "/sys/kernel/tracing/events/.*/id": `, "the C library does not keep the errno of reading"},
	{unnoticed, "attach uprobe|load and attach USDT", `pread64 ".*": `, "libelf skips a table that it can't read, and the function is in another one"},
	{otherErrno, "attach uprobe|load and attach USDT", `pread64 ".*": `, "libelf does not keep the errno of reading"},
	{unnoticed, "attach uprobe", `openat "/usr/lib/debug/.*": `, "the binary's own symbols are enough, or there are none"},
	{leftBehind, "attach [ku]probe-legacy", `(openat|write) ".*/[ku]probe_events": |` + byWhom + `\w*strdup < .*bpf_program__attach`,
		"the removal of the event is what failed, or libbpf forgot it"},
}

// explainedUses counts what each explanation has explained.
var explainedUses = make([]int, len(explained))

// begins tells whether a text begins as a regular expression says.
func begins(text, pattern string) bool {
	return regexp.MustCompile("^(?:" + pattern + ")").MatchString(text)
}

// outcome is what came of a fault.
type outcome int

const (
	asTold     outcome = iota // an error with its operation that is the errno
	unnoticed                 // no error
	otherErrno                // an error that is not the errno
	leftBehind                // something left behind
	badOutcome                // a panic, or an error without its operation
)

// isExplained tells whether a point may have an outcome.
func (c faultCycle) isExplained(o outcome, point faultPoint) bool {
	at := slices.IndexFunc(explained, func(e explanation) bool {
		if e.outcome != o || !begins(c.name, e.cycles) {
			return false
		}
		// Without symbols, nobody knows who asked for the memory. make test-faults has them.
		if point.alloc && strings.Contains(point.from, "in the program") {
			return strings.Contains(e.points, byWhom)
		}
		return begins(point.what(), e.points)
	})
	if at >= 0 {
		explainedUses[at]++
	}
	return at >= 0
}

// faultPoint is a call or an allocation that fails.
type faultPoint struct {
	nth   int
	call  faults.Call
	from  string // who asked for the allocation
	errno unix.Errno
	alloc bool
	watch bool // it does not fail
}

func (p faultPoint) String() string {
	kind := "call"
	if p.alloc {
		kind = "allocation"
	}
	return fmt.Sprintf("%s %d: %s", kind, p.nth, p.what())
}

// byWhom precedes the functions that asked for the memory that there was not.
const byWhom = "memory for "

// what is the point without its number.
func (p faultPoint) what() string {
	if p.alloc {
		return byWhom + inFunction.ReplaceAllString(p.from, "")
	}
	return fmt.Sprintf("%v: %s", p.call, unix.ErrnoName(p.errno))
}

// anywhere is what the point is in each run and process: without numbers of descriptors, inodes and processes, and
// without temporary folders.
func (p faultPoint) anywhere() string {
	if !p.alloc {
		p.call.Text = elsewhere.ReplaceAllString(p.call.Text, "")
	}
	return p.what()
}

var elsewhere = regexp.MustCompile(`/.*/\d+/|\d`)

// inFunction is the place in a function that calls another one.
var inFunction = regexp.MustCompile(`\+0x[0-9a-f]+`)

// faultOutcome is what came of a fault.
type faultOutcome struct {
	reached bool
	there   bool // the call or allocation was the one that was meant
	err     error
	panic   string
	allocs  int    // of the run
	chosen  string // who asked for the allocation that failed
	calls   []faults.Call
}

// inject runs the cycle once with a fault, or none.
func (r faultRun) inject(t *testing.T, point faultPoint) faultOutcome {
	t.Helper()
	var outcome faultOutcome
	run := faults.Run{Enter: r.enter, Code: func() {
		switch {
		case point.watch:
			cmalloc.WatchNth(point.nth)
		case point.alloc:
			cmalloc.FailNth(point.nth)
		default:
			cmalloc.FailNth(0)
		}
		defer func() {
			outcome.allocs = cmalloc.Counted()
			outcome.chosen = strings.Join(cmalloc.Chosen(), " < ")
			cmalloc.FailNth(0)
		}()
		outcome.err = r.run()
	}}
	if !point.alloc {
		run.Nth, run.Errno = point.nth, point.errno
	}
	type done struct {
		result faults.Result
		err    error
	}
	ended := make(chan done, 1)
	go func() {
		result, err := run.Do()
		ended <- done{result, err}
	}()
	var d done
	select {
	case d = <-ended:
	case <-time.After(time.Minute):
		stacks := make([]byte, 1<<20)
		panic(fmt.Sprintf("%s hangs with %v\n%s", t.Name(), point, stacks[:runtime.Stack(stacks, true)]))
	}
	if d.err != nil {
		testutil.Skip(t, "seccomp-notify", d.err)
	}
	if r.leave != nil {
		r.leave()
	}
	outcome.calls, outcome.panic = d.result.Calls, d.result.Panic
	outcome.reached = d.result.Failed || point.alloc && outcome.allocs >= point.nth
	return outcome
}

// holdings is what a cycle must give back.
type holdings struct {
	files    map[int]string
	mappings int
	mark     cmalloc.Mark
}

func held() holdings {
	return holdings{leaks.Descriptors(), len(heldMappings()), cmalloc.Now()}
}

// heldMappings returns the process's mappings of files of the kernel, and those that are shared.
func heldMappings() []string {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); strings.HasSuffix(fields[1], "s") || strings.Contains(line, "anon_inode") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// since returns what is held now and was not then.
func (h holdings) since() []string {
	var more []string
	for fd, target := range leaks.Descriptors() {
		if h.files[fd] != target {
			more = append(more, fmt.Sprintf("descriptor %d -> %s", fd, target))
		}
	}
	if now := heldMappings(); len(now) != h.mappings {
		more = append(more, fmt.Sprintf("%d mappings, before %d: %v", len(now), h.mappings, now))
	}
	for _, a := range cmalloc.Since(h.mark) {
		more = append(more, a.String())
	}
	return more
}

// closeOthers closes the descriptors that were left behind.
func (h holdings) closeOthers() {
	for fd, target := range leaks.Descriptors() {
		if h.files[fd] != target {
			_ = unix.Close(fd)
		}
	}
}

// judge tells what kind of outcome a fault had, and what is wrong with it.
func (r faultRun) judge(point faultPoint, o faultOutcome) (outcome, string) {
	if o.panic != "" {
		return badOutcome, o.panic
	}
	if o.err == nil {
		return unnoticed, "no error"
	}
	var failed *libbpf.Error
	var rejected *libbpf.VerifierError
	if !r.noOp && (!errors.As(o.err, &failed) || failed.Op == "") && !errors.As(o.err, &rejected) {
		return badOutcome, fmt.Sprintf("an error without its operation: %v", o.err)
	}
	want := point.errno
	if point.alloc {
		want = unix.ENOMEM
	}
	if !errors.Is(o.err, want) {
		return otherErrno, fmt.Sprintf("the error is not %v: %+v", want, o.err)
	}
	return asTold, ""
}

// faultsTried are the cycles that TestFaults has run.
var faultsTried []string

// faultStride is how many points the tests go on by.
func faultStride() int {
	switch {
	case os.Getenv("LIBBPF_GO_FAULTS") == "all":
		return 1
	case testutil.RaceDetector, testutil.Sanitized, testing.Short(): // faults do not come from the kernel: one kernel is enough for most
		return 370
	}
	return 37
}

// TestFaults lets each system call and each allocation of each cycle fail, one in a run. LIBBPF_GO_FAULTS=all tries all
// of them, and otherwise every so many.
func TestFaults(t *testing.T) {
	testutil.Root(t)
	stride := faultStride()
	libbpf.SetPrint(libbpf.PrintLevel(0), nil)
	for _, c := range faultCycles {
		t.Run(c.name, func(t *testing.T) { c.test(t, stride) })
	}
	ran := func(e explanation) bool {
		return slices.ContainsFunc(faultsTried, func(cycle string) bool { return begins(cycle, e.cycles) })
	}
	for i, e := range explained {
		if stride == 1 && explainedUses[i] == 0 && ran(e) {
			t.Logf("nothing is explained by %+v", e)
		}
	}
}

// clean runs the cycle without a fault, and returns what it did then.
func (r faultRun) clean(t *testing.T) (clean faultOutcome) {
	t.Helper()
	for range 3 { // libbpf asks the kernel for its features only once
		clean = r.inject(t, faultPoint{})
		if clean.err != nil || clean.panic != "" {
			t.Fatalf("without a fault: %+v %s", clean.err, clean.panic)
		}
	}
	return clean
}

// points are the faults that a run can have.
func (o faultOutcome) points() []faultPoint {
	var points []faultPoint
	for i, call := range o.calls {
		// Of a file that is read in many pieces, the first two and the last two.
		same := func(j int) bool { return j >= 0 && j < len(o.calls) && o.calls[j] == call }
		if call.Name == "read" && same(i-2) && same(i-1) && same(i+1) && same(i+2) {
			continue
		}
		for _, errno := range errnosOf(call) {
			points = append(points, faultPoint{nth: i + 1, call: call, errno: errno})
		}
	}
	if cmalloc.Supported() {
		for n := range o.allocs {
			points = append(points, faultPoint{nth: n + 1, alloc: true})
		}
	}
	return points
}

// try runs the cycle once with a fault. It returns the point with what failed there, what came of it, and what was left
// behind. After a fault, libbpf may ask the kernel for its features again: another call or allocation is then at that
// number, and try runs the cycle again.
func (r faultRun) try(t *testing.T, point faultPoint) (faultPoint, faultOutcome, []string) {
	t.Helper()
	var o faultOutcome
	var left []string
	for again := range 3 {
		if again > 0 {
			r.inject(t, faultPoint{}) // which asks
		}
		before := held()
		o = r.inject(t, point)
		left = append(left, before.since()...)
		if r.left != nil {
			left = append(left, r.left()...)
		}
		before.closeOthers()
		failed := point
		if point.alloc {
			failed.from = o.chosen
		} else if o.reached {
			failed.call = o.calls[point.nth-1]
		}
		o.there = o.reached && (failed.anywhere() == point.anywhere() || point.alloc && point.from == "")
		if point = failed; o.there {
			break
		}
	}
	return point, o, left
}

// faultRow is a row of the table in docs/reliability.md.
func faultRow(cycle string, calls, allocs int, kinds [badOutcome + 1]int) string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d |", cycle, calls, allocs,
		kinds[asTold], kinds[unnoticed], kinds[otherErrno], kinds[leftBehind], kinds[badOutcome])
}

func (c faultCycle) test(t *testing.T, stride int) {
	r := c.setup(t)
	clean := r.clean(t)
	points := clean.points()
	if r.memory {
		points = slices.DeleteFunc(points, func(p faultPoint) bool { return p.alloc })
	}
	tried := make(map[string]int) // by the kind of call
	var kinds [badOutcome + 1]int
	for i := 0; i < len(points); i += stride {
		point := points[i]
		if os.Getenv("LIBBPF_GO_FAULTS_TRACE") != "" {
			fmt.Fprintln(os.Stderr, t.Name(), point)
		}
		point, o, left := r.try(t, point)
		if !o.reached {
			continue // the cycle made fewer calls this time
		}
		kind, problem := r.judge(point, o)
		kinds[kind]++
		if point.alloc {
			tried["malloc"]++
		} else {
			tried[strings.Fields(point.call.Name)[0]]++
		}
		if problem != "" && !c.isExplained(kind, point) {
			t.Errorf("%v: %s", point, problem)
		}
		if len(left) > 0 {
			kinds[leftBehind]++
			if !c.isExplained(leftBehind, point) {
				t.Errorf("%v: %v\nleft behind:\n\t%s", point, o.err, strings.Join(left, "\n\t"))
			}
		}
	}
	if clean := r.inject(t, faultPoint{}); clean.err != nil || clean.panic != "" {
		t.Errorf("afterwards without a fault: %+v %s", clean.err, clean.panic)
	}
	t.Logf("tried %v", tried)
	calls, allocs := -tried["malloc"], tried["malloc"]
	for _, n := range tried {
		calls += n
	}
	t.Log("in Go: ", faultRow(c.name, calls, allocs, kinds))
	faultsTried = append(faultsTried, c.name)
}

// An object is refused if there is no memory for its types. libbpf opens it without them, and loads programs that read
// from where their compiler had seen a member, and not from where the kernel has it.
func TestOpenWithoutMemory(t *testing.T) {
	if !cmalloc.Supported() {
		testutil.Skip(t, "cmalloc", errors.ErrUnsupported)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, name := range []string{"core", "globals"} {
		image := readObject(t, name)
		opened, captures := 0, 1
		if name == "globals" {
			captures = 2 // the types of its variables are looked at before
		}
		for n := 1; ; n++ {
			cmalloc.FailNth(n)
			o, err := libbpf.OpenMemory(image)
			counted := cmalloc.Counted()
			cmalloc.FailNth(0)
			if err == nil {
				check(t, o.Close())
			}
			if counted < n {
				check(t, err)
				break
			}
			if err == nil {
				opened++
			}
		}
		// Only libbpf's messages are not needed.
		if opened > captures {
			t.Errorf("%s: %d times, the object was opened without memory for something", name, opened)
		}
	}
}

// cgo ends the process when C.malloc, C.CString or C.CBytes find no memory. The library must return an error.
func TestNoAllocationEndsTheProcess(t *testing.T) {
	fatal := regexp.MustCompile(`C\.(malloc|CString|CBytes)\(`)
	seen := 0
	check(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bench", "bin", "examples", "libbpf/upstream", "selftests"}, path):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		seen++
		text, err := os.ReadFile(path)
		if call := fatal.Find(text); call != nil {
			t.Errorf("%s calls %s", path, call)
		}
		return err
	}))
	if seen < 100 {
		t.Errorf("only %d files", seen)
	}
}
