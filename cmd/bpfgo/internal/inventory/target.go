package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/kallsyms"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
)

// Target is where a link makes its program run. The words say it for people. The other members are there if the type of
// the link has them, and the kernel tells them.
type Target struct {
	Words      string `json:"words"`
	AttachType string `json:"attach_type,omitempty"`

	Function  string   `json:"function,omitempty"`
	Functions []string `json:"functions,omitempty"`
	ProgramID uint32   `json:"program_id,omitempty"` // the program whose function it is
	BTFID     uint32   `json:"btf_id,omitempty"`     // the BTF that has the function

	Tracepoint string `json:"tracepoint,omitempty"`

	Path             string   `json:"path,omitempty"`
	Offset           uint64   `json:"offset,omitempty"`
	Offsets          []uint64 `json:"offsets,omitempty"`
	SemaphoreOffsets []uint64 `json:"semaphore_offsets,omitempty"`
	Address          string   `json:"address,omitempty"`
	PID              uint32   `json:"pid,omitempty"` // the only process
	TID              uint32   `json:"tid,omitempty"` // the only thread

	IfIndex    uint32 `json:"ifindex,omitempty"`
	Interface  string `json:"interface,omitempty"` // its name in bpfgo's network namespace
	NetNSInode uint32 `json:"netns_inode,omitempty"`
	CgroupID   uint64 `json:"cgroup_id,omitempty"`
	CgroupPath string `json:"cgroup_path,omitempty"`

	Iterator string `json:"iterator,omitempty"`
	Order    string `json:"order,omitempty"`
	MapID    uint32 `json:"map_id,omitempty"`
	MapName  string `json:"map_name,omitempty"`

	Protocol string   `json:"protocol,omitempty"`
	Hook     string   `json:"hook,omitempty"`
	Priority int32    `json:"priority,omitempty"`
	Flags    []string `json:"flags,omitempty"`

	EventType   string  `json:"event_type,omitempty"`
	EventConfig *uint64 `json:"event_config,omitempty"`

	Cookie  uint64   `json:"cookie,omitempty"`
	Cookies []uint64 `json:"cookies,omitempty"`
	Missed  uint64   `json:"missed,omitempty"` // how often the program did not run
}

// targets describes the targets of links.
type targets struct {
	reader   *Reader
	snapshot *Snapshot
	cgroups  *cgroups
	kernel   map[uint32]bool // the BTF of the kernel and its modules
}

func (t *targets) of(info libbpf.LinkInfo) Target {
	switch d := info.Detail.(type) {
	case libbpf.RawTracepointLinkInfo:
		return Target{Words: "raw tracepoint " + d.Name, Tracepoint: d.Name, Cookie: d.Cookie}
	case libbpf.TracingLinkInfo:
		return t.tracing(info, d)
	case libbpf.CgroupLinkInfo:
		return t.cgroup(d.CgroupID, d.AttachType)
	case libbpf.IterLinkInfo:
		return t.iterator(d)
	case libbpf.NetNSLinkInfo:
		return Target{
			Words: d.AttachType.String() + " of " + netnsWords(d.Inode), AttachType: d.AttachType.String(),
			NetNSInode: d.Inode,
		}
	case libbpf.XDPLinkInfo:
		return device("XDP", "xdp", d.IfIndex, xdpIsHere(d.IfIndex, info.ProgramID))
	case libbpf.TCXLinkInfo:
		return device(direction(d.AttachType), d.AttachType.String(), d.IfIndex, hookIsHere(d.IfIndex, d.AttachType, info.ID))
	case libbpf.NetkitLinkInfo:
		return device(direction(d.AttachType), d.AttachType.String(), d.IfIndex, hookIsHere(d.IfIndex, d.AttachType, info.ID))
	case libbpf.StructOpsLinkInfo:
		name := t.mapName(d.MapID)
		return Target{Words: "callbacks of " + called("map", d.MapID, name), MapID: d.MapID, MapName: name}
	case libbpf.SockMapLinkInfo:
		name := t.mapName(d.MapID)
		return Target{
			Words:      d.AttachType.String() + " of " + called("map", d.MapID, name),
			AttachType: d.AttachType.String(), MapID: d.MapID, MapName: name,
		}
	case libbpf.NetfilterLinkInfo:
		return Target{
			Words:    fmt.Sprintf("netfilter %s %s, priority %d", d.Protocol, d.Hook, d.Priority),
			Protocol: d.Protocol.String(), Hook: d.Hook.String(), Priority: d.Priority, Flags: flagNames(d.Flags.String()),
		}
	case libbpf.KprobeMultiLinkInfo:
		return t.kprobes(d)
	case libbpf.UprobeMultiLinkInfo:
		target := Target{
			Words: fmt.Sprintf("%s in %s", plural(len(d.Offsets), "place"), d.Path), Path: d.Path, Offsets: d.Offsets,
			SemaphoreOffsets: unlessZero(d.RefCtrOffsets), PID: d.PID, Cookies: unlessZero(d.Cookies),
		}
		if len(d.Offsets) == 1 {
			target.Words = fmt.Sprintf("%s+%#x", d.Path, d.Offsets[0])
		}
		if d.PID != 0 {
			target.Words += fmt.Sprintf(", process %d", d.PID)
		}
		return target
	case libbpf.KprobeLinkInfo:
		kind := "kprobe"
		if d.Return {
			kind = "kretprobe"
		}
		where := d.Function
		if where == "" {
			where = hex(d.Address)
		}
		if d.Offset != 0 {
			where += fmt.Sprintf("+%#x", d.Offset)
		}
		return Target{
			Words: kind + " " + where, Function: d.Function, Offset: uint64(d.Offset), Address: hex(d.Address),
			Missed: d.Missed, Cookie: d.Cookie,
		}
	case libbpf.UprobeLinkInfo:
		kind := "uprobe"
		if d.Return {
			kind = "uretprobe"
		}
		target := Target{
			Words: fmt.Sprintf("%s %s+%#x", kind, d.Path, d.Offset), Path: d.Path, Offset: uint64(d.Offset), Cookie: d.Cookie,
		}
		if d.RefCtrOffset != 0 {
			target.SemaphoreOffsets = []uint64{d.RefCtrOffset}
		}
		return target
	case libbpf.TracepointLinkInfo:
		return Target{Words: "tracepoint " + d.Name, Tracepoint: d.Name, Cookie: d.Cookie}
	case libbpf.PerfEventLinkInfo:
		kind := eventType(d.Type)
		return Target{
			Words:     fmt.Sprintf("perf event of type %s, config %#x", kind, d.Config),
			EventType: kind, EventConfig: &d.Config, Cookie: d.Cookie,
		}
	}
	return Target{Words: "?"}
}

