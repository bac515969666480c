package inventory

import (
	"errors"
	"strings"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
)

// Program is a program in the kernel.
type Program struct {
	ID      uint32 `json:"id"`
	Type    string `json:"type"`
	Name    string `json:"name,omitempty"`
	NameCut bool   `json:"name_cut,omitempty"` // the name may go on: the kernel kept its first 15 characters
	Tag     string `json:"tag"`
	// The function or the tracepoint that it is loaded for.
	Function   string `json:"function,omitempty"`
	Tracepoint string `json:"tracepoint,omitempty"`

	MemoryBytes     uint64 `json:"memory_bytes,omitempty"`
	RunTimeNS       uint64 `json:"run_time_ns"`
	RunCount        uint64 `json:"run_count"`
	AverageNS       uint64 `json:"average_ns,omitempty"`
	RecursionMisses uint64 `json:"recursion_misses,omitempty"`
	Rates           *Rates `json:"rates,omitempty"` // absent if they were not measured

	LoadedAt             time.Time `json:"loaded_at"`
	UID                  uint32    `json:"uid"`
	GPLCompatible        bool      `json:"gpl_compatible"`
	Instructions         int       `json:"instructions,omitempty"`          // after verification
	JITedBytes           int       `json:"jited_bytes,omitempty"`           // absent if it is interpreted
	VerifiedInstructions uint32    `json:"verified_instructions,omitempty"` // how many the verifier processed
	BTFID                uint32    `json:"btf_id,omitempty"`
	MapIDs               []uint32  `json:"map_ids,omitempty"`
	OffloadedTo          string    `json:"offloaded_to,omitempty"`

	Attached []string `json:"attached,omitempty"` // where it runs, in words
	LinkIDs  []uint32 `json:"link_ids,omitempty"`
	Holding

	typ  libbpf.ProgramType
	info libbpf.ProgramInfo
}

// Rates is what a program did in the time between two looks at it.
type Rates struct {
	CPUPercent    float64 `json:"cpu_percent"` // 100 is one CPU
	RunsPerSecond float64 `json:"runs_per_second"`
	NSPerRun      float64 `json:"ns_per_run"`
}

// Info is what the kernel says about the program, with the ids of its maps and the types of its functions.
func (p *Program) Info() libbpf.ProgramInfo { return p.info }

// programs reads all programs. Those that can't be read are in the error.
func (r *Reader) programs() ([]*Program, error) {
	boot := bootTime()
	memory := map[uint32]uint64{}
	var all []*Program
	var failed []error
	var walk error
	for info := range libbpf.ProgramInfos(libbpf.IncludeFuncInfo|libbpf.IncludeMapIDs, &walk) {
		p := r.program(info, boot)
		bytes, known := r.memory[info.ID]
		if !known {
			var err error
			if bytes, err = programMemory(info.ID); err != nil {
				if !Gone(err) {
					failed = append(failed, err)
				}
			}
		}
		p.MemoryBytes, memory[info.ID] = bytes, bytes
		all = append(all, p)
	}
	r.memory = memory
	if walk != nil {
		failed = append(failed, walk)
	}
	return all, errors.Join(failed...)
}

func (r *Reader) program(info libbpf.ProgramInfo, boot time.Time) *Program {
	name := r.types.Program(info)
	p := &Program{
		ID: info.ID, Type: info.Type.String(), Name: name.Text, NameCut: !name.Whole, Tag: info.Tag.String(),
		RunTimeNS: uint64(info.RunTime), RunCount: info.RunCount, RecursionMisses: info.RecursionMisses,
		LoadedAt: boot.Add(info.LoadTime).Round(time.Millisecond), UID: info.CreatedByUID,
		GPLCompatible: info.GPLCompatible, Instructions: info.XlatedSize / 8, JITedBytes: info.JITedSize,
		VerifiedInstructions: info.VerifiedInstructions, BTFID: info.BTFID, MapIDs: info.MapIDs,
		typ: info.Type, info: info,
	}
	if p.RunCount > 0 {
		p.AverageNS = p.RunTimeNS / p.RunCount
	}
	if info.IfIndex != 0 {
		p.OffloadedTo = deviceWords(info.IfIndex, deviceName(info.IfIndex))
	}
	if info.AttachBTFObjectID != 0 && info.AttachBTFID != 0 {
		p.Function = names.Type(r.types.Get(info.AttachBTFObjectID), info.AttachBTFID)
		if name, found := strings.CutPrefix(p.Function, "btf_trace_"); found { // the type of its probes
			p.Function, p.Tracepoint = "", name
		}
	}
	return p
}

// programMemory is the memory that the kernel holds for a program.
func programMemory(id uint32) (uint64, error) {
	p, err := libbpf.ProgramHandleFromID(id)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	info, err := p.FDInfo()
	return info.Memlock, err
}
