package libbpf_test

import (
	"fmt"
	"testing"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// Printing a value says what it is, and not what is in it.
func TestValuesPrintShortly(t *testing.T) {
	testutil.Root(t)
	open := open(t, "stream")
	openMap, err := open.Map("ring")
	check(t, err)
	openProgram, err := open.Program("on_sys_enter")
	check(t, err)
	o := loadStream(t, nil)
	m, p := findMap(t, o, "ring"), findProgram(t, o, "on_sys_enter")
	handle, err := libbpf.MapHandleFrom(m)
	check(t, err)
	defer handle.Close()
	link, err := findProgram(t, loadAttach(t, nil), "on_exit").Attach()
	check(t, err)
	memory, err := findMap(t, o, ".bss").Memory()
	check(t, err)
	defer memory.Close()
	for want, value := range map[string]any{
		`object "stream"`:           []any{open, o},
		`map "ring"`:                []any{openMap, m, handle},
		`program "on_sys_enter"`:    []any{openProgram, p},
		`link of program "on_exit"`: link,
		`reader of map "ring"`:      openReader(t, m),
		"ring buffer (maps: 1)":     openRing(t, o, "ring", func([]byte) error { return nil }),
		fmt.Sprintf("memory of %d bytes", len(memory.Bytes())): memory,
	} {
		values, several := value.([]any)
		if !several {
			values = []any{value}
		}
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%s"} {
				if text := fmt.Sprintf(verb, v); text != want {
					t.Errorf("%s of a %T is %q, want %q", verb, v, text, want)
				}
			}
		}
	}
}
