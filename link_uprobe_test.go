package libbpf_test

import (
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil/threads"
	"github.com/libbpf-go/libbpf-go/internal/testutil/usdt"
)

const (
	self      = "/proc/self/exe"
	targetOne = "libbpf_go_target_one"
	targetTwo = "libbpf_go_target_two"
)

// realpathVersion is the version of realpath that programs link with.
var realpathVersion = map[string]string{
	"amd64": "GLIBC_2.3", "arm64": "GLIBC_2.17", "s390x": "GLIBC_2.3",
}[runtime.GOARCH]

func callOne(testing.TB) { usdt.CallOne(41) }

func init() {
	uprobe := func(name, program, binary string, opts libbpf.UprobeOptions) hook {
		feature := "uprobe"
		if opts.Mode == libbpf.ProbeModeLink {
			feature = name
		}
		return hook{
			name: name, feature: feature, object: "uprobe", program: program, kind: "perf_event", hits: 1, act: callOne,
			noCookie: opts.Mode == libbpf.ProbeModePerf || opts.Mode == libbpf.ProbeModeLegacy,
			attach: func(t testing.TB, p *libbpf.Program, cookie uint64) (*libbpf.Link, error) {
				opts := opts
				opts.Cookie = cookie
				var offset uint64
				if opts.Function == "" {
					offset = fileOffset(t, targetOne)
				}
				return p.AttachUprobe(libbpf.ThisProcess, binary, offset, opts)
			},
		}
	}
	multi := func(name, program string, hits uint64, opts libbpf.UprobeMultiOptions) hook {
		feature := "uprobe.multi"
		if opts.Session {
			feature = name
		}
		return hook{
			name: name, feature: feature, object: "uprobe", program: program, kind: "uprobe_multi", hits: hits, act: callOne,
			noCookie: opts.Pattern != "",
			attachAny: func(t testing.TB, p attacher, cookie uint64) (*libbpf.Link, error) {
				opts := opts
				if cookie != 0 {
					opts.Cookies = []uint64{cookie}
				}
				if opts.Offsets != nil {
					opts.Offsets = []uint64{fileOffset(t, targetOne)}
				}
				return p.AttachUprobeMulti(libbpf.ThisProcess, self, opts)
			},
		}
	}
	libc := uprobe("uprobe-library", "on_entry", "libc.so.6", libbpf.UprobeOptions{Function: "realpath@" + realpathVersion})
	libc.act = func(testing.TB) { usdt.Realpath() }
	addHooks(
		uprobe("uprobe", "on_entry", self, libbpf.UprobeOptions{Function: targetOne}),
		uprobe("uprobe-offset", "on_entry", self, libbpf.UprobeOptions{}),
		uprobe("uprobe-legacy", "on_entry", self, libbpf.UprobeOptions{Function: targetOne, Mode: libbpf.ProbeModeLegacy}),
		uprobe("uprobe-perf", "on_entry", self, libbpf.UprobeOptions{Function: targetOne, Mode: libbpf.ProbeModePerf}),
		uprobe("uprobe-link", "on_entry", self, libbpf.UprobeOptions{Function: targetOne, Mode: libbpf.ProbeModeLink}),
		uprobe("uretprobe", "on_return", self, libbpf.UprobeOptions{Function: targetOne, Retprobe: true}),
		libc,
		multi("uprobe.multi", "on_entries", 1, libbpf.UprobeMultiOptions{Symbols: []string{targetOne}}),
		multi("uprobe.multi-offset", "on_entries", 1, libbpf.UprobeMultiOptions{Offsets: []uint64{0}}),
		multi("uprobe.multi-pattern", "on_entries", 1, libbpf.UprobeMultiOptions{Pattern: "libbpf_go_*_o?e"}),
		multi("uretprobe.multi", "on_returns", 1,
			libbpf.UprobeMultiOptions{Symbols: []string{targetOne}, Retprobe: true}),
		multi("uprobe.session", "on_session", 2,
			libbpf.UprobeMultiOptions{Symbols: []string{targetOne}, Session: true}),
		hook{
			name: "uprobe-section", feature: "uprobe", object: "uprobe", program: "on_target_one", kind: "perf_event", hits: 1, act: callOne,
			noCookie: true,
			attach:   func(_ testing.TB, p *libbpf.Program, _ uint64) (*libbpf.Link, error) { return p.Attach() },
		},
	)
}

