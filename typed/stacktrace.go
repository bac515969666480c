package typed

import (
	"iter"
	"reflect"

	"github.com/libbpf-go/libbpf-go"
)

// StackTrace holds stack traces under the ids that bpf_get_stackid returned to programs: a map of type
// [libbpf.MapTypeStackTrace]. A trace is the instruction addresses of the frames, from the innermost to the outermost.
type StackTrace struct{ view }

// NewStackTrace returns a typed view of a map of type [libbpf.MapTypeStackTrace] (Linux 4.6). The error matches
// [libbpf.ErrInvalid] when the map is of another type, or was created with [libbpf.CreateStackBuildID] and has build
// ids where others have addresses.
func NewStackTrace(m libbpf.MapCore) (*StackTrace, error) {
	s := new(StackTrace)
	err := s.openView(m, libbpf.MapTypeStackTrace)
	if err == nil {
		err = s.setKey(reflect.TypeFor[uint32]())
	}
	if err == nil {
		err = s.checkTraces()
	}
	return orNil(s, err)
}

func (s *StackTrace) checkTraces() error {
	info, err := s.Map().Info()
	if err == nil && info.Flags&libbpf.CreateStackBuildID != 0 {
		return s.refuse("it has build ids and offsets, and must have addresses")
	}
	return err
}

// Depth returns how many frames a trace can have.
func (s *StackTrace) Depth() int { return int(s.Map().ValueSize() / 8) }

// Lookup returns the trace with an id, in a new slice (bpf_map_lookup_elem). The kernel takes no flags but
// [libbpf.Any]. The error matches [libbpf.ErrKeyNotExist] when there is none.
func (s *StackTrace) Lookup(id uint32, flags libbpf.MapFlags) ([]uint64, error) {
	frames := make([]uint64, s.Depth())
	n, err := s.LookupInto(id, frames, flags)
	if err != nil {
		return nil, err
	}
	return frames[:n], nil
}

// LookupInto is Lookup into the caller's slice of Depth elements, and returns how many frames the trace has. The error
// matches [libbpf.ErrInvalid] when the slice has another length. It does not allocate.
func (s *StackTrace) LookupInto(id uint32, frames []uint64, flags libbpf.MapFlags) (int, error) {
	if err := s.lookup(bytesOf(&id), bytesOfSlice(frames), flags); err != nil {
		return 0, err
	}
	return countFrames(frames), nil
}

// countFrames counts the frames in front of the zeroes.
func countFrames(frames []uint64) int {
	for i, frame := range frames {
		if frame == 0 {
			return i
		}
	}
	return len(frames)
}

// Delete removes a trace, which makes room for others (bpf_map_delete_elem). The error matches [libbpf.ErrKeyNotExist]
// when there is none. It does not allocate.
func (s *StackTrace) Delete(id uint32) error { return s.delete(bytesOf(&id)) }

// All iterates over the ids and the traces, in no order. The slice is valid until the next step. When an error ends the
// loop, it is in *err, which is nil otherwise; err may be nil. Traces that are added or deleted during the iteration
// can be left out.
func (s *StackTrace) All(err *error) iter.Seq2[uint32, []uint64] {
	return func(yield func(uint32, []uint64) bool) {
		depth := s.Depth()
		n := s.batch(uintptr(4 + 8*depth))
		ids, frames := make([]uint32, n), make([]uint64, n*depth)
		var cursor libbpf.MapCursor
		err := cleared(err)
		for more := true; more; {
			got, failed := s.Map().LookupBatch(&cursor, bytesOfSlice(ids), bytesOfSlice(frames), libbpf.Any)
			for i, id := range ids[:got] {
				trace := frames[i*depth : (i+1)*depth]
				end := countFrames(trace)
				if !yield(id, trace[:end:end]) {
					return
				}
			}
			more = goesOn(err, failed)
		}
	}
}

// Keys iterates over the ids, as All does over ids and traces.
func (s *StackTrace) Keys(err *error) iter.Seq[uint32] { return keysOf[uint32](&s.view, err) }
