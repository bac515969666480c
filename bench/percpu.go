package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// possibleCPUs is the file that tells all libraries how many CPUs there may be.
const possibleCPUs = "/sys/devices/system/cpu/possible"

// perCPU compares maps that have a value for each CPU: with those of this machine, and with as many as large machines
// have. For that, a process of its own sees another file of possible CPUs. All contenders then have room for so many values,
// and copy and decode them, while the kernel copies those of the CPUs that there are.
func (s *session) perCPU() error {
	real, err := libbpf.PossibleCPUs()
	if err != nil {
		return err
	}
	if err := s.compare("map types", perCPUComparisons(real, false)); err != nil {
		return err
	}
	for cpus := 2; cpus <= 128; cpus *= 2 {
		if cpus < real || !s.matchesAny(perCPUComparisons(cpus, true)) {
			continue
		}
		var tables []table
		argument, err := json.Marshal(perCPURun{CPUs: cpus, AtLeast: s.atLeast, Clock: s.clock, Only: s.only})
		if err != nil {
			return err
		}
		// The process has mounts of its own.
		if err := inChild("percpu", string(argument), syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}, &tables); err != nil {
			return err
		}
		for _, t := range tables {
			if err := s.done(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// perCPURun is what such a process gets.
type perCPURun struct {
	CPUs    int
	AtLeast time.Duration
	Clock   int32
	Only    string
}

func perCPUChild(argument string) (any, error) {
	var run perCPURun
	if err := json.Unmarshal([]byte(argument), &run); err != nil {
		return nil, err
	}
	if err := pretendCPUs(run.CPUs); err != nil {
		return nil, err
	}
	var tables []table
	s, err := newSession(run.AtLeast, run.Clock, run.Only, func(t table) error {
		tables = append(tables, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &tables, s.compare(growth, perCPUComparisons(run.CPUs, true))
}

// pretendCPUs makes this process see so many possible CPUs. Its mounts are its own.
func pretendCPUs(cpus int) error {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "possible")
	if err := os.WriteFile(file, fmt.Appendf(nil, "0-%d\n", cpus-1), 0o600); err != nil {
		return err
	}
	if err := unix.Mount(file, possibleCPUs, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount over %s: %w", possibleCPUs, err)
	}
	n, err := libbpf.PossibleCPUs()
	if err == nil && n != cpus {
		err = fmt.Errorf("%d CPUs are possible, not %d", n, cpus)
	}
	return err
}

// perCPUComparisons are points of curves, or tables for the CPUs of this machine.
func perCPUComparisons(cpus int, simulated bool) (all []comparison) {
	for _, kind := range []struct {
		name  string
		typ   libbpf.MapType
		curve bool
	}{{"hash", libbpf.MapTypePerCPUHash, false}, {"array", libbpf.MapTypePerCPUArray, true}} {
		if simulated && !kind.curve {
			continue
		}
		of := "per-CPU " + kind.name
		for _, op := range []struct {
			name       string
			contenders func(*perCPUMaps) []contender
		}{
			{"lookup of 8 bytes for each CPU", func(m *perCPUMaps) []contender { return perCPULookups[uint64](m) }},
			{"lookup of 4 bytes for each CPU", func(m *perCPUMaps) []contender { return perCPULookups[uint32](m) }},
			{"update of 8 bytes for each CPU", func(m *perCPUMaps) []contender { return perCPUUpdates[uint64](m) }},
		} {
			valueSize := 8
			if op.name == "lookup of 4 bytes for each CPU" {
				valueSize = 4
			}
			c := comparison{title: fmt.Sprintf("%s, %s, %d CPUs", op.name, of, cpus), ops: numPerCPU, share: oneOfMany}
			if simulated {
				c.title += " (simulated)"
				c.curve, c.at = op.name+" of an array", float64(cpus)
			}
			c.open = func(opened *closers) ([]contender, error) {
				m, err := newPerCPUMaps(kind.typ, cpus, valueSize, opened)
				if err != nil {
					return nil, err
				}
				return op.contenders(m), nil
			}
			all = append(all, c)
		}
	}
	return all
}

// numPerCPU is how many elements such a map has.
const numPerCPU = 1000

// perCPUMaps is one map as all contenders have it.
type perCPUMaps struct {
	*ebpf.Map // cilium/ebpf's
	typ       libbpf.MapType
	raw       *libbpf.MapHandle
	keys      []uint32
	cpus      int
	valueSize int
}

func newPerCPUMaps(typ libbpf.MapType, cpus, valueSize int, opened *closers) (*perCPUMaps, error) {
	raw, err := libbpf.CreateMap(typ, "percpu", 4, uint32(valueSize), numPerCPU, libbpf.MapCreateOptions{})
	if err != nil {
		return nil, err
	}
	opened.add(raw)
	theirs, err := cilium(raw)
	if err != nil {
		return nil, err
	}
	opened.add(theirs)
	m := &perCPUMaps{Map: theirs, typ: typ, raw: raw, cpus: cpus, valueSize: valueSize, keys: make([]uint32, numPerCPU)}
	for i := range m.keys {
		m.keys[i] = uint32(i)
	}
	_, err = onEach(m.keys, func(key uint32) error {
		return raw.UpdatePerCPUFrom(rawKeysOf([]uint32{key}).bytes, m.ones(), libbpf.Any)
	})
	return m, err
}

// ones are values of 1 for all CPUs, in slots.
func (m *perCPUMaps) ones() []byte {
	slots := make([]byte, 8*m.cpus)
	for cpu := range m.cpus {
		*(*uint32)(unsafe.Pointer(&slots[8*cpu])) = 1
	}
	return slots
}

// typedPerCPU is what the typed maps have in common.
type typedPerCPU[V any] interface {
	LookupInto(key uint32, values []V, flags libbpf.MapFlags) error
	Update(key uint32, values []V, flags libbpf.MapFlags) error
}

func typedOf[V any](m *perCPUMaps) (typedPerCPU[V], error) {
	if m.typ == libbpf.MapTypePerCPUArray {
		return typed.NewPerCPUArray[V](m.raw)
	}
	return typed.NewPerCPUHash[uint32, V](m.raw)
}

// perCPULookups add the values of all CPUs up, so that each contender has had them in hand. Those of CPUs that there are
// are 1, the others 0.
func perCPULookups[V uint32 | uint64](m *perCPUMaps) []contender {
	values := make([]V, m.cpus)
	slots := m.ones()
	c := cPerCPU{m.raw.FD(), make([]byte, 8*m.cpus), m.valueSize}
	all := func(lookup func(key uint32) (V, error)) func() (int, error) {
		return func() (int, error) {
			sum := V(0)
			for _, key := range m.keys {
				n, err := lookup(key)
				if err != nil {
					return 0, err
				}
				sum += n
			}
			if n := int(sum); n == 0 || n%numPerCPU != 0 || n > numPerCPU*m.cpus {
				return 0, fmt.Errorf("the values' sum is %d", n)
			}
			return numPerCPU, nil
		}
	}
	sumOf := func(values []V) (sum V) {
		for _, value := range values {
			sum += value
		}
		return sum
	}
	view, openErr := typedOf[V](m)
	const rival = "cilium Map.Lookup"
	return []contender{
		{name: "C bpf_map_lookup_elem", run: func() (int, error) {
			var sum uint64
			n, err := c.lookup(m.keys, &sum)
			if err == nil && (sum == 0 || sum%numPerCPU != 0) {
				err = fmt.Errorf("the values' sum is %d", sum)
			}
			return n, err
		}},
		{name: "Map.LookupPerCPUInto", mostC: mostElement, peer: rival, mostPeer: 1, run: all(func(key uint32) (sum V, err error) {
			if err := m.raw.LookupPerCPUInto(rawKeysOf([]uint32{key}).bytes, slots, libbpf.Any); err != nil {
				return 0, err
			}
			for cpu := range m.cpus {
				sum += *(*V)(unsafe.Pointer(&slots[8*cpu]))
			}
			return sum, nil
		})},
		{name: "typed LookupInto", mostC: mostElement, peer: rival, mostPeer: 1, run: all(func(key uint32) (V, error) {
			if openErr != nil {
				return 0, openErr
			}
			err := view.LookupInto(key, values, libbpf.Any)
			return sumOf(values), err
		})},
		{name: rival, run: all(func(key uint32) (V, error) {
			err := m.Lookup(&key, values)
			return sumOf(values), err
		})},
	}
}

func perCPUUpdates[V uint32 | uint64](m *perCPUMaps) []contender {
	values := make([]V, m.cpus)
	for i := range values {
		values[i] = 1
	}
	slots := m.ones()
	c := cPerCPU{m.raw.FD(), make([]byte, 8*m.cpus), m.valueSize}
	view, openErr := typedOf[V](m)
	const rival = "cilium Map.Update"
	return []contender{
		{name: "C bpf_map_update_elem", run: func() (int, error) { return c.update(m.keys, unsafe.Pointer(&values[0])) }},
		{name: "Map.UpdatePerCPUFrom", mostC: mostElement, peer: rival, mostPeer: 1, run: func() (int, error) {
			keys := rawKeysOf(m.keys)
			for i := range keys.len() {
				if err := m.raw.UpdatePerCPUFrom(keys.at(i), slots, libbpf.Any); err != nil {
					return i, err
				}
			}
			return keys.len(), nil
		}},
		{name: "typed Update", mostC: mostElement, peer: rival, mostPeer: 1, run: func() (int, error) {
			if openErr != nil {
				return 0, openErr
			}
			return onEach(m.keys, func(key uint32) error { return view.Update(key, values, libbpf.Any) })
		}},
		{name: rival, run: func() (int, error) {
			return onEach(m.keys, func(key uint32) error { return m.Update(&key, values, 0) })
		}},
	}
}
