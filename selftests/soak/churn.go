package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// churnJobs open, use and close.
func (s *soak) churnJobs() []*job {
	return []*job{
		{name: "object", cycle: s.object},
		{name: "rejected object", cycle: s.rejected},
		{name: "map", cycle: s.mapOfEachKind},
		{name: "map closed in use", cycle: s.closeInUse},
		{name: "waiting reader", cycle: s.waitingReaders},
		{name: "linked object", cycle: link},
		{name: "types", cycle: types},
		{name: "kernel types", cycle: kernelTypes},
		{name: "pin", cycle: s.pin},
	}
}

func (s *soak) openChurn() (*ChurnOpen, error) {
	open, err := OpenChurn(libbpf.ObjectBuilder{})
	if err != nil {
		return nil, err
	}
	open.Rodata.TargetTGID, open.Rodata.GetpgidNr = uint32(os.Getpid()), unix.SYS_GETPGID
	open.Rodata.Argument = rand.Uint32() | 1<<31 // nobody else's
	return open, nil
}

const calls = 10

// callsOf calls getpgid as often as calls says.
func callsOf(argument uint32) {
	for range calls {
		_, _ = unix.Getpgid(int(argument))
	}
}

// loadChurn loads churn.bpf.o with an iterator over its map, which is nil if the kernel refuses iterators.
func (s *soak) loadChurn() (loaded *Churn, visit *libbpf.Link, err error) {
	for _, iterates := range []bool{true, false} {
		open, err := s.openChurn()
		if err != nil {
			return nil, nil, err
		}
		err = open.Programs.Visit.SetAutoload(iterates)
		if err == nil {
			loaded, err = open.Load()
		}
		if err := errors.Join(err, open.Close()); err != nil && !(iterates && errors.Is(err, unix.EPERM)) {
			return nil, nil, err
		}
		if err != nil {
			continue
		}
		if iterates {
			visit, err = loaded.Programs.Visit.AttachIter(libbpf.IterOptions{Map: loaded.Maps.ByArgument.Map()})
			loaded.Links.Visit = visit // Attach has nothing left to do for it
		}
		if err != nil {
			return nil, nil, errors.Join(err, loaded.Close())
		}
		break
	}
	err = loaded.Attach()
	if err == nil {
		err = s.closed.add(loaded)
	}
	if err != nil {
		return nil, nil, errors.Join(err, loaded.Close())
	}
	return loaded, visit, nil
}

// object loads, attaches, counts, visits its elements, and closes.
func (s *soak) object(r *rand.Rand) error {
	o, visit, err := s.loadChurn()
	if err != nil {
		return err
	}
	defer o.Close()
	argument := o.Rodata.Argument
	callsOf(argument)
	count, err := o.Maps.ByArgument.Lookup(argument, libbpf.Any)
	if err != nil {
		return err
	}
	if count.Calls > calls || o.Bss.OnRaw != count.Calls {
		return fmt.Errorf("%d and %d of %d calls were counted", count.Calls, o.Bss.OnRaw, calls)
	}
	if visit != nil {
		it, err := libbpf.NewIter(visit)
		if err != nil {
			return err
		}
		keys, err := io.ReadAll(it)
		if err := errors.Join(err, it.Close()); err != nil {
			return err
		}
		if len(keys) != 4 || o.Bss.Visited != 1 {
			return fmt.Errorf("%d elements were visited, and have keys %x", o.Bss.Visited, keys)
		}
	}
	if r.IntN(2) == 0 {
		return o.Links.OnSysEnter.Close() // else the object closes it
	}
	return nil
}

// rejected asks for what the kernel, or libbpf, refuses.
func (s *soak) rejected(r *rand.Rand) error {
	open, err := s.openChurn()
	if err != nil {
		return err
	}
	defer open.Close()
	if err := open.Programs.Rejected.SetAutoload(true); err != nil {
		return err
	}
	var rejected *libbpf.VerifierError
	if _, err := open.Load(); !errors.As(err, &rejected) {
		return fmt.Errorf("the verifier did not reject it: %w", err)
	}
	damaged := bytes.Clone(ChurnELF()[:r.IntN(len(ChurnELF()))])
	o, err := libbpf.OpenMemory(damaged)
	if err == nil {
		err = o.Close()
		return errors.Join(fmt.Errorf("%d bytes of an object were opened", len(damaged)), err)
	}
	_, err = libbpf.CreateMap(libbpf.MapTypeHash, "none", 0, 8, 1, libbpf.MapCreateOptions{})
	if !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("a hash table without keys: %w", err)
	}
	return nil
}

