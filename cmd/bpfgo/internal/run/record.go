package run

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/backtrace"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/recording"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// record begins the recording, whose file is open.
func (s *session) record() error {
	if s.files.record == nil {
		return nil
	}
	header := recording.Header{Object: s.opts.object, Started: s.events.began}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		header.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	for _, stream := range s.events.streams {
		header.Buffers = append(header.Buffers, recording.Buffer{
			Name: stream.name, Perf: stream.perf, Type: uint32(stream.typ.ID()),
		})
	}
	for _, v := range s.dumps {
		header.Maps = append(header.Maps, recording.Map{
			Name: v.Name, Type: uint32(v.Type), KeySize: v.KeySize, ValueSize: v.ValueSize,
			Key: uint32(v.Key.ID()), Value: uint32(v.Value.ID()), PerCPU: s.opts.perCPU,
		})
	}
	var types []byte
	if s.btf != nil {
		var err error
		if types, err = s.btf.Raw(); err != nil {
			return err
		}
	}
	var err error
	if s.events.recorder, err = recording.NewWriter(s.files.record, header, types); err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}

// endRecording completes the recording.
func (s *session) endRecording(summary string) error {
	if s.events.recorder == nil {
		return nil
	}
	if err := cmp.Or(s.events.recorder.End(recording.End{Summary: summary}), s.files.record.Close()); err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}

// snapshot is the content of the map for the recording.
func (d *dump) snapshot(number, times int, at time.Duration, content view.Content) recording.Snapshot {
	snapshot := recording.Snapshot{Map: number, Number: times, At: at}
	for _, r := range content.Rows {
		recorded := recording.Row{CPU: r.CPU, Key: r.Key, Value: r.Value}
		if d.hasStacks() {
			recorded.Stacks = stacksJSON(d.stacks(r))
		}
		snapshot.Rows = append(snapshot.Rows, recorded)
	}
	return snapshot
}

// stacksJSON is stacks for the recording, nil for none.
func stacksJSON(stacks []backtrace.Record) []byte {
	if len(stacks) == 0 {
		return nil
	}
	return appendJSON(nil, stacks)
}

// recordedStacks are stacks from a recording.
func recordedStacks(text []byte) ([]backtrace.Record, error) {
	if text == nil {
		return nil, nil
	}
	var stacks []backtrace.Record
	if err := json.Unmarshal(text, &stacks); err != nil {
		return nil, fmt.Errorf("the recording is damaged: stacks: %w", err)
	}
	return stacks, nil
}
