package mutate

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"golang.org/x/sys/unix"
)

// lastInput is a file in memory that has the input of the execution in progress. It outlives the process.
type lastInput struct {
	path string
	mem  []byte
}

const lastSize = 4 << 20

// openLast opens the target's file, and writes the input that ended the process before, if one did.
func (r *run) openLast() error {
	dir := os.Getenv("LIBBPF_GO_FUZZ_DIR")
	if dir == "" {
		return nil
	}
	r.last.path = filepath.Join(dir, r.name+".last")
	file, err := os.OpenFile(r.last.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(lastSize); err != nil {
		return err
	}
	r.last.mem, err = unix.Mmap(int(file.Fd()), 0, lastSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	input := r.last.load(r.fn.Type())
	if input == nil {
		return nil
	}
	r.last.clear()
	path, err := r.write(input)
	if err != nil {
		return err
	}
	return fmt.Errorf("the input that ended the process is in %s now", path)
}

// store writes an input: the number of bytes, which clear sets to 0, and the arguments.
func (l *lastInput) store(input []reflect.Value) {
	if l.mem == nil {
		return
	}
	at := 8
	for _, v := range input {
		at += l.put(at, v)
	}
	binary.NativeEndian.PutUint64(l.mem, uint64(at))
}

func (l *lastInput) put(at int, v reflect.Value) int {
	number := uint64(0)
	switch v.Kind() {
	case reflect.String:
		number = uint64(copy(l.mem[at+8:], v.String()))
	case reflect.Slice:
		number = uint64(copy(l.mem[at+8:], v.Bytes()))
	case reflect.Bool:
		if v.Bool() {
			number = 1
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		number = v.Uint()
	default:
		number = uint64(v.Int())
	}
	binary.NativeEndian.PutUint64(l.mem[at:], number)
	if v.Kind() == reflect.String || v.Kind() == reflect.Slice {
		return 8 + int(number)
	}
	return 8
}

// load returns nil if no execution is in progress.
func (l *lastInput) load(fn reflect.Type) []reflect.Value {
	if binary.NativeEndian.Uint64(l.mem) == 0 {
		return nil
	}
	var input []reflect.Value
	at := 8
	for i := 1; i < fn.NumIn(); i++ {
		v := reflect.New(fn.In(i)).Elem()
		number := binary.NativeEndian.Uint64(l.mem[at:])
		at += 8
		switch v.Kind() {
		case reflect.String:
			v.SetString(string(l.mem[at:][:number]))
			at += int(number)
		case reflect.Slice:
			v.SetBytes(append([]byte{}, l.mem[at:][:number]...))
			at += int(number)
		case reflect.Bool:
			v.SetBool(number != 0)
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			v.SetUint(number)
		default:
			v.SetInt(int64(number))
		}
		input = append(input, v)
	}
	return input
}

func (l *lastInput) clear() {
	if l.mem != nil {
		binary.NativeEndian.PutUint64(l.mem, 0)
	}
}

func (l *lastInput) close() {
	if l.mem != nil {
		_ = unix.Munmap(l.mem)
		_ = os.Remove(l.path)
		l.mem = nil
	}
}
