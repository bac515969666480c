package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// A stage is a folder beside the sources, where what is renamed into place is prepared.
type stage struct {
	folder string
	stop   chan os.Signal
}

// newStage makes a stage. It removes those of runs that were killed. A signal that ends the command removes it as well.
func newStage(beside string) (*stage, error) {
	old, err := filepath.Glob(filepath.Join(beside, ".staging.*"))
	if err != nil {
		return nil, err
	}
	for _, folder := range old {
		if err := os.RemoveAll(folder); err != nil {
			return nil, err
		}
	}
	folder, err := os.MkdirTemp(beside, ".staging.")
	if err != nil {
		return nil, err
	}
	s := &stage{folder, make(chan os.Signal, 1)}
	signal.Notify(s.stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		if _, ended := <-s.stop; ended {
			_ = os.RemoveAll(folder)
			os.Exit(1)
		}
	}()
	return s, nil
}

func (s *stage) close() {
	signal.Stop(s.stop)
	close(s.stop)
	_ = os.RemoveAll(s.folder)
}

func (s *stage) path(name string) string { return filepath.Join(s.folder, name) }

// put atomically replaces a file.
func (s *stage) put(file string, text []byte) error {
	if err := os.WriteFile(s.path("put"), text, 0o644); err != nil {
		return err
	}
	beforeChange()
	return os.Rename(s.path("put"), file)
}
