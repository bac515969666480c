package libbpf_test

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// loadTC loads the named programs of tc.bpf.o for an attach type of tcx or netkit.
func loadTC(t testing.TB, attachType libbpf.ProgramAttachType, names ...string) *libbpf.Object {
	t.Helper()
	o := open(t, "tc")
	for _, name := range names {
		p, err := o.Program(name)
		check(t, err)
		check(t, p.SetAttachType(attachType))
	}
	return load(t, o)
}

// wantNoTC checks that there is no hook, or no program. The error depends on the kernel.
func wantNoTC(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, os.ErrNotExist) || errors.Is(err, libbpf.ErrInvalid) {
		t.Fatalf("error %v", err)
	}
}

func TestTC(t *testing.T) {
	o := load(t, open(t, "tc"))
	first, second, drop := findProgram(t, o, "first"), findProgram(t, o, "second"), findProgram(t, o, "drop")
	firstHits, secondHits, drops := counter(t, o, "first_hits"), counter(t, o, "second_hits"), counter(t, o, "drops")
	for _, point := range []libbpf.TCAttachPoint{libbpf.TCIngress, libbpf.TCEgress} {
		w := newWire(t)
		hook := libbpf.TCHook{IfIndex: w.far, AttachPoint: point}
		if point == libbpf.TCEgress {
			hook.IfIndex = w.near
		}
		w.net.Do(func() {
			_, err := hook.Attach(first, libbpf.TCOptions{})
			wantNoTC(t, err)
			wantNoTC(t, hook.Destroy())
			check(t, hook.Create())
			wantErr(t, hook.Create(), os.ErrExist)
			w.wantPass(firstHits, false)

			filter, err := hook.Attach(first, libbpf.TCOptions{})
			check(t, err)
			if filter.Handle == 0 || filter.Priority == 0 || filter.ProgramID != programID(t, first) {
				t.Errorf("%+v", filter)
			}
			w.wantPass(firstHits, true)
			queried, err := hook.Query(filter.Handle, filter.Priority)
			check(t, err)
			if queried != filter {
				t.Errorf("queried %+v, want %+v", queried, filter)
			}
			at := libbpf.TCOptions{Handle: filter.Handle, Priority: filter.Priority}
			_, err = hook.Attach(second, at)
			wantErr(t, err, os.ErrExist)
			at.Replace = true
			filter, err = hook.Attach(second, at)
			check(t, err)
			if filter.ProgramID != programID(t, second) || filter.Handle != at.Handle || filter.Priority != at.Priority {
				t.Errorf("replaced: %+v", filter)
			}
			w.wantPass(firstHits, false)
			w.wantPass(secondHits, true)

			// A lower priority runs first: this program drops what the other one then does not see.
			chosen, err := hook.Attach(drop, libbpf.TCOptions{Handle: 7, Priority: 1})
			check(t, err)
			if chosen != (libbpf.TCFilter{Handle: 7, Priority: 1, ProgramID: programID(t, drop)}) {
				t.Errorf("%+v", chosen)
			}
			if n := grows(secondHits, func() { w.lost(drops) }); n != 0 {
				t.Errorf("%d hits after the drop", n)
			}
			check(t, hook.Detach(7, 1))
			_, err = hook.Query(7, 1)
			wantNoTC(t, err)
			wantNoTC(t, hook.Detach(7, 1))
			w.wantPass(secondHits, true)

			check(t, hook.Destroy()) // flushes this direction
			w.wantPass(secondHits, false)
			_, err = hook.Query(filter.Handle, filter.Priority)
			wantNoTC(t, err)
			wantErr(t, hook.Create(), os.ErrExist)
			both := hook
			both.AttachPoint = libbpf.TCIngress | libbpf.TCEgress
			check(t, both.Destroy())
			check(t, both.Create())
			check(t, both.Destroy())
		})
	}
}

// A netlink attachment survives the object.
func TestTCSurvives(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "tc"))
	hook := libbpf.TCHook{IfIndex: w.far, AttachPoint: libbpf.TCIngress}
	w.net.Do(func() {
		check(t, hook.Create())
		filter, err := hook.Attach(findProgram(t, o, "drop"), libbpf.TCOptions{})
		check(t, err)
		check(t, o.Close())
		queried, err := hook.Query(filter.Handle, filter.Priority)
		check(t, err)
		if queried != filter {
			t.Errorf("queried %+v, want %+v", queried, filter)
		}
		check(t, hook.Detach(filter.Handle, filter.Priority))
		w.pass()
	})
}

