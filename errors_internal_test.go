package libbpf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A NULL of libbpf's comes with an errno, which may be one of libbpf's own, or with none.
func TestErrnoOfNull(t *testing.T) {
	other := errors.New("other")
	for _, c := range []struct{ err, want error }{
		{nil, ErrInvalid}, {unix.ENOENT, unix.ENOENT}, {unix.Errno(4001), Errno(4001)}, {other, other},
	} {
		if got := fromErrno(c.err); got != c.want {
			t.Errorf("%v became %v", c.err, got)
		}
	}
}

// An error of Close names what was closed, unless it does so already.
func TestErrorOfClosing(t *testing.T) {
	named := &Error{Op: "detach", Object: "link", Err: unix.EPERM}
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "<nil>"},
		{unix.EIO, "close it: input/output error"},
		{named, "detach link: operation not permitted"},
		{fmt.Errorf("first of 2: %w", named), "first of 2: detach link: operation not permitted"},
	} {
		if got := fmt.Sprint(closing("it", c.err)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestErrorBeyondInt32(t *testing.T) {
	for _, n := range []int{0, 1, math.MaxInt32} {
		if err := checkInt32("it", n); err != nil {
			t.Error(err)
		}
	}
	beyond := math.MaxInt32
	beyond++ // on 32 bits, that is the smallest number
	for _, n := range []int{-1, math.MinInt32, beyond} {
		err, want := checkInt32("it", n), fmt.Sprintf("it is %d and must be from 0 to 2147483647", n)
		if !errors.Is(err, ErrInvalid) || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// A feature that the kernel lacks is not supported, and has the errno.
func TestErrorOfLackingFeature(t *testing.T) {
	err := &Error{Op: "create", Object: `map "m"`, Err: &lacking{"maps of type arena", unix.EINVAL}}
	if want := `create map "m": maps of type arena: not supported by the kernel (invalid argument)`; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	for target, want := range map[error]bool{errors.ErrUnsupported: true, unix.EINVAL: true, os.ErrPermission: false} {
		if errors.Is(err, target) != want {
			t.Errorf("matches %v: %v", target, !want)
		}
	}
}

// Control characters are escaped, and all else is as it was, also what is no UTF-8.
func TestErrorWithoutControls(t *testing.T) {
	for text, want := range map[string]string{
		"":               "",
		"plain é":        "plain é",
		"\n":             `\n`,
		"a\x1b[31mé\tb":  `a\x1b[31mé\tb`,
		"\u0085 \xff \n": "\\u0085 \xff \\n",
	} {
		if got := withoutControls(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
