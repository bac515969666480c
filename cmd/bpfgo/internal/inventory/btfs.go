package inventory

import "github.com/libbpf-go/libbpf-go"

// BTF is type information in the kernel.
type BTF struct {
	ID         uint32   `json:"id"`
	Name       string   `json:"name,omitempty"`
	Kind       string   `json:"kind"` // "kernel", "module" or "program"
	Bytes      int      `json:"bytes"`
	ProgramIDs []uint32 `json:"program_ids,omitempty"`
	MapIDs     []uint32 `json:"map_ids,omitempty"`
	Holding
}

func readBTFs() ([]*BTF, error) {
	var all []*BTF
	var failed error
	for info := range libbpf.BTFInfos(&failed) {
		b := &BTF{ID: info.ID, Name: info.Name, Kind: "program", Bytes: info.Size}
		switch {
		case info.Kernel && info.Name == "vmlinux":
			b.Kind = "kernel"
		case info.Kernel:
			b.Kind = "module"
		}
		all = append(all, b)
	}
	return all, failed
}
