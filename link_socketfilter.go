package libbpf

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// AttachSocketFilter attaches a program of type socket_filter to a socket (setsockopt SO_ATTACH_BPF, Linux 3.19; libbpf
// has no function for it). The program returns how many bytes of each packet the socket receives, 0 for none. The
// program replaces the socket's filter. The socket keeps the program until the socket is closed or the filter is
// detached. errors.Is: [ErrInvalid] for another type of program, unix.EBADF and unix.ENOTSOCK, unix.EPERM when the
// filter is locked (SO_LOCK_FILTER).
func AttachSocketFilter(socket int, p ProgramCore) error {
	return attachToSocket("a socket", socket, unix.SO_ATTACH_BPF, p, ProgramTypeSocketFilter)
}

// DetachSocketFilter detaches a socket's filter (setsockopt SO_DETACH_BPF). errors.Is(err, os.ErrNotExist) when it has
// none.
func DetachSocketFilter(socket int) error { return detachFromSocket(socket, unix.SO_DETACH_BPF) }

// AttachReusePort attaches a program of type sk_reuseport, or socket_filter, that chooses among the sockets that share
// this socket's port by SO_REUSEPORT (setsockopt SO_ATTACH_REUSEPORT_EBPF, Linux 4.5, for sk_reuseport 4.19). It
// replaces the program of these sockets, which keep the new one. errors.Is: [ErrInvalid] for another type of program,
// unix.EINVAL when the socket does not share its port, unix.EBADF and unix.ENOTSOCK.
func AttachReusePort(socket int, p ProgramCore) error {
	return attachToSocket("a socket's port", socket, unix.SO_ATTACH_REUSEPORT_EBPF, p, ProgramTypeSKReuseport,
		ProgramTypeSocketFilter)
}

// DetachReusePort detaches the program of the sockets that share a port with this one (setsockopt
// SO_DETACH_REUSEPORT_BPF, Linux 5.3). errors.Is(err, os.ErrNotExist) when they have none.
func DetachReusePort(socket int) error { return detachFromSocket(socket, unix.SO_DETACH_REUSEPORT_BPF) }

func socketName(socket int) string { return fmt.Sprintf("socket %d", socket) }

func attachToSocket(place string, socket, option int, p ProgramCore, types ...ProgramType) error {
	const op = "attach to"
	return useProgram(op, socketName(socket), p, func(fd int) error {
		if !slices.Contains(types, programCoreOf(p).typ) {
			return &Error{Op: op, Object: socketName(socket),
				Err: fault.Invalidf("%s takes no program of type %s", place, programCoreOf(p).typ)}
		}
		if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, option, fd); err != nil {
			return &Error{Op: op, Object: socketName(socket), Err: err}
		}
		return nil
	})
}

func detachFromSocket(socket, option int) error {
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, option, 0); err != nil {
		return &Error{Op: "detach from", Object: socketName(socket), Err: err}
	}
	return nil
}
