package run

import (
	"cmp"
	"fmt"
	"io"
	"os"
)

// files are what a run writes beside its output; nil for what is not wanted, or is standard output.
type files struct{ record, flame, fold *os.File }

// createFiles creates the files before anything is in the kernel, so that no run is lost for want of one.
func (s *session) createFiles() error {
	for _, f := range []struct {
		flag, path string
		file       **os.File
	}{
		{"record", s.opts.record, &s.files.record},
		{"flame", s.opts.flame, &s.files.flame},
		{"fold", s.opts.fold, &s.files.fold},
	} {
		if f.path == "" || f.path == "-" && f.flag != "record" {
			continue
		}
		var err error
		if *f.file, err = os.Create(f.path); err != nil {
			return fmt.Errorf("--%s: %w", f.flag, err)
		}
	}
	return nil
}

// close closes the files that are still open, as after an error.
func (f *files) close() {
	for _, file := range []*os.File{f.record, f.flame, f.fold} {
		_ = file.Close()
	}
}

// write writes a text to a file, or to standard output if there is none.
func (s *session) write(file *os.File, write func(io.Writer) error) error {
	if file != nil {
		return cmp.Or(write(file), file.Close())
	}
	if err := s.out.flush(); err != nil {
		return err
	}
	return write(s.env.Stdout)
}
