package inventory

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// deviceName is the name of a network device in the network namespace of the process, or "" if it has none with this
// number.
func deviceName(index uint32) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var request unix.Ifreq
	request.SetUint32(index)
	if unix.IoctlIfreq(fd, unix.SIOCGIFNAME, &request) != nil {
		return ""
	}
	return request.Name()
}

func deviceWords(index uint32, name string) string {
	switch {
	case index == 0:
		return "a device that is gone"
	case name == "":
		return fmt.Sprintf("device %d of another network namespace", index)
	}
	return name
}
