package wait

import "sync/atomic"

// Flag tells a loop that hands over records to stop and ask why. The loop looks at it before each record, because
// nothing costs less.
type Flag struct{ state atomic.Uint32 }

const (
	lowered  = iota
	raised   // no record may be handed over before a look at the reason
	promised // as lowered, but the end of a context does not raise it: the next record is handed over all the same
)

// Raise tells the loop to stop.
func (f *Flag) Raise() { f.state.Store(raised) }

// IsRaised reports whether the loop has to stop.
func (f *Flag) IsRaised() bool { return f.state.Load() == raised }

// raiseUnlessPromised is Raise, for the end of a context.
func (f *Flag) raiseUnlessPromised() { f.state.CompareAndSwap(lowered, raised) }

// lower lowers it; with a promise, only Raise raises it again.
func (f *Flag) lower(promise bool) {
	if promise {
		f.state.Store(promised)
	} else if f.state.Load() != lowered { // a store that changes nothing costs more than the look
		f.state.Store(lowered)
	}
}
