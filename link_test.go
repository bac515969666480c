package libbpf

import (
	"os"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// USDT links of one object must not be destroyed at the same time, nor while another is made: libbpf's bookkeeping for
// them is the object's. TestUSDTLinksCloseAtOnce finds that out the hard way, but not each time.
func TestUSDTLinkIsDestroyedUnderTheObjectsLock(t *testing.T) {
	testutil.Root(t)
	open, err := OpenFile(testutil.Object(t, "usdt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := open.SetGlobal("target_tgid", os.Getpid()); err != nil {
		t.Fatal(err)
	}
	o, err := open.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	links, err := o.Attach()
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	o.mu.Lock()
	go func() { closed <- links[0].Close() }()
	select {
	case <-closed:
		t.Error("destroyed without the lock")
	case <-time.After(200 * time.Millisecond):
	}
	o.mu.Unlock()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
