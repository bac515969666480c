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

// ProgramInfoParts say which of a program's arrays [Program.Info] fetches. Combine them with |.
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

	// IncludeAll is all of them.
	IncludeAll = IncludeFuncTags<<1 - 1
)

// String is such as "map_ids|func_info".
func (p ProgramInfoParts) String() string {
	return flagsText(uint64(p), "map_ids", "xlated_instructions", "jited_instructions", "jited_ksyms",
		"jited_func_lens", "func_info", "line_info", "jited_line_info", "func_tags")
}

// ProgramTag identifies a program's instructions. It is a hash over them, without the maps.
type ProgramTag [8]byte

// String returns the tag in hexadecimal digits, as /proc and bpftool show it.
func (t ProgramTag) String() string { return hex.EncodeToString(t[:]) }

// FuncInfo says which type a function of a program has.
type FuncInfo struct {
	InstructionOffset uint32     // the function's first instruction, counted in instructions
	TypeID            btf.TypeID // in the program's BTF
}

// LineInfo says from which source line an instruction is. The strings are in the program's BTF: see [LineInfo.Source].
type LineInfo struct {
	InstructionOffset uint32 // counted in instructions
	FileNameOffset    uint32 // in the BTF's strings
	LineOffset        uint32 // the line's text, in the BTF's strings
	LineColumn        uint32 // line and column, packed as in the kernel: see Line and Column
}

// Line is the line's number, starting at 1.
func (l LineInfo) Line() int { return int(l.LineColumn >> 10) }

// Column is the column in the line.
func (l LineInfo) Column() int { return int(l.LineColumn & (1<<10 - 1)) }

// ProgramInfo is what the kernel says about a program (struct bpf_prog_info). A field that an older kernel does not
// have is zero. The arrays are nil unless Info was asked for them, and if the kernel hides them, as some settings make
// it do with addresses and instructions. Without CAP_BPF, many other fields are zero as well.
type ProgramInfo struct {
	Type          ProgramType
	ID            uint32
	Tag           ProgramTag
	Name          string        // at most 15 characters
	LoadTime      time.Duration // when it was loaded, since boot
	CreatedByUID  uint32
	GPLCompatible bool
	IfIndex       uint32 // the network device that the program is offloaded to, 0 for none
	NetNSDev      uint64 // the network namespace of that network device, as device and inode
	NetNSInode    uint64
	BTFID         uint32 // the program's own BTF, 0 for none

	// AttachBTFObjectID and AttachBTFID name the function that the program attaches to: the id of BTF in the kernel,
	// and a type in it. The BTF is that of the kernel, a module or a program (Linux 6.0).
	AttachBTFObjectID uint32
	AttachBTFID       btf.TypeID

	// The kernel counts these while statistics are enabled, see [EnableRunTimeStats]: the time that the program ran,
	// the number of runs (Linux 5.1), and how often it was skipped because it was running on that CPU already (Linux
	// 5.12).
	RunTime         time.Duration
	RunCount        uint64
	RecursionMisses uint64
	// VerifiedInstructions is how many instructions the verifier processed (Linux 5.16).
	VerifiedInstructions uint32

	JITedSize  int // size of the JITed code, in bytes
	XlatedSize int // size of the instructions after verification, in bytes

	MapIDs             []uint32
	XlatedInstructions []Instruction // after verification
	JITedInstructions  []byte        // machine code
	JITedKsyms         []uint64      // the address of each function
	JITedFuncLens      []uint32      // the size of each function's machine code, in bytes
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
	flags            uint32 // a bit field; only its first bit is in use
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

// rawProgramGPL is the first bit of a bit field. On a big-endian machine it is the highest bit.
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

// fetch asks again, with room for the arrays. more is true if an array has grown meanwhile, because the program was
// bound to another map.
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

	// The kernel chooses the size of its records, and requires the same size in the second call.
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

// filled is the part of an array that the kernel has filled; nil if the kernel has cleared the address.
func filled[T any](array []T, at uint64, n uint32) []T {
	if at == 0 {
		return nil
	}
	return array[:min(uint64(n), uint64(len(array)))]
}

// records reads a T from the beginning of each record of size bytes. A later kernel's records may be larger than T.
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

// Info asks the kernel for the program's properties (bpf_obj_get_info_by_fd, Linux 4.13). It returns all numbers and
// names, and the arrays that include names.
func (p *programCore) Info(include ProgramInfoParts) (ProgramInfo, error) {
	const op = "get info of"
	if include&^IncludeAll != 0 {
		return ProgramInfo{}, p.fail(op, fault.Invalidf("include has unknown bits: %#x", uint32(include&^IncludeAll)))
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
