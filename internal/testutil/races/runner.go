package races

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// runner runs the methods of one type.
type runner struct {
	t        *testing.T
	table    Table
	typ      Type
	methods  []string
	canaries *canaries
}

func (r *runner) on(t *testing.T) *runner {
	other := *r
	other.t = t
	return &other
}

func (v Value) finish(t testing.TB) {
	t.Helper()
	if err := v.Close(); err != nil {
		t.Errorf("Close: %+v", err)
	}
	if v.End != nil {
		v.End()
	}
}

// afterClose calls each method of a closed value, and Close once more.
func (r *runner) afterClose() {
	v := r.typ.Make(r.t)
	defer v.finish(r.t)
	if err := v.Close(); err != nil {
		r.t.Errorf("Close: %+v", err)
	}
	for _, name := range r.methods {
		method := r.typ.Methods[name]
		results, last := r.call(v.It, name)
		stays := method.Stays || slices.Contains(r.table.Stays, name) || name == "Close"
		switch {
		case stays || errors.Is(last, os.ErrClosed):
		case last != nil:
			if !slices.ContainsFunc(method.Closed, func(err error) bool { return err != nil && errors.Is(last, err) }) {
				r.t.Errorf("%s after Close: %v", name, last)
			}
		case slices.Contains(method.Closed, nil):
		case returnsError(v.It, name):
			r.t.Errorf("%s after Close returns no error", name)
		default:
			for _, result := range results {
				if value := reflect.ValueOf(result); value.IsValid() && !value.IsZero() && value.Kind() != reflect.Func && !isMinusOne(value) {
					r.t.Errorf("%s after Close returns %v", name, result)
				}
			}
		}
	}
}

// isMinusOne: what returns a descriptor returns -1 after Close.
func isMinusOne(v reflect.Value) bool { return v.CanInt() && v.Int() == -1 }

// race makes a value and calls methods of it at the same time, with Close if closing.
func (r *runner) race(closing bool, names ...string) {
	what := fmt.Sprintf("%s of %s", strings.Join(names, " and "), r.typ.Name)
	if len(names) > 2 {
		what = "all methods of " + r.typ.Name
	}
	stop := watchdog(what)
	defer stop()
	before := r.canaries.open()
	v := r.typ.Make(r.t)
	catcher := r.canaries.watch(before)
	begin := make(chan struct{})
	var closed atomic.Bool
	var all sync.WaitGroup
	for _, name := range names {
		if r.typ.Methods[name].Alone != "" && (len(names) > 1 || closing) {
			continue
		}
		all.Go(func() {
			left := 20 // calls after Close, where some numbers stay in use
			<-begin
			for more := 3; more > 0; {
				// With Close, a few calls more come when it is done, and the canaries sit where the descriptors were.
				switch {
				case !closing || closed.Load() && catcher.settled():
					more--
				case closed.Load() && left > 0:
					left--
					runtime.Gosched()
				case closed.Load():
					more--
				}
				_, err := r.call(v.It, name)
				if err == nil || errors.Is(err, os.ErrClosed) {
					continue
				}
				if !r.allowed(name, err) {
					r.t.Errorf("%s: %s: %+v", what, name, err)
				}
			}
		})
	}
	if closing {
		for range 2 {
			all.Go(func() {
				<-begin
				if err := v.Close(); err != nil {
					r.t.Errorf("%s: Close: %+v", what, err)
				}
				closed.Store(true)
			})
		}
	}
	close(begin)
	all.Wait()
	v.finish(r.t)
	catcher.check(r.t, what)
}

// allowed tells whether a method may return the error. It never may say that a descriptor is not open, except where
// that is the method's own argument.
func (r *runner) allowed(name string, err error) bool {
	is := func(e error) bool { return errors.Is(err, e) }
	return slices.ContainsFunc(r.typ.Methods[name].Errors, is) ||
		!errors.Is(err, unix.EBADF) && slices.ContainsFunc(r.typ.Errors, is)
}

// call calls a method. It walks through iterators, and closes what is to be closed. last is the last result if that is
// an error, or the error that an iterator has set.
func (r *runner) call(it any, name string) (results []any, last error) {
	calls.Add(1)
	value := reflect.ValueOf(it).MethodByName(name)
	method := r.typ.Methods[name]
	var arguments []reflect.Value
	var iterator *error
	if method.Args != nil {
		for i, argument := range method.Args(it) {
			arguments = append(arguments, convert(argument, parameter(value.Type(), i)))
		}
	} else {
		for i := range value.Type().NumIn() {
			if value.Type().IsVariadic() && i == value.Type().NumIn()-1 {
				break
			}
			arguments = append(arguments, r.argument(value.Type().In(i)))
		}
	}
	for _, argument := range arguments {
		if p, ok := argument.Interface().(*error); ok {
			iterator = p
		}
	}
	for _, result := range value.Call(arguments) {
		results = append(results, result.Interface())
	}
	for i, result := range results {
		of := value.Type().Out(i)
		if of.Kind() == reflect.Func && strings.HasPrefix(of.Name(), "Seq") {
			walk(reflect.ValueOf(result))
		}
		if err, ok := result.(error); ok && i == len(results)-1 {
			last = err
		}
	}
	if iterator != nil && *iterator != nil {
		last = *iterator
	}
	if method.Done != nil {
		method.Done(results)
	} else {
		for _, result := range results {
			closeResult(it, result)
		}
	}
	return results, last
}

func parameter(function reflect.Type, i int) reflect.Type {
	if function.IsVariadic() && i >= function.NumIn()-1 {
		return function.In(function.NumIn() - 1).Elem()
	}
	return function.In(i)
}

func convert(argument any, to reflect.Type) reflect.Value {
	if argument == nil {
		return reflect.Zero(to)
	}
	return reflect.ValueOf(argument).Convert(to)
}

// argument makes an argument by its type: what the table says, otherwise a zero.
func (r *runner) argument(of reflect.Type) reflect.Value {
	if make := r.table.Args[of]; make != nil {
		return convert(make(), of)
	}
	switch of {
	case reflect.TypeFor[*error]():
		return reflect.ValueOf(new(error))
	case reflect.TypeFor[string]():
		return reflect.ValueOf("x")
	}
	if of.Kind() == reflect.Func {
		return reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value {
			results := make([]reflect.Value, of.NumOut())
			for i := range results {
				results[i] = reflect.Zero(of.Out(i))
			}
			return results
		})
	}
	return reflect.Zero(of)
}

// walk goes through an iterator, not to the end of a long one.
func walk(sequence reflect.Value) {
	left := 100
	body := reflect.MakeFunc(sequence.Type().In(0), func([]reflect.Value) []reflect.Value {
		left--
		return []reflect.Value{reflect.ValueOf(left > 0)}
	})
	sequence.Call([]reflect.Value{body})
}

// closeResult closes what a method made.
func closeResult(it, result any) {
	value := reflect.ValueOf(result)
	if !value.IsValid() || result == it {
		return
	}
	if value.Kind() == reflect.Slice {
		for i := range value.Len() {
			closeResult(it, value.Index(i).Interface())
		}
		return
	}
	if closer, ok := result.(interface{ Close() error }); ok && !value.IsZero() {
		_ = closer.Close()
	}
}

func returnsError(it any, name string) bool {
	method := reflect.ValueOf(it).MethodByName(name).Type()
	for i := range method.NumIn() {
		if method.In(i) == reflect.TypeFor[*error]() {
			return true
		}
	}
	return method.NumOut() > 0 && method.Out(method.NumOut()-1) == reflect.TypeFor[error]()
}
