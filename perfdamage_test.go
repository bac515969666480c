package libbpf_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

// perfWriter writes records of any size to a perf buffer of the last CPU's, on which each test runs.
type perfWriter struct {
	t       *testing.T
	o       *libbpf.Object
	cpu     int
	next    uint64
	program *libbpf.Program
}

func newPerfWriter(t *testing.T) *perfWriter {
	t.Helper()
	w := &perfWriter{t: t, o: load(t, open(t, "bigperf")), cpu: lastCPU(t)}
	w.program = findProgram(t, w.o, "write_record")
	return w
}

// fill sets what the records hold behind their number.
func (w *perfWriter) fill(b byte) {
	w.t.Helper()
	data := findMap(w.t, w.o, "data")
	check(w.t, data.Update(u32(0), slices.Repeat([]byte{b}, int(data.ValueSize())), libbpf.Any))
}

func (w *perfWriter) write(n int, size uint64) {
	w.t.Helper()
	for range n {
		result, err := w.program.TestRun(libbpf.TestRunOptions{Context: append(u64(w.next), u64(size)...)})
		check(w.t, err)
		if result.ReturnValue != 0 {
			w.t.Fatalf("record %d of %d bytes: %v", w.next, size, unix.Errno(-int32(result.ReturnValue)))
		}
		w.next++
	}
}

// perfReceivers are the ways to receive what is there of a perf buffer of 256 KiB: each returns the numbers of the
// records.
func perfReceivers(
	t *testing.T, w *perfWriter, test func(t *testing.T, receive func() ([]uint64, error), lost func() uint64),
) {
	perf, pages := findMap(t, w.o, "perf"), 256<<10/os.Getpagesize()
	t.Run("PerfReader", func(t *testing.T) {
		pinToCPU(t, w.cpu)
		r, err := libbpf.NewPerfReader(perf, libbpf.PerfReaderOptions{Pages: pages})
		check(t, err)
		defer r.Close()
		test(t, func() (numbers []uint64, err error) {
			for cpu, record := range r.Pending(&err) {
				if cpu != w.cpu {
					t.Errorf("CPU %d", cpu)
				}
				numbers = append(numbers, binary.NativeEndian.Uint64(record))
			}
			return numbers, err
		}, func() uint64 {
			lost, err := r.Lost()
			check(t, err)
			return lost
		})
	})
	for name, raw := range map[string]bool{"Sample": false, "Event": true} {
		t.Run(name, func(t *testing.T) {
			pinToCPU(t, w.cpu)
			var numbers []uint64
			var told uint64
			b := libbpf.PerfBufferBuilder{
				Pages: pages,
				Sample: func(_ int, record []byte) error {
					numbers = append(numbers, binary.NativeEndian.Uint64(record))
					return nil
				},
				Lost: func(cpu int, n uint64) {
					if told += n; cpu != w.cpu {
						t.Errorf("CPU %d", cpu)
					}
				},
			}
			if raw {
				b = libbpf.PerfBufferBuilder{Pages: pages, Event: func(_ int, event []byte) error {
					numbers = append(numbers, binary.NativeEndian.Uint64(event[12:]))
					return nil
				}}
			}
			p, err := b.Build(perf)
			check(t, err)
			defer p.Close()
			test(t, func() ([]uint64, error) {
				numbers = nil
				n, err := p.Consume()
				if n != len(numbers) {
					t.Errorf("%d records, and says %d", len(numbers), n)
				}
				return numbers, err
			}, func() uint64 {
				lost, err := p.Lost()
				if errors.Is(err, errors.ErrUnsupported) {
					return told
				}
				check(t, err)
				if !raw && told != lost {
					t.Errorf("%d lost, %d told", lost, told)
				}
				return lost
			})
		})
	}
}

// A record above 64 KiB is written over unread ones. What is not damaged comes all the same, and what comes later too.
func TestPerfRecordAbove64K(t *testing.T) {
	w := newPerfWriter(t)
	for _, big := range []uint64{65_520, 65_530, 65_600, 70_000, 100_000} {
		for _, content := range []byte{0, 9, 0xff} {
			t.Run(fmt.Sprintf("%d of %d", big, content), func(t *testing.T) {
				w.t = t
				w.fill(content)
				perfReceivers(t, w, func(t *testing.T, receive func() ([]uint64, error), lost func() uint64) {
					w.t = t
					first := w.next
					w.write(7, 30_000)
					w.write(1, big)
					w.write(50, 64)
					var got []uint64
					reports := 0
					for {
						numbers, err := receive()
						got = append(got, numbers...)
						if err == nil {
							break
						}
						wantErr(t, err, unix.EBADMSG)
						if reports++; reports > 2 {
							t.Fatalf("%d reports: %v", reports, err)
						}
					}
					// The first is overwritten, of 100,000 bytes the second too; and there is the one that did it.
					want := []uint64{2, 3, 4, 5, 6}
					if big < 100_000 {
						want = slices.Insert(want, 0, 1)
					}
					for n := range uint64(50) {
						want = append(want, 8+n)
					}
					for i := range want {
						want[i] += first
					}
					if !slices.Equal(got, want) {
						t.Errorf("records %d, want %d", got, want)
					}
					if reports == 0 || lost() != uint64(reports) {
						t.Errorf("%d lost in %d reports", lost(), reports)
					}
					w.write(50, 64)
					if numbers, err := receive(); len(numbers) != 50 || err != nil {
						t.Errorf("%d records came after, %v", len(numbers), err)
					}
				})
			})
		}
	}
}

// A record above 64 KiB in a buffer that is not full costs nobody but itself.
func TestPerfRecordAbove64KAlone(t *testing.T) {
	w := newPerfWriter(t)
	perfReceivers(t, w, func(t *testing.T, receive func() ([]uint64, error), lost func() uint64) {
		w.t = t
		first := w.next
		w.write(2, 64)
		w.write(1, 70_000)
		w.write(3, 64)
		numbers, err := receive()
		wantErr(t, err, unix.EBADMSG)
		if !slices.Equal(numbers, []uint64{first, first + 1}) || lost() != 1 {
			t.Errorf("records %d, %d lost", numbers, lost())
		}
		if numbers, err = receive(); !slices.Equal(numbers, []uint64{first + 3, first + 4, first + 5}) || err != nil {
			t.Errorf("records %d, %v", numbers, err)
		}
	})
}
