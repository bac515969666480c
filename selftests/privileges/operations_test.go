//go:build !race && linux

package privileges

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
)

// operation is what a process tries. Its name is a row of the page.
type operation struct {
	name string
	run  func(w *world) error
}

// world is what operations use. What they keep is closed after each of them.
type world struct {
	condition condition
	opened    []io.Closer
}

func (w *world) keep(c io.Closer) { w.opened = append(w.opened, c) }

func (w *world) close() {
	for i := len(w.opened) - 1; i >= 0; i-- {
		_ = w.opened[i].Close()
	}
	w.opened = nil
}

// object opens an object of the folder bpf. With a token, loading it uses the token.
func (w *world) object(name string) (*libbpf.OpenObject, error) {
	fd, err := unix.Openat(objectsFD, name+".bpf.o", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	builder := libbpf.ObjectBuilder{Name: name}
	if w.condition.token {
		builder.TokenPath = writableFS()
	}
	o, err := builder.OpenMemory(content)
	if err == nil {
		w.keep(o)
	}
	return o, err
}

// kind is a kind of program.
type kind struct {
	typ        libbpf.ProgramType
	attachType libbpf.ProgramAttachType
	target     string // what in the kernel it is for
	sleepable  bool
}

// load loads the smallest program of a kind.
func (w *world) load(k kind) (*libbpf.Program, error) {
	open, err := w.object("smallest")
	if err != nil {
		return nil, err
	}
	smallest, err := open.Program("smallest")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(smallest.SetType(k.typ), smallest.SetAttachType(k.attachType)); err != nil {
		return nil, err
	}
	if k.sleepable {
		if err := smallest.SetFlags(unix.BPF_F_SLEEPABLE); err != nil {
			return nil, err
		}
	}
	if k.target != "" {
		if err := smallest.SetAttachTarget(0, k.target); err != nil {
			return nil, err
		}
	}
	o, err := open.Load()
	if err != nil {
		return nil, err
	}
	w.keep(o)
	return o.Program("smallest")
}

// loadOf loads an object with one of its programs only.
func (w *world) loadOf(object, program string) (*libbpf.Object, *libbpf.Program, error) {
	open, err := w.object(object)
	if err != nil {
		return nil, nil, err
	}
	for p := range open.Programs() {
		if err := p.SetAutoload(p.Name() == program); err != nil {
			return nil, nil, err
		}
	}
	o, err := open.Load()
	if err != nil {
		return nil, nil, err
	}
	w.keep(o)
	p, err := o.Program(program)
	return o, p, err
}

// attaching is an operation that loads the smallest program of a kind and attaches it.
func attaching(name string, k kind, attach func(w *world, p *libbpf.Program) (*libbpf.Link, error)) operation {
	return operation{"attach: " + name, func(w *world) error {
		p, err := w.load(k)
		if err != nil {
			return err
		}
		link, err := attach(w, p)
		if err != nil {
			return err
		}
		w.keep(link)
		return nil
	}}
}

// newMap makes a map, with the token if there is one.
func (w *world) newMap(
	typ libbpf.MapType, key, value, entries uint32, options libbpf.MapCreateOptions,
) (*libbpf.MapHandle, error) {
	if w.condition.token {
		token, err := libbpf.CreateToken(writableFS())
		if err != nil {
			return nil, err
		}
		w.keep(token)
		options.TokenFD = token.FD()
	}
	m, err := libbpf.CreateMap(typ, "m", key, value, entries, options)
	if err == nil {
		w.keep(m)
	}
	return m, err
}

func (w *world) array() (*libbpf.MapHandle, error) {
	return w.newMap(libbpf.MapTypeArray, 4, 8, 1, libbpf.MapCreateOptions{})
}

// onArray is an operation on a map.
func onArray(name string, f func(w *world, m *libbpf.MapHandle) error) operation {
	return operation{name, func(w *world) error {
		m, err := w.array()
		if err != nil {
			return err
		}
		return f(w, m)
	}}
}

// onProgram is an operation on a program that needs the least to be loaded.
func onProgram(name string, f func(w *world, p *libbpf.Program) error) operation {
	return operation{name, func(w *world) error {
		p, err := w.load(socketFilter)
		if err != nil {
			return err
		}
		return f(w, p)
	}}
}

var (
	socketFilter = kind{typ: libbpf.ProgramTypeSocketFilter}
	kprobe       = kind{typ: libbpf.ProgramTypeKprobe}
	tcProgram    = kind{typ: libbpf.ProgramTypeSchedCls}
	ingress      = kind{typ: libbpf.ProgramTypeCgroupSKB, attachType: libbpf.AttachTypeCgroupInetIngress}
)

// created are the smallest maps of each type.
var created = []struct {
	typ                 libbpf.MapType
	key, value, entries uint32
	flags               libbpf.MapCreateFlags
}{
	{libbpf.MapTypeHash, 4, 4, 1, 0},
	{libbpf.MapTypeArray, 4, 4, 1, 0},
	{libbpf.MapTypeProgArray, 4, 4, 1, 0},
	{libbpf.MapTypePerfEventArray, 4, 4, 1, 0},
	{libbpf.MapTypePerCPUHash, 4, 4, 1, 0},
	{libbpf.MapTypePerCPUArray, 4, 4, 1, 0},
	{libbpf.MapTypeStackTrace, 4, 8, 1, 0},
	{libbpf.MapTypeCgroupArray, 4, 4, 1, 0},
	{libbpf.MapTypeLRUHash, 4, 4, 1, 0},
	{libbpf.MapTypeLRUPerCPUHash, 4, 4, 1, 0},
	{libbpf.MapTypeLPMTrie, 8, 4, 1, libbpf.CreateNoPrealloc},
	{libbpf.MapTypeArrayOfMaps, 4, 4, 1, 0},
	{libbpf.MapTypeHashOfMaps, 4, 4, 1, 0},
	{libbpf.MapTypeDevMap, 4, 4, 1, 0},
	{libbpf.MapTypeDevMapHash, 4, 4, 1, 0},
	{libbpf.MapTypeSockMap, 4, 4, 1, 0},
	{libbpf.MapTypeSockHash, 4, 4, 1, 0},
	{libbpf.MapTypeCPUMap, 4, 4, 1, 0},
	{libbpf.MapTypeXSKMap, 4, 4, 1, 0},
	{libbpf.MapTypeReuseportSockArray, 4, 4, 1, 0},
	{libbpf.MapTypeCgroupStorage, 16, 4, 0, 0},
	{libbpf.MapTypePerCPUCgroupStorage, 16, 4, 0, 0},
	{libbpf.MapTypeQueue, 0, 4, 1, 0},
	{libbpf.MapTypeStack, 0, 4, 1, 0},
	{libbpf.MapTypeRingBuf, 0, 0, 4096, 0},
	{libbpf.MapTypeUserRingBuf, 0, 0, 4096, 0},
	{libbpf.MapTypeBloomFilter, 0, 4, 1, 0},
	{libbpf.MapTypeArena, 0, 0, 1, libbpf.CreateMMapable},
	{libbpf.MapTypeInsnArray, 4, 16, 1, 0},
}

// loaded are the kinds of programs that need nothing to be loaded.
var loaded = []struct {
	name string
	kind
}{
	{"socket filter", socketFilter},
	{"kprobe", kprobe},
	{"tracepoint", kind{typ: libbpf.ProgramTypeTracepoint}},
	{"raw tracepoint", kind{typ: libbpf.ProgramTypeRawTracepoint}},
	{"writable raw tracepoint", kind{typ: libbpf.ProgramTypeRawTracepointWritable}},
	{"perf event", kind{typ: libbpf.ProgramTypePerfEvent}},
	{"fentry", kind{typ: libbpf.ProgramTypeTracing, attachType: libbpf.AttachTypeTraceFentry, target: "bpf_fentry_test1"}},
	{"tp_btf", kind{typ: libbpf.ProgramTypeTracing, attachType: libbpf.AttachTypeTraceRawTP, target: "sys_enter"}},
	{"iterator", kind{typ: libbpf.ProgramTypeTracing, attachType: libbpf.AttachTypeTraceIter, target: "task"}},
	{"LSM", kind{typ: libbpf.ProgramTypeLSM, attachType: libbpf.AttachTypeLSMMac, target: "task_getpgid"}},
	{"syscall", kind{typ: libbpf.ProgramTypeSyscall, sleepable: true}},
	{"XDP", kind{typ: libbpf.ProgramTypeXDP}},
	{"tc classifier", tcProgram},
	{"tc action", kind{typ: libbpf.ProgramTypeSchedAct}},
	{"netfilter", kind{typ: libbpf.ProgramTypeNetfilter, attachType: libbpf.AttachTypeNetfilter}},
	{"flow dissector", kind{typ: libbpf.ProgramTypeFlowDissector, attachType: libbpf.AttachTypeFlowDissector}},
	{"sk_lookup", kind{typ: libbpf.ProgramTypeSKLookup, attachType: libbpf.AttachTypeSKLookup}},
	{"sk_reuseport", kind{typ: libbpf.ProgramTypeSKReuseport}},
	{"sk_skb", kind{typ: libbpf.ProgramTypeSKSKB}},
	{"sk_msg", kind{typ: libbpf.ProgramTypeSKMsg}},
	{"sock_ops", kind{typ: libbpf.ProgramTypeSockOps, attachType: libbpf.AttachTypeCgroupSockOps}},
	{"cgroup skb", ingress},
	{"cgroup sock", kind{typ: libbpf.ProgramTypeCgroupSock, attachType: libbpf.AttachTypeCgroupInetSockCreate}},
	{"cgroup sock_addr", kind{typ: libbpf.ProgramTypeCgroupSockAddr, attachType: libbpf.AttachTypeCgroupInet4Connect}},
	{"cgroup sockopt", kind{typ: libbpf.ProgramTypeCgroupSockopt, attachType: libbpf.AttachTypeCgroupGetsockopt}},
	{"cgroup device", kind{typ: libbpf.ProgramTypeCgroupDevice, attachType: libbpf.AttachTypeCgroupDevice}},
	{"cgroup sysctl", kind{typ: libbpf.ProgramTypeCgroupSysctl, attachType: libbpf.AttachTypeCgroupSysctl}},
	{"lightweight tunnel", kind{typ: libbpf.ProgramTypeLWTXmit}},
	{"infrared", kind{typ: libbpf.ProgramTypeLircMode2, attachType: libbpf.AttachTypeLircMode2}},
}

// probed is the offset in the binary of a function, where uprobes go.
var probed uint64

const loopback = 1 // the first device of each network namespace

// operations are all of them, in the order of the page.
var operations = func() []operation {
	all := []operation{
		{"open an object", func(w *world) error {
			_, err := w.object("smallest")
			return err
		}},
		{"count possible CPUs", func(*world) error {
			_, err := libbpf.PossibleCPUs()
			return err
		}},
		{"read the kernel's BTF", func(*world) error {
			types, err := btf.LoadKernel()
			if err == nil {
				err = types.Close()
			}
			return err
		}},
		{"probe for a map type", func(*world) error {
			_, err := libbpf.MapTypeHash.IsSupported()
			return err
		}},
		{"probe for a program type", func(*world) error {
			_, err := libbpf.ProgramTypeXDP.IsSupported()
			return err
		}},
		{"probe for a helper", func(*world) error {
			_, err := libbpf.HelperSupported(libbpf.ProgramTypeXDP, libbpf.HelperMapLookupElem)
			return err
		}},
		{"create a token", func(*world) error {
			token, err := libbpf.CreateToken(writableFS())
			if err == nil {
				err = token.Close()
			}
			return err
		}},
	}
	for _, c := range created {
		all = append(all, operation{"create: " + c.typ.String(), func(w *world) error {
			options := libbpf.MapCreateOptions{Flags: c.flags}
			if c.typ.IsMapInMap() {
				inner, err := w.array()
				if err != nil {
					return err
				}
				options.InnerMap = inner
			}
			_, err := w.newMap(c.typ, c.key, c.value, c.entries, options)
			return err
		}})
	}
	all = append(all,
		operation{"create: sk_storage", func(w *world) error {
			open, err := w.object("maptypes")
			if err != nil {
				return err
			}
			return w.loadOnly(open, libbpf.MapTypeSKStorage)
		}},
		operation{"create: struct_ops", func(w *world) error { return w.loadAll("struct_ops") }},
		operation{"create a map of 1 MiB", func(w *world) error {
			_, err := w.newMap(libbpf.MapTypeArray, 4, 1<<20, 1, libbpf.MapCreateOptions{})
			return err
		}},
		operation{"create a map of 128 MiB", func(w *world) error {
			_, err := w.newMap(libbpf.MapTypeArray, 4, 1<<20, 128, libbpf.MapCreateOptions{})
			return err
		}},
		onArray("update and look up", func(_ *world, m *libbpf.MapHandle) error {
			if err := m.Update(make([]byte, 4), make([]byte, 8), libbpf.Any); err != nil {
				return err
			}
			_, err := m.Lookup(make([]byte, 4), libbpf.Any)
			return err
		}),
		onArray("look up a batch", func(_ *world, m *libbpf.MapHandle) error {
			_, err := m.LookupBatch(new(libbpf.MapCursor), make([]byte, 4), make([]byte, 8), libbpf.Any)
			if errors.Is(err, libbpf.ErrKeyNotExist) {
				return nil
			}
			return err
		}),
		onArray("iterate over a map", func(_ *world, m *libbpf.MapHandle) (err error) {
			for range m.All(&err) {
			}
			return err
		}),
		operation{"update a per-CPU map", func(w *world) error {
			m, err := w.newMap(libbpf.MapTypePerCPUArray, 4, 8, 1, libbpf.MapCreateOptions{})
			if err != nil {
				return err
			}
			_, err = m.LookupPerCPU(make([]byte, 4), libbpf.Any)
			return err
		}},
		onArray("freeze a map", func(_ *world, m *libbpf.MapHandle) error { return m.Freeze() }),
		operation{"map a map's memory", func(w *world) error {
			m, err := w.newMap(libbpf.MapTypeArray, 4, 8, 1, libbpf.MapCreateOptions{Flags: libbpf.CreateMMapable})
			if err != nil {
				return err
			}
			memory, err := m.Memory()
			if err == nil {
				err = memory.Close()
			}
			return err
		}},
	)
	for _, l := range loaded {
		all = append(all, operation{"load: " + l.name, func(w *world) error {
			_, err := w.load(l.kind)
			return err
		}})
	}
	all = append(all,
		operation{"load an object with maps and global variables", func(w *world) error { return w.loadAll("testrun") }},
		operation{"load a program from instructions", func(w *world) error {
			insns := []libbpf.Instruction{{Code: 0xb7}, {Code: 0x95}} // return 0
			options := libbpf.ProgramLoadOptions{}
			if w.condition.token {
				token, err := libbpf.CreateToken(writableFS())
				if err != nil {
					return err
				}
				w.keep(token)
				options.TokenFD = token.FD()
			}
			p, err := libbpf.LoadProgram(libbpf.ProgramTypeXDP, "p", "GPL", insns, options)
			if err == nil {
				w.keep(p)
			}
			return err
		}},
		operation{"run a program (TestRun)", func(w *world) error {
			p, err := w.load(tcProgram)
			if err != nil {
				return err
			}
			_, err = p.TestRun(libbpf.TestRunOptions{Data: make([]byte, 64)})
			return err
		}},
	)
	all = append(all, attachments...)
	return append(all, others...)
}()

// loadAll loads an object whole.
func (w *world) loadAll(name string) error {
	open, err := w.object(name)
	if err != nil {
		return err
	}
	o, err := open.Load()
	if err == nil {
		w.keep(o)
	}
	return err
}

// loadOnly creates an object's maps of one type, and nothing else of it.
func (w *world) loadOnly(open *libbpf.OpenObject, typ libbpf.MapType) error {
	for p := range open.Programs() {
		if err := p.SetAutoload(false); err != nil {
			return err
		}
	}
	for m := range open.Maps() {
		is, err := m.Type()
		if err == nil {
			err = m.SetAutocreate(is == typ)
		}
		if err != nil {
			return err
		}
	}
	o, err := open.Load()
	if err == nil {
		w.keep(o)
	}
	return err
}

// attachments attach programs that do nothing.
var attachments = []operation{
	attaching("tracepoint", kind{typ: libbpf.ProgramTypeTracepoint},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachTracepoint("syscalls", "sys_enter_getpgid", libbpf.TracepointOptions{})
		}),
	attaching("raw tracepoint", kind{typ: libbpf.ProgramTypeRawTracepoint},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachRawTracepoint("sys_enter", libbpf.RawTracepointOptions{})
		}),
	attaching("tp_btf", kind{typ: libbpf.ProgramTypeTracing, attachType: libbpf.AttachTypeTraceRawTP, target: "sys_enter"},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) { return p.AttachTrace(libbpf.TraceOptions{}) }),
	attaching("fentry", kind{
		typ: libbpf.ProgramTypeTracing, attachType: libbpf.AttachTypeTraceFentry, target: "bpf_fentry_test1",
	}, func(_ *world, p *libbpf.Program) (*libbpf.Link, error) { return p.AttachTrace(libbpf.TraceOptions{}) }),
	attaching("LSM", kind{typ: libbpf.ProgramTypeLSM, attachType: libbpf.AttachTypeLSMMac, target: "task_getpgid"},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) { return p.AttachLSM(libbpf.TraceOptions{}) }),
	attaching("iterator", kind{typ: libbpf.ProgramTypeTracing, attachType: libbpf.AttachTypeTraceIter, target: "task"},
		func(w *world, p *libbpf.Program) (*libbpf.Link, error) {
			link, err := p.AttachIter(libbpf.IterOptions{})
			if err != nil {
				return nil, err
			}
			it, err := libbpf.NewIter(link)
			if err != nil {
				w.keep(link)
				return nil, err
			}
			w.keep(it)
			return link, nil
		}),
	attaching("kprobe", kprobe, func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
		return p.AttachKprobe("security_task_getpgid", libbpf.KprobeOptions{})
	}),
	attaching("legacy kprobe", kprobe, func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
		return p.AttachKprobe("security_task_getpgid", libbpf.KprobeOptions{Mode: libbpf.ProbeModeLegacy})
	}),
	attaching("ksyscall", kprobe, func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
		return p.AttachKsyscall("getpgid", libbpf.KsyscallOptions{})
	}),
	attaching("kprobe.multi", kind{typ: libbpf.ProgramTypeKprobe, attachType: libbpf.AttachTypeTraceKprobeMulti},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachKprobeMulti(libbpf.KprobeMultiOptions{Symbols: []string{"security_task_getpgid"}})
		}),
	attaching("uprobe of the own process", kprobe, func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
		return p.AttachUprobe(libbpf.ThisProcess, binary(), probed, libbpf.UprobeOptions{})
	}),
	attaching("legacy uprobe", kprobe, func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
		return p.AttachUprobe(libbpf.AllProcesses, binary(), probed, libbpf.UprobeOptions{Mode: libbpf.ProbeModeLegacy})
	}),
	attaching("uprobe.multi", kind{typ: libbpf.ProgramTypeKprobe, attachType: libbpf.AttachTypeTraceUprobeMulti},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachUprobeMulti(libbpf.ThisProcess, binary(), libbpf.UprobeMultiOptions{Offsets: []uint64{probed}})
		}),
	{"attach: USDT", func(w *world) error {
		_, p, err := w.loadOf("usdt", "on_any_probe")
		if err != nil {
			return err
		}
		link, err := p.AttachUSDT(libbpf.ThisProcess, binary(), "libbpf_go", "probe", libbpf.USDTOptions{})
		if err == nil {
			w.keep(link)
		}
		return err
	}},
	attaching("perf event of the own thread", kind{typ: libbpf.ProgramTypePerfEvent},
		func(w *world, p *libbpf.Program) (*libbpf.Link, error) {
			fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
				Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: 1 << 40,
				Size: unix.PERF_ATTR_SIZE_VER5,
			}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
			if err != nil {
				return nil, os.NewSyscallError("perf_event_open", err)
			}
			link, err := p.AttachPerfEvent(fd, libbpf.PerfEventOptions{})
			if err != nil {
				_ = unix.Close(fd)
			}
			return link, err
		}),
	attaching("cgroup", ingress, func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
		return p.AttachCgroup(cgroupFD, libbpf.PlacementOptions{})
	}),
	{"attach: cgroup without a link", func(w *world) error {
		p, err := w.load(ingress)
		if err != nil {
			return err
		}
		hook := libbpf.Hook{FD: cgroupFD, Type: libbpf.AttachTypeCgroupInetIngress}
		if err := hook.Attach(p, libbpf.HookOptions{}); err != nil {
			return err
		}
		return hook.Detach(p, libbpf.HookDetachOptions{})
	}},
	attaching("XDP", kind{typ: libbpf.ProgramTypeXDP, attachType: libbpf.AttachTypeXDP},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachXDP(loopback, libbpf.XDPLinkOptions{})
		}),
	{"attach: tc filter", func(w *world) error {
		p, err := w.load(tcProgram)
		if err != nil {
			return err
		}
		hook := libbpf.TCHook{IfIndex: loopback, AttachPoint: libbpf.TCIngress}
		if err := hook.Create(); err != nil {
			return err
		}
		defer func() {
			_ = libbpf.TCHook{IfIndex: loopback, AttachPoint: libbpf.TCIngress | libbpf.TCEgress}.Destroy()
		}()
		_, err = hook.Attach(p, libbpf.TCOptions{})
		return err
	}},
	attaching("tcx", kind{typ: libbpf.ProgramTypeSchedCls, attachType: libbpf.AttachTypeTCXIngress},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachTCX(loopback, libbpf.PlacementOptions{})
		}),
	attaching("netfilter", kind{typ: libbpf.ProgramTypeNetfilter, attachType: libbpf.AttachTypeNetfilter},
		func(_ *world, p *libbpf.Program) (*libbpf.Link, error) {
			return p.AttachNetfilter(libbpf.NetfilterIPv4, libbpf.NetfilterLocalIn, libbpf.NetfilterOptions{Priority: 1})
		}),
	attaching("network namespace (sk_lookup)",
		kind{typ: libbpf.ProgramTypeSKLookup, attachType: libbpf.AttachTypeSKLookup},
		func(w *world, p *libbpf.Program) (*libbpf.Link, error) {
			file, err := os.Open("/proc/self/ns/net")
			if err != nil {
				return nil, err
			}
			w.keep(file)
			return p.AttachNetns(int(file.Fd()))
		}),
	attaching("sockmap", kind{typ: libbpf.ProgramTypeSKMsg, attachType: libbpf.AttachTypeSKMsgVerdict},
		func(w *world, p *libbpf.Program) (*libbpf.Link, error) {
			m, err := w.newMap(libbpf.MapTypeSockMap, 4, 4, 1, libbpf.MapCreateOptions{})
			if err != nil {
				return nil, err
			}
			return p.AttachSockmap(m)
		}),
	onProgram("attach: socket filter", func(_ *world, p *libbpf.Program) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return libbpf.AttachSocketFilter(fd, p)
	}),
	{"attach: struct_ops", func(w *world) error {
		open, err := w.object("struct_ops")
		if err != nil {
			return err
		}
		o, err := open.Load()
		if err != nil {
			return err
		}
		w.keep(o)
		links, err := o.Attach()
		for _, link := range links {
			w.keep(link)
		}
		return err
	}},
}