// fileOffset returns the file offset of a function's code in this test's binary.
func fileOffset(t testing.TB, function string) uint64 {
	t.Helper()
	binary, err := elf.Open(self)
	check(t, err)
	defer binary.Close()
	symbols, err := binary.DynamicSymbols()
	check(t, err)
	for _, s := range symbols {
		if s.Name == function {
			section := binary.Sections[s.Section]
			return s.Value - section.Addr + section.Offset
		}
	}
	t.Fatalf("no symbol %s", function)
	return 0
}

// Programs see arguments and results.
func TestUprobeValues(t *testing.T) {
	for _, c := range []struct {
		feature, program string
		want             int64
		attach           func(*libbpf.Program) (*libbpf.Link, error)
	}{
		{"uprobe", "on_entry", 41, func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: targetOne})
		}},
		{"uprobe", "on_return", 42, func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: targetOne, Retprobe: true})
		}},
		{"uprobe.multi", "on_entries", 41, func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobeMulti(libbpf.ThisProcess, self, libbpf.UprobeMultiOptions{Symbols: []string{targetOne}})
		}},
		{"uprobe.multi", "on_returns", 42, func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobeMulti(libbpf.ThisProcess, self,
				libbpf.UprobeMultiOptions{Symbols: []string{targetOne}, Retprobe: true})
		}},
	} {
		t.Run(c.program, func(t *testing.T) {
			o := attachOrSkip(t, c.feature, "uprobe", c.program, c.attach)
			usdt.CallOne(41)
			if got := seen(t, o); got.value != c.want {
				t.Errorf("saw %d, want %d", got.value, c.want)
			}
		})
	}
}

// A probe of this process must stay when the thread that made it ends: the kernel would end the probe with the thread.
func TestUprobeOutlivesThread(t *testing.T) {
	o, p := loadSeen(t, "uprobe", "uprobe", "on_entry", nil)
	var link *libbpf.Link
	var err error
	var tid int
	threads.Run(func() {
		tid = unix.Gettid()
		link, err = p.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: targetOne})
	})
	if err != nil {
		skipMissing(t, "uprobe", err)
	}
	defer link.Close()
	for {
		if err := unix.Tgkill(os.Getpid(), tid, 0); errors.Is(err, unix.ESRCH) {
			break
		}
		runtime.Gosched()
	}
	usdt.CallOne(1)
	if got := seen(t, o); got.hits != 1 {
		t.Errorf("%d hits", got.hits)
	}
}

// A probe for one process runs only for that process. A probe for all runs for every process with this code.
func TestUprobeProcesses(t *testing.T) {
	type attach func(p *libbpf.Program, pid int) (*libbpf.Link, error)
	for _, c := range []struct {
		name, object, program string
		attach                attach
	}{
		{"uprobe", "uprobe", "on_entry", func(p *libbpf.Program, pid int) (*libbpf.Link, error) {
			return p.AttachUprobe(pid, self, 0, libbpf.UprobeOptions{Function: targetOne})
		}},
		{"uprobe.multi", "uprobe", "on_entries", func(p *libbpf.Program, pid int) (*libbpf.Link, error) {
			return p.AttachUprobeMulti(pid, self, libbpf.UprobeMultiOptions{Symbols: []string{targetOne}})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			child := startChild(t)
			others := map[string]int{"this": libbpf.ThisProcess, "all": libbpf.AllProcesses, "child": child.pid}
			for name, pid := range others {
				for of, target := range map[string]int{"this": os.Getpid(), "child": child.pid} {
					o, p := loadSeen(t, c.name, c.object, c.program, func(o *libbpf.OpenObject) {
						check(t, o.SetGlobal("target_tgid", uint32(target)))
					})
					link, err := c.attach(p, pid)
					if err != nil {
						skipMissing(t, c.name, err)
					}
					hits := func() uint64 {
						before := seen(t, o).hits
						usdt.CallOne(1)
						child.callOne()
						return seen(t, o).hits - before
					}
					want := uint64(0)
					if name == of || name == "all" {
						want = 1
					}
					got := hits()
					// Linux 5.10 misses a call just after another probe is removed from the same place.
					for again := 0; got < want && again < 3; again++ {
						got = hits()
					}
					if got != want {
						t.Errorf("attached to %s: %d hits of %s, want %d", name, got, of, want)
					}
					check(t, link.Close())
				}
			}
		})
	}
}

// child is another process of this test's binary that calls the function on request.
type child struct {
	pid     int
	callOne func()
}

