package exporter

import (
	"errors"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/source"
)

// Check compares a configuration with its objects. It loads nothing.
func Check(path string, tables *decoder.Tables) error {
	conf, err := config.Read(path)
	if err != nil {
		return err
	}
	var failed []error
	for _, o := range conf.Objects {
		opened, err := source.Open(o, tables)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		opened.Close()
	}
	return errors.Join(failed...)
}
