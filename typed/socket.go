package typed

import (
	"iter"
	"reflect"
	"syscall"

	"github.com/libbpf-go/libbpf-go"
)

// control runs f with the descriptor of a connection, which stays open meanwhile.
func control(conn syscall.Conn, f func(fd int) error) error {
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

func (a *access) cookie(key []byte) (uint64, error) {
	if a.mapCore().ValueSize() == 4 {
		// So that the kernel says what it thinks of it; it knows no value of this size either.
		var short uint32
		return 0, a.lookup(key, bytesOf(&short), libbpf.Any)
	}
	var cookie uint64
	err := a.lookup(key, bytesOf(&cookie), libbpf.Any)
	return cookie, err
}

// SockMap is an array of sockets, for redirects between them: a map of type [libbpf.MapTypeSockMap]. A place may be
// empty.
type SockMap struct{ a access }

// NewSockMap makes a typed view of a map of type [libbpf.MapTypeSockMap] (Linux 4.14).
func NewSockMap(m libbpf.MapCore) (*SockMap, error) {
	a, err := newIndexed(m, libbpf.MapTypeSockMap, 4, 8)
	if err != nil {
		return nil, err
	}
	return &SockMap{a}, nil
}

func (m *SockMap) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *SockMap) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *SockMap) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *SockMap) Len() int { return m.access().len() }

// Set puts a socket at an index, in place of the one that is there (bpf_map_update_elem). fd remains the caller's, and
// the socket leaves the map by itself when it is closed. What must be true of it says the kernel: a TCP socket is
// connected or listening, or errors.Is(err, unix.EOPNOTSUPP).
func (m *SockMap) Set(key uint32, fd int) error { return m.Insert(key, fd, libbpf.Any) }

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a socket already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (m *SockMap) Insert(key uint32, fd int, flags libbpf.MapFlags) error {
	return m.access().setFD(bytesOf(&key), fd, flags)
}

// SetConn is Set for a socket of package net, such as a [net.TCPConn]. It stays open at least until SetConn returns.
func (m *SockMap) SetConn(key uint32, conn syscall.Conn) error {
	return control(conn, func(fd int) error { return m.Set(key, fd) })
}

// Cookie is the socket's SO_COOKIE (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is no socket, or beyond
// the end. The map must have values of 8 bytes: errors.Is(err, unix.ENOSPC).
func (m *SockMap) Cookie(key uint32) (uint64, error) {
	return m.access().cookie(bytesOf(&key))
}

// Delete empties the place at an index (bpf_map_delete_elem): errors.Is(err, unix.EINVAL)
// when it is empty.
func (m *SockMap) Delete(key uint32) error { return m.access().delete(bytesOf(&key)) }

// All iterates over the cookies of the sockets, in the order of their indices, without the places that are empty. When
// the loop ends early because of an error, that is in *err; err may be nil.
func (m *SockMap) All(err *error) iter.Seq2[uint32, uint64] {
	return present(m.access(), err, m.Cookie)
}

// ReuseportSockArray is an array of sockets of SO_REUSEPORT groups, for programs to choose from: a map of type
// [libbpf.MapTypeReuseportSockArray]. A place may be empty.
type ReuseportSockArray struct{ a access }

// NewReuseportSockArray makes a typed view of a map of type [libbpf.MapTypeReuseportSockArray] (Linux 4.19).
func NewReuseportSockArray(m libbpf.MapCore) (*ReuseportSockArray, error) {
	a, err := newIndexed(m, libbpf.MapTypeReuseportSockArray, 4, 8)
	if err != nil {
		return nil, err
	}
	return &ReuseportSockArray{a}, nil
}

func (m *ReuseportSockArray) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *ReuseportSockArray) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *ReuseportSockArray) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *ReuseportSockArray) Len() int { return m.access().len() }

// Set puts a socket at an index, in place of the one that is there (bpf_map_update_elem). fd remains the caller's, and
// the socket leaves the map by itself when it is closed. What must be true of it says the kernel: a TCP socket is
// connected or listening, or errors.Is(err, unix.EOPNOTSUPP).
func (m *ReuseportSockArray) Set(key uint32, fd int) error { return m.Insert(key, fd, libbpf.Any) }

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a socket already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (m *ReuseportSockArray) Insert(key uint32, fd int, flags libbpf.MapFlags) error {
	return m.access().setFD(bytesOf(&key), fd, flags)
}

// SetConn is Set for a socket of package net, such as a [net.TCPConn]. It stays open at least until SetConn returns.
func (m *ReuseportSockArray) SetConn(key uint32, conn syscall.Conn) error {
	return control(conn, func(fd int) error { return m.Set(key, fd) })
}

// Cookie is the socket's SO_COOKIE (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is no socket, or beyond
// the end. The map must have values of 8 bytes: errors.Is(err, unix.ENOSPC).
func (m *ReuseportSockArray) Cookie(key uint32) (uint64, error) {
	return m.access().cookie(bytesOf(&key))
}

// Delete empties the place at an index (bpf_map_delete_elem): [libbpf.ErrKeyNotExist]
// when it is empty.
func (m *ReuseportSockArray) Delete(key uint32) error { return m.access().delete(bytesOf(&key)) }

// All iterates over the cookies of the sockets, in the order of their indices, without the places that are empty. When
// the loop ends early because of an error, that is in *err; err may be nil.
func (m *ReuseportSockArray) All(err *error) iter.Seq2[uint32, uint64] {
	return present(m.access(), err, m.Cookie)
}

