package main

import (
	"bytes"
	"debug/elf"
	"fmt"
)

// list prints the probes of a binary with the places of their arguments. They are in its notes: a header of three
// words, the owner, and a description of three addresses and three texts.
func list(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	section := file.Section(".note.stapsdt")
	if section == nil {
		return fmt.Errorf("%s has no probes", path)
	}
	notes, err := section.Data()
	if err != nil {
		return err
	}
	const header, addresses = 12, 24
	padded := func(n uint32) uint64 { return (uint64(n) + 3) &^ 3 }
	for len(notes) >= header {
		owner, description := padded(file.ByteOrder.Uint32(notes)), file.ByteOrder.Uint32(notes[4:])
		if uint64(len(notes)) < header+owner+padded(description) || description < addresses {
			return fmt.Errorf("%s: a note is cut off", path)
		}
		texts := bytes.SplitN(notes[header+owner+addresses:header+owner+uint64(description)], []byte{0}, 4)
		if len(texts) == 4 {
			fmt.Printf("%s:%s %s\n", texts[0], texts[1], texts[2])
		}
		notes = notes[header+owner+padded(description):]
	}
	return nil
}
