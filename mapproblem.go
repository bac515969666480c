package libbpf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// The kernel refuses a wrong map with EINVAL, and does not say why. The code below finds the reason after the kernel
// has refused. So a rule that a later kernel no longer has never prevents a map.

// mapShape has the rules for maps of a type. A nil list allows any size above 0.
type mapShape struct {
	keys, values []uint32 // the sizes that are allowed, in bytes
	noEntries    bool     // the number of entries is 0
	needs        MapCreateFlags
	takes        MapCreateFlags // the only flags that are allowed; 0 for no such rule
}

var (
	sized4     = []uint32{4}
	sized4or8  = []uint32{4, 8}
	sizedNone  = []uint32{0}
	ofCgroup   = []uint32{8, 16} // an id, or struct bpf_cgroup_storage_key
	ofArena    = CreateMMapable | CreateSegvOnFault | CreateNoUserConv
	ofStorage  = mapShape{keys: sized4, noEntries: true, needs: CreateNoPrealloc, takes: CreateNoPrealloc | CreateClone}
	ofCgroups1 = mapShape{keys: ofCgroup, noEntries: true}
)

var mapShapes = map[MapType]mapShape{
	MapTypeHash:                {},
	MapTypePerCPUHash:          {},
	MapTypeLRUHash:             {},
	MapTypeLRUPerCPUHash:       {},
	MapTypeHashOfMaps:          {values: sized4},
	MapTypeLPMTrie:             {needs: CreateNoPrealloc},
	MapTypeArray:               {keys: sized4},
	MapTypePerCPUArray:         {keys: sized4},
	MapTypeProgArray:           {keys: sized4, values: sized4},
	MapTypePerfEventArray:      {keys: sized4, values: sized4},
	MapTypeCgroupArray:         {keys: sized4, values: sized4},
	MapTypeArrayOfMaps:         {keys: sized4, values: sized4},
	MapTypeStackTrace:          {keys: sized4},
	MapTypeDevMap:              {keys: sized4, values: sized4or8},
	MapTypeDevMapHash:          {keys: sized4, values: sized4or8},
	MapTypeCPUMap:              {keys: sized4, values: sized4or8},
	MapTypeXSKMap:              {keys: sized4, values: sized4},
	MapTypeSockMap:             {keys: sized4, values: sized4or8},
	MapTypeSockHash:            {values: sized4or8},
	MapTypeReuseportSockArray:  {keys: sized4, values: sized4or8},
	MapTypeQueue:               {keys: sizedNone},
	MapTypeStack:               {keys: sizedNone},
	MapTypeBloomFilter:         {keys: sizedNone},
	MapTypeRingBuf:             {keys: sizedNone, values: sizedNone},
	MapTypeUserRingBuf:         {keys: sizedNone, values: sizedNone},
	MapTypeArena:               {keys: sizedNone, values: sizedNone, needs: CreateMMapable, takes: ofArena},
	MapTypeSKStorage:           ofStorage,
	MapTypeInodeStorage:        ofStorage,
	MapTypeTaskStorage:         ofStorage,
	MapTypeCgrpStorage:         ofStorage,
	MapTypeCgroupStorage:       ofCgroups1,
	MapTypePerCPUCgroupStorage: ofCgroups1,
}

// isLocalStorage reports whether the kernel stores the map's values with what their keys name: a socket, inode, task or
// cgroup.
func (t MapType) isLocalStorage() bool { return mapShapes[t].takes&CreateClone != 0 }

// flagTypes has the types of maps that take a flag. It lacks the flags that all types take.
var flagTypes = map[MapCreateFlags][]MapType{
	CreateNoPrealloc: {MapTypeHash, MapTypePerCPUHash, MapTypeHashOfMaps, MapTypeLPMTrie, MapTypeSKStorage,
		MapTypeInodeStorage, MapTypeTaskStorage, MapTypeCgrpStorage},
	CreateNoCommonLRU:  {MapTypeLRUHash, MapTypeLRUPerCPUHash},
	CreateStackBuildID: {MapTypeStackTrace},
	CreateZeroSeed: {MapTypeHash, MapTypePerCPUHash, MapTypeLRUHash, MapTypeLRUPerCPUHash, MapTypeHashOfMaps,
		MapTypeBloomFilter},
	CreateClone:            {MapTypeSKStorage},
	CreateMMapable:         {MapTypeArray, MapTypeArena},
	CreatePreserveElements: {MapTypePerfEventArray},
	CreateInnerMap:         {MapTypeArray},
	CreateStructOpsLink:    {MapTypeStructOps},
	CreateVTypeBTFObjectFD: {MapTypeStructOps},
	CreateSegvOnFault:      {MapTypeArena},
	CreateNoUserConv:       {MapTypeArena},
	CreateRingBufOverwrite: {MapTypeRingBuf},
}

