package histogram

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Histogram is counts of values by range.
type Histogram struct {
	Scale  Scale
	Label  string // which of a map's histograms it is, or ""
	Key    []byte // the same as JSON, or nil
	counts []uint64
	beyond uint64 // counted in slots that the scale does not have
	full   bool   // counts has all slots that the programs use
}

// New makes a histogram from the counts of all slots.
func New(scale Scale, counts []uint64) *Histogram {
	h := &Histogram{Scale: scale, full: true}
	for slot, count := range counts {
		h.add(slot, count)
	}
	return h
}

// maxSlots is how many slots a histogram gets: a map may be keyed by any number.
const maxSlots = 1 << 16

// add adds a count to a slot.
func (h *Histogram) add(slot int, count uint64) {
	if slot < 0 || slot >= min(h.Scale.slots(), maxSlots) {
		h.beyond = sum(h.beyond, count)
		return
	}
	for len(h.counts) <= slot {
		h.counts = append(h.counts, 0)
	}
	h.counts[slot] = sum(h.counts[slot], count)
}

// sum adds counts that others have made: it stays at the largest.
func sum(a, b uint64) uint64 {
	if s, carry := bits.Add64(a, b, 0); carry == 0 {
		return s
	}
	return math.MaxUint64
}

// Total is how many values were counted.
func (h *Histogram) Total() uint64 {
	total := h.beyond
	for _, c := range h.counts {
		total = sum(total, c)
	}
	return total
}

// used is where the counts begin and end that are not 0.
func (h *Histogram) used() (first, end int) {
	first = -1
	for slot, c := range h.counts {
		if c > 0 {
			if first < 0 {
				first = slot
			}
			end = slot + 1
		}
	}
	return max(first, 0), end
}

// Bucket is a range and its count, as JSON. Programs count in their last slot what is larger, too: that has no High.
type Bucket struct {
	Low   float64  `json:"low"`
	High  *float64 `json:"high,omitempty"`
	Count uint64   `json:"count"`
}

// open tells whether a slot has values of any size from its least one on: the programs' last slot does.
func (h *Histogram) open(slot int) bool { return h.full && slot == len(h.counts)-1 }

func (h *Histogram) bucket(slot int) Bucket {
	r := h.Scale.at(slot)
	b := Bucket{Low: r.Low, High: &r.High, Count: h.counts[slot]}
	if h.open(slot) {
		b.High = nil
	}
	return b
}

// text is the range of a slot as people read it.
func (h *Histogram) text(slot int) string {
	r := h.Scale.at(slot)
	if h.open(slot) {
		return "[" + h.Scale.text(r.Low) + ", ...)"
	}
	return "[" + h.Scale.text(r.Low) + ", " + h.Scale.text(r.High) + ")"
}

// percentile is the slot in which so many percent of the values end, or -1 if there is none.
func (h *Histogram) percentile(percent uint64) int {
	total := h.Total() - h.beyond
	hi, lo := bits.Mul64(total, percent)
	wanted, rest := bits.Div64(hi, lo, 100)
	if rest > 0 {
		wanted++
	}
	seen := uint64(0)
	for slot, c := range h.counts {
		if seen = sum(seen, c); c > 0 && seen >= wanted {
			return slot
		}
	}
	return -1
}

// percentiles are those that are shown.
var percentiles = []uint64{50, 90, 99}

// Record is a histogram as JSON.
type Record struct {
	Scale       Kind              `json:"scale"`
	Unit        string            `json:"unit,omitempty"`
	Total       uint64            `json:"total"`
	Beyond      uint64            `json:"beyond,omitempty"` // counted in slots that the scale does not have
	Percentiles map[string]Bucket `json:"percentiles,omitempty"`
	Buckets     []Bucket          `json:"buckets"`
}

// Record is the histogram for JSON. The percentiles are the ranges that they are in, with their counts.
func (h *Histogram) Record() Record {
	r := Record{Scale: h.Scale.Kind, Unit: h.Scale.Unit, Total: h.Total(), Beyond: h.beyond, Buckets: []Bucket{}}
	first, end := h.used()
	for slot := first; slot < end; slot++ {
		r.Buckets = append(r.Buckets, h.bucket(slot))
	}
	for _, percent := range percentiles {
		if slot := h.percentile(percent); slot >= 0 {
			if r.Percentiles == nil {
				r.Percentiles = map[string]Bucket{}
			}
			r.Percentiles["p"+strconv.FormatUint(percent, 10)] = h.bucket(slot)
		}
	}
	return r
}

// usual is how wide a line is where there is no terminal, and least how wide the longest bar is at least.
const (
	usual = 80
	least = 10
)

// Text draws the histogram in lines of this width, or of a usual one if it is 0.
func (h *Histogram) Text(env *cli.Env, width int) string {
	if width <= 0 {
		width = usual
	}
	var text strings.Builder
	if h.Label != "" {
		text.WriteString(env.Paint(cli.Bold, cli.Safe(h.Label)) + "\n")
	}
	first, end := h.used()
	heading, rangeWidth, countWidth := cli.Safe(h.Scale.Unit), 0, len("count")
	most := uint64(0)
	for slot := first; slot < end; slot++ {
		rangeWidth = max(rangeWidth, len(h.text(slot)))
		countWidth = max(countWidth, len(strconv.FormatUint(h.counts[slot], 10)))
		most = max(most, h.counts[slot])
	}
	if heading == "" {
		heading = "value"
	}
	if end > first {
		rangeWidth = max(rangeWidth, uniseg.StringWidth(heading))
		padding := strings.Repeat(" ", rangeWidth-uniseg.StringWidth(heading))
		text.WriteString(env.Paint(cli.Bold, fmt.Sprintf("%s%s  %*s", heading, padding, countWidth, "count")) + "\n")
	}
	room := max(width-rangeWidth-countWidth-4, least)
	for slot := first; slot < end; slot++ {
		line := fmt.Sprintf("%-*s  %*d", rangeWidth, h.text(slot), countWidth, h.counts[slot])
		if drawn := bar(h.counts[slot], most, room); drawn != "" {
			line += "  " + env.Paint(cli.Green, drawn)
		}
		text.WriteString(line + "\n")
	}
	text.WriteString(h.summary() + "\n")
	return text.String()
}

// summary is the line below the bars.
func (h *Histogram) summary() string {
	total := h.Total()
	parts := []string{fmt.Sprintf("%d values", total)}
	if total == 1 {
		parts[0] = "1 value"
	}
	for _, percent := range percentiles {
		if slot := h.percentile(percent); slot >= 0 {
			parts = append(parts, fmt.Sprintf("p%d in %s", percent, h.text(slot)))
		}
	}
	if _, end := h.used(); h.Scale.Kind != Linear && h.Scale.at(end-1).High >= 1024 {
		parts = append(parts, "k is 1024")
	}
	if h.beyond > 0 {
		parts = append(parts, fmt.Sprintf("%d of them in slots that a %s scale does not have", h.beyond, h.Scale.Kind))
	}
	return strings.Join(parts, "; ")
}

// eighths are blocks from an eighth of a character to a whole one.
var eighths = []rune("▏▎▍▌▋▊▉█")

// bar is a line as long as its share of the room. What is not 0 can be seen.
func bar(count, most uint64, room int) string {
	if count == 0 || most == 0 {
		return ""
	}
	length := max(int(math.Round(float64(count)/float64(most)*float64(room*8))), 1)
	text := strings.Repeat("█", length/8)
	if rest := length % 8; rest > 0 {
		text += string(eighths[rest-1])
	}
	return text
}