// waitingReaders opens readers of what nobody writes to. They wait, and are ended.
func (s *soak) waitingReaders(r *rand.Rand) error {
	ring, err := libbpf.CreateMap(libbpf.MapTypeRingBuf, "idle", 0, 0, 1<<16, libbpf.MapCreateOptions{})
	if err != nil {
		return err
	}
	defer ring.Close()
	cpus, err := libbpf.PossibleCPUs()
	if err != nil {
		return err
	}
	perf, err := libbpf.CreateMap(libbpf.MapTypePerfEventArray, "idle", 4, 4, uint32(cpus), libbpf.MapCreateOptions{})
	if err != nil {
		return err
	}
	defer perf.Close()
	if err := s.closed.addMaps(ring, perf); err != nil {
		return err
	}
	for _, open := range []func() (wait func(context.Context) error, close func() error, err error){
		func() (func(context.Context) error, func() error, error) {
			reader, err := libbpf.NewRingReader(ring)
			return func(ctx context.Context) (err error) {
				for range reader.Records(ctx, &err) {
					return errors.New("a record came from nowhere")
				}
				return err
			}, reader.Close, err
		},
		func() (func(context.Context) error, func() error, error) {
			reader, err := libbpf.NewPerfReader(perf, libbpf.PerfReaderOptions{Pages: 1})
			return func(ctx context.Context) (err error) {
				for range reader.Records(ctx, &err) {
					return errors.New("a record came from nowhere")
				}
				return err
			}, reader.Close, err
		},
		func() (func(context.Context) error, func() error, error) {
			buffer, err := libbpf.RingBufferBuilder{Sources: []libbpf.RingSource{{
				Map: ring, Callback: func([]byte) error { return errors.New("a record came from nowhere") },
			}}}.Build()
			return func(ctx context.Context) error {
				_, err := buffer.PollContext(ctx)
				return err
			}, buffer.Close, err
		},
	} {
		wait, closeIt, err := open()
		if err != nil {
			return err
		}
		ctx, end := moment(r)
		if r.IntN(2) == 0 {
			soon := ctx
			ctx = context.Background()
			var closer sync.WaitGroup
			closer.Go(func() {
				<-soon.Done()
				_ = closeIt()
			})
			err = wait(ctx)
			closer.Wait()
			if !errors.Is(err, libbpf.ErrClosed) {
				err = errors.Join(errors.New("Close did not end it"), err)
			} else {
				err = nil
			}
		} else if err = wait(ctx); err == nil {
			err = errors.New("nothing ended it")
		} else {
			err = unlessEnded(err)
		}
		end()
		if err := errors.Join(err, closeIt()); err != nil {
			return err
		}
	}
	return nil
}

// link joins two objects, and opens the result.
func link(*rand.Rand) error {
	var joined bytes.Buffer
	linker, err := libbpf.NewLinkerTo(&joined)
	if err != nil {
		return err
	}
	defer linker.Close()
	for name, object := range map[string][]byte{"churn": ChurnELF(), "samples": SamplesELF()} {
		if err := linker.AddMemory(name, object); err != nil {
			return err
		}
	}
	if err := linker.Link(); err != nil {
		return err
	}
	o, err := libbpf.OpenMemory(joined.Bytes())
	if err != nil {
		return err
	}
	defer o.Close()
	for _, name := range []string{"take", "on_sys_enter"} {
		if _, err := o.Program(name); err != nil {
			return err
		}
	}
	return nil
}

// types reads the types of an object, and a value by them.
func types(*rand.Rand) error {
	o, err := libbpf.OpenMemory(ChurnELF())
	if err != nil {
		return err
	}
	defer o.Close()
	all, err := o.BTF()
	if err != nil {
		return err
	}
	defer all.Close()
	if err := all.DumpC(io.Discard, btf.DumpCOptions{}); err != nil {
		return err
	}
	decoded, err := decode.NewTypes(all)
	if err != nil {
		return err
	}
	count, err := decoded.Named("struct count")
	if err != nil {
		return err
	}
	value := make([]byte, count.Size())
	if err := count.Set(value, `{"calls":7}`); err != nil {
		return err
	}
	if text := count.Text(value); text != "{calls=7 last_ns=0}" {
		return fmt.Errorf("the value became %s", text)
	}
	return nil
}

// kernelTypes reads the kernel's types, which are many megabytes, and adds one.
func kernelTypes(*rand.Rand) error {
	kernel, err := btf.LoadKernel()
	if err != nil {
		return err
	}
	defer kernel.Close()
	task, err := kernel.TypeByName("task_struct", btf.KindStruct)
	if err != nil {
		return err
	}
	builder := btf.NewSplitBuilder(kernel)
	defer builder.Close()
	builder.AddTypedef("task", task.ID())
	if err := builder.Err(); err != nil {
		return err
	}
	time.Sleep(roundTime / 2) // it is enough to do this now and then
	return nil
}

// openPins makes a bpf file system that is in no folder: it goes with its descriptor.
func (s *soak) openPins() error {
	fs, err := unix.Fsopen("bpf", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return err
	}
	s.pins, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	return err
}

// pin pins an object's link and map, closes the object, and goes on with what is pinned.
func (s *soak) pin(r *rand.Rand) error {
	o, _, err := s.loadChurn()
	if err != nil {
		return err
	}
	defer o.Close()
	argument := o.Rodata.Argument
	folder := fmt.Sprintf("/proc/self/fd/%d", s.pins)
	link, counts := filepath.Join(folder, "link"), filepath.Join(folder, "counts")
	defer os.Remove(link)
	defer os.Remove(counts)
	if err := errors.Join(o.Links.OnSysEnter.Pin(link), o.Maps.ByArgument.Map().Pin(counts)); err != nil {
		return err
	}
	callsOf(argument)
	if err := o.Close(); err != nil {
		return err
	}
	pinned, err := libbpf.LinkFromPinnedPath(link)
	if err != nil {
		return err
	}
	defer pinned.Close()
	m, err := libbpf.MapHandleFromPinnedPath(counts)
	if err != nil {
		return err
	}
	defer m.Close()
	callsOf(argument)
	count, err := typedCounts(m, argument)
	if err != nil {
		return err
	}
	if count > 2*calls {
		return fmt.Errorf("%d of %d calls were counted", count, 2*calls)
	}
	return errors.Join(pinned.Unpin(), m.Unpin(counts))
}