func startChild(t *testing.T) child {
	t.Helper()
	cmd := exec.Command(self, "-test.run=^TestUprobeChild$")
	cmd.Env = append(os.Environ(), "LIBBPF_GO_CHILD=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		check(t, in.Close())
		_, _ = io.Copy(io.Discard, out)
		check(t, cmd.Wait())
	})
	return child{cmd.Process.Pid, func() {
		t.Helper()
		answer := make([]byte, 1)
		_, err := in.Write([]byte{'1'})
		check(t, err)
		_, err = io.ReadFull(out, answer)
		check(t, err)
	}}
}

// TestUprobeChild is the child process: for each byte it reads, it calls the function and writes a byte.
func TestUprobeChild(*testing.T) {
	if os.Getenv("LIBBPF_GO_CHILD") == "" {
		return
	}
	order := make([]byte, 1)
	for {
		if _, err := os.Stdin.Read(order); err != nil {
			return
		}
		usdt.CallOne(2)
		if _, err := os.Stdout.Write(order); err != nil {
			return
		}
	}
}

// The kernel increments the counter in the binary's own memory.
func TestUprobeReferenceCounter(t *testing.T) {
	counter := fileOffset(t, "libbpf_go_semaphore")
	for _, c := range []struct {
		name, program string
		attach        func(*libbpf.Program) (*libbpf.Link, error)
	}{
		{"uprobe", "on_entry", func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobe(libbpf.ThisProcess, self, 0,
				libbpf.UprobeOptions{Function: targetOne, RefCtrOffset: counter})
		}},
		{"uprobe.multi", "on_entries", func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobeMulti(libbpf.ThisProcess, self, libbpf.UprobeMultiOptions{
				Symbols: []string{targetTwo, targetOne}, RefCtrOffsets: []uint64{0, counter},
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, p := loadSeen(t, c.name, "uprobe", c.program, nil)
			if n := usdt.Semaphore(); n != 0 {
				t.Errorf("counter %d before attaching", n)
			}
			link, err := c.attach(p)
			if err != nil {
				skipMissing(t, c.name, err)
			}
			if n := usdt.Semaphore(); n != 1 {
				t.Errorf("counter %d", n)
			}
			check(t, link.Close())
			if n := usdt.Semaphore(); n != 0 {
				t.Errorf("counter %d after Close", n)
			}
		})
	}
}

// Each of several functions has its own cookie, in the order in which they were given.
func TestUprobeMultiCookies(t *testing.T) {
	for name, opts := range map[string]libbpf.UprobeMultiOptions{
		"symbols": {Symbols: []string{targetTwo, targetOne}},
		"offsets": {Offsets: []uint64{fileOffset(t, targetTwo), fileOffset(t, targetOne)}},
	} {
		t.Run(name, func(t *testing.T) {
			const feature = "uprobe.multi"
			o, p := loadSeen(t, feature, "uprobe", "on_entries", func(o *libbpf.OpenObject) {
				check(t, o.SetGlobal("with_cookie", true))
			})
			opts.Cookies = []uint64{2, 1}
			link, err := p.AttachUprobeMulti(libbpf.ThisProcess, self, opts)
			if err != nil {
				skipMissing(t, feature, err)
			}
			defer link.Close()
			usdt.CallOne(1)
			if got := seen(t, o); got.cookie != 1 {
				t.Errorf("cookie %d of the one", got.cookie)
			}
			usdt.CallTwo(1)
			if got := seen(t, o); got.cookie != 2 {
				t.Errorf("cookie %d of the other", got.cookie)
			}
		})
	}
}

// loadUprobe loads a program that this kernel can attach to a function.
func loadUprobe(t *testing.T) *libbpf.Program {
	t.Helper()
	_, p := loadSeen(t, "uprobe", "uprobe", "on_entry", nil)
	link, err := p.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: targetOne})
	if err != nil {
		skipMissing(t, "uprobe", err)
	}
	check(t, link.Close())
	return p
}

// A library's function can have several versions. The caller must choose one.
func TestUprobeVersions(t *testing.T) {
	p := loadUprobe(t)
	attach := func(function string) error {
		link, err := p.AttachUprobe(libbpf.ThisProcess, "libc.so.6", 0, libbpf.UprobeOptions{Function: function})
		if err == nil {
			err = link.Close()
		}
		return err
	}
	for _, version := range []string{"@", "@@"} {
		check(t, attach("realpath"+version+realpathVersion))
		wantErr(t, attach("realpath"+version+"GLIBC_0.0"), os.ErrNotExist)
	}
	if realpathVersion == "GLIBC_2.3" {
		wantErr(t, attach("realpath"), libbpf.ErrInvalid) // there is an older one
	} else {
		check(t, attach("realpath"))
	}
}

