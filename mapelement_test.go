package libbpf_test

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// The results of many keys are in the order of the keys, also for absent and repeated keys.
func TestLookupMany(t *testing.T) {
	m := findMap(t, loadMaps(t), "hash")
	check(t, m.Update(u32(1), u64(11), libbpf.Any))
	check(t, m.Update(u32(2), u64(22), libbpf.Any))
	keys := bytes.Join([][]byte{u32(2), u32(9), u32(1), u32(2)}, nil)
	values := bytes.Repeat([]byte{0xff}, 4*8)
	found := []bool{false, true, false, false}
	n, err := m.LookupMany(keys, values, found, libbpf.Any)
	check(t, err)
	want := bytes.Join([][]byte{u64(22), u64(1<<64 - 1), u64(11), u64(22)}, nil)
	if n != 3 || !bytes.Equal(values, want) || !found[0] || found[1] || !found[2] || !found[3] {
		t.Errorf("%d found, %v, values %x", n, found, values)
	}
	if n, err := m.LookupMany(nil, nil, nil, libbpf.Any); n != 0 || err != nil {
		t.Errorf("no keys: %d, %v", n, err)
	}
	for _, wrong := range []func() (int, error){
		func() (int, error) { return m.LookupMany(keys[1:], values, found, libbpf.Any) },
		func() (int, error) { return m.LookupMany(keys, values[1:], found, libbpf.Any) },
		func() (int, error) { return m.LookupMany(keys, values, found[1:], libbpf.Any) },
		func() (int, error) { return m.LookupMany(keys, values, nil, libbpf.Any) },
		func() (int, error) { return m.LookupMany(keys, values, found, libbpf.OnCPU(0)) },
	} {
		n, err := wrong()
		wantErr(t, err, libbpf.ErrInvalid)
		if n != 0 {
			t.Errorf("%d found", n)
		}
	}
	if n := testutil.AllocsPerRun(100, func() { _, _ = m.LookupMany(keys, values, found, libbpf.Any) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A key that the kernel refuses ends LookupMany. The keys before it are done; the keys after it count as not found.
func TestLookupManyFails(t *testing.T) {
	_, get := loadMapTypes(t)
	m := get(t, "sk_storage")
	socket := u32(uint32(tcpSocket(t)))
	check(t, m.Update(socket, u64(7), libbpf.Any))
	keys := bytes.Join([][]byte{socket, socket, u32(1 << 30), socket}, nil) // a descriptor that is not open
	values, found := make([]byte, 4*8), []bool{true, true, true, true}
	n, err := m.LookupMany(keys, values, found, libbpf.Any)
	wantErr(t, err, unix.EBADF)
	if n != 2 || !found[0] || !found[1] || found[2] || found[3] || !strings.Contains(err.Error(), "key 2 of 4") {
		t.Errorf("%d found, %v, %v", n, found, err)
	}
}

// For per-CPU maps, LookupMany returns the values of all CPUs, laid out as in LookupPerCPUInto.
func TestLookupManyPerCPU(t *testing.T) {
	cpus, err := libbpf.PossibleCPUs()
	check(t, err)
	m, err := libbpf.CreateMap(libbpf.MapTypePerCPUHash, "percpu", 4, 4, 8, libbpf.MapCreateOptions{})
	check(t, err)
	defer m.Close()
	element := func(base uint32) (values [][]byte, image []byte) {
		for cpu := range cpus {
			values = append(values, u32(base+uint32(cpu)))
			image = append(append(image, u32(base+uint32(cpu))...), 0, 0, 0, 0)
		}
		return values, image
	}
	one, first := element(100)
	two, second := element(200)
	check(t, m.UpdatePerCPU(u32(1), one, libbpf.Any))
	check(t, m.UpdatePerCPU(u32(2), two, libbpf.Any))
	got, found := make([]byte, 3*8*cpus), make([]bool, 3)
	n, err := m.LookupMany(append(append(u32(2), u32(3)...), u32(1)...), got, found, libbpf.Any)
	check(t, err)
	if want := append(append(second, make([]byte, 8*cpus)...), first...); n != 2 || !bytes.Equal(got, want) {
		t.Errorf("%d found, %v, %x, want %x", n, found, got, want)
	}
}