// A Parent that is the same place as TCIngress.
func TestTCCustomParent(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "tc"))
	hits := counter(t, o, "first_hits")
	w.net.Do(func() {
		custom := libbpf.TCHook{
			IfIndex: w.far, AttachPoint: libbpf.TCCustom,
			Parent: libbpf.TCHandle(uint16(libbpf.TCHandleClsact>>16), uint16(libbpf.TCHandleMinIngress)),
		}
		wantErr(t, custom.Create(), errors.ErrUnsupported)
		wantErr(t, custom.Destroy(), errors.ErrUnsupported)
		ingress := libbpf.TCHook{IfIndex: w.far, AttachPoint: libbpf.TCIngress}
		check(t, ingress.Create())
		filter, err := custom.Attach(findProgram(t, o, "first"), libbpf.TCOptions{Priority: 3})
		check(t, err)
		w.wantPass(hits, true)
		queried, err := ingress.Query(filter.Handle, 3)
		check(t, err)
		if queried != filter {
			t.Errorf("queried %+v, want %+v", queried, filter)
		}
		check(t, custom.Detach(filter.Handle, 3))
		w.wantPass(hits, false)
	})
}

// A program redirects incoming packets to another device.
func TestTCRedirect(t *testing.T) {
	n := testutil.NewNetwork(t)
	near, far := n.Veth()
	out, end := n.Veth()
	in, other := plug(t, n, near, far), plug(t, n, out, end)
	o := load(t, open(t, "tc"))
	*variable[uint32](t, o, "redirect_to") = uint32(out)
	hook := libbpf.TCHook{IfIndex: far, AttachPoint: libbpf.TCIngress}
	n.Do(func() {
		check(t, hook.Create())
		_, err := hook.Attach(findProgram(t, o, "redirect"), libbpf.TCOptions{})
		check(t, err)
		in.sent += 1000 // the two wires have separate counts
		in.send()
		if !in.arrives(other.receiver) {
			t.Error("the frame did not arrive")
		}
	})
}

// A queueing discipline that is fully described. Here it is the one of TCIngress and TCEgress.
func TestTCQdisc(t *testing.T) {
	w := newWire(t)
	o := load(t, open(t, "tc"))
	hits := counter(t, o, "first_hits")
	w.net.Do(func() {
		hook := libbpf.TCHook{
			IfIndex: w.near, AttachPoint: libbpf.TCQdisc, Qdisc: "clsact", Parent: libbpf.TCHandleClsact,
			QdiscHandle: libbpf.TCHandle(0xffff, 0),
		}
		err := hook.Create()
		if old := (*libbpf.VersionError)(nil); errors.As(err, &old) {
			testutil.Skip(t, "libbpf-1.6", err)
		}
		check(t, err)
		wantErr(t, hook.Create(), os.ErrExist)
		egress := libbpf.TCHook{IfIndex: w.near, AttachPoint: libbpf.TCEgress}
		_, err = egress.Attach(findProgram(t, o, "first"), libbpf.TCOptions{})
		check(t, err)
		w.wantPass(hits, true)
		check(t, hook.Destroy())
		w.wantPass(hits, false)
		wantNoTC(t, hook.Destroy())
		unknown := hook
		unknown.Qdisc = "no such kind"
		wantErr(t, unknown.Create(), os.ErrNotExist)
	})
}

