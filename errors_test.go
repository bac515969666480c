package libbpf_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&libbpf.Error{Op: "lookup in", Object: `map "m"`, Err: libbpf.ErrKeyNotExist},
			`lookup in map "m": key does not exist`},
		{&libbpf.Error{Op: "load", Object: `object "o"`, Err: unix.EINVAL, Messages: []string{"libbpf: why", "libbpf: so"}},
			`load object "o": invalid argument (why)`},
		{&libbpf.Error{Op: "count possible CPUs", Err: unix.ENOENT}, `count possible CPUs: no such file or directory`},
		{&libbpf.Error{Op: "lookup in", Object: `map "r"`, Err: syscall.Errno(524)},
			`lookup in map "r": operation not supported by the kernel (ENOTSUPP)`},
		{&libbpf.VerifierError{Program: "p", Log: "0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000)\n", Err: unix.EACCES},
			`load program "p": permission denied: 0: (95) exit; R0 !read_ok`},
		{&libbpf.VerifierError{Program: "p", Err: unix.EACCES}, `load program "p": permission denied`},
		{libbpf.ErrClosed, "already closed"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("text %q, want %q", got, c.want)
		}
	}
	notSupp := &libbpf.Error{Err: syscall.Errno(524)}
	if !errors.Is(notSupp, errors.ErrUnsupported) || errors.Is(&libbpf.Error{Err: unix.EINVAL}, errors.ErrUnsupported) {
		t.Error("ENOTSUPP is not recognised")
	}
	rejected := &libbpf.VerifierError{Program: "p", Err: syscall.Errno(524)}
	if !errors.Is(rejected, errors.ErrUnsupported) || errors.Is(&libbpf.VerifierError{Err: unix.EINVAL}, errors.ErrUnsupported) {
		t.Error("the verifier's ENOTSUPP is not recognised")
	}
	if !errors.Is(&libbpf.VersionError{Func: "f", Needs: "9.9"}, errors.ErrUnsupported) {
		t.Error("a VersionError is not ErrUnsupported")
	}
	verifier := &libbpf.VerifierError{Program: "p", Log: "first\nlast", Err: unix.EACCES}
	if got := fmt.Sprintf("%+v", verifier); !strings.HasSuffix(got, "\nfirst\nlast") {
		t.Errorf("%%+v is %q", got)
	}
	if got := fmt.Sprintf("%v|%s|%q", verifier, verifier, verifier); strings.Contains(got, "\n") {
		t.Errorf("short forms are %q", got)
	}
}

// ErrNotFound matches the errors of the kernel, of libbpf and of Go for the same thing.
func TestNotFound(t *testing.T) {
	o := openMaps(t, "")
	_, noMap := o.Map("nope")
	_, noProgram := o.Program("nope")
	_, noVariable := o.Global("nope")
	for _, err := range []error{noMap, noProgram, noVariable, libbpf.ErrKeyNotExist} {
		wantErr(t, err, unix.ENOENT)
		wantErr(t, err, os.ErrNotExist)
	}
	wantErr(t, noVariable, libbpf.ErrNotFound)
	if errors.Is(noVariable, libbpf.ErrKeyNotExist) || errors.Is(libbpf.ErrKeyNotExist, libbpf.ErrNotFound) {
		t.Error("a variable is a key")
	}
	types, err := o.BTF()
	check(t, err)
	defer types.Close()
	_, err = types.TypeByName("nope")
	wantErr(t, err, btf.ErrNotFound)
	wantErr(t, err, os.ErrNotExist)
}

func TestErrno(t *testing.T) {
	_, err := libbpf.OpenMemory([]byte("not an ELF file"))
	var errno libbpf.Errno
	if !errors.As(err, &errno) && !errors.Is(err, unix.EINVAL) {
		t.Errorf("error %v", err)
	}
	for e := libbpf.Errno(4000); e <= 4013; e++ {
		if text := e.Error(); text == "" || strings.Contains(text, "Unknown") {
			t.Errorf("errno %d has the text %q", e, text)
		}
	}
}