// tracing describes the function that an fentry, fexit, LSM or freplace program is attached to, or the tracepoint.
func (t *targets) tracing(info libbpf.LinkInfo, d libbpf.TracingLinkInfo) Target {
	target := Target{AttachType: d.AttachType.String(), Cookie: d.Cookie}
	kind := strings.TrimPrefix(target.AttachType, "trace_")
	p := t.snapshot.Program(info.ProgramID)
	if p != nil && p.typ == libbpf.ProgramTypeExt {
		kind, target.AttachType = "freplace", ""
	}
	// The number is that of BTF, or that of a program: the kernel does not say which. A program for a function of the
	// kernel knows the BTF of the kernel; one for a function of a program does not.
	btfID := d.TargetObjectID
	if p != nil && p.info.AttachBTFObjectID != 0 {
		btfID = p.info.AttachBTFObjectID
	}
	inKernel := t.isKernel(btfID) && (p == nil || p.typ != libbpf.ProgramTypeExt)
	function := ""
	switch {
	case d.TargetBTFID == 0 && p != nil: // before Linux 5.13
		function = p.Function
	case inKernel:
		target.BTFID = btfID
		function = names.Type(t.reader.types.Get(btfID), d.TargetBTFID)
	default:
		target.ProgramID = d.TargetObjectID
		if of := t.snapshot.Program(d.TargetObjectID); of != nil {
			function = names.Type(t.reader.types.Get(of.BTFID), d.TargetBTFID)
		}
	}
	target.Function = function
	target.Words = kind + " " + function
	if function == "" {
		target.Words = kind + " of a function that is not known"
	}
	if target.ProgramID != 0 {
		name := ""
		if of := t.snapshot.Program(d.TargetObjectID); of != nil {
			name = of.Name
		}
		target.Words += " of " + called("program", target.ProgramID, name)
	}
	// The BTF has a tracepoint as the type of its probes.
	if name, found := strings.CutPrefix(function, "btf_trace_"); found {
		target.Function, target.Tracepoint = "", name
		target.Words = "tracepoint " + name + " (with BTF)"
	}
	return target
}

// isKernel tells whether BTF is that of the kernel or of a module.
func (t *targets) isKernel(id uint32) bool {
	if t.kernel == nil {
		t.kernel = map[uint32]bool{}
		for info := range libbpf.BTFInfos(nil) {
			t.kernel[info.ID] = info.Kernel
		}
	}
	return t.kernel[id]
}

func (t *targets) cgroup(id uint64, attachType libbpf.ProgramAttachType) Target {
	if t.cgroups == nil {
		t.cgroups = findCgroups()
	}
	target := Target{AttachType: attachType.String(), CgroupID: id, CgroupPath: t.cgroups.path(id)}
	where := target.CgroupPath
	if where == "" {
		where = fmt.Sprint(id)
	}
	if id == 0 {
		where = "that is gone"
	}
	target.Words = fmt.Sprintf("%s of cgroup %s", strings.TrimPrefix(target.AttachType, "cgroup_"), where)
	return target
}

