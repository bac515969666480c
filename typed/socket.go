package typed

import (
	"syscall"

	"github.com/libbpf-go/libbpf-go"
)

// sockets is a view of a map of sockets. What user space reads is a socket's cookie.
type sockets[K any] struct{ slots[K, uint64] }

// Update puts a socket under key, in place of the one that is there (bpf_map_update_elem). fd remains the caller's; the
// kernel removes the socket from the map when it is closed. flags is [libbpf.Any], [libbpf.NoExist] or [libbpf.Exist].
// It does not allocate.
//
// The error matches [libbpf.ErrKeyExist] or [libbpf.ErrKeyNotExist] as the flags ask, [libbpf.ErrMapFull] when there is
// no room in a hash table, [libbpf.ErrIndexRange] when key is an index beyond the end of an array, [libbpf.ErrInvalid]
// when fd is negative, and unix.ENOTSOCK when it is not a socket. A TCP socket must be connected or listening;
// otherwise the error matches unix.EOPNOTSUPP.
func (m *sockets[K]) Update(key K, fd int, flags libbpf.MapFlags) error {
	return m.updateFD(m.key.encode(bytesOf(&key)), fd, flags)
}

// UpdateConn is Update with a socket of package net, such as a [net.TCPConn], which stays open until UpdateConn
// returns. The error matches [net.ErrClosed] when it is closed.
func (m *sockets[K]) UpdateConn(key K, conn syscall.Conn, flags libbpf.MapFlags) error {
	return useConn(conn, func(fd int) error { return m.Update(key, fd, flags) })
}

// useConn runs f with the descriptor of a connection, which stays open until f returns.
func useConn(conn syscall.Conn, f func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return &libbpf.Error{Op: "use", Object: "socket", Err: err}
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return &libbpf.Error{Op: "use", Object: "socket", Err: err}
	}
	return failed
}

// SockMap is an array of sockets, for programs to redirect data between: a map of type [libbpf.MapTypeSockMap]. Keys
// are the indices, of type uint32; an index can hold nothing.
//
// Lookup and All return the cookies of the sockets (SO_COOKIE). They need a map whose values have 8 bytes, as otherwise
// the error matches unix.ENOSPC.
type SockMap struct{ sockets[uint32] }

// NewSockMap returns a typed view of a map of type [libbpf.MapTypeSockMap] (Linux 4.14), whose values have 4 or 8
// bytes. The error matches [libbpf.ErrInvalid] when the map is another one.
func NewSockMap(m libbpf.MapCore) (*SockMap, error) {
	s := new(SockMap)
	return orNil(s, s.open(m, libbpf.MapTypeSockMap))
}

// ReuseportSockArray is an array of sockets of groups with SO_REUSEPORT, for programs to choose from: a map of type
// [libbpf.MapTypeReuseportSockArray]. Keys are the indices, of type uint32; an index can hold nothing. Lookup and All
// are as in [SockMap].
type ReuseportSockArray struct{ sockets[uint32] }

// NewReuseportSockArray returns a typed view of a map of type [libbpf.MapTypeReuseportSockArray] (Linux 4.19), whose
// values have 4 or 8 bytes. The error matches [libbpf.ErrInvalid] when the map is another one.
func NewReuseportSockArray(m libbpf.MapCore) (*ReuseportSockArray, error) {
	a := new(ReuseportSockArray)
	return orNil(a, a.open(m, libbpf.MapTypeReuseportSockArray))
}

// SockHash is a hash table of sockets under Ks, for programs to redirect data between: a map of type
// [libbpf.MapTypeSockHash]. Lookup and All are as in [SockMap].
type SockHash[K any] struct{ sockets[K] }

// NewSockHash returns a typed view of a map of type [libbpf.MapTypeSockHash] (Linux 4.18), whose values have 4 or 8
// bytes. The error matches [libbpf.ErrInvalid] when the map is another one, or its keys are not as large as a K.
func NewSockHash[K any](m libbpf.MapCore) (*SockHash[K], error) {
	h := new(SockHash[K])
	return orNil(h, h.open(m, libbpf.MapTypeSockHash))
}

// XSKMap is an array of AF_XDP sockets, for XDP programs to redirect packets to: a map of type
// [libbpf.MapTypeXSKMap]. An index can hold nothing. The kernel does not tell which sockets an array holds.
type XSKMap struct{ view }

// NewXSKMap returns a typed view of a map of type [libbpf.MapTypeXSKMap] (Linux 4.18). The error matches
// [libbpf.ErrInvalid] when the map is of another type.
func NewXSKMap(m libbpf.MapCore) (*XSKMap, error) {
	x := new(XSKMap)
	return orNil(x, x.openView(m, libbpf.MapTypeXSKMap))
}

// Update puts an AF_XDP socket at an index, which should be the queue that the socket is bound to
// (bpf_map_update_elem). fd remains the caller's; the kernel removes the socket from the map when it is closed. flags
// is [libbpf.Any], [libbpf.NoExist] or [libbpf.Exist].
//
// The error matches [libbpf.ErrKeyExist] or [libbpf.ErrKeyNotExist] as the flags ask, [libbpf.ErrIndexRange] when the
// index is beyond the end, [libbpf.ErrInvalid] when fd is negative, and unix.EOPNOTSUPP when it is another kind of
// socket.
func (m *XSKMap) Update(key uint32, fd int, flags libbpf.MapFlags) error {
	return m.updateFD(bytesOf(&key), fd, flags)
}

// UpdateConn is Update with what holds the socket, such as an [os.File], which stays open until UpdateConn returns.
func (m *XSKMap) UpdateConn(key uint32, conn syscall.Conn, flags libbpf.MapFlags) error {
	return useConn(conn, func(fd int) error { return m.Update(key, fd, flags) })
}

// Delete removes the socket at an index, and does nothing when there is none (bpf_map_delete_elem). The error matches
// [libbpf.ErrIndexRange] when the index is beyond the end.
func (m *XSKMap) Delete(key uint32) error { return m.delete(bytesOf(&key)) }
