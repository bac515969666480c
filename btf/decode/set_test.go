package decode

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/internal/place"
	"github.com/libbpf-go/libbpf-go/internal/testutil/mutate"
)

// set sets a variable of bpf/types.bpf.c, or a part of one, and returns the variable's value as text.
func set(t *testing.T, b *btf.BTF, types *Types, name, value string) (string, error) {
	t.Helper()
	variable, path, err := place.Find(b, name)
	if err != nil {
		t.Fatal(err)
	}
	size, err := b.Size(variable.Type)
	if err != nil {
		t.Fatal(err)
	}
	image := bytes.Repeat([]byte{0xff}, size)
	before := bytes.Clone(image)
	whole, err := types.Type(variable.Type)
	if err != nil {
		t.Fatal(err)
	}
	part, err := whole.As(variable.Name).Field(path)
	if err != nil {
		return "", err
	}
	if err := part.Set(image, value); err != nil {
		if !bytes.Equal(image, before) {
			t.Errorf("%s=%s failed and changed the value", name, value)
		}
		return "", err
	}
	return whole.Text(image), nil
}

func TestSet(t *testing.T) {
	b, types := types(t)
	tests := []struct{ name, value, want string }{
		{"debug", "255", "255"},
		{"debug", "0xfE", "254"},
		{"debug", "0", "0"},
		{"debug", "-0", "0"},
		{"debug", "010", "10"},
		{"target_tgid", "4294967295", "4294967295"},
		{"offset", "-9223372036854775808", "-9223372036854775808"},
		{"offset", "9223372036854775807", "9223372036854775807"},
		{"offset", "-0x10", "-16"},
		{"limit", "18446744073709551615", "18446744073709551615"},
		{"limit", "0xffffffffffffffff", "18446744073709551615"},
		{"enabled", "false", "false"},
		{"enabled", "true", "true"},
		{"enabled", "1", "true"},
		{"title", "hello", "hello"},
		{"title", "", `""`},
		{"title", "fifteen letters", "fifteen letters"},
		{"paint", "GREEN", "GREEN"},
		{"paint", "1", "1"},
		{"paint", "1073741824", "BLUE"},
		{"size", "LITTLE", "LITTLE"},
		{"size", "0x123456789a", "78187493530"},
		{"numbers", "1,-2, 3", "[1, -2, 3, 0]"},
		{"numbers", "0", "[0...]"},
		{"ratio", "-0.25", "-0.25"},
		{"precise", "1e300", "1e+300"},
		{"precise", "nan", "NaN"},
		{"config.a", "7", "{a=7 inner={a=-1 b=[255, 255, 255]} bits=7}"},
		{"config.inner.b", "1,2,3", "{a=-1 inner={a=-1 b=[1, 2, 3]} bits=7}"},
		{"numbers[2]", "-7", "[-1, -1, -7, -1]"},
		{"squares[2][1]", "4", "[[-1, -1], [-1, -1], [-1, 4]]"},
		{".rodata:debug", "9", "9"},
		{"config.inner.b[1]", "9", "{a=-1 inner={a=-1 b=[255, 9, 255]} bits=7}"},
		{"address", "0xffff888000001000", "0xffff888000001000"},
		{"identity", "0xfedcba98765432100123456789abcdef", "0xfedcba98765432100123456789abcdef"},
		{"identity", "18446744073709551616", "0x10000000000000000"},
		{"squares", "[[1, 2], [3]]", "[[1, 2], [3, 0], [0, 0]]"},
		{"numbers", "[1, -2]", "[1, -2, 0, 0]"},
		{"config", `{"inner":{"b":[9]},"bits":2}`, "{a=-1 inner={a=-1 b=[9, 0, 0]} bits=2}"},
		{"config.bits", "5", "{a=-1 inner={a=-1 b=[255, 255, 255]} bits=5}"},
	}
	for _, tt := range tests {
		if got, err := set(t, b, types, tt.name, tt.value); err != nil {
			t.Errorf("%s=%s: %v", tt.name, tt.value, err)
		} else if got != tt.want {
			t.Errorf("%s=%s gives %s, want %s", tt.name, tt.value, got, tt.want)
		}
	}
}

