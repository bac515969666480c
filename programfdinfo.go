package libbpf

import "time"

// ProgramFDInfo is what /proc/self/fdinfo says about a program's descriptor. Some of it is not in [ProgramInfo].
type ProgramFDInfo struct {
	Type  ProgramType
	ID    uint32
	JITed bool
	// Memlock is the memory that the kernel holds for the program's instructions, in bytes.
	Memlock uint64
	// As in [ProgramInfo].
	RunTime              time.Duration
	RunCount             uint64
	RecursionMisses      uint64
	VerifiedInstructions uint32
}

// FDInfo reads what /proc/self/fdinfo says about the program's descriptor, such as its memory.
func (p *programCore) FDInfo() (ProgramFDInfo, error) {
	const op = "get fdinfo of"
	if err := p.acquire(op); err != nil {
		return ProgramFDInfo{}, err
	}
	defer p.h.Drop()
	info, err := parseProgramFDInfo(readFDInfo(p.fd))
	if err != nil {
		return ProgramFDInfo{}, p.fail(op, err)
	}
	return info, nil
}

// parseProgramFDInfo skips the lines that it does not know. A field whose line is absent stays zero.
func parseProgramFDInfo(text string, err error) (ProgramFDInfo, error) {
	var info ProgramFDInfo
	err = eachOfFDInfo(text, err, func(name string, number func(bits int) uint64) {
		switch name {
		case "prog_type":
			info.Type = ProgramType(number(32))
		case "prog_id":
			info.ID = uint32(number(32))
		case "prog_jited":
			info.JITed = number(8) != 0
		case "memlock":
			info.Memlock = number(64)
		case "run_time_ns":
			info.RunTime = time.Duration(number(63))
		case "run_cnt":
			info.RunCount = number(64)
		case "recursion_misses":
			info.RecursionMisses = number(64)
		case "verified_insns":
			info.VerifiedInstructions = uint32(number(32))
		}
	})
	return info, err
}
