package libbpf_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// named is a function that takes a name or a path.
type named struct {
	call  func(s string) error
	empty bool // the empty string stands for a default, or is a name that nothing has
	any   bool // every text without a NUL is a name, or is used later only
	finds bool // compares the name with those that there are: with a NUL there is none
	cut   bool // the kernel keeps 15 characters, and takes letters of Latin-1
}

// closing closes what a function with a wrong name made nevertheless.
func closing[T io.Closer](made T, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(errMade, made.Close())
}

var errMade = errors.New("made something")

// attached closes the link that an attachment to a wrong name made nevertheless.
func attached(link *libbpf.Link, err error) error { return closing(link, err) }

// namedFunctions are all functions of the package that take a name or a path.
func namedFunctions(t *testing.T) map[string]named {
	t.Helper()
	pins := testutil.BPFFS(t)
	folder, err := os.Open(pins)
	check(t, err)
	t.Cleanup(func() { check(t, folder.Close()) })
	network := testutil.NewNetwork(t)
	object := testutil.Object(t, "testrun")
	image, err := os.ReadFile(object)
	check(t, err)
	kernel := kernelBTF(t)
	o := loadTestRun(t, true)
	m, p := findMap(t, o, "bystander"), findProgram(t, o, "count_packet")
	handle := newArray(t, "handle")
	program, err := libbpf.ProgramHandleFrom(p)
	check(t, err)
	t.Cleanup(func() { check(t, program.Close()) })
	link := pinnableLink(t)
	opened := open(t, "testrun")
	openedMap, err := opened.Map("bystander")
	check(t, err)
	tracing := open(t, "tracing")
	var openedProgram *libbpf.OpenProgram
	for p := range tracing.Programs() {
		openedProgram = p
		break
	}
	linker := func(f func(l *libbpf.Linker) error) error {
		l, err := libbpf.NewLinkerTo(io.Discard)
		if err != nil {
			return err
		}
		defer l.Close()
		return f(l)
	}
	build := func(b libbpf.ObjectBuilder) error { return closing(b.OpenMemory(image)) }
	insns := []libbpf.Instruction{{Code: 0xb7}, {Code: 0x95}}
	load := func(name, license string) error {
		return closing(libbpf.LoadProgram(libbpf.ProgramTypeXDP, name, license, insns, libbpf.ProgramLoadOptions{}))
	}
	all := map[string]named{
		"OpenFile":                    {call: func(s string) error { return closing(libbpf.OpenFile(s)) }},
		"ObjectBuilder.Name":          {call: func(s string) error { return build(libbpf.ObjectBuilder{Name: s}) }, empty: true, any: true},
		"ObjectBuilder.PinRootPath":   {call: func(s string) error { return build(libbpf.ObjectBuilder{PinRootPath: s}) }, empty: true, any: true},
		"ObjectBuilder.BTFCustomPath": {call: func(s string) error { return build(libbpf.ObjectBuilder{BTFCustomPath: s}) }, empty: true, any: true},
		"ObjectBuilder.TokenPath":     {call: func(s string) error { return build(libbpf.ObjectBuilder{TokenPath: s}) }, empty: true, any: true},
		"OpenObject.Map":              {call: func(s string) error { _, err := opened.Map(s); return err }, finds: true},
		"OpenObject.Program":          {call: func(s string) error { _, err := opened.Program(s); return err }, finds: true},
		"OpenObject.Global":           {call: func(s string) error { _, err := opened.Global(s); return err }, finds: true},
		"OpenObject.SetGlobal":        {call: func(s string) error { return opened.SetGlobal(s, 1) }, finds: true},
		"OpenMap.SetPinPath":          {call: openedMap.SetPinPath, empty: true, any: true},
		"OpenMap.ReusePinned":         {call: openedMap.ReusePinned},
		"OpenMap.Field":               {call: func(s string) error { _, err := openedMap.Field(s); return err }, finds: true},
		"OpenProgram.SetAttachTarget": {call: func(s string) error { return openedProgram.SetAttachTarget(0, s) }},
		"Object.Map":                  {call: func(s string) error { _, err := o.Map(s); return err }, finds: true},
		"Object.Program":              {call: func(s string) error { _, err := o.Program(s); return err }, finds: true},
		"Object.GlobalMemory":         {call: func(s string) error { _, _, err := o.GlobalMemory(s); return err }, finds: true},
		"Object.GlobalVariable":       {call: func(s string) error { _, err := o.GlobalVariable(s); return err }, finds: true},
		"Object.SectionMemory":        {call: func(s string) error { _, _, err := o.SectionMemory(s); return err }, finds: true},
		"Object.Pin":                  {call: o.Pin},
		"Object.PinMaps":              {call: o.PinMaps, empty: true},
		"Object.PinPrograms":          {call: o.PinPrograms},
		"Object.Unpin":                {call: o.Unpin},
		"Object.UnpinMaps":            {call: o.UnpinMaps, empty: true},
		"Object.UnpinPrograms":        {call: o.UnpinPrograms},
		"Map.Pin":                     {call: m.Pin},
		"Map.Unpin":                   {call: m.Unpin},
		"MapHandle.Pin":               {call: handle.Pin},
		"MapHandle.Unpin":             {call: handle.Unpin},
		"MapHandle.PinIn":             {call: func(s string) error { return handle.PinIn(int(folder.Fd()), s) }, any: true},
		"Program.Pin":                 {call: p.Pin},
		"Program.Unpin":               {call: p.Unpin},
		"ProgramHandle.Pin":           {call: program.Pin},
		"ProgramHandle.Unpin":         {call: program.Unpin},
		"Link.Pin":                    {call: link.Pin},
		"MapHandleFromPinnedPath":     {call: func(s string) error { return closing(libbpf.MapHandleFromPinnedPath(s)) }},
		"ProgramHandleFromPinnedPath": {call: func(s string) error { return closing(libbpf.ProgramHandleFromPinnedPath(s)) }},
		"LinkFromPinnedPath":          {call: func(s string) error { return attached(libbpf.LinkFromPinnedPath(s)) }},
		"IterFromPinnedPath":          {call: func(s string) error { return closing(libbpf.IterFromPinnedPath(s)) }},
		"PinAt":                       {call: func(s string) error { _, err := libbpf.PinAt(s); return err }},
		"PinOptions.At":               {call: func(s string) error { _, err := libbpf.PinOptions{NoSymlinks: true}.At(s); return err }},
		"PinOptions.OpenMap":          {call: func(s string) error { return closing(libbpf.PinOptions{Owners: []int{0}}.OpenMap(s, 0)) }},
		"PinOptions.OpenProgram":      {call: func(s string) error { return closing(libbpf.PinOptions{NoSymlinks: true}.OpenProgram(s)) }},
		"PinOptions.OpenLink":         {call: func(s string) error { return attached(libbpf.PinOptions{NoSymlinks: true}.OpenLink(s)) }},
		"Pins": {call: func(s string) (err error) {
			for range libbpf.Pins(s, &err) {
			}
			return err
		}},
		"CreateToken": {call: func(s string) error { return closing(libbpf.CreateToken(s)) }},
		"CreateMap": {call: func(s string) error {
			return closing(libbpf.CreateMap(libbpf.MapTypeArray, s, 4, 4, 1, libbpf.MapCreateOptions{}))
		}, empty: true, cut: true},
		"LoadProgram, name":    {call: func(s string) error { return load(s, "GPL") }, empty: true, cut: true},
		"LoadProgram, license": {call: func(s string) error { return load("p", s) }, empty: true, any: true},
		"NewLinker":            {call: func(s string) error { return closing(libbpf.NewLinker(s)) }, any: true},
		"Linker.AddFile": {call: func(s string) error {
			return linker(func(l *libbpf.Linker) error { return l.AddFile(s) })
		}},
		"Linker.AddMemory": {call: func(s string) error {
			return linker(func(l *libbpf.Linker) error { return errors.Join(l.AddMemory(s, image), errMade) })
		}, empty: true, any: true, finds: true}, // a name for errors
		"TCHook.Qdisc": {call: func(s string) (err error) {
			network.Do(func() {
				err = libbpf.TCHook{IfIndex: 1, AttachPoint: libbpf.TCQdisc, Parent: ^uint32(0), Qdisc: s}.Create()
			})
			return err
		}},
		"btf.Parse":          {call: func(s string) error { return closing(btf.Parse(s)) }},
		"btf.ParseWithExt":   {call: func(s string) error { types, _, err := btf.ParseWithExt(s); return closing(types, err) }},
		"btf.LoadModule":     {call: func(s string) error { return closing(btf.LoadModule(s, kernel)) }},
		"btf.BTF.TypeByName": {call: func(s string) error { _, err := kernel.TypeByName(s, btf.KindStruct); return err }, finds: true},
		"btf.BTF.FindString": {call: func(s string) error { _, err := kernel.FindString(s); return err }, empty: true, finds: true},
	}
	if _, kprobe, err := tryLoadSeen(t, "uprobe", "on_entry", nil); err == nil {
		for name, f := range map[string]named{
			"AttachKprobe": {call: func(s string) error { return attached(kprobe.AttachKprobe(s, libbpf.KprobeOptions{})) }},
			"AttachKprobe, legacy": {call: func(s string) error {
				return attached(kprobe.AttachKprobe(s, libbpf.KprobeOptions{Mode: libbpf.ProbeModeLegacy}))
			}},
			"AttachKsyscall": {call: func(s string) error { return attached(kprobe.AttachKsyscall(s, libbpf.KsyscallOptions{})) }},
			"AttachUprobe, binary": {call: func(s string) error {
				return attached(kprobe.AttachUprobe(libbpf.ThisProcess, s, 1, libbpf.UprobeOptions{}))
			}},
			"AttachUprobe, function": {call: func(s string) error {
				return attached(kprobe.AttachUprobe(libbpf.ThisProcess, self, 0, libbpf.UprobeOptions{Function: s}))
			}, empty: true},
		} {
			all[name] = f
		}
	}
	if _, tracepoint, err := tryLoadSeen(t, "tracepoint", "on_tracepoint", nil); err == nil {
		for name, f := range map[string]named{
			"AttachTracepoint, category": {call: func(s string) error {
				return attached(tracepoint.AttachTracepoint(s, "sys_enter_getpgid", libbpf.TracepointOptions{}))
			}},
			"AttachTracepoint, name": {call: func(s string) error {
				return attached(tracepoint.AttachTracepoint("syscalls", s, libbpf.TracepointOptions{}))
			}},
		} {
			all[name] = f
		}
	}
	raw, err := libbpf.LoadProgram(libbpf.ProgramTypeRawTracepoint, "raw", "GPL", insns, libbpf.ProgramLoadOptions{})
	check(t, err)
	t.Cleanup(func() { check(t, raw.Close()) })
	all["AttachRawTracepoint"] = named{call: func(s string) error {
		return attached(raw.AttachRawTracepoint(s, libbpf.RawTracepointOptions{}))
	}}
	if _, usdt, err := tryLoadProgram(t, "usdt", "on_any_probe", nil); err == nil {
		for name, f := range map[string]named{
			"AttachUSDT, binary": {call: func(s string) error {
				return attached(usdt.AttachUSDT(libbpf.ThisProcess, s, "libbpf_go", "probe", libbpf.USDTOptions{}))
			}},
			"AttachUSDT, provider": {call: func(s string) error {
				return attached(usdt.AttachUSDT(libbpf.ThisProcess, self, s, "probe", libbpf.USDTOptions{}))
			}},
			"AttachUSDT, name": {call: func(s string) error {
				return attached(usdt.AttachUSDT(libbpf.ThisProcess, self, "libbpf_go", s, libbpf.USDTOptions{}))
			}},
		} {
			all[name] = f
		}
	}
	return all
}

