package run

import (
	"bytes"
	"io"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/recording"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// recordedTypes are the types of a recording: 1 int, 2 int[4], 3 struct hist, 4 struct event.
func recordedTypes(f *testing.F) []byte {
	f.Helper()
	b := btf.NewBuilder()
	defer b.Close()
	number := b.AddInt("int", 4, btf.IntSigned)
	slots := b.AddArray(number, number, 4)
	b.AddStruct("hist", 16, btf.Member{Name: "slots", Type: slots})
	b.AddStruct("event", 8, btf.Member{Name: "pid", Type: number}, btf.Member{Name: "ret", Type: number, BitOffset: 32})
	raw, err := b.Raw()
	if err != nil {
		f.Fatal(err)
	}
	return raw
}

// A recording can come from anybody, and say anything about its maps and buffers.
func FuzzReplay(f *testing.F) {
	raw := recordedTypes(f)
	f.Add(uint32(libbpf.MapTypeHash), uint32(4), uint32(8), uint32(1), uint32(4), false, -1, make([]byte, 4), make([]byte, 8), []byte(`[{"member":"a","frames":[{"address":"0x1"}]}]`), false)
	f.Add(uint32(libbpf.MapTypePerCPUHash), uint32(4), uint32(4), uint32(0), uint32(0), true, 1, make([]byte, 4), make([]byte, 4), []byte(`[{"member":"a","frames":[{"address":"0x1"}]}]`), true)
	f.Add(uint32(libbpf.MapTypeLPMTrie), uint32(8), uint32(4), uint32(0), uint32(1), false, -1, make([]byte, 8), make([]byte, 4), []byte(`[{"member":"a","frames":[{"address":"0x1"}]}]`), false)
	f.Add(uint32(libbpf.MapTypeHash), uint32(4), uint32(16), uint32(1), uint32(3), false, -1, make([]byte, 4), make([]byte, 16), []byte(`[{"member":"a","frames":[{"address":"0x1"}]}]`), true)
	f.Add(uint32(libbpf.MapTypeProgArray), uint32(4), uint32(4), uint32(0), uint32(0), false, -1, make([]byte, 4), make([]byte, 4), []byte(`[{"member":"a","frames":[{"address":"0x1"}]}]`), true)
	f.Add(uint32(libbpf.MapTypeDevMap), uint32(4), uint32(8), uint32(0), uint32(0), false, -1, make([]byte, 4), make([]byte, 8), []byte(`[{"member":"a","frames":[{"address":"0x1"}]}]`), true)
	f.Fuzz(mutate.Target(f, 20, func(t *testing.T, mapType, keySize, valueSize, keyID, valueID uint32, perCPU bool, cpu int, key, value, stacks []byte, json bool) {
		var in bytes.Buffer
		w, err := recording.NewWriter(&in, recording.Header{
			Buffers: []recording.Buffer{{Name: "events", Type: valueID}, {Name: "perf", Perf: true, Type: keyID}},
			Maps: []recording.Map{{
				Name: "map", Type: mapType, KeySize: keySize, ValueSize: valueSize, Key: keyID, Value: valueID, PerCPU: perCPU,
			}},
		}, raw)
		if err != nil {
			t.Fatal(err)
		}
		row := recording.Row{CPU: cpu, Key: key, Value: value, Stacks: stacks}
		for _, err := range []error{
			w.Event(recording.Event{Record: value, Stacks: stacks}), w.Event(recording.Event{Buffer: 1, CPU: cpu, Record: key}),
			w.Snapshot(recording.Snapshot{Number: 1, Rows: []recording.Row{row, row}}), w.End(recording.End{}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		env := cli.Quiet(io.Discard, io.Discard)
		mutate.Ended(replay(env, &in, &eventOptions{}, view.Options{}, histOptions{}, &cli.JSON{On: json}))
	}))
}
