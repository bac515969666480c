//go:build !race && linux

package privileges

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// recorded are the kernels that were measured, by the names that the matrix has for them.
var recorded = []string{"5.10", "6.1", "6.12", "7"}

// results are the outcomes of each condition on a kernel.
type results map[string][]outcome

func (r results) clone() results { return maps.Clone(r) }

// line is the outcome in a file of results.
func (o outcome) line() string {
	switch {
	case o.Operation == "":
		return "not measured"
	case o.Errno == "":
		return o.Operation + "\tyes"
	}
	return o.Operation + "\t" + o.Errno + "\t" + o.Text
}

// readRecord reads a file of results. If it does not exist, there are none.
func readRecord(path string) (results, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return results{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := results{}
	column := ""
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "[") {
			column = strings.Trim(line, "[]")
			continue
		}
		fields := strings.SplitN(line, "\t", 3)
		switch len(fields) {
		case 2:
			r[column] = append(r[column], outcome{Operation: fields[0]})
		case 3:
			r[column] = append(r[column], outcome{Operation: fields[0], Errno: fields[1], Text: fields[2]})
		}
	}
	return r, lines.Err()
}

func (r results) write(path string) error {
	var text strings.Builder
	for _, column := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&text, "[%s]\n", column)
		for _, o := range r[column] {
			fmt.Fprintln(&text, o.line())
		}
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}

// columns are the conditions of a table, in their order.
var tables = []struct {
	title   string
	columns []string
}{
	{"Capabilities", []string{
		"root", "bpf+perfmon+net_admin", "bpf+perfmon", "bpf+net_admin", "bpf", "sys_admin", "none",
	}},
	{"Containers and user namespaces", []string{"container", "container+caps", "user namespace", "token"}},
	{"Lockdown", []string{
		"root, integrity", "root, confidentiality", "bpf+perfmon+net_admin, integrity",
		"bpf+perfmon+net_admin, confidentiality",
	}},
	{"Limits of memory, and file systems that are missing", []string{
		"small memlock", "memory limit", "no /proc", "no /sys", "no bpffs", "no tracefs",
	}},
	{"kernel.unprivileged_bpf_disabled", []string{"none, sysctl 0", "none, sysctl 2", "none, sysctl 1"}},
}

func writePage(w io.Writer) error {
	fmt.Fprint(w, `# Privileges

What processes with less than all privileges can do, as measured on Debian's kernels for x86-64. `+"`make test-privileges`"+`
measures it again and compares; with UPDATE=yes, it writes this page. A cell is "yes", the errno of the error, or "–"
where root can't do it on that kernel either: the kernel lacks it. "refused" is an error without an errno. Rows with
equal cells are one. "load" and "attach" try a program that does nothing; attaching includes loading.

What most tools need: CAP_BPF, with CAP_PERFMON to trace, and with CAP_NET_ADMIN for networks. Two settings of
distributions ask for more. Only root can read tracefs, which tracepoints and legacy probes need. Debian sets
kernel.perf_event_paranoid to 3: perf events, and with them kprobes, uprobes and perf buffers, then need CAP_SYS_ADMIN.
Raw tracepoints, fentry, kprobe.multi, uprobe.multi and ring buffers need neither. Whoever sees what others have loaded
needs CAP_SYS_ADMIN.

The columns:

`)
	for _, c := range conditions {
		fmt.Fprintf(w, "- %s: %s\n", c.name, c.what)
	}
	fmt.Fprint(w, `- integrity, confidentiality: the kernel was booted with lockdown=integrity or lockdown=confidentiality

All but the user namespaces and "small memlock" have 8 MiB of locked memory, the default of the kernel. Where the table
has an errno, the file of the kernel in selftests/privileges/testdata has the whole text of the error.
`)
	for _, kernel := range recorded {
		r, err := readRecord(filepath.Join("testdata", kernel+".txt"))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n## Linux %s\n", kernel)
		for _, table := range tables {
			writeTable(w, table.title, table.columns, r)
		}
		writeTexts(w, r)
	}
	return nil
}

func writeTable(w io.Writer, title string, columns []string, r results) {
	columns = slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return r[c] == nil })
	if len(columns) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### %s\n\n", title)
	// Rows with equal cells are one, at the place of the first.
	type row struct{ operations, cells []string }
	var rows []*row
	for i, o := range operations {
		var cells []string
		for _, c := range columns {
			cells = append(cells, cell(r, c, i))
		}
		at := slices.IndexFunc(rows, func(r *row) bool { return slices.Equal(r.cells, cells) })
		if at < 0 {
			rows = append(rows, &row{cells: cells})
			at = len(rows) - 1
		}
		rows[at].operations = append(rows[at].operations, o.name)
	}
	fmt.Fprintf(w, "| | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s | %s |\n", grouped(row.operations), strings.Join(row.cells, " | "))
	}
}

func cell(r results, column string, i int) string {
	if i >= len(r[column]) {
		return "?"
	}
	o := r[column][i]
	if root := r["root"]; i < len(root) && root[i].Errno != "" && o.Errno != "" {
		return "–"
	}
	if o.Errno == "" {
		return "yes"
	}
	return o.Errno
}

// grouped joins names, those with one prefix behind it: "create: hash, array; load: XDP".
func grouped(names []string) string {
	var groups []string
	last := ""
	for _, name := range names {
		prefix, rest, found := strings.Cut(name, ": ")
		if found && prefix == last {
			groups[len(groups)-1] += ", " + rest
			continue
		}
		last = ""
		if found {
			last = prefix
		}
		groups = append(groups, name)
	}
	return strings.Join(groups, "; ")
}

// writeTexts lists what the errors of some operations say.
func writeTexts(w io.Writer, r results) {
	fmt.Fprint(w, "\n### What errors say\n\n")
	seen := make(map[string]bool)
	for _, c := range []string{
		"none", "bpf", "container", "user namespace", "root, integrity", "root, confidentiality", "small memlock",
		"memory limit", "no /proc", "no /sys", "no bpffs", "no tracefs",
	} {
		shown := 0
		for i, o := range r[c] {
			if o.Errno == "" || seen[o.Text] || cell(r, c, i) == "–" || shown == 6 {
				continue
			}
			seen[o.Text] = true
			shown++
			fmt.Fprintf(w, "- %s, %s: `%s`\n", c, o.Operation, strings.ReplaceAll(o.Text, "`", "'"))
		}
	}
}