func (t *targets) iterator(d libbpf.IterLinkInfo) Target {
	target := Target{
		Words: "iterator over " + d.Target, Iterator: d.Target, MapID: d.MapID, MapName: t.mapName(d.MapID),
		CgroupID: d.CgroupID, TID: d.TID, PID: d.PID,
	}
	switch {
	case d.MapID != 0:
		target.Words += " of " + called("map", d.MapID, target.MapName)
	case d.CgroupID != 0:
		at := t.cgroup(d.CgroupID, 0)
		target.CgroupPath, target.Order = at.CgroupPath, d.CgroupOrder.String()
		if at.CgroupPath != "" {
			target.Words += " from " + at.CgroupPath
		}
	case d.TID != 0:
		target.Words += fmt.Sprintf(" of thread %d", d.TID)
	case d.PID != 0:
		target.Words += fmt.Sprintf(" of process %d", d.PID)
	}
	return target
}

// kprobes describes the functions of a link that has many.
func (t *targets) kprobes(d libbpf.KprobeMultiLinkInfo) Target {
	target := Target{Missed: d.Missed, Cookies: unlessZero(d.Cookies)}
	for _, address := range d.Addresses {
		if address == 0 {
			continue
		}
		if t.reader.symbols == nil {
			symbols, _ := kallsyms.Read() // none where the kernel hides them
			t.reader.symbols = &symbols
		}
		// The address may be behind the instructions for tracers and branches at the beginning.
		if s, ok := t.reader.symbols.Find(address); ok {
			target.Functions = append(target.Functions, s.Name)
		} else {
			target.Functions = append(target.Functions, hex(address))
		}
	}
	const shown = 3
	target.Words = plural(len(d.Addresses), "function")
	if n := len(target.Functions); n > 0 {
		target.Words += ": " + strings.Join(target.Functions[:min(n, shown)], ", ")
		if n > shown {
			target.Words += " ..."
		}
	}
	return target
}

func (t *targets) mapName(id uint32) string {
	if m := t.snapshot.Map(id); m != nil {
		return m.Name
	}
	return ""
}

// here tells whether something is in the network namespace of the process.
type here uint8

const (
	unknown here = iota
	yes
	no
)

// device describes a hook of a network device.
func device(hook, attachType string, index uint32, where here) Target {
	target := Target{AttachType: attachType, IfIndex: index}
	if where != no {
		target.Interface = deviceName(index)
	}
	target.Words = hook + " of " + deviceWords(index, target.Interface)
	return target
}

// direction is the hook of a tcx or netkit program.
func direction(t libbpf.ProgramAttachType) string { return strings.ReplaceAll(t.String(), "_", " ") }

// xdpIsHere tells whether the device of an XDP link is one of this network namespace. The kernel only tells its number,
// and each namespace has its own numbers.
func xdpIsHere(index, program uint32) here {
	if index == 0 {
		return no
	}
	info, err := libbpf.XDP{IfIndex: int(index)}.Query()
	switch {
	case err != nil:
		return no
	case program == info.ProgramID, program == info.DrvProgramID, program == info.HWProgramID,
		program == info.SKBProgramID:
		return yes
	}
	return no
}

// hookIsHere is xdpIsHere for the other links of devices.
func hookIsHere(index uint32, attachType libbpf.ProgramAttachType, link uint32) here {
	if index == 0 {
		return no
	}
	info, err := libbpf.Hook{Type: attachType, IfIndex: int(index)}.Query(libbpf.HookQueryOptions{})
	if err != nil {
		if os.IsPermission(err) {
			return unknown
		}
		return no
	}
	for _, p := range info.Programs {
		if p.LinkID == link {
			return yes
		}
	}
	return no
}

// netnsWords names a network namespace.
func netnsWords(inode uint32) string {
	if inode == 0 {
		return "a network namespace that is gone"
	}
	is := func(path string) bool {
		info, err := os.Stat(path)
		if err != nil {
			return false
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		return ok && stat.Ino == uint64(inode)
	}
	if is("/proc/self/ns/net") {
		return "this network namespace"
	}
	// Where ip-netns(8) keeps them.
	named, _ := filepath.Glob("/run/netns/*")
	for _, path := range named {
		if is(path) {
			return "network namespace " + filepath.Base(path)
		}
	}
	return fmt.Sprintf("network namespace %d", inode)
}

// eventType is the name of a type of perf events, as in perf_event.h.
func eventType(number uint32) string {
	all := []string{"hardware", "software", "tracepoint", "hw_cache", "raw", "breakpoint"}
	if int(number) < len(all) {
		return all[number]
	}
	return fmt.Sprint(number)
}

// hex is an address, or "" for one that is hidden.
func hex(address uint64) string {
	if address == 0 {
		return ""
	}
	return fmt.Sprintf("%#x", address)
}

// unlessZero is nil if all numbers are 0.
func unlessZero(numbers []uint64) []uint64 {
	for _, n := range numbers {
		if n != 0 {
			return numbers
		}
	}
	return nil
}

// plural is such as "1 place" or "3 places".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
