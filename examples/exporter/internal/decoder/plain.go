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
func text(f Field) string {
	before, _, _ := bytes.Cut(f.Bytes, []byte{0})
	return string(before)
}

// hexadecimal is "hex": a number as in C, and other bytes in the order of memory.
func hexadecimal(f Field) string {
	if f.Numeric {
		return "0x" + strconv.FormatUint(f.Number, 16)
	}
	return hex.EncodeToString(f.Bytes)
}

// address is "ip", in the order of the network.
func address(f Field) string {
	b := f.Bytes
	if len(b) == 0 && f.Numeric {
		b = binary.NativeEndian.AppendUint32(nil, uint32(f.Number))
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return hex.EncodeToString(b)
	}
	return a.Unmap().String()
}

// errno is the name of an error's number, which is negative where the kernel returns it.
func errno(f Field) string {
	number := int64(f.Number)
	if number < 0 {
		number = -number
	} else if int32(f.Number) < 0 {
		number = -int64(int32(f.Number))
	}
	if number == 0 {
		return "0"
	}
	if name := unix.ErrnoName(unix.Errno(number)); name != "" {
		return name
	}
	return strconv.FormatInt(number, 10)
}

//go:generate ./names.sh

// systemCall is "syscall".
func systemCall(f Field) string {
	if name, ok := systemCalls[f.Number]; ok {
		return name
	}
	return "syscall_" + strconv.FormatInt(int64(f.Number), 10)
}
