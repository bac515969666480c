package source

import (
	"maps"
	"slices"
	"sync"

	"github.com/libbpf-go/libbpf-go"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
)

// links are what keeps the programs of an object attached. A scrape asks for them while a reload moves them to another
// object.
type links struct {
	mu    sync.Mutex
	named map[config.Attach]*libbpf.Link // of the programs that the configuration names
	rest  []*libbpf.Link                 // of Object.Attach
}

func newLinks() *links { return &links{named: map[config.Attach]*libbpf.Link{}} }

// put adds the link of a program that the configuration names.
func (l *links) put(a config.Attach, link *libbpf.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.named[a] = link
}

// get is the link of a program, or nil.
func (l *links) get(a config.Attach) *libbpf.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.named[a]
}

// remove forgets a link, which stays.
func (l *links) remove(a config.Attach) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.named, a)
}

// setRest has the links of Object.Attach.
func (l *links) setRest(rest []*libbpf.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = rest
}

// all are all links.
func (l *links) all() []*libbpf.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(slices.Collect(maps.Values(l.named)), l.rest...)
}

// attached are the names of the programs that have a link.
func (l *links) attached() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := map[string]bool{}
	for _, link := range l.rest {
		if p := link.Program(); p != nil {
			names[p.Name()] = true
		}
	}
	for a := range l.named {
		names[a.Program.Text] = true
	}
	return names
}
