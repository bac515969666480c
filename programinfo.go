package libbpf

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"time"
	"unsafe"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// ProgramInfoParts say which of a program's arrays [Program.Info] fetches. They add up.
type ProgramInfoParts uint32

// The arrays of a [ProgramInfo].
const (
	IncludeMapIDs ProgramInfoParts = 1 << iota
	IncludeXlatedInstructions
	IncludeJITedInstructions
	IncludeJITedKsyms
	IncludeJITedFuncLens
	IncludeFuncInfo
	IncludeLineInfo
	IncludeJITedLineInfo
	IncludeFuncTags

	// IncludeAll is each of them.
	IncludeAll = IncludeFuncTags<<1 - 1
)

// String is such as "map_ids|func_info".
func (p ProgramInfoParts) String() string {
	return flagsText(uint64(p), "map_ids", "xlated_instructions", "jited_instructions", "jited_ksyms",
		"jited_func_lens", "func_info", "line_info", "jited_line_info", "func_tags")
}

// ProgramTag identifies a program's instructions: a hash over them, in which the maps are left out.
type ProgramTag [8]byte

// String is the tag in hexadecimal digits, as /proc and bpftool show it.
func (t ProgramTag) String() string { return hex.EncodeToString(t[:]) }

// FuncInfo says of which type a function of a program is.
type FuncInfo struct {
	InstructionOffset uint32     // of the first instruction, in instructions
	TypeID            btf.TypeID // in the program's BTF
}

// LineInfo says which line of the source an instruction is from. The strings are in the program's BTF.
type LineInfo struct {
	InstructionOffset uint32 // in instructions
	FileNameOffset    uint32
	LineOffset        uint32 // of the line's text
	LineColumn        uint32 // as the kernel packs them: see Line and Column
}

// Line is the line's number, from 1 on.
func (l LineInfo) Line() int { return int(l.LineColumn >> 10) }

// Column is the column in the line.
func (l LineInfo) Column() int { return int(l.LineColumn & (1<<10 - 1)) }

// ProgramInfo is what the kernel tells of a program (struct bpf_prog_info). What an older kernel does not tell is zero.
// The arrays are nil unless they were asked for, and where the kernel keeps them from the caller, as it does with
// addresses and instructions under some settings; without CAP_BPF, much else is zero as well.
type ProgramInfo struct {
	Type          ProgramType
	ID            uint32
	Tag           ProgramTag
	Name          string        // at most 15 characters
	LoadTime      time.Duration // when it was loaded, since boot
	CreatedByUID  uint32
	GPLCompatible bool
	IfIndex       uint32 // the device that the program is offloaded to, 0 for none
	NetNSDev      uint64 // the device and inode of that device's network namespace
	NetNSInode    uint64
	BTFID         uint32 // the program's own BTF, 0 for none

	// AttachBTFObjectID and AttachBTFID are the function of the kernel, a module or a program that the program is to
	// be attached to: BTF that is in the kernel, and a type in it (Linux 6.0).
	AttachBTFObjectID uint32
	AttachBTFID       btf.TypeID

	// While statistics are enabled, see [EnableRunTimeStats]: the time that the program ran, how often, and how often it did
	// not because it was running on that CPU already (Linux 5.1, 5.12).
	RunTime         time.Duration
	RunCount        uint64
	RecursionMisses uint64
	// VerifiedInstructions is how many instructions the verifier looked at (Linux 5.16).
	VerifiedInstructions uint32

	JITedSize  int // bytes of the JITed code
	XlatedSize int // bytes of the instructions after verification

	MapIDs             []uint32
	XlatedInstructions []Instruction // after verification
	JITedInstructions  []byte        // the machine's code
	JITedKsyms         []uint64      // the address of each function
	JITedFuncLens      []uint32      // the bytes of each function's code
	FuncInfo           []FuncInfo
	LineInfo           []LineInfo
	JITedLineInfo      []uint64 // the address of each line's first instruction
	FuncTags           []ProgramTag
}