func TestUprobeErrors(t *testing.T) {
	p := loadUprobe(t)
	for _, c := range []struct {
		pid      int
		binary   string
		offset   uint64
		function string
		want     error
	}{
		{libbpf.ThisProcess, "", 0, targetOne, libbpf.ErrInvalid},
		{libbpf.ThisProcess, "a\x00b", 0, targetOne, libbpf.ErrInvalid},
		{libbpf.ThisProcess, self, 0, "a\x00b", libbpf.ErrInvalid},
		{libbpf.ThisProcess, self, 1 << 63, targetOne, libbpf.ErrInvalid},
		{-2, self, 0, targetOne, libbpf.ErrInvalid},
		{beyondInt32 * 2, self, 0, targetOne, libbpf.ErrInvalid},
		{libbpf.ThisProcess, "/nonexistent", 0, targetOne, os.ErrNotExist},
		{libbpf.ThisProcess, "no_such_library.so.1", 0, targetOne, os.ErrNotExist},
		{libbpf.ThisProcess, "no_such_program", 0, targetOne, os.ErrNotExist},
		{libbpf.ThisProcess, self, 0, "no_such_function", os.ErrNotExist},
		{1<<22 + 1, self, 0, targetOne, unix.ESRCH}, // above the largest process id
	} {
		_, err := p.AttachUprobe(c.pid, c.binary, c.offset, libbpf.UprobeOptions{Function: c.function})
		wantErr(t, err, c.want)
	}
	for _, opts := range []libbpf.UprobeOptions{
		{Mode: -1},
		{Mode: libbpf.ProbeModeLink + 1},
		{Mode: libbpf.ProbeModePerf, Cookie: 1},
		{Mode: libbpf.ProbeModeLegacy, RefCtrOffset: 1},
		{RefCtrOffset: 1 << 32},
		{Retprobe: true},
	} {
		opts.Function = targetOne
		_, err := p.AttachUprobe(libbpf.ThisProcess, self, 1, opts)
		wantErr(t, err, libbpf.ErrInvalid)
	}
}

func TestUprobeMultiErrors(t *testing.T) {
	const feature = "uprobe.multi"
	_, p := loadSeen(t, feature, "uprobe", "on_entries", nil)
	two := []string{targetOne, targetTwo}
	for _, opts := range []libbpf.UprobeMultiOptions{
		{},
		{Pattern: "libbpf_go_*", Symbols: two},
		{Pattern: "libbpf_go_*", Offsets: []uint64{1}},
		{Symbols: two, Offsets: []uint64{1, 2}},
		{Symbols: two, Cookies: []uint64{1}},
		{Symbols: two, RefCtrOffsets: []uint64{1}},
		{Symbols: two, RefCtrOffsets: []uint64{1, 2, 3}},
		{Pattern: "libbpf_go_*", Cookies: []uint64{1}},
		{Pattern: "libbpf_go_*", RefCtrOffsets: []uint64{1}},
		{Symbols: []string{targetOne, ""}},
		{Symbols: []string{targetOne, "a\x00b"}},
		{Pattern: "a\x00b"},
		{Symbols: two, Session: true}, // of another section
	} {
		_, err := p.AttachUprobeMulti(libbpf.ThisProcess, self, opts)
		if errors.Is(err, errors.ErrUnsupported) {
			skipMissing(t, feature, err)
		}
		wantErr(t, err, libbpf.ErrInvalid)
	}
	one := libbpf.UprobeMultiOptions{Symbols: []string{targetOne}}
	for _, c := range []struct {
		pid    int
		binary string
		opts   libbpf.UprobeMultiOptions
		want   error
	}{
		{-2, self, one, libbpf.ErrInvalid},
		{libbpf.ThisProcess, "", one, libbpf.ErrInvalid},
		{libbpf.ThisProcess, "libc.so.6", one, os.ErrNotExist},
		{libbpf.ThisProcess, "/nonexistent", one, os.ErrNotExist},
		{libbpf.ThisProcess, self, libbpf.UprobeMultiOptions{Symbols: []string{"no_such_function"}}, os.ErrNotExist},
		{libbpf.ThisProcess, self, libbpf.UprobeMultiOptions{Pattern: "no_such_function*"}, os.ErrNotExist},
		{libbpf.ThisProcess, "no_such_library.so", libbpf.UprobeMultiOptions{Pattern: "a*"}, os.ErrNotExist},
	} {
		_, err := p.AttachUprobeMulti(c.pid, c.binary, c.opts)
		wantErr(t, err, c.want)
	}
}

// imported is a function that this test's binary imports: the binary has a symbol for it, but no code.
const imported = "faccessat"