// problem is the rule that the map breaks, or "".
func (d MapDefinition) problem() string {
	for _, c := range d.Name[:min(len(d.Name), maxKernelName)] {
		if c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return fmt.Sprintf("the name %q has a %q: it may have letters, digits, underscores and periods", d.Name, c)
		}
	}
	for _, problem := range []string{d.sizeProblem(), d.entriesProblem(), d.flagsProblem()} {
		if problem != "" {
			return problem
		}
	}
	switch {
	case d.Type == MapTypeBloomFilter && d.Extra > 15:
		return fmt.Sprintf("Extra is %d, but a bloom_filter has at most 15 hash functions", d.Extra)
	case d.Type != MapTypeBloomFilter && d.Type != MapTypeArena && d.Extra != 0:
		return fmt.Sprintf("Extra is %d and must be 0 for a %s", d.Extra, d.Type)
	}
	return ""
}

// maxKernelName is how many characters of a name the kernel keeps.
const maxKernelName = unix.BPF_OBJ_NAME_LEN - 1

func (d MapDefinition) sizeProblem() string {
	shape, known := mapShapes[d.Type]
	if !known {
		return ""
	}
	for _, s := range []struct {
		what  string
		size  uint32
		sizes []uint32
	}{{"keys", d.KeySize, shape.keys}, {"values", d.ValueSize, shape.values}} {
		switch {
		case s.sizes == nil && s.size == 0:
			return fmt.Sprintf("%s %s must have at least 1 byte", d.Type, s.what)
		case s.sizes == nil || slices.Contains(s.sizes, s.size):
		case s.sizes[0] == 0:
			return fmt.Sprintf("a %s has no %s: their size must be 0, not %d", d.Type, s.what, s.size)
		default:
			sizes := strings.ReplaceAll(strings.Trim(fmt.Sprint(s.sizes), "[]"), " ", " or ")
			return fmt.Sprintf("%s %s must have %s bytes, not %d", d.Type, s.what, sizes, s.size)
		}
	}
	switch {
	case d.Type == MapTypeLPMTrie && (d.KeySize < 5 || d.KeySize > 260):
		return fmt.Sprintf("lpm_trie keys must have 4 bytes for the length and 1 to 256 of data, not %d", d.KeySize)
	case d.Type == MapTypeStackTrace && d.Flags&CreateStackBuildID != 0 && d.ValueSize%32 != 0:
		return fmt.Sprintf("stack_trace values with build ids must have a multiple of 32 bytes, not %d", d.ValueSize)
	case d.Type == MapTypeStackTrace && d.ValueSize%8 != 0:
		return fmt.Sprintf("stack_trace values must have a multiple of 8 bytes, not %d", d.ValueSize)
	}
	return ""
}

func (d MapDefinition) entriesProblem() string {
	shape, known := mapShapes[d.Type]
	switch page := uint32(os.Getpagesize()); {
	case !known:
	case shape.noEntries && d.MaxEntries != 0:
		return fmt.Sprintf("the max entries of a %s must be 0, not %d", d.Type, d.MaxEntries)
	case !shape.noEntries && d.MaxEntries == 0:
		return "max entries is 0"
	case (d.Type == MapTypeRingBuf || d.Type == MapTypeUserRingBuf) &&
		(d.MaxEntries%page != 0 || d.MaxEntries&(d.MaxEntries-1) != 0):
		return fmt.Sprintf("the size of a %s (max entries) must be a power of two and a multiple of the page size %d, "+
			"not %d", d.Type, page, d.MaxEntries)
	}
	return ""
}

func (d MapDefinition) flagsProblem() string {
	shape := mapShapes[d.Type]
	if missing := shape.needs &^ d.Flags; missing != 0 {
		return fmt.Sprintf("a %s needs the flag %s", d.Type, missing)
	}
	if others := d.Flags &^ shape.takes &^ CreateTokenFD; shape.takes != 0 && others != 0 {
		return fmt.Sprintf("a %s does not take the flag %s", d.Type, others)
	}
	for flag := MapCreateFlags(1); flag != 0; flag <<= 1 {
		if types := flagTypes[flag]; d.Flags&flag != 0 && types != nil && !slices.Contains(types, d.Type) {
			return fmt.Sprintf("a %s does not take the flag %s", d.Type, flag)
		}
	}
	for _, both := range []MapCreateFlags{CreateReadOnly | CreateWriteOnly, CreateReadOnlyProgram | CreateWriteOnlyProgram} {
		if d.Flags&both == both {
			return fmt.Sprintf("the flags %s exclude one another", both)
		}
	}
	if d.Flags&CreateNUMANode != 0 {
		if d.Type.IsPerCPU() && d.Type != MapTypePerCPUCgroupStorage {
			return fmt.Sprintf("a %s is allocated on the nodes of its CPUs and does not take the flag %s", d.Type, CreateNUMANode)
		}
		if !hasNUMANode("/sys/devices/system/node", d.NUMANode) {
			return fmt.Sprintf("there is no NUMA node %d", d.NUMANode)
		}
	}
	return ""
}