// rawProgramInfo is the kernel's struct bpf_prog_info.
type rawProgramInfo struct {
	typ, id          uint32
	tag              ProgramTag
	jitedProgLen     uint32
	xlatedProgLen    uint32
	jitedProgInsns   uint64
	xlatedProgInsns  uint64
	loadTime         uint64
	createdByUID     uint32
	nrMapIDs         uint32
	mapIDs           uint64
	name             [16]byte
	ifindex          uint32
	flags            uint32 // a bit field, of which only the first is in use
	netnsDev         uint64
	netnsIno         uint64
	nrJITedKsyms     uint32
	nrJITedFuncLens  uint32
	jitedKsyms       uint64
	jitedFuncLens    uint64
	btfID            uint32
	funcInfoRecSize  uint32
	funcInfo         uint64
	nrFuncInfo       uint32
	nrLineInfo       uint32
	lineInfo         uint64
	jitedLineInfo    uint64
	nrJITedLineInfo  uint32
	lineInfoRecSize  uint32
	jitedLineRecSize uint32
	nrProgTags       uint32
	progTags         uint64
	runTimeNS        uint64
	runCnt           uint64
	recursionMisses  uint64
	verifiedInsns    uint32
	attachBTFObjID   uint32
	attachBTFID      btf.TypeID
	_                uint32
}

// rawProgramGPL is the first bit of a bit field, which is at the other end on a big-endian machine.
var rawProgramGPL = func() uint32 {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return 1
	}
	return 1 << 31
}()

func programInfo(fd int, include ProgramInfoParts) (ProgramInfo, error) {
	var sizes rawProgramInfo
	if err := kernelInfo(fd, &sizes); err != nil {
		return ProgramInfo{}, err
	}
	for include != 0 {
		info, more, err := sizes.fetch(fd, include)
		if !more || err != nil {
			return info, err
		}
	}
	return sizes.info(), nil
}

// fetch asks again, with room for the arrays, and tells whether one of them has grown meanwhile: a program can be bound
// to more maps at any time.
func (sizes *rawProgramInfo) fetch(fd int, include ProgramInfoParts) (_ ProgramInfo, more bool, _ error) {
	var buffers infoBuffers
	defer buffers.free()
	var raw rawProgramInfo
	count := func(part ProgramInfoParts, to *uint32, n uint32) int {
		if include&part == 0 {
			return 0
		}
		*to = n
		return int(n)
	}
	mapIDs, mapIDsAt := infoBuffer[uint32](&buffers, count(IncludeMapIDs, &raw.nrMapIDs, sizes.nrMapIDs))
	xlated, xlatedAt := infoBuffer[Instruction](&buffers,
		count(IncludeXlatedInstructions, &raw.xlatedProgLen, sizes.xlatedProgLen)/int(instructionSize))
	jited, jitedAt := infoBuffer[byte](&buffers,
		count(IncludeJITedInstructions, &raw.jitedProgLen, sizes.jitedProgLen))
	ksyms, ksymsAt := infoBuffer[uint64](&buffers, count(IncludeJITedKsyms, &raw.nrJITedKsyms, sizes.nrJITedKsyms))
	lens, lensAt := infoBuffer[uint32](&buffers,
		count(IncludeJITedFuncLens, &raw.nrJITedFuncLens, sizes.nrJITedFuncLens))
	tags, tagsAt := infoBuffer[ProgramTag](&buffers, count(IncludeFuncTags, &raw.nrProgTags, sizes.nrProgTags))
	raw.mapIDs, raw.xlatedProgInsns, raw.jitedProgInsns = mapIDsAt, xlatedAt, jitedAt
	raw.jitedKsyms, raw.jitedFuncLens, raw.progTags = ksymsAt, lensAt, tagsAt

	// Records have a size of the kernel's, which it wants to hear again.
	record := func(part ProgramInfoParts, number *uint32, n uint32, size *uint32, bytes uint32) int {
		records := count(part, number, n)
		if records > 0 {
			*size = bytes
		}
		return records * int(bytes)
	}
	funcs, funcsAt := infoBuffer[byte](&buffers,
		record(IncludeFuncInfo, &raw.nrFuncInfo, sizes.nrFuncInfo, &raw.funcInfoRecSize, sizes.funcInfoRecSize))
	lines, linesAt := infoBuffer[byte](&buffers,
		record(IncludeLineInfo, &raw.nrLineInfo, sizes.nrLineInfo, &raw.lineInfoRecSize, sizes.lineInfoRecSize))
	jitedLines, jitedLinesAt := infoBuffer[byte](&buffers, record(IncludeJITedLineInfo,
		&raw.nrJITedLineInfo, sizes.nrJITedLineInfo, &raw.jitedLineRecSize, sizes.jitedLineRecSize))
	raw.funcInfo, raw.lineInfo, raw.jitedLineInfo = funcsAt, linesAt, jitedLinesAt

	if err := kernelInfo(fd, &raw); err != nil {
		return ProgramInfo{}, false, err
	}
	if raw.nrMapIDs > sizes.nrMapIDs {
		*sizes = raw
		return ProgramInfo{}, true, nil
	}
	info := raw.info()
	info.MapIDs = filled(mapIDs, raw.mapIDs, raw.nrMapIDs)
	info.XlatedInstructions = filled(xlated, raw.xlatedProgInsns, raw.xlatedProgLen/instructionSize)
	info.JITedInstructions = filled(jited, raw.jitedProgInsns, raw.jitedProgLen)
	info.JITedKsyms = filled(ksyms, raw.jitedKsyms, raw.nrJITedKsyms)
	info.JITedFuncLens = filled(lens, raw.jitedFuncLens, raw.nrJITedFuncLens)
	info.FuncTags = filled(tags, raw.progTags, raw.nrProgTags)
	info.FuncInfo = records[FuncInfo](filled(funcs, raw.funcInfo, math.MaxUint32), raw.funcInfoRecSize)
	info.LineInfo = records[LineInfo](filled(lines, raw.lineInfo, math.MaxUint32), raw.lineInfoRecSize)
	info.JITedLineInfo = records[uint64](filled(jitedLines, raw.jitedLineInfo, math.MaxUint32), raw.jitedLineRecSize)
	return info, false, nil
}

