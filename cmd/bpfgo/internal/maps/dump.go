package maps

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// sortedRows is up to how many rows are sorted by key without being asked for. More of them are shown as they are
// read, so that a map of any size takes little memory.
const sortedRows = 10000

// dumper is one "bpfgo map dump".
type dumper struct {
	env      *cli.Env
	mode     *cli.JSON
	from     typeFlags
	opts     view.Options
	sorted   bool // the user wants an order, or only some rows
	recurse  bool
	warnings []string
}

func dumpCommand(env *cli.Env) *cobra.Command {
	d := &dumper{env: env}
	var order string
	cmd := &cobra.Command{
		Use:   "dump MAP",
		Short: "show all elements of a map",
		Long: `Shows all elements of a map, with a column for each member of their keys and values. The values of a per-CPU map are
added up if they consist of integers. Of global data (.bss, .data, .rodata) it shows the variables. Of maps of
programs and maps of maps it shows ids and names.

Up to ` + fmt.Sprint(sortedRows) + ` rows are sorted by key. Larger maps are shown in the order of the kernel, unless --sort is given: then all
rows are kept in memory. Elements that are added or removed meanwhile may be missed or shown twice.

Ring buffers, perf buffers, queues, stacks and bloom filters have no elements that can be read without a change.`,
		Example: `  bpfgo map dump counts
  bpfgo map dump /sys/fs/bpf/flows --sort value.bytes:desc --top 20

  # the values of each CPU, as JSON, for jq
  bpfgo map dump counts --per-cpu --json | jq '.entries[] | select(.cpu == 0)'

  # a map that was created without types
  bpfgo map dump 42 --object exec.bpf.o`,
		Args:              cli.Operands(1, 1, "a map, "+pick.Ways),
		ValidArgsFunction: pick.CompleteMap,
	}
	cli.Section(cmd, "Rows", func(flags *pflag.FlagSet) {
		cli.Func(flags, "sort", "COLUMN", view.SortUsage, func(text string) error {
			order = text
			d.opts.Sort = view.ParseSort(text)
			return nil
		})
		cli.Func(flags, "top", "N", "show only the first N rows", cli.Count(&d.opts.Top))
		flags.BoolVar(&d.opts.PerCPU, "per-cpu", false, "show the value of each CPU instead of their sum")
		flags.BoolVar(&d.opts.Raw, "raw", false, "show the bytes of keys and values, too")
		flags.BoolVar(&d.recurse, "recurse", false, "also show the content of the maps in a map of maps")
	})
	d.from.add(cmd)
	d.mode = env.JSONFlag(cmd, `write {"schema_version":1,"map":{...},"entries":[{"key":...,"value":...},...]}`)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		d.sorted = order != "" || d.opts.Top > 0
		ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
		defer stop()
		return d.run(ctx, args[0])
	}
	return cmd
}

func (d *dumper) run(ctx context.Context, what string) error {
	t, err := d.from.open(what)
	if err != nil {
		return err
	}
	defer t.close()
	if err := d.dump(ctx, t, what); err != nil {
		return err
	}
	if !d.mode.On {
		for _, w := range d.warnings {
			d.env.Note("%s", w)
		}
	}
	return nil
}

// dump shows a map and, with --recurse, those in it.
func (d *dumper) dump(ctx context.Context, t *target, what string) error {
	if d.recurse && !t.desc.Type.IsMapInMap() {
		return cli.Usagef("--recurse: map %s is not a map of maps but of type %s", t.desc.Name, t.desc.Type)
	}
	v, err := view.New(t.desc, d.opts)
	if err != nil {
		return fmt.Errorf("map %s: %w%s", t.desc.Name, err, instead(t.desc.Type, what))
	}
	rows := func(f func(view.Row) error) error { return d.read(ctx, t, v, f) }
	if d.mode.On {
		return d.writeJSON(ctx, t, v, rows)
	}
	return d.writeText(ctx, t, v, rows)
}

// instead names the command for a map that can't be read key by key.
func instead(typ libbpf.MapType, what string) string {
	switch typ {
	case libbpf.MapTypeQueue, libbpf.MapTypeStack:
		return fmt.Sprintf("; 'bpfgo map peek %s' shows its next element", what)
	case libbpf.MapTypeBloomFilter:
		return fmt.Sprintf("; try 'bpfgo map test %s VALUE'", what)
	}
	return ""
}

// read calls f for the rows of the map. What makes them incomplete becomes a warning.
func (d *dumper) read(ctx context.Context, t *target, v *view.View, f func(view.Row) error) error {
	any := false
	var failed error // of f
	err := v.Rows(t.m, func(r view.Row) error {
		any = true
		if failed = ctx.Err(); failed == nil {
			failed = f(r)
		}
		return failed
	})
	switch {
	case failed != nil && ctx.Err() != nil:
		d.warn("map %s: interrupted, so elements are missing", t.desc.Name)
		return nil
	case failed != nil || err == nil:
		return failed
	case errors.Is(err, unix.EAGAIN) && any:
		d.warn("map %s: elements are missing: %v", t.desc.Name, err)
		return nil
	case !any && t.unreadable(err):
		// User space can see the keys only, as of sockets without cookies.
		d.warn("map %s: user space can't read the values of a map of type %s", t.desc.Name, t.desc.Type)
		for key := range t.m.Keys(&err) {
			if failed := f(view.Row{Key: key, CPU: -1}); failed != nil {
				return failed
			}
		}
	}
	return err
}