// What AppendJSON writes, Set takes, of every kind of value.
func TestSetJSON(t *testing.T) {
	typ := named(t, "struct everything")
	full := everything()
	// A bool of 2 and a string without its NUL can't be set.
	for path, value := range map[string]string{"odd": "1", "lines[1]": "wxy"} {
		if err := part(t, typ, path).Set(full, value); err != nil {
			t.Fatal(err)
		}
	}
	for _, value := range [][]byte{full, make([]byte, typ.Size())} {
		text := string(typ.AppendJSON(nil, value))
		for _, before := range []byte{0, 0xff} {
			got := bytes.Repeat([]byte{before}, typ.Size())
			if err := typ.Set(got, text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if again := string(typ.AppendJSON(nil, got)); again != text {
				t.Errorf("%s\nbecomes\n%s", text, again)
			}
		}
	}
	data := everything()
	if err := typ.Set(data, `{"lines":["ab"],"color":"RED","pointer":"0x10","i64":null}`); err != nil {
		t.Fatal(err)
	}
	want := everything()
	for path, value := range map[string]string{"lines": "ab", "color": "0", "pointer": "16"} {
		if err := part(t, typ, path).Set(want, value); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(data, want) {
		t.Errorf("%s, want %s", typ.Text(data), typ.Text(want))
	}
}

// Data that ends too early takes JSON for what is there.
func TestSetJSONTruncated(t *testing.T) {
	typ := named(t, "struct everything")
	for n := range typ.Size() {
		data := everything()[:n]
		array := part(t, typ, "array")
		if err := array.Set(data, string(array.AppendJSON(nil, data))); err != nil || !bytes.Equal(data, everything()[:n]) {
			t.Errorf("%d bytes: %s, %v", n, typ.Text(data), err)
		}
	}
}

// A character is set as it is shown.
func TestSetCharacter(t *testing.T) {
	typ := part(t, named(t, "struct everything"), "letter")
	for value, want := range map[string]string{"65": "'A'", "'A'": "'A'", `'\''`: `'\''`, "-1": "-1"} {
		data := everything()
		if err := typ.Set(data, value); err != nil || typ.Text(data) != want {
			t.Errorf("%s gives %s, %v", value, typ.Text(data), err)
		}
	}
}

// Strings come from programs, and may hold what a terminal takes for commands.
func TestJSONControls(t *testing.T) {
	want := `"a b\u001b\u007f\u0080\u009b` + "\u00a0é\ufffd\""
	if got := string(AppendJSONString(nil, "a b\x1b\x7f\u0080\u009b\u00a0é\xff")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSetErrors(t *testing.T) {
	b, types := types(t)
	tests := []struct{ name, value, want string }{
		{"debug", "300", "value 300 does not fit unsigned char debug (0..255)"},
		{"debug", "-1", "value -1 does not fit unsigned char debug (0..255)"},
		{"debug", "0x100", "value 0x100 does not fit unsigned char debug (0..255)"},
		{"debug", "x", `value "x" for unsigned char debug is no integer`},
		{"debug", "", `value "" for unsigned char debug is no integer`},
		{"debug", "1.5", `value "1.5" for unsigned char debug is no integer`},
		{"debug", "--1", `value "--1" for unsigned char debug is no integer`},
		{"target_tgid", "4294967296", "value 4294967296 does not fit u32 target_tgid (0..4294967295)"},
		{"offset", "9223372036854775808", "value 9223372036854775808 does not fit long offset " +
			"(-9223372036854775808..9223372036854775807)"},
		{"limit", "18446744073709551616", "value 18446744073709551616 does not fit u64 limit (0..18446744073709551615)"},
		{"enabled", "2", `value "2" does not fit _Bool enabled (true or false)`},
		{"title", "sixteen letters!", "a string of 16 bytes and its NUL do not fit char title[16]"},
		{"title", "a\x00b", "a value of char title[16] can't have a NUL in it"},
		{"paint", "PINK", `value "PINK" for enum color paint is neither a number nor one of RED, GREEN, RUBY, BLUE`},
		{"numbers", "1,2,3,4,5", "5 values do not fit int numbers[4]"},
		{"numbers", "1,,3", `value "" for int numbers[1] is no integer`},
		{"numbers", "1,2,2147483648", "value 2147483648 does not fit int numbers[2] (-2147483648..2147483647)"},
		{"squares", "1", "the elements of int squares[3][2] are no numbers: give it as JSON, such as [1, 2]"},
		{"squares", "[1]", "int squares[0][2] can't be 1"},
		{"squares", "[[1,2,3]]", "3 values do not fit int squares[0][2]"},
		{"squares", "[[1,x]]", "the value of int squares[3][2] is not valid JSON"},
		{"config", `{"a":1,"inner":{"b":[1,300]}}`, "value 300 does not fit u8 config.inner.b[1] (0..255)"},
		{"config", `{"a":1,"c":2}`, `anonymous struct config has no member "c"`},
		{"config", `{"a":[1]}`, "int config.a can't be [1]"},
		{"everything", `{"name":5}`, "char everything.name[8] must be a string and not 5"},
		{"everything.letter", "'é'", `value "'é'" for char everything.letter is no integer`},
		{"everything.letter", `"A"`, `value "\"A\"" for char everything.letter is no integer`},
		{"ratio", "1e39", "value 1e39 does not fit float ratio"},
		{"ratio", "half", `value "half" for float ratio is no number`},
		{"address", "-1", "value -1 does not fit void *address (0..18446744073709551615)"},
		{"identity", "-1", "value -1 does not fit the 128 bits of unsigned __int128 identity"},
		{"identity", "--1", `value "--1" for unsigned __int128 identity is no integer`},
		{"identity", "0x100000000000000000000000000000000",
			"value 0x100000000000000000000000000000000 does not fit the 128 bits of unsigned __int128 identity"},
		{"config", "1", "anonymous struct config is a struct or union: set its members one by one, as config.member=value, " +
			`or give it as JSON, such as {"member":1}`},
		{"config.c", "1", "anonymous struct config has no member c"},
		{"config.a.b", "1", "int config.a is not a struct and has no member b"},
		{"numbers[4]", "1", "int numbers[4] has no element 4"},
		{"numbers[x]", "1", "[x] must be an index such as [0]"},
		{"numbers[1", "1", "[1 must be an index such as [0]"},
		{"debug[0]", "1", "unsigned char debug is not an array and has no element 0"},
		{"squares[0]", "1,x", `value "x" for int squares[0][1] is no integer`},
		{"config.bits", "8", "value 8 does not fit u32 config.bits (0..7)"},
		{"everything.inner", "1", "struct inner everything.inner is a struct or union: set its members one by one, " +
			`as everything.inner.member=value, or give it as JSON, such as {"member":1}`},
	}
	for _, tt := range tests {
		if got, err := set(t, b, types, tt.name, tt.value); err == nil {
			t.Errorf("%s=%s gives %s, want an error", tt.name, tt.value, got)
		} else if err.Error() != tt.want {
			t.Errorf("%s=%s: %q, want %q", tt.name, tt.value, err, tt.want)
		}
	}
	// A variable that is shorter than its type says.
	for _, name := range []string{"title", "numbers", "limit"} {
		variable, err := b.TypeByName(name, btf.KindVar)
		if err != nil {
			t.Fatal(err)
		}
		typ, err := types.Type(variable.ID())
		if err != nil {
			t.Fatal(err)
		}
		if err := typ.Set([]byte{1}, "1"); err == nil {
			t.Errorf("%s was set in one byte", name)
		}
	}
}

// FuzzSet sets every variable to arbitrary text.
func FuzzSet(f *testing.F) {
	for _, value := range []string{"1", "-0x5", "true", "GREEN", "1,2,3", "1e9", "\xff", ",", "-", "{}", `{"a":1}`, "[[1],[null]]"} {
		f.Add(value)
	}
	b, types := types(f)
	section, err := b.TypeByName(".data", btf.KindDatasec)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(mutate.Target(f, 5, func(t *testing.T, value string) {
		for _, v := range section.(*btf.Datasec).Vars {
			size, err := b.Size(v.Type)
			if err != nil {
				t.Fatal(err)
			}
			image := make([]byte, size)
			typ, err := types.Type(v.Type)
			if err != nil {
				t.Fatal(err)
			}
			if err := typ.Set(image, value); err != nil {
				continue
			}
			// What was set and is shown can be set again and is the same.
			text := typ.Text(image)
			again := make([]byte, size)
			if strings.IndexByte(`"[{`, text[0]) >= 0 {
				continue
			}
			if err := typ.Set(again, text); err != nil {
				t.Errorf("%q is shown as %s: %v", value, text, err)
			} else if !bytes.Equal(again, image) && text != "NaN" {
				t.Errorf("%q is shown as %s, which is another value", value, text)
			}
		}
	}))
}

// What numbers take, at their limits.
func TestSetNumbers(t *testing.T) {
	types := build(t, func(b *btf.Builder) {
		u8, u32, float := b.AddInt("u8", 1, 0), b.AddInt("u32", 4, 0), b.AddFloat("float", 4)
		b.AddInt("i64", 8, btf.IntSigned)
		b.AddInt("bool", 1, btf.IntBool)
		b.AddFloat("double", 8)
		b.AddEnum("enum", 4, btf.EnumValue{Name: "A", Value: 1})
		b.AddEnum64("enum64", 8, false, btf.EnumValue{Name: "B", Value: 1})
		b.AddInt("i128", 16, btf.IntSigned)
		b.AddInt("u128", 16, 0)
		b.AddTypedef("pointer", b.AddPtr(0))
		b.AddStruct("struct", 4, btf.Member{Name: "n", Type: u32})
		b.AddTypedef("array", b.AddArray(u8, u32, 2))
		b.AddTypedef("floats", b.AddArray(float, u32, 2))
	})
	const lowest, highest = "-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"
	for _, c := range []struct{ typ, value, want string }{ // an empty text is an error
		{"bool", "1", "true"}, {"bool", "0", "false"}, {"bool", "2", ""},
		{"enum", "-1", "4294967295"}, {"enum", "-2147483648", "2147483648"}, {"enum", "-2147483649", ""}, {"enum", "4294967296", ""},
		{"enum64", "-1", ""}, {"enum64", "18446744073709551615", "18446744073709551615"}, {"enum64", "B", "B"},
		{"i64", "-1", "-1"}, {"i64", "9223372036854775808", ""}, {"u8", "255", "255"}, {"u8", "256", ""}, {"u8", "-0", "0"},
		{"i128", "-5", "-5"}, {"i128", lowest, lowest}, {"i128", highest, highest}, {"i128", "-0x1F", "-31"},
		{"i128", "170141183460469231731687303715884105728", ""}, {"i128", "-170141183460469231731687303715884105729", ""},
		{"u128", "0xffffffffffffffffffffffffffffffff", "0xffffffffffffffffffffffffffffffff"}, {"u128", "-1", ""}, {"u128", "+1", ""},
		{"u128", "-0", "0x0"}, {"i128", "-+1", ""}, {"i128", "", ""},
		{"floats", "1.5,-2", "[1.5, -2]"}, {"floats", "1.5,x", ""}, {"array", "1,256", ""},
	} {
		typ := find(t, types, c.typ)
		data := bytes.Repeat([]byte{0xaa}, typ.Size())
		before := bytes.Clone(data)
		err := typ.Set(data, c.value)
		switch {
		case c.want == "" && (!errors.Is(err, unix.EINVAL) || !bytes.Equal(data, before)):
			t.Errorf("%s=%s is %s, %v", c.typ, c.value, typ.Text(data), err)
		case c.want != "" && (err != nil || typ.Text(data) != c.want):
			t.Errorf("%s=%s is %s, %v", c.typ, c.value, typ.Text(data), err)
		}
		if err := typ.Set(data[1:], c.value); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s=%s is set beyond the data: %v", c.typ, c.value, err)
		}
	}
	for _, c := range []struct {
		typ      string
		negative bool
		number   uint64
		want     string
	}{
		{"u8", false, 255, "255"}, {"u8", false, 256, ""}, {"u8", true, 1, ""}, {"u8", true, 0, "0"},
		{"i64", true, 1 << 63, "-9223372036854775808"}, {"i64", false, 1 << 63, ""}, {"i64", true, 1, "-1"},
		{"bool", false, 1, "true"}, {"bool", false, 0, "false"}, {"bool", false, 2, ""}, {"enum", false, 1, "A"}, {"enum", true, 1, "4294967295"},
		{"pointer", false, 1, ""}, {"float", false, 1, ""}, {"struct", false, 1, ""}, {"array", false, 1, ""}, {"i128", false, 1, ""},
	} {
		typ := find(t, types, c.typ)
		data := make([]byte, typ.Size())
		set := func(data []byte) error {
			if c.negative {
				return typ.SetInt(data, -int64(c.number))
			}
			return typ.SetUint(data, c.number)
		}
		if err := set(data); (err == nil) != (c.want != "") || err == nil && typ.Text(data) != c.want {
			t.Errorf("%s = %v %d is %s, %v", c.typ, c.negative, c.number, typ.Text(data), err)
		}
		if err := set(data[1:]); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s = %v %d is set beyond the data: %v", c.typ, c.negative, c.number, err)
		}
	}
	for name, want := range map[string]string{"float": "0.1", "double": "0.1"} {
		typ := find(t, types, name)
		data := make([]byte, typ.Size())
		if err := typ.SetFloat(data, 0.1); err != nil || typ.Text(data) != want {
			t.Errorf("%s is %s, %v", name, typ.Text(data), err)
		}
		if err := typ.SetFloat(data[1:], 0.1); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s is set beyond the data: %v", name, err)
		}
	}
}

// An error names up to eight enumerators.
func TestEnumerators(t *testing.T) {
	var eight, nine []btf.EnumValue
	for i, name := range strings.Fields("A B C D E F G H I") {
		nine = append(nine, btf.EnumValue{Name: name, Value: int64(i)})
	}
	eight = nine[:8]
	types := build(t, func(b *btf.Builder) {
		b.AddEnum("eight", 4, eight...)
		b.AddEnum("nine", 4, nine...)
	})
	for name, want := range map[string]string{"eight": "one of A, B, C, D, E, F, G, H", "nine": "one of A, B, C, D, E, F, G, H, ..."} {
		if err := find(t, types, name).Set(make([]byte, 4), "Z"); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Spaces around JSON do not matter, and what is of another kind is refused as that.
func TestSetJSONKinds(t *testing.T) {
	b, types := types(t)
	for _, c := range []struct{ name, value, want string }{
		{"numbers", " [ 1 , 2 ] ", "[1, 2, 0, 0]"},
		{"config", "\n{ \"a\" : 1 }\n", "{a=1 inner={a=-1 b=[255, 255, 255]} bits=7}"},
		{"config", `{"inner": {"b":[ ]}}`, "{a=-1 inner={a=-1 b=[0, 0, 0]} bits=7}"},
	} {
		if got, err := set(t, b, types, c.name, c.value); err != nil || got != c.want {
			t.Errorf("%s=%s is %s, %v", c.name, c.value, got, err)
		}
	}
	for _, c := range []struct{ name, value, want string }{
		{"config", `{"a":{}}`, "int config.a can't be {}"},
		{"config", `{"inner":[]}`, "struct inner config.inner can't be []"},
		{"config", `{"inner":1}`, "struct inner config.inner can't be 1"},
		{"config", `{"inner":{"b":{}}}`, "u8 config.inner.b[3] can't be {}"},
		{"config", `{"inner":{"b":"x"}}`, `u8 config.inner.b[3] can't be "x"`},
	} {
		if got, err := set(t, b, types, c.name, c.value); err == nil || err.Error() != c.want {
			t.Errorf("%s=%s is %s, %v", c.name, c.value, got, err)
		}
	}
}
