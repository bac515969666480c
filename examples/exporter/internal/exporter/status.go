package exporter

import "time"

// Status is how the exporter does.
type Status struct {
	Ready   bool           `json:"ready"`
	Alive   bool           `json:"alive"`
	Objects []ObjectStatus `json:"objects"`
}

// ObjectStatus is how an object does.
type ObjectStatus struct {
	Name  string      `json:"name"`
	Error string      `json:"error,omitempty"` // why it is not loaded
	Maps  []MapStatus `json:"maps,omitempty"`
}

// MapStatus is how the snapshots of a map go.
type MapStatus struct {
	Name  string  `json:"name"`
	Age   float64 `json:"age_seconds"` // of the last good snapshot; -1 for none
	Error string  `json:"error,omitempty"`
}

// Status tells how the exporter does. It is ready when there was a good snapshot of each map, and at least one object
// is loaded.
func (e *Exporter) Status() Status {
	r := e.running.Load()
	if r == nil {
		return Status{}
	}
	s := Status{Alive: true}
	ready, loaded := true, 0
	for _, o := range r.objects {
		status := ObjectStatus{Name: o.name}
		if o.collector == nil {
			status.Error = o.err.Error()
			s.Objects = append(s.Objects, status)
			continue
		}
		loaded++
		ready = ready && o.collector.Ready()
		s.Alive = s.Alive && o.collector.Alive()
		for _, state := range o.collector.States() {
			m := MapStatus{Name: state.Map, Age: -1}
			if !state.Last.IsZero() {
				m.Age = time.Since(state.Last).Seconds()
			}
			if state.Err != nil {
				m.Error = state.Err.Error()
			}
			status.Maps = append(status.Maps, m)
		}
		s.Objects = append(s.Objects, status)
	}
	s.Ready = ready && loaded > 0
	return s
}
