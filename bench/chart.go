package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// point is a ratio to C in a chart.
type point struct {
	label string
	ratio spread
	ours  bool
}

var (
	oursColor  = color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}
	peersColor = color.RGBA{R: 0xd0, G: 0x6a, B: 0x1c, A: 0xff}
)

// pointsOf are the ratios of a metric in the tables of a group.
func pointsOf(tables []table, group, name string) (points []point) {
	for _, t := range tables {
		if t.Group != group {
			continue
		}
		for _, r := range t.Rows {
			for _, m := range r.Metrics {
				if m.Name == name && m.ToC != nil {
					points = append(points, point{label: t.Title + ": " + r.Name, ratio: *m.ToC, ours: !isPeer(r.Name)})
				}
			}
		}
	}
	return points
}

func isPeer(contender string) bool {
	return strings.HasPrefix(contender, "cilium") || strings.HasPrefix(contender, "libbpfgo") || strings.HasPrefix(contender, "C ")
}

// chart draws the ratios from top to bottom, each with its quartiles, as SVG and as PNG.
func chart(title string, points []point, folder, name string) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = title, "times C, median and quartiles (logarithmic)"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ratioTicks{}
	p.BackgroundColor = color.White
	slices.Reverse(points) // the first one at the top
	labels := make([]string, len(points))
	least, most := 0.8, 1.25
	for i, point := range points {
		labels[i] = point.label
		least, most = min(least, point.ratio.Low*0.9), max(most, point.ratio.High*1.1)
	}
	p.NominalY(labels...)
	p.X.Min, p.X.Max = least, most
	same, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -0.5}, {X: 1, Y: float64(len(points)) - 0.5}})
	if err != nil {
		return err
	}
	same.Color = color.Gray{Y: 0xa0}
	p.Add(same)
	for _, kind := range []struct {
		ours  bool
		name  string
		color color.Color
	}{{true, "libbpf-go", oursColor}, {false, "others", peersColor}} {
		if err := addPoints(p, points, kind.ours, kind.name, kind.color); err != nil {
			return err
		}
	}
	return save(p, vg.Length(len(points))*0.55*vg.Centimeter+3*vg.Centimeter, filepath.Join(folder, name))
}

// save draws within margins: without them, the longest label is cut.
func save(p *plot.Plot, height vg.Length, path string) error {
	const width, margin = 25 * vg.Centimeter, vg.Centimeter / 2
	for _, format := range []string{"svg", "png"} {
		canvas, err := draw.NewFormattedCanvas(width, height, format)
		if err != nil {
			return err
		}
		p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
		file, err := os.Create(path + "." + format)
		if err != nil {
			return err
		}
		if _, err := canvas.WriteTo(file); err != nil {
			return errors.Join(err, file.Close())
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return nil
}

func addPoints(p *plot.Plot, points []point, ours bool, name string, color color.Color) error {
	var at struct {
		plotter.XYs
		plotter.XErrors
	}
	for i, point := range points {
		if point.ours == ours {
			at.XYs = append(at.XYs, plotter.XY{X: point.ratio.Median, Y: float64(i)})
			at.XErrors = append(at.XErrors, struct{ Low, High float64 }{
				point.ratio.Median - point.ratio.Low, point.ratio.High - point.ratio.Median,
			})
		}
	}
	if len(at.XYs) == 0 {
		return nil
	}
	dots, err := plotter.NewScatter(at.XYs)
	if err != nil {
		return err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: color, Radius: vg.Points(3), Shape: draw.CircleGlyph{}}
	bars, err := plotter.NewXErrorBars(at)
	if err != nil {
		return err
	}
	bars.Color = color
	p.Add(bars, dots)
	p.Legend.Add(name, dots)
	p.Legend.Top = true
	return nil
}

// ratioTicks are 1, 2 and 5, with powers of ten.
type ratioTicks struct{}

func (ratioTicks) Ticks(least, most float64) (ticks []plot.Tick) {
	for power := 0.01; power <= most; power *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			if at := digit * power; at >= least && at <= most {
				ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%g", at)})
			}
		}
	}
	return ticks
}