// others use what is loaded, and ask about what is in the kernel.
var others = []operation{
	{"read a ring buffer", func(w *world) error {
		m, err := w.newMap(libbpf.MapTypeRingBuf, 0, 0, 4096, libbpf.MapCreateOptions{})
		if err != nil {
			return err
		}
		r, err := libbpf.NewRingReader(m)
		if err != nil {
			return err
		}
		w.keep(r)
		for range r.Pending(&err) {
		}
		return err
	}},
	{"poll a ring buffer", func(w *world) error {
		m, err := w.newMap(libbpf.MapTypeRingBuf, 0, 0, 4096, libbpf.MapCreateOptions{})
		if err != nil {
			return err
		}
		nothing := func([]byte) error { return nil }
		b, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{Map: m, Callback: nothing}}}.Build()
		if err != nil {
			return err
		}
		w.keep(b)
		_, err = b.Poll(time.Nanosecond)
		return err
	}},
	{"write to a user ring buffer", func(w *world) error {
		m, err := w.newMap(libbpf.MapTypeUserRingBuf, 0, 0, 4096, libbpf.MapCreateOptions{})
		if err != nil {
			return err
		}
		r, err := libbpf.NewUserRingBuffer(m)
		if err == nil {
			w.keep(r)
		}
		return err
	}},
	{"read a perf buffer", func(w *world) error { return w.readPerf(8) }},
	{"read a perf buffer of 4 MiB for each CPU", func(w *world) error { return w.readPerf(4 << 20 / os.Getpagesize()) }},
	onArray("pin in a folder that it may write to", func(_ *world, m *libbpf.MapHandle) error {
		return pinAndOpen(m, filepath.Join(writableFS(), "pin"))
	}),
	onArray("pin in /sys/fs/bpf", func(_ *world, m *libbpf.MapHandle) error {
		return pinAndOpen(m, "/sys/fs/bpf/libbpf-go-privileges")
	}),
	{"list pins", func(*world) (err error) {
		for range libbpf.Pins(writableFS(), &err) {
		}
		return err
	}},
	{"walk the ids of maps", func(*world) (err error) {
		for range libbpf.MapIDs(&err) {
			break
		}
		return err
	}},
	{"walk the ids of programs", func(*world) (err error) {
		for range libbpf.ProgramIDs(&err) {
			break
		}
		return err
	}},
	{"walk the ids of links", func(*world) (err error) {
		for range libbpf.LinkIDs(&err) {
			break
		}
		return err
	}},
	onArray("open a map by its id", func(w *world, m *libbpf.MapHandle) error {
		info, err := m.Info()
		if err != nil {
			return err
		}
		again, err := libbpf.MapHandleFromID(info.ID)
		if err == nil {
			w.keep(again)
		}
		return err
	}),
	onProgram("open a program by its id", func(w *world, p *libbpf.Program) error {
		info, err := p.Info(0)
		if err != nil {
			return err
		}
		again, err := libbpf.ProgramHandleFromID(info.ID)
		if err == nil {
			w.keep(again)
		}
		return err
	}),
	onArray("ask for a map's info", func(_ *world, m *libbpf.MapHandle) error {
		_, err := m.Info()
		return err
	}),
	onProgram("ask for a program's info", func(_ *world, p *libbpf.Program) error {
		_, err := p.Info(0)
		return err
	}),
	onProgram("see a program's instructions", func(_ *world, p *libbpf.Program) error {
		info, err := p.Info(libbpf.IncludeAll)
		if err == nil && len(info.XlatedInstructions) == 0 {
			err = errNotShown
		}
		return err
	}),
	onArray("read a map's fdinfo", func(_ *world, m *libbpf.MapHandle) error {
		_, err := m.FDInfo()
		return err
	}),
	{"query the programs of a cgroup", func(*world) error {
		hook := libbpf.Hook{FD: cgroupFD, Type: libbpf.AttachTypeCgroupInetIngress}
		_, err := hook.Query(libbpf.HookQueryOptions{})
		return err
	}},
	{"query XDP of a device", func(*world) error {
		_, err := libbpf.XDP{IfIndex: loopback}.Query()
		return err
	}},
	{"query the perf event of another process", func(*world) error {
		_, err := libbpf.QueryTaskFD(os.Getppid(), 0)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EBADF) || errors.Is(err, errors.ErrUnsupported) {
			return nil // it may ask, and the descriptor is not such an event
		}
		return err
	}},
	{"enable run time statistics", func(*world) error {
		s, err := libbpf.EnableRunTimeStats()
		if err == nil {
			err = s.Close()
		}
		return err
	}},
}

