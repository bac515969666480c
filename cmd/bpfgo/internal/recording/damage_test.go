package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// raw is a frame, or the beginning of one that is longer than its content.
func raw(kind byte, length uint64, content ...byte) string {
	return string(append(binary.AppendUvarint([]byte{kind}, length), content...))
}

// frame is a frame as it must be.
func frame(kind byte, content ...byte) string { return raw(kind, uint64(len(content)), content...) }

func TestDamagedHeaders(t *testing.T) {
	const foreign, cut = "this is not a recording of bpfgo", "the recording is damaged: it ends in its header"
	start := magic + frame(kindHeader, []byte("{}")...)
	for text, want := range map[string]string{
		"":                                 foreign,
		magic[:5]:                          foreign,
		"bpfgo recording 2\n" + start:      foreign,
		magic:                              cut,
		magic + "h":                        cut,
		magic + "h\x80":                    cut,
		magic + raw(kindHeader, 5, '{'):    cut,
		magic + frame(kindHeader, 'x'):     "the recording is damaged: invalid character",
		magic + frame(kindEvent, '{', '}'): "the recording is damaged",
		magic + raw(kindHeader, limit+1):   "the recording is damaged",
		start:                              "",
		start + "b":                        cut,
		start + raw(kindBTF, 5):            cut,
		start + raw(kindBTF, 5, 'x'):       cut,
		start + frame(kindBTF, 'x'):        "",
		start + frame(kindEnd):             "",
		start + raw(kindBTF, limit, 'x'):   cut,
		start + raw(kindBTF, limit+1, 'x'): "the recording is damaged",
	} {
		switch _, err := NewReader(strings.NewReader(text)); {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || err.Error() != want && !strings.HasPrefix(err.Error(), want+" ")):
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	failure := errors.New("failure")
	for _, begin := range []string{"", magic, start} {
		r := io.MultiReader(strings.NewReader(begin), iotest.ErrReader(failure))
		if _, err := NewReader(r); !errors.Is(err, failure) {
			t.Errorf("after %q: %v", begin, err)
		}
	}
}

func TestDamagedFrames(t *testing.T) {
	start := magic + frame(kindHeader, []byte(`{"buffers": [{}], "maps": [{}]}`)...) + frame(kindBTF)
	for text, want := range map[string]error{
		"":                                        io.ErrUnexpectedEOF,
		"e":                                       io.ErrUnexpectedEOF,
		"e\x80":                                   io.ErrUnexpectedEOF,
		raw(kindEvent, 3):                         io.ErrUnexpectedEOF,
		raw(kindEvent, 3, 0, 0):                   io.ErrUnexpectedEOF,
		raw(kindEvent, limit, 0):                  io.ErrUnexpectedEOF,
		raw(kindEvent, limit+1, 0):                errDamaged,
		frame(kindEvent):                          errDamaged,
		frame(kindEvent, 0, 0):                    errDamaged,
		frame(kindEvent, 1, 0, 0):                 errDamaged, // a buffer that is not there
		frame(kindEvent, 0, 0, 0):                 nil,
		frame(kindMap, 1, 0, 0, 0):                errDamaged, // a map that is not there
		frame(kindMap, 0, 0, 0):                   errDamaged,
		frame(kindMap, 0, 0, 0, 0):                nil,
		frame(kindMap, 0, 0, 0, 1):                io.ErrUnexpectedEOF,
		frame(kindRow, 0, 0):                      io.ErrUnexpectedEOF, // which is left out where no row is to be
		frame('?', 1) + frame('z'):                nil,
		frame(kindEvent) + "e":                    errDamaged,
		"e" + strings.Repeat("\xff", 10) + "\x01": errDamaged,

		frame(kindMap, 0, 0, 0, 1) + frame(kindEnd):              errDamaged,
		frame(kindMap, 0, 0, 0, 1) + raw(kindRow, limit+1):       errDamaged,
		frame(kindMap, 0, 0, 0, 1) + frame(kindRow):              errDamaged,
		frame(kindMap, 0, 0, 0, 1) + frame(kindRow, 0):           errDamaged,
		frame(kindMap, 0, 0, 0, 1) + frame(kindRow, 0, 0):        nil,
		frame(kindMap, 0, 0, 0, 1) + frame(kindRow, 0, 1):        errDamaged, // as long as what it is in
		frame(kindMap, 0, 0, 0, 1) + frame(kindRow, 0, 2):        errDamaged,
		frame(kindMap, 0, 0, 0, 1) + frame(kindRow, 0, 1, 7):     nil,
		frame(kindMap, 0, 0, 0, 1) + frame(kindRow, 0, 2, 7, 7):  nil,
		frame(kindMap, 0, 0, 0, 2) + frame(kindRow, 0, 1, 7):     io.ErrUnexpectedEOF,
		frame(kindMap, 0, 0, 0, 1) + raw(kindRow, 9, 0, 1, 7, 7): io.ErrUnexpectedEOF,
	} {
		r, err := NewReader(strings.NewReader(start + text))
		if err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// A frame that is longer than what is read at once ends where it ends.
func TestLongFrames(t *testing.T) {
	long := Event{Record: bytes.Repeat([]byte("long"), 50000)}
	var out bytes.Buffer
	w, err := NewWriter(&out, header, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Event(long), w.End(End{"end"})); err != nil {
		t.Fatal(err)
	}
	_, got, err := read(out.Bytes())
	if err != nil || len(got) != 2 || !bytes.Equal(got[0].(Event).Record, long.Record) || got[1] != (End{"end"}) {
		t.Errorf("%d frames, %v", len(got), err)
	}
}

// full is a file system without room after some bytes.
type full struct{ room int }

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

// What can't be written is an error at once, and of all later calls.
func TestWriteErrors(t *testing.T) {
	if _, err := NewWriter(&full{}, header, nil); !errors.Is(err, errFull) {
		t.Errorf("without room: %v", err)
	}
	if _, err := NewWriter(io.Discard, Header{Started: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, nil); err == nil {
		t.Error("a header that JSON can't have was written")
	}
	begin := func() *Writer {
		w, err := NewWriter(&full{1000}, header, nil)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	long := make([]byte, 100000)
	for name, write := range map[string]func(*Writer) error{
		"event":    func(w *Writer) error { return w.Event(Event{Record: long}) },
		"snapshot": func(w *Writer) error { return w.Snapshot(Snapshot{Rows: []Row{{Value: long}}}) },
		"end":      func(w *Writer) error { return w.End(End{string(long[:2000])}) },
		"flush":    func(w *Writer) error { return errors.Join(w.Event(Event{Record: long[:2000]}), w.Flush()) },
	} {
		w := begin()
		if err := write(w); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.Event(Event{}); !errors.Is(err, errFull) {
			t.Errorf("an event after it: %v", err)
		}
	}
}
