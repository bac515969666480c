package maps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/screen"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// watcher is one "bpfgo map watch".
type watcher struct {
	env      *cli.Env
	mode     *cli.JSON
	from     typeFlags
	opts     view.Options
	interval time.Duration
	count    int // of looks after the first one, or 0 for no end
}

func watchCommand(env *cli.Env) *cobra.Command {
	w := &watcher{env: env, interval: time.Second}
	cmd := &cobra.Command{
		Use:   "watch MAP",
		Short: "show what changes in a map",
		Long: `Reads a map again and again, and shows which elements were added, changed or removed between two times, and by how
much numbers grew per second. On a terminal it redraws them; otherwise, and with --json, each change is a line. It
sees what is there when it looks: what changes back in between, or comes and goes, is not seen.

It ends at ^C, or after --count intervals.`,
		Example: `  bpfgo map watch counts
  bpfgo map watch flows --interval 5s --json >> changes.jsonl`,
		Args:              cli.Operands(1, 1, "a map, "+pick.Ways),
		ValidArgsFunction: pick.CompleteMap,
	}
	cli.Func(cmd.Flags(), "interval", "DURATION", "look after each DURATION; the default is 1s", cli.Duration(&w.interval))
	cli.Func(cmd.Flags(), "count", "N", "end after N intervals", cli.Count(&w.count))
	cmd.Flags().BoolVar(&w.opts.PerCPU, "per-cpu", false, "watch the value of each CPU instead of their sum")
	cmd.Flags().BoolVar(&w.opts.Raw, "raw", false, "with --json, write the bytes, too")
	w.from.add(cmd)
	w.mode = env.JSONFlag(cmd, `write a line for each change: {"time":...,"change":"added|changed|removed","key":...,`+
		`"before":...,"after":...}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
		defer stop()
		t, err := w.from.open(args[0])
		if err != nil {
			return err
		}
		defer t.close()
		return w.watch(ctx, t)
	}
	return cmd
}

// snapshot is what a map had at a time: values by key and, where they are apart, by CPU.
type snapshot struct {
	at   time.Time
	rows map[string][]byte
}

// identify makes a key of a snapshot of the key and the CPU of a row.
func identify(r view.Row) string { return string(r.Key) + strconv.Itoa(r.CPU) }

// look reads the map. The snapshot is not whole if elements may be missing.
func (w *watcher) look(ctx context.Context, t *target, v *view.View) (s snapshot, whole bool, err error) {
	s = snapshot{time.Now(), map[string][]byte{}}
	err = v.Rows(t.m, func(r view.Row) error {
		s.rows[identify(r)] = bytes.Clone(r.Value)
		return ctx.Err() // a large map takes long
	})
	if errors.Is(err, unix.EAGAIN) {
		w.env.Note("map %s: %v", t.desc.Name, err)
		return s, false, nil
	}
	return s, err == nil, err
}

// since are the changes from an earlier snapshot to this one, in the order of the keys.
func (s snapshot) since(earlier snapshot, t *target, v *view.View) []change {
	var all []change
	split := func(id string) ([]byte, int) {
		key := id[:t.desc.KeySize]
		cpu, _ := strconv.Atoi(id[t.desc.KeySize:])
		return []byte(key), cpu
	}
	for id, after := range s.rows {
		before, known := earlier.rows[id]
		if known && bytes.Equal(before, after) {
			continue
		}
		key, cpu := split(id)
		all = append(all, change{key, cpu, before, after})
	}
	for id, before := range earlier.rows {
		if _, there := s.rows[id]; !there {
			key, cpu := split(id)
			all = append(all, change{key, cpu, before, nil})
		}
	}
	slices.SortFunc(all, func(a, b change) int {
		if c := v.CompareKeys(a.key, b.key); c != 0 {
			return c
		}
		return a.cpu - b.cpu
	})
	return all
}

func (w *watcher) watch(ctx context.Context, t *target) error {
	v, err := view.New(t.desc, w.opts)
	if err != nil {
		return fmt.Errorf("map %s: %w", t.desc.Name, err)
	}
	before, known, err := w.look(ctx, t, v)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	_, _, terminal := w.env.Terminal()
	drawn := terminal && !w.mode.On
	picture := screen.New(w.env)
	defer picture.Close()
	if drawn {
		if err := picture.Draw(w.picture(v, before, before, nil)); err != nil {
			return err
		}
	}
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	for n := 1; w.count == 0 || n <= w.count; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		now, whole, err := w.look(ctx, t, v)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case !whole:
			continue // it is not known what is missing because it was removed
		case !known:
			before, known = now, true
			continue
		}
		all := now.since(before, t, v)
		switch {
		case drawn:
			err = picture.Draw(w.picture(v, before, now, all))
		case w.mode.On:
			err = w.writeJSON(v, now.at, all)
		default:
			err = w.writeText(v, before, now, all)
		}
		if err != nil {
			return err
		}
		before = now
	}
	return nil
}

func (w *watcher) writeJSON(v *view.View, at time.Time, all []change) error {
	var lines []byte
	for _, c := range all {
		line := decode.AppendJSONString([]byte(`{"time":`), at.UTC().Format(time.RFC3339Nano))
		line = append(c.appendJSON(append(line, ','), v, w.opts.Raw), "}\n"...)
		if w.mode.Strings {
			line = cli.QuoteLarge(line)
		}
		lines = append(lines, line...)
	}
	_, err := w.env.Stdout.Write(lines)
	return err
}

func (w *watcher) writeText(v *view.View, before, now snapshot, all []change) error {
	var lines strings.Builder
	for _, c := range all {
		fmt.Fprintf(&lines, "%s %s", now.at.Format("15:04:05"), c.text(v))
		if rates := rates(v, c, now.at.Sub(before.at)); rates != "" {
			lines.WriteString(" (" + rates + ")")
		}
		lines.WriteString("\n")
	}
	_, err := w.env.Stdout.Write([]byte(lines.String()))
	return err
}

// rates are how fast the numbers of a changed element changed, or "".
func rates(v *view.View, c change, meanwhile time.Duration) string {
	if c.kind() != "changed" {
		return ""
	}
	var all []string
	for _, d := range v.Differences(c.before, c.after) {
		if rate := rate(d, meanwhile); rate != "" {
			all = append(all, rate+"/s")
		}
	}
	return strings.Join(all, ", ")
}

// rate is how much a number grew per second, or "" if it is none.
func rate(d view.Difference, meanwhile time.Duration) string {
	before, ok := new(big.Int).SetString(d.Before, 10)
	after, also := new(big.Int).SetString(d.After, 10)
	if !ok || !also || meanwhile <= 0 {
		return ""
	}
	grown, _ := new(big.Float).SetInt(after.Sub(after, before)).Float64()
	perSecond := grown / meanwhile.Seconds()
	precision := 0
	if perSecond > -10 && perSecond < 10 {
		precision = 1
	}
	text := strconv.FormatFloat(perSecond, 'f', precision, 64)
	if perSecond > 0 {
		return "+" + text
	}
	return text
}

// mostDrawn is how many changes are drawn: a large map can have more than any screen has lines.
const mostDrawn = 500

// picture is what a terminal shows: the changes of the last interval.
func (w *watcher) picture(v *view.View, before, now snapshot, all []change) string {
	var text strings.Builder
	elements := map[string]bool{}
	for id := range now.rows {
		elements[id[:v.KeySize]] = true
	}
	fmt.Fprintf(&text, "%s  %s\n", now.at.Format("15:04:05"), cli.Safe(v.Heading(len(elements))))
	if all == nil {
		fmt.Fprintf(&text, "nothing changed in the last %s\n", w.interval)
		return text.String()
	}
	t := &table.Table{Columns: []table.Column{
		{Name: "change"}, {Name: "key", Shrink: true}, {Name: "cpu", Right: true}, {Name: "part"}, {Name: "before", Right: true},
		{Name: "after", Right: true}, {Name: "per second", Right: true},
	}}
	left := max(len(all)-mostDrawn, 0)
	all = all[:len(all)-left]
	styles := map[string]cli.Style{"added": cli.Green, "removed": cli.Red, "changed": cli.Yellow}
	for _, c := range all {
		cpu := ""
		if c.cpu >= 0 {
			cpu = strconv.Itoa(c.cpu)
		}
		key := v.KeyText(c.key)
		if v.Data() {
			key = ""
		}
		first := []table.Cell{{Text: c.kind(), Style: styles[c.kind()]}, {Text: key}, {Text: cpu}}
		for _, d := range v.Differences(c.before, c.after) {
			t.Rows = append(t.Rows, append(slices.Clip(first),
				table.Cell{Text: d.Name}, table.Cell{Text: d.Before}, table.Cell{Text: d.After},
				table.Cell{Text: rate(d, now.at.Sub(before.at))}))
			first = make([]table.Cell, len(first)) // the other parts are below
		}
	}
	t.DropEmpty()
	text.WriteString(t.Text(w.env, w.env.Width()))
	if left > 0 {
		fmt.Fprintf(&text, "... and %d more\n", left)
	}
	return text.String()
}
