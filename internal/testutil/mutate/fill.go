package mutate

import (
	"encoding/binary"
	"reflect"
)

// Fill sets the fields of the struct that v points to from bytes: numbers, booleans, texts, and slices and structs of
// these. Other fields stay as they are. A field that the bytes do not reach is zero.
func Fill(v any, data []byte) { fill(reflect.ValueOf(v).Elem(), &data) }

func fill(v reflect.Value, data *[]byte) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(take(data, 1)&1 != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(take(data, v.Type().Size())))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(take(data, v.Type().Size()))
	case reflect.String:
		v.SetString(string(part(data)))
	case reflect.Slice:
		if length := int(take(data, 1)) % 8; length > 0 && isPlain(v.Type().Elem()) {
			v.Set(reflect.MakeSlice(v.Type(), length, length))
			for i := range length {
				fill(v.Index(i), data)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), data)
			}
		}
	}
}

// isPlain reports whether fill can set all of a type.
func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Func, reflect.Chan, reflect.Map:
		return false
	}
	return true
}

// take takes a number. Most numbers are small: the first byte says how many bytes follow.
func take(data *[]byte, size uintptr) uint64 {
	if len(*data) == 0 {
		return 0
	}
	length := min(int((*data)[0])%(int(size)+1), len(*data)-1)
	var number [8]byte
	copy(number[:], (*data)[1:][:length])
	*data = (*data)[1+length:]
	return binary.LittleEndian.Uint64(number[:])
}

// part takes a text: its length, and that many bytes.
func part(data *[]byte) []byte {
	length := int(take(data, 2)) % 256
	text := (*data)[:min(length, len(*data))]
	*data = (*data)[len(text):]
	return text
}
