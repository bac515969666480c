package typed_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// An index beyond the end is the same error in all operations of all arrays, whatever the kernel says.
func TestIndexRange(t *testing.T) {
	const beyond = 2
	fd := openFD(t, "/dev/null")
	all := func(t *testing.T, errs ...error) {
		t.Helper()
		for i, err := range errs {
			if err == nil {
				t.Fatalf("no error from number %d", i)
			}
			wantErr(t, err, libbpf.ErrIndexRange, unix.E2BIG)
		}
	}
	t.Run("array", func(t *testing.T) {
		m := must[*typed.Array[uint32]](t)(typed.NewArray[uint32](create(t, libbpf.MapTypeArray, 4, 4, beyond)))
		var value uint32
		all(t, second(m.Lookup(beyond, libbpf.Any)), m.LookupInto(beyond, &value, libbpf.Any),
			m.Update(beyond, 1, libbpf.Any))
		check(t, second(m.Lookup(beyond-1, libbpf.Any)))
	})
	t.Run("per-CPU array", func(t *testing.T) {
		m := must[*typed.PerCPUArray[uint32]](t)(
			typed.NewPerCPUArray[uint32](create(t, libbpf.MapTypePerCPUArray, 4, 4, beyond)))
		values := make([]uint32, m.PossibleCPUs())
		all(t, second(m.Lookup(beyond, libbpf.Any)), m.LookupInto(beyond, values, libbpf.Any),
			m.Update(beyond, values, libbpf.Any))
		check(t, m.LookupInto(beyond-1, values, libbpf.Any))
	})
	t.Run("program array", func(t *testing.T) {
		m := must[*typed.ProgArray](t)(typed.NewProgArray(create(t, libbpf.MapTypeProgArray, 4, 4, beyond)))
		all(t, second(m.Lookup(beyond, libbpf.Any)), m.UpdateFD(beyond, fd, libbpf.Any), m.Delete(beyond))
		wantErr(t, m.Delete(beyond-1), libbpf.ErrKeyNotExist)
	})
	t.Run("cgroup array", func(t *testing.T) {
		m := must[*typed.CgroupArray](t)(typed.NewCgroupArray(create(t, libbpf.MapTypeCgroupArray, 4, 4, beyond)))
		all(t, m.Update(beyond, fd, libbpf.Any), m.Delete(beyond))
		wantErr(t, m.Delete(beyond-1), libbpf.ErrKeyNotExist)
	})
	t.Run("array of maps", func(t *testing.T) {
		inner := create(t, libbpf.MapTypeArray, 4, 4, 1)
		m := must[*typed.ArrayOfMaps](t)(typed.NewArrayOfMaps(createWith(t, libbpf.MapTypeArrayOfMaps, 4, 4, beyond,
			libbpf.MapCreateOptions{InnerMap: inner})))
		all(t, second(m.Lookup(beyond, libbpf.Any)), second(m.LookupID(beyond, libbpf.Any)),
			m.Update(beyond, inner, libbpf.Any), m.Delete(beyond))
	})
	t.Run("sockets", func(t *testing.T) {
		client, _ := tcp(t)
		m := must[*typed.SockMap](t)(typed.NewSockMap(create(t, libbpf.MapTypeSockMap, 4, 8, beyond)))
		all(t, second(m.Lookup(beyond, libbpf.Any)), m.UpdateConn(beyond, client, libbpf.Any), m.Delete(beyond))
		wantErr(t, m.Delete(beyond-1), unix.EINVAL)
	})
	t.Run("SO_REUSEPORT sockets", func(t *testing.T) {
		m := must[*typed.ReuseportSockArray](t)(
			typed.NewReuseportSockArray(create(t, libbpf.MapTypeReuseportSockArray, 4, 8, beyond)))
		all(t, second(m.Lookup(beyond, libbpf.Any)), m.Update(beyond, fd, libbpf.Any), m.Delete(beyond))
		wantErr(t, m.Delete(beyond-1), libbpf.ErrKeyNotExist)
	})
	t.Run("AF_XDP sockets", func(t *testing.T) {
		m := must[*typed.XSKMap](t)(typed.NewXSKMap(create(t, libbpf.MapTypeXSKMap, 4, 4, beyond)))
		all(t, m.Update(beyond, fd, libbpf.Any), m.Delete(beyond))
		check(t, m.Delete(beyond-1))
	})
	t.Run("devices", func(t *testing.T) {
		m := must[*typed.DevMap](t)(typed.NewDevMap(create(t, libbpf.MapTypeDevMap, 4, 4, beyond)))
		all(t, second(m.Lookup(beyond, libbpf.Any)), m.Update(beyond, loopback(t), libbpf.Any), m.Delete(beyond))
		check(t, m.Delete(beyond-1))
	})
	t.Run("CPUs", func(t *testing.T) {
		m := must[*typed.CPUMap](t)(typed.NewCPUMap(create(t, libbpf.MapTypeCPUMap, 4, 4, 1)))
		all(t, second(m.Lookup(1, libbpf.Any)), m.Update(1, 64, libbpf.Any), m.Delete(1))
		check(t, m.Delete(0))
	})
	t.Run("object", func(t *testing.T) {
		o := loadGlobals(t, openGlobals(t))
		m := must[*libbpf.Map](t)(o.Map(".data.hidden"))
		a := must[*typed.Array[[8]byte]](t)(typed.NewArray[[8]byte](m))
		all(t, second(a.Lookup(1, libbpf.Any)), a.Update(1, [8]byte{}, libbpf.Any))
	})
}
