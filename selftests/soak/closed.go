package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/libbpf-go/libbpf-go"
)

// closedIDs are the ids of what is closed, or will be at the end of a cycle. The kernel must forget them: what it still
// knows later is a reference that somebody has lost. It gives no id twice, for years.
type closedIDs struct {
	mu  sync.Mutex
	ids []closedID
}

type closedID struct {
	kind string
	id   uint32
	open func(id uint32) (interface{ Close() error }, error)
}

func openMap(id uint32) (interface{ Close() error }, error) { return libbpf.MapHandleFromID(id) }
func openProgram(id uint32) (interface{ Close() error }, error) {
	return libbpf.ProgramHandleFromID(id)
}
func openLink(id uint32) (interface{ Close() error }, error) { return libbpf.LinkFromID(id) }

func (c *closedIDs) note(kind string, id uint32, open func(uint32) (interface{ Close() error }, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids = append(c.ids, closedID{kind, id, open})
}

func (c *closedIDs) addMaps(maps ...libbpf.MapCore) error {
	for _, m := range maps {
		info, err := m.Info()
		if err != nil {
			return err
		}
		c.note("map", info.ID, openMap)
	}
	return nil
}

// add notes the maps, programs and links of an object.
func (c *closedIDs) add(o *Churn) error {
	for _, link := range []*libbpf.Link{o.Links.OnSysEnter, o.Links.Visit} {
		if link == nil {
			continue
		}
		info, err := link.Info()
		if err != nil {
			return err
		}
		c.note("link", info.ID, openLink)
	}
	for p := range o.Object.Programs() {
		if p.FD() < 0 {
			continue // it was not loaded
		}
		info, err := p.Info(0)
		if err != nil {
			return err
		}
		c.note("program", info.ID, openProgram)
	}
	for m := range o.Object.Maps() {
		if err := c.addMaps(m); err != nil {
			return err
		}
	}
	return nil
}

// left forgets those that the kernel has forgotten, and returns how many there are still.
func (c *closedIDs) left() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var known []closedID
	for _, id := range c.ids {
		opened, err := id.open(id.id)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := opened.Close(); err != nil {
			return 0, err
		}
		known = append(known, id)
	}
	c.ids = known
	return len(known), nil
}

// awaitGone waits until the kernel has forgotten all of them: it frees things some time after their last user.
func (c *closedIDs) awaitGone() error {
	for range 600 {
		if n, err := c.left(); err != nil || n == 0 {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("the kernel still has the %s %d, and %d others that were closed", c.ids[0].kind, c.ids[0].id, len(c.ids)-1)
}