// filled is the part of an array that the kernel filled; none of it where it took the address back.
func filled[T any](array []T, at uint64, n uint32) []T {
	if at == 0 {
		return nil
	}
	return array[:min(uint64(n), uint64(len(array)))]
}

// records are the beginnings of records of that size, which may be larger than T in a later kernel.
func records[T any](from []byte, size uint32) []T {
	var record T
	if size < uint32(unsafe.Sizeof(record)) {
		return nil
	}
	var all []T
	for ; len(from) >= int(size); from = from[size:] {
		all = append(all, *(*T)(unsafe.Pointer(&from[0])))
	}
	return all
}

func (raw *rawProgramInfo) info() ProgramInfo {
	return ProgramInfo{
		Type:                 ProgramType(raw.typ),
		ID:                   raw.id,
		Tag:                  raw.tag,
		Name:                 cText(raw.name[:]),
		LoadTime:             time.Duration(raw.loadTime),
		CreatedByUID:         raw.createdByUID,
		GPLCompatible:        raw.flags&rawProgramGPL != 0,
		IfIndex:              raw.ifindex,
		NetNSDev:             raw.netnsDev,
		NetNSInode:           raw.netnsIno,
		BTFID:                raw.btfID,
		AttachBTFObjectID:    raw.attachBTFObjID,
		AttachBTFID:          raw.attachBTFID,
		RunTime:              time.Duration(raw.runTimeNS),
		RunCount:             raw.runCnt,
		RecursionMisses:      raw.recursionMisses,
		VerifiedInstructions: raw.verifiedInsns,
		JITedSize:            int(raw.jitedProgLen),
		XlatedSize:           int(raw.xlatedProgLen),
	}
}

// Info asks the kernel for what it knows of the program: numbers, names and counts always, arrays as asked for
// (bpf_obj_get_info_by_fd, Linux 4.13).
func (p *programCore) Info(include ProgramInfoParts) (ProgramInfo, error) {
	const op = "get info of"
	if include&^IncludeAll != 0 {
		return ProgramInfo{}, p.fail(op, fault.Invalidf("no such part of the info: %#x", uint32(include&^IncludeAll)))
	}
	if err := p.acquire(op); err != nil {
		return ProgramInfo{}, err
	}
	defer p.h.Drop()
	info, err := programInfo(p.fd, include)
	if err != nil {
		return ProgramInfo{}, p.fail(op, err)
	}
	return info, nil
}
