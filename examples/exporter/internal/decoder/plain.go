package decoder

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// text is "string": the bytes before the first NUL.
func text(f Field) (string, bool) {
	before, _, _ := bytes.Cut(f.Bytes, []byte{0})
	return string(before), true
}

// hexadecimal is "hex": a number as in C, and other bytes in the order of memory.
func hexadecimal(f Field) (string, bool) {
	if f.Numeric {
		return "0x" + strconv.FormatUint(f.Number, 16), true
	}
	return hex.EncodeToString(f.Bytes), true
}

// address is "ip", in the order of the network.
func address(f Field) (string, bool) {
	b := f.Bytes
	if len(b) == 0 && f.Numeric {
		b = binary.NativeEndian.AppendUint32(nil, uint32(f.Number))
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return hex.EncodeToString(b), true
	}
	return a.Unmap().String(), true
}

// errno is the name of an error's number, which is negative where the kernel returns it.
func errno(f Field) (string, bool) {
	number := int64(f.Number)
	if number < 0 {
		number = -number
	} else if int32(f.Number) < 0 {
		number = -int64(int32(f.Number))
	}
	if number == 0 {
		return "0", true
	}
	if name := unix.ErrnoName(unix.Errno(number)); name != "" {
		return name, true
	}
	return strconv.FormatInt(number, 10), true
}

//go:generate ./names.sh

// systemCall is "syscall".
func systemCall(f Field) (string, bool) {
	if name, ok := systemCalls[f.Number]; ok {
		return name, true
	}
	return "syscall_" + strconv.FormatInt(int64(f.Number), 10), true
}
