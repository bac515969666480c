package main

import (
	"bytes"
	"fmt"
	"image/color"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// curve is the same comparison with more and more of something: its tables have the title of the curve, and how much.
type curve struct {
	title      string
	tables     []table
	contenders []string // all of them, C's first
}

// curvesOf are those of a group, in the order in which they were measured.
func curvesOf(tables []table, group string) (curves []*curve) {
	for _, t := range tables {
		if t.Group != group || t.Curve == "" {
			continue
		}
		i := slices.IndexFunc(curves, func(c *curve) bool { return c.title == t.Curve })
		if i < 0 {
			i = len(curves)
			curves = append(curves, &curve{title: t.Curve})
		}
		c := curves[i]
		c.tables = append(c.tables, t)
		for _, r := range t.Rows {
			if !slices.Contains(c.contenders, r.Name) {
				c.contenders = append(c.contenders, r.Name)
			}
		}
	}
	return curves
}

// file is the name of its charts.
func (c *curve) file() string {
	return "growth-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(c.title))
}

// row is that of a contender in a table, or nil.
func (t *table) row(contender string) *row {
	i := slices.IndexFunc(t.Rows, func(r row) bool { return r.Name == contender })
	if i < 0 {
		return nil
	}
	return &t.Rows[i]
}

// compared is the first metric of a contender that is compared to C, or nil.
func (r *row) compared() *metric {
	i := slices.IndexFunc(r.Metrics, func(m metric) bool { return m.ToC != nil })
	if i < 0 {
		return nil
	}
	return &r.Metrics[i]
}

var lineColors = []color.RGBA{
	{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}, {R: 0x2a, G: 0x9d, B: 0x5c, A: 0xff}, {R: 0x7b, G: 0x4f, B: 0xb8, A: 0xff},
	{R: 0xd0, G: 0x6a, B: 0x1c, A: 0xff}, {R: 0xb0, G: 0x2a, B: 0x4a, A: 0xff}, {R: 0x55, G: 0x55, B: 0x55, A: 0xff},
}

// chart draws a line for each contender through its ratios to C, in a band between their quartiles.
func (c *curve) chart(folder string) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, "logarithmic", "times C, median and quartiles (logarithmic)"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.ConstantTicks(c.ticks())
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, ratioTicks{}
	p.BackgroundColor = color.White
	first, last := c.tables[0].At, c.tables[len(c.tables)-1].At
	same, err := plotter.NewLine(plotter.XYs{{X: first, Y: 1}, {X: last, Y: 1}})
	if err != nil {
		return err
	}
	same.Color = color.Gray{Y: 0xa0}
	p.Add(same)
	least, most := 0.8, 1.25
	for i, name := range c.contenders[1:] {
		var line, low, high plotter.XYs
		for _, t := range c.tables {
			r := t.row(name)
			if r == nil {
				continue
			}
			if m := r.compared(); m != nil && m.ToC.Low > 0 {
				line = append(line, plotter.XY{X: t.At, Y: m.ToC.Median})
				low = append(low, plotter.XY{X: t.At, Y: m.ToC.Low})
				high = append(high, plotter.XY{X: t.At, Y: m.ToC.High})
				least, most = min(least, m.ToC.Low*0.9), max(most, m.ToC.High*1.1)
			}
		}
		if len(line) == 0 {
			continue
		}
		hue := lineColors[i%len(lineColors)]
		slices.Reverse(high)
		band, err := plotter.NewPolygon(append(low, high...))
		if err != nil {
			return err
		}
		band.LineStyle.Width = 0
		// A color of package color has its transparency multiplied in.
		band.Color = color.NRGBA{R: hue.R, G: hue.G, B: hue.B, A: 0x30}
		l, points, err := plotter.NewLinePoints(line)
		if err != nil {
			return err
		}
		l.Color, l.Width, points.Color = hue, vg.Points(1.5), hue
		p.Add(band, l, points)
		p.Legend.Add(name, l, points)
	}
	p.Y.Min, p.Y.Max = least, most
	p.Legend.Top, p.Legend.Left = true, true
	return save(p, 13*vg.Centimeter, filepath.Join(folder, c.file()))
}

func (c *curve) ticks() (ticks []plot.Tick) {
	for _, t := range c.tables {
		ticks = append(ticks, plot.Tick{Value: t.At, Label: count(int(t.At))})
	}
	return ticks
}

// markdown writes the curve as one table: a row for each point, a column for each contender and what was measured.
func (c *curve) markdown(w *bytes.Buffer) {
	fmt.Fprintf(w, "\n### %s\n\n%s\n\n![%s as multiples of C](benchmarks/%s.svg)\n\n| |", c.title, c.tables[0].remark(), c.title, c.file())
	type column struct {
		contender string
		metric    int
	}
	var columns []column
	for _, name := range c.contenders {
		at := slices.IndexFunc(c.tables, func(t table) bool { return t.row(name) != nil })
		for i, m := range c.tables[at].row(name).Metrics {
			if strings.HasPrefix(m.Name, "alloc") {
				continue
			}
			columns = append(columns, column{name, i})
			fmt.Fprintf(w, " %s: %s |", name, strings.TrimSpace(m.Name+" "+m.Unit))
		}
	}
	fmt.Fprint(w, "\n|---:|", strings.Repeat("---:|", len(columns)), "\n")
	for _, t := range c.tables {
		fmt.Fprintf(w, "| %s |", count(int(t.At)))
		for _, column := range columns {
			text := ""
			if r := t.row(column.contender); r != nil {
				m := r.Metrics[column.metric]
				text = m.value()
				if m.ToC != nil {
					text += ", " + m.ToC.String()
				}
			}
			fmt.Fprintf(w, " %s |", text)
		}
		fmt.Fprintln(w)
	}
}
