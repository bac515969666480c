package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Func gives flags a flag whose value a function takes. typ names the value in the help, as MAP=TYPE. It can be given
// more than once.
func Func(flags *pflag.FlagSet, name, typ, usage string, set func(text string) error) {
	flags.Var(&funcValue{typ, set}, name, usage)
}

// FuncP is Func with a letter that stands for the flag.
func FuncP(flags *pflag.FlagSet, name, letter, typ, usage string, set func(text string) error) {
	flags.VarP(&funcValue{typ, set}, name, letter, usage)
}

type funcValue struct {
	typ string
	set func(text string) error
}

func (v *funcValue) String() string        { return "" }
func (v *funcValue) Type() string          { return v.typ }
func (v *funcValue) Set(text string) error { return v.set(text) }

// Count is the value of a flag that must be a whole number above 0.
func Count(value *int) func(string) error {
	return func(text string) error {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n <= 0 {
			return fmt.Errorf("must be a whole number from 1 to %d", math.MaxInt32)
		}
		*value = int(n)
		return nil
	}
}

// Duration is the value of a flag that must be a duration above 0.
func Duration(value *time.Duration) func(string) error {
	return func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return errors.New("must be a duration above 0, such as 500ms, 1s or 2m30s")
		}
		*value = d
		return nil
	}
}

// List is the value of a flag that can be repeated.
func List(values *[]string) func(string) error {
	return func(text string) error {
		if text == "" {
			return errors.New("must not be empty")
		}
		*values = append(*values, text)
		return nil
	}
}

// Pairs is the value of a flag of the form NAME=VALUE that can be repeated.
func Pairs(values map[string]string) func(string) error {
	return func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" || value == "" {
			return errors.New("must be NAME=VALUE")
		}
		values[name] = value
		return nil
	}
}
