package maps

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/view"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestWatch(t *testing.T) {
	pins := content(t)
	counts, err := libbpf.MapHandleFromPinnedPath(pins["counts"])
	testutil.Check(t, err)
	defer counts.Close()
	for _, mode := range []*cli.JSON{{On: true}, {}} {
		target, err := typeFlags{}.open(pins["counts"])
		testutil.Check(t, err)
		var out, errs clitest.Buffer
		w := &watcher{env: cli.Quiet(&out, &errs), mode: mode, interval: 5 * time.Millisecond}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.watch(ctx, target) }()
		key := binary.NativeEndian.AppendUint32(nil, 5)
		for n := uint64(1); !strings.Contains(out.String(), "->") && !strings.Contains(out.String(), `"changed"`); n++ {
			testutil.Check(t, counts.Update(key, binary.NativeEndian.AppendUint64(nil, n), libbpf.Any))
			time.Sleep(time.Millisecond)
		}
		stop()
		testutil.Check(t, <-done)
		target.close()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		last := lines[len(lines)-1]
		if !mode.On {
			if !strings.Contains(last, " counts[5]: ") || !strings.HasSuffix(last, "/s)") {
				t.Error(last)
			}
			continue
		}
		var change struct {
			Time          time.Time
			Change        string
			Key           int
			Before, After int
		}
		testutil.Check(t, json.Unmarshal([]byte(last), &change))
		if change.Change != "changed" || change.Key != 5 || change.After <= change.Before || change.Time.IsZero() {
			t.Errorf("%+v", change)
		}
	}
	// Without changes it ends after so many intervals, and writes nothing.
	stdout, stderr := tool.Must(t, "map", "watch", pins["flows"], "--interval", "1ms", "--count", "2")
	if stdout != "" || stderr != "" {
		t.Errorf("%q, %q", stdout, stderr)
	}
}

func TestChanges(t *testing.T) {
	pins := content(t)
	target, err := typeFlags{}.open(pins["flows"])
	testutil.Check(t, err)
	defer target.close()
	v, err := view.New(target.desc, view.Options{})
	testutil.Check(t, err)
	row := func(src int, count, bytes int) (string, []byte) {
		key, value := make([]byte, target.desc.KeySize), make([]byte, target.desc.ValueSize)
		testutil.Check(t, target.desc.Key.Set(key, fmt.Sprintf(`{"src":%d}`, src)))
		testutil.Check(t, target.desc.Value.Set(value, fmt.Sprintf(`{"count":%d,"bytes":%d}`, count, bytes)))
		return identify(view.Row{Key: key, CPU: -1}), value
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	before, now := snapshot{at, map[string][]byte{}}, snapshot{at.Add(2 * time.Second), map[string][]byte{}}
	for _, s := range []struct {
		of         snapshot
		src, n, by int
	}{{before, 1, 1, 5}, {before, 2, 10, 300}, {before, 3, 1, 1}, {now, 3, 1, 1}, {now, 2, 7, 1300}, {now, 9, 1, 1}} {
		id, value := row(s.src, s.n, s.by)
		s.of.rows[id] = value
	}
	all := now.since(before, target, v)
	var text strings.Builder
	w := &watcher{env: cli.Quiet(&text, &text), mode: &cli.JSON{}, interval: time.Second}
	testutil.Check(t, w.writeText(v, before, now, all))
	want := `03:04:07 flows[{src=1 port=0 proto=0}]: removed {count=1 bytes=5 last=PASS tag=[0...]}
03:04:07 flows[{src=2 port=0 proto=0}]: count 10 -> 7, bytes 300 -> 1300 (-1.5/s, +500/s)
03:04:07 flows[{src=9 port=0 proto=0}]: added {count=1 bytes=1 last=PASS tag=[0...]}
`
	if text.String() != want {
		t.Errorf("%s\nwant\n%s", text.String(), want)
	}
	want = `03:04:07  flows: hash, 3 entries
change   key                     part   before   after  per second
removed  {src=1 port=0 proto=0}  count       1
                                 bytes       5
                                 last     PASS
                                 tag    [0...]
changed  {src=2 port=0 proto=0}  count      10       7        -1.5
                                 bytes     300    1300        +500
added    {src=9 port=0 proto=0}  count               1
                                 bytes               1
                                 last             PASS
                                 tag            [0...]
`
	if got := w.picture(v, before, now, all); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	want = "03:04:07  flows: hash, 3 entries\nnothing changed in the last 1s\n"
	if got := w.picture(v, before, now, nil); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// A look at a large map can be interrupted, and the screen does not get all of its changes.
func TestWatchLarge(t *testing.T) {
	pins := content(t)
	target, err := typeFlags{}.open(pins["table"])
	testutil.Check(t, err)
	defer target.close()
	v, err := view.New(target.desc, view.Options{})
	testutil.Check(t, err)
	var out strings.Builder
	w := &watcher{env: cli.Quiet(&out, &out), mode: &cli.JSON{}, interval: time.Hour}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if s, whole, err := w.look(ctx, target, v); whole || !errors.Is(err, context.Canceled) || len(s.rows) != 1 {
		t.Errorf("%d rows, %v, %v", len(s.rows), whole, err)
	}
	testutil.Check(t, w.watch(ctx, target))

	now := snapshot{time.Now(), map[string][]byte{}}
	for i := range uint32(2 * mostDrawn) {
		now.rows[identify(view.Row{Key: binary.NativeEndian.AppendUint32(nil, i), CPU: -1})] = make([]byte, 4)
	}
	all := now.since(snapshot{at: now.at}, target, v)
	if got := w.picture(v, now, now, all); !strings.HasSuffix(got, fmt.Sprintf("\n... and %d more\n", mostDrawn)) {
		t.Error(got)
	}
}

func TestBloomFilter(t *testing.T) {
	testutil.Root(t)
	m, err := libbpf.CreateMap(libbpf.MapTypeBloomFilter, "bpfgo_seen", 0, 4, 100, libbpf.MapCreateOptions{})
	if err != nil && testutil.Refused(err) {
		testutil.Skip(t, "bloom_filter", err)
	}
	testutil.Check(t, err)
	defer m.Close()
	info, err := m.Info()
	testutil.Check(t, err)
	id := fmt.Sprint(info.ID)
	stdout, _ := tool.Must(t, "map", "push", id, "5", "--value-type", "int")
	if stdout != "bpfgo_seen: pushed 5\n" {
		t.Error(stdout)
	}
	stdout, _ = tool.Must(t, "map", "test", id, "5", "--value-type", "int")
	if stdout != "bpfgo_seen may have 5\n" {
		t.Error(stdout)
	}
	stdout, stderr, status := tool.Run("map", "test", id, "6", "--value-type", "int", "--json")
	if status != cli.StatusFailed || stderr != "" || !strings.Contains(stdout, `"may_have": false`) {
		t.Errorf("%q, %q, %d", stdout, stderr, status)
	}
}
