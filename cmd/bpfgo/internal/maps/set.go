package maps

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/decode"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/pick"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/privilege"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
)

// setter is one "bpfgo map set".
type setter struct {
	env     *cli.Env
	mode    *cli.JSON
	from    typeFlags
	noExist bool
	exist   bool
	raw     bool
	cpu     int // -1 for all
}

func setCommand(env *cli.Env) *cobra.Command {
	s := &setter{env: env, cpu: -1}
	cmd := &cobra.Command{
		Use:   "set MAP KEY VALUE",
		Short: "add or change an element of a map",
		Long: `Adds an element to a map, or changes it, and says what changed. 'bpfgo map --help' says how keys and values are
written. Members of a struct that are not named stay as they are: bpfgo reads the value, changes it and writes it
back, so what a program changes in the same element meanwhile may be lost. Of arrays that can be mapped into memory,
as global data can, it writes only the words that change.

Of global data, name the variables instead of a key. The value of a map of programs is a program, by id, name or pin;
that of a map of maps is a map; that of a map of network devices is the name or number of one.`,
		Example: `  bpfgo map set counts 5 7
  bpfgo map set flows key.src=10 key.port=80 value.bytes=0

  # only if there is no such element yet
  bpfgo map set routes 10.0.0.0/8 1 --no-exist

  # a global variable
  bpfgo map set execsnoo.bss config.mode=FAST

  # a program for tail calls
  bpfgo map set tail_calls 3 parse_tcp`,
		Args:              cli.Operands(1, cli.Any, "a map, "+pick.Ways+", a key and a value"),
		ValidArgsFunction: pick.CompleteMap,
	}
	cli.Section(cmd, "Writing", func(flags *pflag.FlagSet) {
		flags.BoolVar(&s.noExist, "no-exist", false, "only add: fail if the element is there")
		flags.BoolVar(&s.exist, "exist", false, "only change: fail if the element is not there")
		cli.Func(flags, "cpu", "N", "set the value of this CPU only, instead of that of all CPUs", func(text string) error {
			n, err := strconv.ParseUint(text, 10, 31)
			if err != nil || n > math.MaxInt32 {
				return errors.New("must be the number of a CPU")
			}
			s.cpu = int(n)
			return nil
		})
	})
	cmd.MarkFlagsMutuallyExclusive("exist", "no-exist")
	s.from.add(cmd)
	s.mode = changesFlag(env, cmd)
	cmd.Flags().BoolVar(&s.raw, "raw", false, "also write the bytes, as hexadecimal in JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := s.from.open(args[0])
		if err != nil {
			return err
		}
		defer t.close()
		return s.set(t, args[1:])
	}
	return cmd
}

func changesFlag(env *cli.Env, cmd *cobra.Command) *cli.JSON {
	return env.JSONFlag(cmd, `write {"schema_version":1,"map":{...},"changes":[{"change":"added|changed|removed|unchanged",`+
		`"key":...,"before":...,"after":...}]}`)
}

// settable returns an error that says why bpfgo can't set elements of maps of this type, or nil.
func settable(t libbpf.MapType) error {
	why := ""
	switch t {
	case libbpf.MapTypeQueue, libbpf.MapTypeStack, libbpf.MapTypeBloomFilter:
		return fmt.Errorf("a map of type %s has no keys; use 'bpfgo map push'", t)
	case libbpf.MapTypeRingBuf, libbpf.MapTypeUserRingBuf:
		why = "it is a buffer"
	case libbpf.MapTypePerfEventArray:
		why = "it takes perf events of the process that sets them"
	case libbpf.MapTypeSockMap, libbpf.MapTypeSockHash, libbpf.MapTypeReuseportSockArray, libbpf.MapTypeXSKMap:
		why = "it takes sockets of the process that sets them"
	case libbpf.MapTypeSKStorage, libbpf.MapTypeInodeStorage, libbpf.MapTypeTaskStorage, libbpf.MapTypeCgrpStorage:
		why = "its elements belong to objects of the kernel"
	case libbpf.MapTypeStackTrace:
		why = "only the kernel adds stacks"
	case libbpf.MapTypeStructOps:
		why = "its functions are attached by who loads them"
	case libbpf.MapTypeArena, libbpf.MapTypeInsnArray:
	default:
		return nil
	}
	if why != "" {
		why = ": " + why
	}
	return fmt.Errorf("elements of a map of type %s can't be set%s", t, why)
}