// No function takes a name that C, the kernel or a file system would cut, and each error says which operation failed.
func TestNames(t *testing.T) {
	functions := namedFunctions(t)
	t.Chdir(t.TempDir()) // for relative paths
	for function, f := range functions {
		for what, name := range map[string]string{
			"NUL": "a\x00b", "only a NUL": "\x00", "a NUL at the end": filepath.Join(t.TempDir(), "a\x00"),
			"empty": "", "not UTF-8": "\xff\xfe", "control characters": "a\x1b[31m\nb", "long": strings.Repeat("n", 300),
			"longer than a path": "/" + strings.Repeat("n/", 2500), "a page": strings.Repeat("n", 5000), "..": "..",
			".": ".", "a slash": "/", "trailing slashes": "none//", "spaces": " ", "a format": "%s%n%d",
		} {
			t.Run(function+"/"+what, func(t *testing.T) {
				err := f.call(name)
				if strings.Contains(name, "\x00") && !f.finds {
					wantErr(t, err, libbpf.ErrInvalid)
				}
				taken := f.any || f.empty && name == "" || f.cut && what != "control characters"
				switch made := err == nil || errors.Is(err, errMade); {
				case made && taken:
					return
				case made:
					t.Fatalf("%q is taken: %v", name, err)
				}
				if !namesOperation(err) {
					t.Errorf("%T %v does not name the operation", err, err)
				}
				if errors.Is(err, unix.EFAULT) || strings.ContainsAny(err.Error(), "\x00\x1b\n") && !errors.As(err, new(*btf.LoadError)) && !strings.HasPrefix(err.Error(), "btf: ") {
					t.Errorf("%q", err)
				}
			})
		}
	}
}

func namesOperation(err error) bool {
	var failed *libbpf.Error
	var rejected *libbpf.VerifierError
	return errors.As(err, &failed) && failed.Op != "" && strings.HasPrefix(err.Error(), failed.Op) ||
		errors.As(err, &rejected) || strings.HasPrefix(err.Error(), "btf: ") || strings.HasPrefix(fmt.Sprint(err), "open ")
}