// libbpf would attach an imported function at the file's first byte, where nothing runs. And of several functions, it
// would attach those that it finds.
func TestUprobeNamesWhatIsMissing(t *testing.T) {
	const feature = "uprobe.multi"
	_, single := loadSeen(t, "uprobe", "uprobe", "on_entry", nil)
	_, multi := loadSeen(t, feature, "uprobe", "on_entries", nil)
	symbols := func(names ...string) libbpf.UprobeMultiOptions { return libbpf.UprobeMultiOptions{Symbols: names} }
	for _, c := range []struct {
		opts libbpf.UprobeMultiOptions
		want error
		says []string
	}{
		{symbols(imported), os.ErrNotExist, []string{imported, "only imports"}},
		{symbols(targetOne, imported), os.ErrNotExist, []string{imported, "only imports"}},
		{libbpf.UprobeMultiOptions{Pattern: "faccessa*"}, os.ErrNotExist, []string{"faccessa*", "only imports"}},
		{symbols(targetOne, "no_such_function", "nor_this"), os.ErrNotExist, []string{"no_such_function", "nor_this"}},
		{libbpf.UprobeMultiOptions{Pattern: "no_such*"}, os.ErrNotExist, []string{"no_such*"}},
		{symbols(targetOne, targetTwo, targetOne), libbpf.ErrInvalid, []string{targetOne, "twice"}},
	} {
		_, err := multi.AttachUprobeMulti(libbpf.ThisProcess, self, c.opts)
		if errors.Is(err, errors.ErrUnsupported) {
			skipMissing(t, feature, err)
		}
		wantErrSaying(t, err, c.want, c.says...)
	}
	_, err := single.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: imported})
	wantErrSaying(t, err, os.ErrNotExist, imported, "only imports")
	_, err = single.AttachUprobe(libbpf.ThisProcess, "no_such_library.so.1", 0, libbpf.UprobeOptions{Function: imported})
	wantErrSaying(t, err, os.ErrNotExist, "no_such_library.so.1")
}

// The same for places in sections.
func TestUprobeSections(t *testing.T) {
	for _, c := range []struct{ program, missing string }{
		{"function", ""},
		{"imported", imported},
		{"pattern", ""},
		{"imported_pattern", "faccessa*"},
		{"missing_pattern", "no_such_function"},
		{"missing_probe", "no_such_probe"},
	} {
		t.Run(c.program, func(t *testing.T) {
			feature := "uprobe"
			if strings.Contains(c.program, "pattern") {
				feature = "uprobe.multi"
			}
			o, p := loadSeen(t, feature, "sections", c.program, nil)
			for _, attach := range []func() ([]*libbpf.Link, error){
				o.Attach,
				func() ([]*libbpf.Link, error) {
					link, err := p.Attach()
					return []*libbpf.Link{link}, err
				},
			} {
				links, err := attach()
				if c.missing != "" {
					wantErrSaying(t, err, os.ErrNotExist, c.missing)
					continue
				}
				if err != nil {
					skipMissing(t, feature, err)
				}
				before := seen(t, o).hits
				usdt.CallOne(1)
				if hits := seen(t, o).hits - before; len(links) != 1 || hits != 1 {
					t.Errorf("%d links, %d hits", len(links), hits)
				}
				check(t, links[0].Close())
			}
		})
	}
}

func wantErrSaying(t testing.TB, err, want error, says ...string) {
	t.Helper()
	wantErr(t, err, want)
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
}

//go:noinline
func goTarget(x int) int { return x + 1 }

// A Go function is found in the symbols of this test's binary, or in the runtime's function table if go test stripped
// the symbols.
func TestUprobeGoFunction(t *testing.T) {
	const function = "github.com/libbpf-go/libbpf-go_test.goTarget"
	for _, c := range []struct {
		feature, program string
		attach           func(*libbpf.Program) (*libbpf.Link, error)
	}{
		{"uprobe", "on_entry", func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: function})
		}},
		{"uprobe.multi", "on_entries", func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobeMulti(libbpf.ThisProcess, self, libbpf.UprobeMultiOptions{Symbols: []string{function, targetTwo}})
		}},
		{"uprobe.multi", "on_entries", func(p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobeMulti(libbpf.ThisProcess, self, libbpf.UprobeMultiOptions{Pattern: "*-go_test.goTarge?"})
		}},
	} {
		o := attachOrSkip(t, c.feature, "uprobe", c.program, c.attach)
		if got := goTarget(41); got != 42 {
			t.Errorf("it returned %d", got)
		}
		if hits := seen(t, o).hits; hits != 1 {
			t.Errorf("%d hits", hits)
		}
	}
}
