package libbpf

import (
	"errors"
	"io"
	"math"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// The kernel's numbers of a program's streams.
const (
	streamStdout = 1 // BPF_STDOUT
	streamStderr = 2 // BPF_STDERR
)

// programStream reads one of a program's streams.
type programStream struct {
	p  *programCore
	id uint32
}

// Stdout returns a reader of what the program writes to its standard output (bpf_prog_stream_read, Linux 6.17). Read
// does not wait: it returns [io.EOF] when there is nothing to read now, and may return more later. All readers share
// the stream: what one reads is removed. errors.Is(err, [errors.ErrUnsupported]) before libbpf 1.6 or Linux 6.17.
func (p *programCore) Stdout() io.Reader { return programStream{p, streamStdout} }

// Stderr returns a reader of the program's standard error, like Stdout. The program writes to it, and the kernel writes
// reports about the program to it, such as faults and timeouts.
func (p *programCore) Stderr() io.Reader { return programStream{p, streamStderr} }

// Read returns what there is to read now, or [io.EOF].
func (s programStream) Read(buf []byte) (int, error) {
	var n int
	err := s.p.call("read output of", func(fd int) error {
		if err := needs("bpf_prog_stream_read", 1, 6); err != nil {
			return err
		}
		if len(buf) == 0 {
			return nil
		}
		n = int(readStream(fd, s.id, buf[:min(len(buf), math.MaxInt32)]))
		err := clib.FromRet(n)
		if errors.Is(err, unix.EINVAL) {
			return &lacking{"streams of programs", err}
		}
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case n == 0 && len(buf) > 0:
		return 0, io.EOF
	}
	return n, nil
}
