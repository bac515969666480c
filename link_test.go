package libbpf

import (
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Destroying USDT links of one object must be serialized, also with making one, because they share libbpf's data in the
// object. TestUSDTLinksCloseAtOnce fails without it, but not each time.
func TestUSDTLinkIsDestroyedUnderTheObjectsLock(t *testing.T) {
	testutil.Root(t)
	for name, attach := range map[string]func(*Object) (*Link, error){
		"on_probe": func(o *Object) (*Link, error) {
			links, err := o.Attach()
			if err != nil {
				return nil, err
			}
			return links[0], nil
		},
		// Its section is not a USDT section.
		"on_multi": func(o *Object) (*Link, error) {
			p, err := o.Program("on_multi")
			if err != nil {
				return nil, err
			}
			return p.AttachUSDT(ThisProcess, "/proc/self/exe", "libbpf_go", "probe", USDTOptions{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			open, err := OpenFile(testutil.Object(t, "usdt"))
			if err != nil {
				t.Fatal(err)
			}
			for p := range open.Programs() {
				if err := p.SetAutoload(p.Name() == name); err != nil {
					t.Fatal(err)
				}
			}
			o, err := open.Load()
			if old := needs("uprobe.multi", 1, 3); err != nil && old != nil {
				testutil.Skip(t, "libbpf-1.3", old)
			}
			if err != nil && testutil.Refused(err) {
				testutil.Skip(t, "uprobe", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			link, err := attach(o)
			if err != nil && testutil.Refused(err) {
				testutil.Skip(t, "uprobe", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			closed := make(chan error, 1)
			o.mu.Lock()
			go func() { closed <- link.Close() }()
			select {
			case err := <-closed:
				t.Error("destroyed without the lock")
				closed <- err
			case <-time.After(200 * time.Millisecond):
			}
			o.mu.Unlock()
			if err := <-closed; err != nil {
				t.Error(err)
			}
		})
	}
}
