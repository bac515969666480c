package libbpf

import (
	"testing"
	"unsafe"
)

// What the kernel reads has the same places on every machine.
func TestElementAttrLayout(t *testing.T) {
	var a elementAttr
	got := [...]uintptr{unsafe.Offsetof(a.key), unsafe.Offsetof(a.value), unsafe.Offsetof(a.flags), unsafe.Sizeof(a)}
	if want := [...]uintptr{8, 16, 24, 32}; got != want {
		t.Errorf("places are %d, want %d", got, want)
	}
}

// An operation that may sleep, or copy for long, must not be hidden from Go's scheduler.
func TestPromptMaps(t *testing.T) {
	for _, c := range []struct {
		info   MapInfo
		size   int
		prompt bool
	}{
		{MapInfo{Type: MapTypeHash, KeySize: 8}, 8, true},
		{MapInfo{Type: MapTypePerCPUArray, KeySize: 4}, 4092, true},
		{MapInfo{Type: MapTypePerCPUArray, KeySize: 4}, 4093, false},
		{MapInfo{Type: MapTypeHash, KeySize: 8, IfIndex: 1}, 8, false}, // asks a device driver
		{MapInfo{Type: MapTypeHashOfMaps, KeySize: 4}, 4, false},       // waits for programs
		{MapInfo{Type: MapTypeSockMap, KeySize: 4}, 4, false},          // locks sockets
		{MapInfo{Type: MapTypeTaskStorage, KeySize: 4}, 4, false},
		{MapInfo{Type: MapTypeInsnArray + 1, KeySize: 4}, 4, false},
	} {
		if prompt := isPrompt(c.info, c.size); prompt != c.prompt {
			t.Errorf("%v with keys of %d bytes and values of %d, device %d: %t", c.info.Type, c.info.KeySize, c.size,
				c.info.IfIndex, prompt)
		}
	}
}
