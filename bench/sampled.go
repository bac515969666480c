package main

import (
	"math/rand/v2"
	"slices"
)

// sampled is a comparison of which each round gives several numbers of each contender, such as the memory and the time of a
// process.
type sampled struct {
	group, title string
	columns      []sampledColumn
	ways         []sampledWay
	rounds       int
	curve        string
	at           float64
}

type sampledColumn struct {
	name, unit  string
	toC, toPeer bool
}

// sampledWay gives a number for each column. The first one is C's, if there is one that columns are compared to.
type sampledWay struct {
	name            string
	peer            string
	mostC, mostPeer float64
	measure         func() ([]float64, error)
}

func (s *session) sample(c sampled) error {
	if !s.matches(c.title) {
		return nil
	}
	values := make([][][]float64, len(c.ways)) // of a way, of a column
	for i := range values {
		values[i] = make([][]float64, len(c.columns))
	}
	for range c.rounds {
		for _, i := range rand.Perm(len(c.ways)) {
			got, err := c.ways[i].measure()
			if err != nil {
				return err
			}
			for column, v := range got {
				values[i][column] = append(values[i][column], v)
			}
		}
	}
	return s.done(c.table(values))
}

func (c *sampled) table(values [][][]float64) table {
	t := table{Group: c.group, Title: c.title, Rounds: c.rounds, Curve: c.curve, At: c.at}
	for i, way := range c.ways {
		r := row{Name: way.name}
		peer := slices.IndexFunc(c.ways, func(w sampledWay) bool { return w.name == way.peer })
		for j, column := range c.columns {
			m := metric{Name: column.name, Unit: column.unit, Value: spreadOf(values[i][j])}
			if column.toC && i > 0 {
				m.compareToC(ratios(values[i][j], values[0][j]), way.mostC)
			}
			if column.toPeer && peer >= 0 {
				m.compareToPeer(way.peer, ratios(values[i][j], values[peer][j]), way.mostPeer)
			}
			r.Metrics = append(r.Metrics, m)
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}