// hasNUMANode reports whether sysfs, in the folder for nodes, has one with this number. A kernel without support for
// NUMA has no such folder, and only node 0.
func hasNUMANode(folder string, node uint32) bool {
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		return node == 0
	}
	_, err := os.Stat(fmt.Sprintf("%s/node%d", folder, node))
	return !errors.Is(err, os.ErrNotExist)
}

// refused adds to EINVAL and EPERM why the kernel refused to create the map, if that is known. It returns other errors
// unchanged.
func (d MapDefinition) refused(err error) error {
	if errors.Is(err, unix.EPERM) {
		return d.tooMuchLocked(err)
	}
	if !errors.Is(err, unix.EINVAL) || errors.Is(err, ErrInvalid) {
		return err
	}
	if problem := d.problem(); problem != "" {
		return fault.New(problem, err)
	}
	if supported, probeErr := d.Type.IsSupported(); probeErr == nil && !supported {
		return &lacking{"maps of type " + d.Type.String(), err}
	}
	return err
}

// tooMuchLocked adds to EPERM that the map needs more memory than the process may lock. Kernels before 5.11 count the
// memory of maps as locked, and have the same error for a lack of privileges. Which one it is shows a map that differs
// only in its size.
func (d MapDefinition) tooMuchLocked(err error) error {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) != nil || limit.Cur == math.MaxUint64 || d.Type.IsMapInMap() {
		return err
	}
	smallest := d
	smallest.Name, smallest.ValueSize, smallest.MaxEntries = "", min(d.ValueSize, 8), min(d.MaxEntries, 1)
	if d.Type == MapTypeRingBuf || d.Type == MapTypeUserRingBuf {
		smallest.MaxEntries = uint32(os.Getpagesize())
	}
	var c cArgs
	defer c.Free()
	opts := mapCreateOpts(&c, &MapCreateOptions{
		Flags: smallest.Flags &^ (CreateTokenFD | CreateVTypeBTFObjectFD), Extra: smallest.Extra,
	}, 0)
	fd := createMap(smallest.Type, nil, smallest.KeySize, smallest.ValueSize, smallest.MaxEntries, &opts)
	if fd < 0 {
		return err
	}
	_ = unix.Close(int(fd))
	return fault.Newf(err, "the process may lock %d bytes of memory (RLIMIT_MEMLOCK), which is too little for this map",
		limit.Cur)
}

// pinProblem says how the map that is pinned at path differs from this definition, or "".
func (d MapDefinition) pinProblem(path string) string {
	pin, err := PinOptions{}.at(path)
	switch {
	case err != nil:
		return ""
	case pin.Kind != PinnedMap:
		return fmt.Sprintf("%s is pinned at %q, which is not a map", pin, path)
	}
	if differ := d.differences(*pin.Map); differ != "" {
		return fmt.Sprintf("the map that is pinned at %q has %s", path, differ)
	}
	return ""
}

// explainMap adds to the error of a Load that failed at a map what is wrong with the map. libbpf's messages name the
// map.
func (o *OpenObject) explainMap(err error) error {
	failed, ok := err.(*Error)
	if !ok || errors.Is(failed.Err, ErrInvalid) {
		return err
	}
	said := strings.Join(failed.Messages, "\n")
	for _, m := range o.maps {
		definition, path := m.definition(), m.pinPath()
		if m.isInternal() {
			definition.Name = "" // libbpf creates it with another name
		}
		object := fmt.Sprintf("map %q: ", m.name)
		switch {
		case path != "" && strings.Contains(said, fmt.Sprintf("couldn't reuse pinned map at '%s'", path)):
			if why := definition.pinProblem(path); why != "" {
				failed.Err = fault.New(object+why, failed.Err)
			}
			return failed
		case path != "" && strings.Contains(said, fmt.Sprintf("failed to auto-pin at '%s'", path)):
			failed.Err = fault.New(object+"pin at "+pinProblem(path, failed.Err), failed.Err)
			return failed
		case strings.Contains(said, fmt.Sprintf("map '%s': failed to create", m.name)):
			if why := definition.refused(failed.Err); why != failed.Err {
				failed.Err = fault.New(object+why.Error(), why)
			}
			return failed
		}
	}
	return err
}
