package libbpf

import "time"

// ProgramFDInfo is what /proc tells of a program's descriptor, some of which Info does not have.
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

// FDInfo reads what /proc tells of the program's descriptor, its memory among it.
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

// parseProgramFDInfo leaves out what the kernel does not write, and what it writes beside.
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
