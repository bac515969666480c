package main

import (
	"github.com/aquasecurity/libbpfgo"

	"github.com/libbpf-go/libbpf-go"
)

// channelRoom is how many records libbpfgo's channel holds.
const channelRoom = 1000

// goRing is a ring as libbpfgo has it: a goroutine of its own sends each record through a channel, which stopping it
// closes.
type goRing struct {
	module *libbpfgo.Module
	name   string
	ring   *libbpfgo.RingBuffer
	events chan []byte
}

func newGoRing(m *libbpf.Map) (*goRing, error) {
	// It prints all that libbpf has to say.
	libbpfgo.SetLoggerCbs(libbpfgo.Callbacks{Log: func(int, string) {}})
	module, err := libbpfgo.NewModuleFromFileArgs(libbpfgo.NewModuleArgs{BPFObjPath: object, SkipMemlockBump: true})
	if err != nil {
		return nil, err
	}
	theirs, err := module.GetMap(m.Name())
	if err != nil {
		return nil, err
	}
	return &goRing{module: module, name: m.Name()}, theirs.ReuseFD(m.FD())
}

// take receives n records.
func (r *goRing) take(n int, see func([]byte)) (int, error) {
	var err error
	r.events = make(chan []byte, channelRoom)
	r.ring, err = r.module.InitRingBuf(r.name, r.events)
	if err != nil {
		return 0, err
	}
	defer r.ring.Close()
	r.ring.Poll(1) // ms, which is also how long it takes to stop
	for range n {
		see(<-r.events)
	}
	return n, nil
}