// readPerf opens a perf buffer of so many pages for each CPU.
func (w *world) readPerf(pages int) error {
	n, err := libbpf.PossibleCPUs()
	if err != nil {
		return err
	}
	m, err := w.newMap(libbpf.MapTypePerfEventArray, 4, 4, uint32(n), libbpf.MapCreateOptions{})
	if err != nil {
		return err
	}
	r, err := libbpf.NewPerfReader(m, libbpf.PerfReaderOptions{Pages: pages})
	if err == nil {
		w.keep(r)
	}
	return err
}

// errNotShown: the kernel hides it without an error.
var errNotShown = fmt.Errorf("the kernel does not show them")

// pinAndOpen pins a map, opens the pin and removes it.
func pinAndOpen(m *libbpf.MapHandle, path string) error {
	if err := m.Pin(path); err != nil {
		return err
	}
	again, err := libbpf.MapHandleFromPinnedPath(path)
	if err == nil {
		err = again.Close()
	}
	return errors.Join(err, m.Unpin(path))
}

// namesOperation reports whether an error names the operation that failed.
func namesOperation(err error) bool {
	var failed *libbpf.Error
	var rejected *libbpf.VerifierError
	switch {
	case errors.As(err, &failed):
		return failed.Op != ""
	case errors.As(err, &rejected):
		return strings.HasPrefix(rejected.Error(), "load")
	}
	var path *os.PathError
	var call *os.SyscallError
	return errors.As(err, &path) || errors.As(err, &call) || err == errNotShown || strings.HasPrefix(err.Error(), "btf: load ")
}
