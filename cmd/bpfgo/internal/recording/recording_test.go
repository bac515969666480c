package recording

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

var header = Header{
	Object: "exec.bpf.o", Kernel: "6.12", Started: time.Unix(1700000000, 5).UTC(),
	Buffers: []Buffer{{Name: "events", Type: 3}, {Name: "more", Perf: true}},
	Maps:    []Map{{Name: "counts", Type: 1, KeySize: 4, ValueSize: 8, Key: 1, Value: 2}},
}

var frames = []any{
	Event{Buffer: 0, At: time.Second, Record: []byte("a record"), Stacks: []byte("[]")},
	Event{Buffer: 1, CPU: 127, At: 2 * time.Second, Record: []byte{}},
	Snapshot{Map: 0, Number: 1, At: time.Second, Rows: []Row{
		{CPU: -1, Key: []byte{1, 0, 0, 0}, Value: []byte("a value"), Stacks: []byte("[1]")}, {CPU: 127, Key: []byte{}, Value: []byte{}},
	}},
	Snapshot{Map: 0, Number: 2, At: 2 * time.Second},
	End{Summary: "2 events, 0 lost"},
}

func write(t testing.TB, btf []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, header, btf)
	if err != nil {
		t.Fatal(err)
	}
	for _, frame := range frames {
		switch f := frame.(type) {
		case Event:
			err = w.Event(f)
		case Snapshot:
			err = w.Snapshot(f)
		case End:
			err = w.End(f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// read reads all frames, and the error at the end.
func read(data []byte) (*Reader, []any, error) {
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	var all []any
	for {
		frame, err := r.Next()
		if err != nil {
			return r, all, err
		}
		switch f := frame.(type) {
		case Event:
			f.Record = bytes.Clone(f.Record)
			frame = f
		case End:
			return r, append(all, f), nil
		}
		all = append(all, frame)
	}
}

func TestRecording(t *testing.T) {
	for _, btf := range [][]byte{nil, []byte("types")} {
		r, got, err := read(write(t, btf))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(header, r.Header); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(frames, got); diff != "" {
			t.Error(diff)
		}
		if !bytes.Equal(r.BTF, btf) {
			t.Errorf("BTF %q", r.BTF)
		}
	}
}

// What was written before bpfgo or the machine ended is there.
func TestCutOff(t *testing.T) {
	whole := write(t, []byte("types"))
	most := 0
	for n := range whole {
		_, got, err := read(whole[:n])
		if err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
		if len(got) < most {
			t.Errorf("%d bytes have fewer frames than before", n)
		}
		most = len(got)
		if diff := cmp.Diff(frames[:len(got)], append([]any{}, got...)); diff != "" {
			t.Error(diff)
		}
	}
	if most != len(frames)-1 {
		t.Errorf("%d frames before the end", most)
	}
}

func TestForeignFiles(t *testing.T) {
	for _, text := range []string{"", "\x7fELF", "bpfgo recording 2\n", magic, magic + "e\x01x", magic + "h\xff\xff\xff\xff\xff\xff"} {
		if _, err := NewReader(bytes.NewReader([]byte(text))); err == nil {
			t.Errorf("%q is a recording", text)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(write(f, nil))
	f.Add(write(f, []byte("types")))
	f.Fuzz(mutate.Target(f, 1, func(t *testing.T, data []byte) {
		r, frames, err := read(data)
		mutate.Ended(err)
		for _, frame := range frames {
			switch e := frame.(type) {
			case Event:
				_ = r.Header.Buffers[e.Buffer]
			case Snapshot:
				_ = r.Header.Maps[e.Map]
			}
		}
	}))
}
