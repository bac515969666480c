package gen

// findUses finds the maps that each function of sections with programs uses, itself or by the functions that it calls.
func findUses(f *elfFile, arena string) (map[string][]string, error) {
	functions, err := f.Functions(arena)
	if err != nil {
		return nil, err
	}
	uses := make(map[string][]string)
	for _, function := range functions {
		used := make(map[string]bool)
		for _, reached := range function.Reached() {
			for name := range reached.Maps {
				used[name] = true
			}
		}
		if len(used) > 0 && f.Sections[function.Section].Name != ".text" {
			uses[function.Name] = sortedKeys(used)
		}
	}
	return uses, nil
}