func (d *dumper) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

func (d *dumper) writeJSON(
	ctx context.Context, t *target, v *view.View, rows func(func(view.Row) error) error,
) error {
	doc, err := begin(d.env.Stdout, d.mode, t.identity(), "entries")
	if err != nil {
		return err
	}
	var line []byte
	add := func(r view.Row) error {
		line = v.AppendJSON(line[:0], r)
		if d.recurse {
			line = d.appendInner(ctx, line, t, r.Key)
		}
		return doc.add(line)
	}
	if d.sorted {
		c, err := v.Collect(rows)
		if err != nil {
			return err
		}
		rows = c.Each
	} else {
		rows = fewSorted(v, rows)
	}
	if err := rows(add); err != nil {
		return err
	}
	return doc.end(d.warnings)
}

// fewSorted are rows that are sorted by key if there are few. Others come as they are read.
func fewSorted(v *view.View, rows func(func(view.Row) error) error) func(func(view.Row) error) error {
	return func(f func(view.Row) error) error {
		var c view.Content
		many := false
		err := rows(func(r view.Row) error {
			if many {
				return f(r)
			}
			c.Add(r)
			if len(c.Rows) <= sortedRows {
				return nil
			}
			many = true
			first := c
			c = view.Content{}
			return first.Each(f)
		})
		if err != nil {
			return err
		}
		v.Arrange(&c)
		return c.Each(f)
	}
}

// appendInner appends the content of a map in a map as the member "entries".
func (d *dumper) appendInner(ctx context.Context, dst []byte, outer *target, key []byte) []byte {
	dst = append(dst, `,"entries":[`...)
	first := true
	err := d.inner(outer, key, func(t *target, v *view.View) error {
		rows := fewSorted(v, func(f func(view.Row) error) error { return d.read(ctx, t, v, f) })
		return rows(func(r view.Row) error {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(v.AppendJSON(append(dst, '{'), r), '}')
			return nil
		})
	})
	if err != nil {
		d.warn("map %s: %v", outer.desc.Name, err)
	}
	return append(dst, ']')
}

// inner calls f with the map that an outer map has under a key.
func (d *dumper) inner(outer *target, key []byte, f func(*target, *view.View) error) error {
	m, err := libbpf.OpenInnerMap(outer.m, key)
	if err != nil {
		return err
	}
	t, err := typeFlags{}.describe(m)
	defer t.close()
	if err != nil {
		return err
	}
	v, err := view.New(t.desc, view.Options{PerCPU: d.opts.PerCPU, Raw: d.opts.Raw})
	if err != nil {
		return fmt.Errorf("map %s: %w", t.desc.Name, err)
	}
	return f(t, v)
}

func (d *dumper) writeText(
	ctx context.Context, t *target, v *view.View, rows func(func(view.Row) error) error,
) error {
	out := bufio.NewWriterSize(d.env.Stdout, 1<<16)
	if d.sorted || d.recurse {
		c, err := v.Collect(rows)
		if err != nil {
			return err
		}
		_, _ = out.WriteString(v.Text(d.env, c))
		if d.recurse {
			d.writeInner(ctx, out, t, v, c)
		}
		return out.Flush()
	}
	// The first rows decide how wide the columns are. If there are no more, they are sorted.
	var c view.Content
	var write func(view.Row) error
	err := rows(func(r view.Row) error {
		if write != nil {
			return write(r)
		}
		c.Add(r)
		if len(c.Rows) <= sortedRows {
			return nil
		}
		_, _ = out.WriteString(cli.Safe(v.Heading(-1)) + "\n")
		stream := v.Table(c.Rows).Stream(d.env, out)
		c.Rows = nil
		write = func(r view.Row) error { return stream.Row(v.Cells(r)) }
		return nil
	})
	if err != nil {
		return err
	}
	if write == nil {
		v.Arrange(&c)
		_, _ = out.WriteString(v.Text(d.env, c))
	}
	return out.Flush()
}

// writeInner shows the maps in a map of maps, each below a heading.
func (d *dumper) writeInner(ctx context.Context, out *bufio.Writer, t *target, v *view.View, c view.Content) {
	for _, r := range c.Rows {
		err := d.inner(t, r.Key, func(inner *target, of *view.View) error {
			found, err := of.Collect(func(f func(view.Row) error) error { return d.read(ctx, inner, of, f) })
			fmt.Fprintf(out, "\n%s[%s] is map %d\n", cli.Safe(v.Name), cli.Safe(v.KeyText(r.Key)), inner.info.ID)
			for line := range strings.Lines(of.Text(d.env, found)) {
				_, _ = out.WriteString("  " + line)
			}
			return err
		})
		if err != nil {
			d.warn("map %s: %v", t.desc.Name, err)
		}
	}
}
