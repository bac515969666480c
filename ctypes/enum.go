package ctypes

import "strconv"

// UnknownEnum is the text of an enum's value that has no name, such as "Color(7)".
func UnknownEnum[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](name string, v T) string {
	if v < 0 {
		return name + "(" + strconv.FormatInt(int64(v), 10) + ")"
	}
	return name + "(" + strconv.FormatUint(uint64(v), 10) + ")"
}
