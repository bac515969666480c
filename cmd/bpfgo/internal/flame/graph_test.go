package flame

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// frames is a stack of a process, outermost first. Those with a _k are of the kernel.
func frames(text string) []Frame {
	all := []Frame{{"prog", Other}}
	for name := range strings.FieldsSeq(text) {
		kind := User
		if strings.HasSuffix(name, "_k") {
			kind = Kernel
		}
		all = append(all, Frame{name, kind})
	}
	return all
}

func example() *Graph {
	g := &Graph{}
	g.Add(frames("main work sqrt"), 60)
	g.Add(frames("main work"), 15)
	g.Add(frames("main read vfs_read_k copy_k"), 20)
	g.Add(frames("main read vfs_read_k"), 4)
	g.Add(frames("main read vfs_read_k"), 1)
	g.Add([]Frame{{"a<b>&\"c\"\x1b]0;x\a\x00\xff", User}, {"[unknown]", User}, {"type::name[u8; 4]", User}}, 3)
	g.Add(nil, 2)
	return g
}

func TestFolded(t *testing.T) {
	var out bytes.Buffer
	testutil.Check(t, example().WriteFolded(&out))
	clitest.Golden(t, "example.folded", out.String())
}

func svg(t *testing.T, g *Graph) []byte {
	t.Helper()
	var out bytes.Buffer
	testutil.Check(t, g.WriteSVG(&out, "a <title> & more", "samples"))
	return out.Bytes()
}

func TestSVG(t *testing.T) { clitest.Golden(t, "example.svg", string(svg(t, example()))) }

// elements are the names of the elements of an SVG and the numbers in their attributes.
func elements(t *testing.T, image []byte) (count map[string]int, rects []map[string]float64) {
	t.Helper()
	count = map[string]int{}
	decoder := xml.NewDecoder(bytes.NewReader(image))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return count, rects
		}
		testutil.Check(t, err)
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		count[start.Name.Local]++
		if start.Name.Local == "rect" {
			numbers := map[string]float64{}
			for _, a := range start.Attr {
				if n, err := strconv.ParseFloat(a.Value, 64); err == nil {
					numbers[a.Name.Local] = n
				}
			}
			rects = append(rects, numbers)
		}
	}
}

// The picture is XML, and no box leaves it, whatever the names and counts are.
func TestSVGIsWellFormed(t *testing.T) {
	deep := &Graph{}
	deep.Add(frames(strings.Repeat("f ", 254)), 1)
	narrow := &Graph{}
	narrow.Add(frames("wide"), 1<<40)
	narrow.Add(frames("narrow narrow"), 1)
	script := &Graph{}
	script.Add([]Frame{{"]]></script><script>alert(1)</script>", User}, {"\x00\u202e\ufffe", Kernel}}, 1)
	for name, g := range map[string]*Graph{"example": example(), "empty": {}, "deep": deep, "narrow": narrow, "script": script} {
		image := svg(t, g)
		count, rects := elements(t, image)
		if count["svg"] != 1 || count["script"] != 1 || count["style"] != 1 {
			t.Errorf("%s: %v", name, count)
		}
		for _, r := range rects[1:] {
			if r["x"] < margin || r["x"]+r["width"] > width-margin+0.1 || r["y"] < heading {
				t.Errorf("%s: %v", name, r)
			}
		}
		if again := svg(t, g); !bytes.Equal(again, image) {
			t.Errorf("%s: the same graph gives another picture", name)
		}
		if name == "empty" && strings.Contains(string(image), "too narrow") {
			t.Errorf("%s: something is left out of nothing", name)
		}
		if name == "narrow" && !strings.Contains(string(image), "2 boxes are too narrow") {
			t.Errorf("%s: what is left out is not told", name)
		}
	}
}

func TestNoRawNames(t *testing.T) {
	var out bytes.Buffer
	testutil.Check(t, example().WriteFolded(&out))
	for _, text := range []string{out.String(), string(svg(t, example()))} {
		if strings.ContainsAny(text, "\x1b\a\x00") {
			t.Errorf("%q", text)
		}
	}
}