func TestVersion(t *testing.T) {
	v := libbpf.Version()
	if v.Major < 1 || v.Major == 1 && v.Minor < 1 {
		t.Errorf("version %v", v)
	}
	if v.Vendored != (v.Patch >= 0) || !strings.HasPrefix(v.String(), fmt.Sprintf("%d.%d", v.Major, v.Minor)) {
		t.Errorf("version %+v is %q", v, v)
	}
}

func TestPossibleCPUs(t *testing.T) {
	n, err := libbpf.PossibleCPUs()
	check(t, err)
	list, err := os.ReadFile("/sys/devices/system/cpu/possible")
	check(t, err)
	want := 0
	for _, part := range strings.Split(strings.TrimSpace(string(list)), ",") {
		var from, to int
		if k, _ := fmt.Sscanf(part, "%d-%d", &from, &to); k == 2 {
			want += to - from + 1
		} else {
			want++
		}
	}
	if n != want {
		t.Errorf("%d possible CPUs, want %d", n, want)
	}
}

// printed collects messages until the test ends.
type printed struct {
	mu       sync.Mutex
	messages []string
}

func (p *printed) print(level libbpf.PrintLevel, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = append(p.messages, level.String()+" "+message)
}

func (p *printed) contains(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.messages, func(m string) bool { return strings.Contains(m, part) })
}

func TestPrint(t *testing.T) {
	quiet := func() {
		libbpf.SetPrint(libbpf.PrintWarn, libbpf.SlogPrint(slog.Default()))
	}
	t.Cleanup(quiet)
	path := testutil.Object(t, "attach")
	openOne := func(b libbpf.ObjectBuilder) {
		o, err := b.OpenFile(path)
		check(t, err)
		check(t, o.Close())
	}

	var all printed
	libbpf.SetPrint(libbpf.PrintDebug, all.print)
	openOne(libbpf.ObjectBuilder{})
	if !all.contains("debug libbpf: loading") || !all.contains("on_enter") {
		t.Errorf("messages %q", all.messages)
	}
	for _, m := range all.messages {
		if strings.HasSuffix(m, "\n") {
			t.Errorf("message %q ends with a newline", m)
		}
	}

	var warnings printed
	libbpf.SetPrint(libbpf.PrintWarn, warnings.print)
	openOne(libbpf.ObjectBuilder{})
	if len(warnings.messages) > 0 {
		t.Errorf("messages %q", warnings.messages)
	}
	// A failure's warnings are only in the error.
	incomplete := testutil.Object(t, "nobtf_extern")
	_, err := libbpf.OpenFile(incomplete)
	var failed *libbpf.Error
	if !errors.As(err, &failed) || len(failed.Messages) == 0 {
		t.Errorf("error %#v", err)
	}
	if len(warnings.messages) > 0 {
		t.Errorf("messages %q", warnings.messages)
	}

	var own printed
	openOne(libbpf.ObjectBuilder{Print: own.print})
	if !own.contains("debug libbpf: loading") || len(warnings.messages) > 0 {
		t.Errorf("messages %q of the object's own, and %q", own.messages, warnings.messages)
	}
	openOne(libbpf.ObjectBuilder{Debug: true})
	if !warnings.contains("debug libbpf: loading") {
		t.Errorf("messages %q", warnings.messages)
	}
	libbpf.SetPrint(libbpf.PrintDebug, nil)
	openOne(libbpf.ObjectBuilder{Debug: true})
	_, err = libbpf.OpenFile(incomplete)
	if !errors.As(err, &failed) || len(failed.Messages) == 0 {
		t.Errorf("silenced, the error is %#v", err)
	}
}

func TestSlogPrint(t *testing.T) {
	var b strings.Builder
	logger := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, level := range []libbpf.PrintLevel{libbpf.PrintWarn, libbpf.PrintInfo, libbpf.PrintDebug} {
		libbpf.SlogPrint(logger)(level, "said")
	}
	for _, want := range []string{"level=WARN msg=said", "level=INFO msg=said", "level=DEBUG msg=said"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q lacks %q", b.String(), want)
		}
	}
}
