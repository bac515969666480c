package filter

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/btf/decode"
)

// event is struct { int pid; char comm[8]; unsigned long at; float part; enum color hue; void *place; struct inner in;
// unsigned __int128 large; }.
func event(t *testing.T) *decode.Type {
	t.Helper()
	b := btf.NewBuilder()
	t.Cleanup(func() { _ = b.Close() })
	i := b.AddInt("int", 4, btf.IntSigned)
	char := b.AddInt("char", 1, btf.IntSigned|btf.IntChar)
	long := b.AddInt("unsigned long", 8, 0)
	float := b.AddFloat("float", 4)
	color := b.AddEnum("color", 4, btf.EnumValue{Name: "RED"}, btf.EnumValue{Name: "BLUE", Value: 2})
	inner := b.AddStruct("inner", 4, btf.Member{Name: "port", Type: i})
	comm := b.AddArray(char, i, 8)
	place := b.AddPtr(0)
	large := b.AddInt("unsigned __int128", 16, 0)
	b.AddStruct("event", 64,
		btf.Member{Name: "pid", Type: i}, btf.Member{Name: "comm", Type: comm, BitOffset: 32},
		btf.Member{Name: "at", Type: long, BitOffset: 128}, btf.Member{Name: "part", Type: float, BitOffset: 192},
		btf.Member{Name: "hue", Type: color, BitOffset: 224}, btf.Member{Name: "place", Type: place, BitOffset: 256},
		btf.Member{Name: "in", Type: inner, BitOffset: 320},
		btf.Member{Name: "large", Type: large, BitOffset: 384})
	built, err := b.BTF()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = built.Close() })
	types, err := decode.NewTypes(built)
	if err != nil {
		t.Fatal(err)
	}
	typ, err := types.Named("event")
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func data() []byte {
	d := make([]byte, 64)
	order := binary.NativeEndian
	order.PutUint32(d, math.MaxUint32-4) // -5
	copy(d[4:], "nginx")
	order.PutUint64(d[16:], math.MaxUint64)
	order.PutUint32(d[24:], math.Float32bits(1.5))
	order.PutUint32(d[28:], 2)
	order.PutUint64(d[32:], 0xffff888000001000)
	order.PutUint32(d[40:], 443)
	if order.Uint16([]byte{0, 1}) == 1 { // 20
		d[63] = 20
	} else {
		d[48] = 20
	}
	return d
}

func TestMatch(t *testing.T) {
	typ := event(t)
	for text, want := range map[string]bool{
		"pid=-5": true, "pid==-5": true, "pid!=-5": false, "pid<0": true, "pid>-5": false, "pid>=-5": true, "pid<=-6": false,
		"pid<-5": false, "pid<=-5": true, "pid<-4": true,
		"pid = -5":   true,
		"comm=nginx": true, "comm=ngin": false, "comm=a name that does not fit": false, "comm!=cat": true, "comm>nginw": true,
		"comm~^ng.*x$": true, "comm~^x": false, "comm!~^x": true,
		"at=18446744073709551615": true, "at>5": true, "at<5": false,
		"part=1.5": true, "part<1.4": false,
		"hue=BLUE": true, "hue=RED": false, "hue=2": true, "hue~BLU": true,
		"place=0xffff888000001000": true, "place>0": true,
		"large=20": true, "large=0x14": true, "large!=20": false, "large>3": true, "large<18446744073709551616": true,
		"in.port=443": true, "in.port~^4": true,
	} {
		c, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		test, err := c.Bind(typ)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := test.Match(data()); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if test.Match(data()[:2]) {
			t.Errorf("%s: a value that ends before the member fulfils it", text)
		}
	}
}

// A text is compared as it is, not as it is shown.
func TestText(t *testing.T) {
	value := data()
	copy(value[4:], "a\"b\n\x80\x00")
	for _, text := range []string{`comm~^a"b\n`, "comm=a\"b\n\x80"} {
		c, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		test, err := c.Bind(event(t))
		if err != nil {
			t.Fatal(err)
		}
		if !test.Match(value) {
			t.Errorf("%q does not match", text)
		}
	}
}

func TestErrors(t *testing.T) {
	typ := event(t)
	if c, err := Parse("x=1"); err != nil || c.Member != "x" {
		t.Errorf("a name of one letter: %+v, %v", c, err)
	}
	if _, err := Parse("pid!5"); err == nil || !strings.HasPrefix(err.Error(), `"!" is not an operator`) {
		t.Errorf("an exclamation mark alone: %v", err)
	}
	for _, text := range []string{"", "pid", "=5", "comm~("} {
		if c, err := Parse(text); err == nil {
			t.Errorf("%q is a condition: %v", text, c)
		}
	}
	for _, text := range []string{"pid=x", "in=1", "hue=GREEN", "place=x", "pid=4294967296", "large=-1", "large=x"} {
		c, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Bind(typ); err == nil {
			t.Errorf("%s fits", text)
		}
	}
	c, err := Parse("nosuch=1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Bind(typ); !errors.Is(err, btf.ErrNotFound) {
		t.Errorf("no such member: %v", err)
	}
}