// SockHash is a hash table of sockets under Ks, for redirects between them: a map of type [libbpf.MapTypeSockHash].
type SockHash[K any] struct{ a access }

// NewSockHash makes a typed view of a map of type [libbpf.MapTypeSockHash] (Linux 4.18).
func NewSockHash[K any](m libbpf.MapCore) (*SockHash[K], error) {
	a, err := newAccess(m, libbpf.MapTypeSockHash)
	if err == nil {
		err = a.checkKey(reflect.TypeFor[K](), 0)
	}
	if err == nil {
		err = a.wantSize("value", m.ValueSize(), 4, 8)
	}
	if err != nil {
		return nil, err
	}
	return &SockHash[K]{a}, nil
}

func (h *SockHash[K]) access() *access {
	if h == nil {
		return &closed
	}
	return &h.a
}

// Map is the map behind it.
func (h *SockHash[K]) Map() libbpf.MapCore { return h.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (h *SockHash[K]) Pin(path string) error { return h.access().pin(path) }

// Capacity is the number of sockets that there is room for.
func (h *SockHash[K]) Capacity() int { return h.access().len() }

// Set puts a socket under key, in place of the one that is there (bpf_map_update_elem). fd remains the caller's, and
// the socket leaves the map by itself when it is closed. What must be true of it says the kernel: a TCP socket is
// connected or listening, or errors.Is(err, unix.EOPNOTSUPP).
func (h *SockHash[K]) Set(key K, fd int) error { return h.Insert(key, fd, libbpf.Any) }

// Insert is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a socket already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (h *SockHash[K]) Insert(key K, fd int, flags libbpf.MapFlags) error {
	h.access().key.clean(bytesOf(&key))
	return h.access().setFD(bytesOf(&key), fd, flags)
}

// SetConn is Set for a socket of package net, such as a [net.TCPConn]. It stays open at least until SetConn returns.
func (h *SockHash[K]) SetConn(key K, conn syscall.Conn) error {
	return control(conn, func(fd int) error { return h.Set(key, fd) })
}

// Cookie is the socket's SO_COOKIE (bpf_map_lookup_elem): [libbpf.ErrKeyNotExist] when there is no socket. The map
// must have values of 8 bytes: errors.Is(err, unix.ENOSPC).
func (h *SockHash[K]) Cookie(key K) (uint64, error) {
	h.access().key.clean(bytesOf(&key))
	return h.access().cookie(bytesOf(&key))
}

// Delete removes the socket from the map (bpf_map_delete_elem): [libbpf.ErrKeyNotExist] when there is none.
func (h *SockHash[K]) Delete(key K) error { return remove(h.access(), &key) }

// Keys iterates over the keys, in no order, with a system call for each (bpf_map_get_next_key). When the loop ends early
// because of an error, that is in *err; err may be nil. Sockets that come or go meanwhile may be missed or come twice.
func (h *SockHash[K]) Keys(err *error) iter.Seq[K] {
	return func(yield func(K) bool) {
		a := h.access()
		for b := range a.mapCore().Keys(err) {
			var key K
			copy(bytesOf(&key), b)
			a.key.mend(bytesOf(&key))
			if !yield(key) {
				return
			}
		}
	}
}

// IsEmpty tells whether there is no socket, which takes one step of an iteration. It allocates.
func (h *SockHash[K]) IsEmpty() (bool, error) { return h.access().isEmpty() }

// XSKMap is an array of AF_XDP sockets, for XDP programs to redirect packets to: a map of type [libbpf.MapTypeXSKMap].
// The kernel does not tell which they are.
type XSKMap struct{ a access }

// NewXSKMap makes a typed view of a map of type [libbpf.MapTypeXSKMap] (Linux 4.18).
func NewXSKMap(m libbpf.MapCore) (*XSKMap, error) {
	a, err := newIndexed(m, libbpf.MapTypeXSKMap, 4)
	if err != nil {
		return nil, err
	}
	return &XSKMap{a}, nil
}

func (m *XSKMap) access() *access {
	if m == nil {
		return &closed
	}
	return &m.a
}

// Map is the map behind it.
func (m *XSKMap) Map() libbpf.MapCore { return m.access().mapCore() }

// Pin makes the map last under a path on a bpf file system: see [libbpf.MapCore].
func (m *XSKMap) Pin(path string) error { return m.access().pin(path) }

// Len is the number of places.
func (m *XSKMap) Len() int { return m.access().len() }

// Set puts an AF_XDP socket at index, which should be the queue that it is bound to (bpf_map_update_elem):
// [libbpf.ErrIndexRange] beyond the end; errors.Is(err, unix.EOPNOTSUPP) when it is another kind of socket. fd remains
// the caller's, and the socket leaves the map by itself when it is closed.
func (m *XSKMap) Set(index uint32, fd int) error { return m.Update(index, fd, libbpf.Any) }

// Update is Set with flags: with [libbpf.NoExist] it is [libbpf.ErrKeyExist] if there is a socket already, with
// [libbpf.Exist] [libbpf.ErrKeyNotExist] if there is none.
func (m *XSKMap) Update(index uint32, fd int, flags libbpf.MapFlags) error {
	return m.access().setFD(bytesOf(&index), fd, flags)
}

// Delete empties the place at index, also when it is empty (bpf_map_delete_elem).
func (m *XSKMap) Delete(index uint32) error { return m.access().delete(bytesOf(&index)) }