func TestTCRefusals(t *testing.T) {
	o := load(t, open(t, "tc"))
	first := findProgram(t, o, "first")
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	n.Do(func() {
		for _, hook := range []libbpf.TCHook{
			{},
			{AttachPoint: libbpf.TCIngress},
			{IfIndex: -1, AttachPoint: libbpf.TCIngress},
			{IfIndex: veth},
			{IfIndex: veth, AttachPoint: 1 << 4},
			{IfIndex: veth, AttachPoint: libbpf.TCIngress, Parent: 1},
			{IfIndex: veth, AttachPoint: libbpf.TCCustom},
			{IfIndex: veth, AttachPoint: libbpf.TCIngress, Qdisc: "prio"},
			{IfIndex: veth, AttachPoint: libbpf.TCIngress, QdiscHandle: 1},
		} {
			wantErr(t, hook.Create(), libbpf.ErrInvalid)
			wantErr(t, hook.Destroy(), libbpf.ErrInvalid)
			_, err := hook.Attach(first, libbpf.TCOptions{})
			wantErr(t, err, libbpf.ErrInvalid)
			_, err = hook.Query(1, 1)
			wantErr(t, err, libbpf.ErrInvalid)
			wantErr(t, hook.Detach(1, 1), libbpf.ErrInvalid)
		}
		for _, qdisc := range []libbpf.TCHook{
			{Qdisc: "", Parent: 1}, {Qdisc: "prio"}, {Qdisc: "pr\x00io", Parent: 1},
		} {
			qdisc.IfIndex, qdisc.AttachPoint = veth, libbpf.TCQdisc
			if err := qdisc.Create(); !errors.Is(err, libbpf.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%v: %v", qdisc, err)
			}
		}
		hook := libbpf.TCHook{IfIndex: veth, AttachPoint: libbpf.TCIngress}
		check(t, hook.Create())
		both := hook
		both.AttachPoint |= libbpf.TCEgress
		_, err := both.Attach(first, libbpf.TCOptions{})
		wantErr(t, err, libbpf.ErrInvalid)
		_, err = hook.Query(0, 1)
		wantErr(t, err, libbpf.ErrInvalid)
		wantErr(t, hook.Detach(1, 0), libbpf.ErrInvalid)
		_, err = hook.Attach(nil, libbpf.TCOptions{})
		wantErr(t, err, libbpf.ErrClosed)
		_, err = hook.Attach(findProgram(t, load(t, open(t, "xdp")), "pass"), libbpf.TCOptions{})
		wantErr(t, err, libbpf.ErrInvalid)
		check(t, o.Close())
		_, err = hook.Attach(first, libbpf.TCOptions{})
		wantErr(t, err, libbpf.ErrClosed)

		n.Remove(veth)
		wantErr(t, hook.Create(), unix.ENODEV)
		wantErr(t, hook.Destroy(), unix.ENODEV)
		_, err = hook.Query(1, 1)
		wantErr(t, err, unix.ENODEV)
		wantErr(t, hook.Detach(1, 1), unix.ENODEV)
	})
}

// Closing the object while several goroutines attach, query and detach its program does not crash. It also attaches
// nothing else whose descriptor has the same number.
func TestTCAndXDPConcurrentClose(t *testing.T) {
	n := testutil.NewNetwork(t)
	near, far := n.Veth()
	hook := libbpf.TCHook{IfIndex: near, AttachPoint: libbpf.TCIngress}
	n.Do(func() { check(t, hook.Create()) })
	for range 5 {
		tc, xdp := load(t, open(t, "tc")), load(t, open(t, "xdp"))
		first, pass := findProgram(t, tc, "first"), findProgram(t, xdp, "pass")
		done := make(chan error)
		attached := make(chan bool, 1)
		worker := func(once func() error) {
			n.Do(func() {
				for {
					if err := once(); err != nil {
						done <- err
						return
					}
					select {
					case attached <- true:
					default:
					}
				}
			})
		}
		for priority := range uint16(2) {
			go worker(func() error {
				filter, err := hook.Attach(first, libbpf.TCOptions{Priority: priority + 1})
				if err != nil {
					return err
				}
				if _, err := hook.Query(filter.Handle, filter.Priority); err != nil {
					t.Error(err)
				}
				return hook.Detach(filter.Handle, filter.Priority)
			})
			dev := libbpf.XDP{IfIndex: []int{near, far}[priority], Flags: libbpf.XDPSKBMode}
			go worker(func() error {
				if err := dev.Attach(pass); err != nil {
					return err
				}
				return dev.DetachProgram(pass)
			})
		}
		<-attached
		check(t, tc.Close())
		check(t, xdp.Close())
		for range 4 {
			wantErr(t, <-done, libbpf.ErrClosed)
		}
		for _, device := range []int{near, far} { // what was attached when its object was closed
			n.Do(func() { check(t, libbpf.XDP{IfIndex: device, Flags: libbpf.XDPSKBMode}.Detach()) })
		}
	}
}

// Only the error says that a hook exists already: libbpf's warning about it is not printed.
func TestTCIsQuiet(t *testing.T) {
	n := testutil.NewNetwork(t)
	veth, _ := n.Veth()
	t.Cleanup(func() { libbpf.SetPrint(libbpf.PrintWarn, libbpf.SlogPrint(slog.Default())) })
	var all printed
	libbpf.SetPrint(libbpf.PrintWarn, all.print)
	n.Do(func() {
		hook := libbpf.TCHook{IfIndex: veth, AttachPoint: libbpf.TCIngress}
		check(t, hook.Create())
		err := hook.Create()
		wantErr(t, err, os.ErrExist)
		var failed *libbpf.Error
		if !errors.As(err, &failed) || len(failed.Messages) == 0 {
			t.Errorf("%#v", err)
		}
	})
	if len(all.messages) > 0 {
		t.Errorf("printed %q", all.messages)
	}
}
