package pick

import (
	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/names"
)

// These list the objects that the user may mean. If some can't be read, the others are returned with the error.

func programs() ([]candidate, error) {
	var known names.Types
	defer known.Close()
	var all []candidate
	var err error
	for info := range libbpf.ProgramInfos(libbpf.IncludeFuncInfo, &err) {
		all = append(all, candidate{info.ID, known.Program(info), info.Name, info.Tag.String()})
	}
	return all, err
}

func maps() ([]candidate, error) {
	var known names.Types
	defer known.Close()
	var all []candidate
	var err error
	for info := range libbpf.MapInfos(&err) {
		all = append(all, candidate{id: info.ID, name: known.Map(info), kernel: info.Name})
	}
	return all, err
}

func links() ([]candidate, error) {
	named, err := programs()
	if err != nil && len(named) == 0 {
		return nil, err
	}
	byID := make(map[uint32]candidate, len(named))
	for _, p := range named {
		byID[p.id] = p
	}
	var all []candidate
	for info := range libbpf.LinkInfos(&err) {
		p := byID[info.ProgramID]
		all = append(all, candidate{id: info.ID, name: p.name, kernel: p.kernel})
	}
	return all, err
}

func allTypes() ([]candidate, error) {
	var all []candidate
	var err error
	for info := range libbpf.BTFInfos(&err) {
		all = append(all, candidate{id: info.ID, name: names.Name{Text: info.Name, Whole: true}, kernel: info.Name})
	}
	return all, err
}
