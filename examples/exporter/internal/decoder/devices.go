package decoder

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Devices are block devices, by the number that the kernel has of them (dev_t): 12 bits and 20 bits.
type Devices struct {
	root  string
	mu    sync.Mutex
	names map[uint64]string
}

func (t *Devices) decode(f Field) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	name, ok := t.names[f.Number]
	if ok {
		return name
	}
	name = fmt.Sprintf("%d:%d", f.Number>>20, f.Number&(1<<20-1))
	if target, err := os.Readlink(filepath.Join(t.root, name)); err == nil {
		name = filepath.Base(target)
		t.names[f.Number] = name
	}
	return name
}
