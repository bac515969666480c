package decoder

import (
	"net"
	"strconv"
	"sync"
)

// Interfaces are network interfaces of the exporter's network namespace.
type Interfaces struct {
	mu    sync.Mutex
	names map[uint64]string
	limit limit
}

func (t *Interfaces) decode(f Field) (string, Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name, ok := t.names[f.Number]
	if !ok {
		if turn := t.limit.ask(f.Number); turn == wait {
			return "", Later
		} else if turn == look {
			t.read()
			name, ok = t.names[f.Number]
		}
	}
	if !ok {
		return "ifindex_" + strconv.FormatUint(f.Number, 10), Known
	}
	return name, Known
}

func (t *Interfaces) read() {
	all, err := net.Interfaces()
	if err != nil {
		return
	}
	t.names = map[uint64]string{}
	for _, i := range all {
		t.names[uint64(i.Index)] = i.Name
	}
}
