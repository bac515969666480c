package links

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/inventory"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pins"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/table"
)

// operand says what LINK is.
const operand = "LINK is a link in the kernel, by its id (42 or id:42), the name of its program (on_exec or " +
	"name:on_exec)\nor its pin (a path)."

func showCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show LINK",
		Short: "show a link in the kernel, its target, and who holds it",
		Long: `Shows where a link makes its program run, and who keeps the link: processes, and pins. It needs CAP_SYS_ADMIN.

` + operand,
		Example: `  bpfgo link show 12

  # the one that is pinned there
  bpfgo link show /sys/fs/bpf/my_link --json`,
		Args:              cli.Operands(1, 1, "one link"),
		ValidArgsFunction: pick.CompleteLink,
	}
	mode := env.JSONFlag(cmd, "write JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		l, warnings, err := find(args[0])
		if err != nil {
			return err
		}
		answer := cli.Document{Name: "link", Value: l, Warnings: warnings}
		return env.Answer(mode, answer, func() string { return describe(env, l) })
	}
	return cmd
}

// find reads all about the link that the user names.
func find(what string) (*inventory.Link, []string, error) {
	l, err := pick.Link(what)
	if err != nil {
		return nil, nil, err
	}
	info, err := l.Info()
	if err = errors.Join(err, l.Close()); err != nil { // so that bpfgo is none of the holders
		return nil, nil, err
	}
	var r inventory.Reader
	defer r.Close()
	s, err := r.Read()
	if err != nil {
		return nil, nil, err
	}
	if found := s.Link(info.ID); found != nil {
		return found, s.Warnings, nil
	}
	return nil, nil, fmt.Errorf("link %d is gone: %w", info.ID, os.ErrNotExist)
}

func describe(env *cli.Env, l *inventory.Link) string {
	var f table.Fields
	f.Add("id", fmt.Sprint(l.ID))
	f.Add("type", l.Type)
	if l.ProgramID != 0 {
		f.Add("program", strings.TrimSpace(fmt.Sprintf("%d %s", l.ProgramID, l.ProgramName)))
	}
	t := l.Target
	f.Add("target", t.Words)
	f.Add("attach type", t.AttachType)
	if len(t.Functions) > 3 {
		f.Add("functions", strings.Join(t.Functions, " "))
	}
	f.Add("address", t.Address)
	f.Add("offsets", numbers(t.Offsets))
	f.Add("semaphores", numbers(t.SemaphoreOffsets))
	f.Add("flags", strings.Join(t.Flags, " "))
	if t.CgroupID != 0 {
		f.Add("cgroup id", fmt.Sprint(t.CgroupID))
	}
	if t.Cookie != 0 {
		f.Add("cookie", fmt.Sprintf("%#x", t.Cookie))
	}
	f.Add("cookies", numbers(t.Cookies))
	if t.Missed != 0 {
		f.Add("missed runs", fmt.Sprint(t.Missed))
	}
	for _, h := range l.Holders {
		f.Add("held by", h.String())
	}
	for _, words := range l.HeldBy {
		f.Add("held by", words)
	}
	for _, path := range l.Pins {
		f.Add("pin", path)
	}
	return f.Text(env)
}

// numbers are in hex, as offsets are.
func numbers(all []uint64) string {
	var texts []string
	for _, n := range all {
		texts = append(texts, fmt.Sprintf("%#x", n))
	}
	return strings.Join(texts, " ")
}

func detachCommand(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "detach LINK",
		Short: "make a link's program run no more",
		Long: `Detaches a link's program from its target at once, also if others hold the link. The link stays until they close it,
and does nothing. It needs CAP_SYS_ADMIN, and Linux 5.9. The exit status is 4 if the kernel can't detach links of this
type, such as those of tracepoints and functions: these end when nobody holds them.

` + operand,
		Example:           "  bpfgo link detach 12\n\n  bpfgo link detach /sys/fs/bpf/my_link",
		Args:              cli.Operands(1, 1, "one link"),
		ValidArgsFunction: pick.CompleteLink,
	}
	mode := env.JSONFlag(cmd, "write what was detached as JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		described, _, err := find(args[0])
		if err != nil {
			return err
		}
		l, err := libbpf.LinkFromID(described.ID)
		if err != nil {
			return privilege.Need(err, privilege.SysAdmin)
		}
		defer l.Close()
		if err := l.Detach(); err != nil {
			if holders := described.Words(); errors.Is(err, errors.ErrUnsupported) && holders != "" {
				return fmt.Errorf("%w; the link ends when nobody holds it: now %s", err, holders)
			}
			return err
		}
		return env.Answer(mode, cli.Document{Name: "detached", Value: described}, func() string {
			return fmt.Sprintf("detached link %d: %s\n", described.ID, cli.Safe(summary(described)))
		})
	}
	return cmd
}

// summary is such as "program 7 (on_exit) from raw tracepoint sys_exit".
func summary(l *inventory.Link) string {
	if l.ProgramID == 0 {
		return l.Target.Words
	}
	return fmt.Sprintf("program %d (%s) from %s", l.ProgramID, l.ProgramName, l.Target.Words)
}

// pinned is how links are pinned.
var pinned = pins.Kind{
	Name: "link", Command: "link", Operand: "LINK", Ways: operand, Complete: pick.CompleteLink,
	Open: func(what string) (pins.Object, error) { return pinnable(pick.Link(what)) },
	OpenPin: func(path string) (pins.Object, error) {
		l, err := libbpf.LinkFromPinnedPath(path)
		return pinnable(l, pick.PinError(path, err))
	},
}

func pinnable(l *libbpf.Link, err error) (pins.Object, error) {
	if err != nil {
		return pins.Object{}, err
	}
	info, err := l.Info()
	if err != nil {
		_ = l.Close()
		return pins.Object{}, err
	}
	return pins.Object{
		ID: info.ID, Pin: l.Pin, Unpin: func(string) error { return l.Unpin() }, Close: l.Close,
	}, nil
}