func (s *setter) set(t *target, args []string) error {
	if err := settable(t.desc.Type); err != nil {
		return fmt.Errorf("map %s: %w", t.desc.Name, err)
	}
	if s.cpu >= 0 && !t.desc.Type.IsPerCPU() {
		return cli.Usagef("--cpu: map %s is not per-CPU but of type %s", t.desc.Name, t.desc.Type)
	}
	o, err := t.parse(args, true, true)
	if err != nil {
		return err
	}
	key, err := t.makeKey(s.env, o.key)
	if err != nil {
		return err
	}
	before, err := t.exact(key)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return privilege.Need(err, privilege.BPF)
	}
	image, done, err := s.image(t, o.value, before)
	if err != nil {
		return err
	}
	defer done()
	if err := t.write(key, before, image, s.flags()); err != nil {
		return s.explain(t, key, err)
	}
	after, err := t.lookup(key) // the kernel has ids where it took descriptors
	if err != nil || after == nil {
		after = image
	}
	return t.report(s.env, s.mode, s.raw, [][3][]byte{{key, before, after}})
}

func (s *setter) flags() libbpf.MapFlags {
	switch {
	case s.noExist:
		return libbpf.NoExist
	case s.exist:
		return libbpf.Exist
	}
	return libbpf.Any
}

// image is the new value, or those of all CPUs. done is to be called when it is written.
func (s *setter) image(t *target, value side, before []byte) (image []byte, done func(), err error) {
	done = func() {}
	if value.parts == nil {
		reference, done, ok, err := t.reference(value.whole)
		if ok || err != nil {
			return reference, done, err
		}
	}
	size, err := t.imageSize()
	if err != nil {
		return nil, done, err
	}
	image = make([]byte, size)
	copy(image, before)
	if !t.desc.Type.IsPerCPU() {
		return image, done, value.put(s.env, t.valueName(), t.desc.Value, image)
	}
	cpus := len(image) / t.slot()
	if s.cpu >= cpus {
		return nil, done, cli.Usagef("--cpu %d: the CPUs are 0 to %d", s.cpu, cpus-1)
	}
	if value, err = value.read(s.env, int(t.desc.ValueSize)); err != nil {
		return nil, done, err
	}
	for cpu, slot := range slices.Collect(slices.Chunk(image, t.slot())) {
		if s.cpu >= 0 && s.cpu != cpu {
			continue
		}
		if err := value.put(s.env, t.valueName(), t.desc.Value, slot[:t.desc.ValueSize]); err != nil {
			return nil, done, err
		}
	}
	return image, done, nil
}

// valueName is what messages call the value.
func (t *target) valueName() string {
	if t.data() {
		return t.desc.Name
	}
	return "value"
}

// explain says why the kernel refused to set an element.
func (s *setter) explain(t *target, key []byte, err error) error {
	text := "of this key"
	if v, failed := view.New(t.desc, view.Options{}); failed == nil {
		text = v.KeyText(key)
	}
	switch {
	case errors.Is(err, libbpf.ErrKeyExist):
		return fmt.Errorf("map %s already has an element with the key %s", t.desc.Name, text)
	case errors.Is(err, libbpf.ErrKeyNotExist):
		return t.noElement(text)
	case errors.Is(err, libbpf.ErrIndexRange):
		return fmt.Errorf("%w: the indices of the map are 0 to %d", err, max(t.info.MaxEntries, 1)-1)
	}
	return t.denied(err)
}

// report shows what was changed: keys, with their values before and after.
func (t *target) report(env *cli.Env, mode *cli.JSON, raw bool, changed [][3][]byte) error {
	v, err := view.New(t.desc, view.Options{PerCPU: true})
	if err != nil {
		return t.reportUnread(env, mode)
	}
	var all []change
	for _, c := range changed {
		all = append(all, changes(v, c[0], c[1], c[2])...)
	}
	if mode.On {
		doc, err := begin(env.Stdout, mode, t.identity(), "changes")
		if err != nil {
			return err
		}
		for _, c := range all {
			if err := doc.add(c.appendJSON(nil, v, raw)); err != nil {
				return err
			}
		}
		return doc.end(nil)
	}
	var text strings.Builder
	for _, c := range all {
		if c.cpu < 0 || !c.same() {
			text.WriteString(c.text(v) + "\n")
		}
	}
	if text.Len() == 0 {
		text.WriteString(cli.Safe(t.desc.Name) + ": nothing changed\n")
	}
	_, err = env.Stdout.Write([]byte(text.String()))
	return err
}

// reportUnread is report for a map whose content user space can't read.
func (t *target) reportUnread(env *cli.Env, mode *cli.JSON) error {
	if mode.On {
		doc, err := begin(env.Stdout, mode, t.identity(), "changes")
		if err != nil {
			return err
		}
		return doc.end([]string{"user space can't read the map"})
	}
	_, err := fmt.Fprintf(env.Stdout, "%s: set\n", cli.Safe(t.desc.Name))
	return err
}

// members are the names of a struct's members.
func members(typ *decode.Type) string {
	var names []string
	for _, c := range typ.Columns() {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// appendName begins the members of a variable as JSON.
func appendName(dst []byte, name string) []byte {
	dst = decode.AppendJSONString(append(dst, `"name":`...), name)
	return append(dst, `,"value":`...)
}
