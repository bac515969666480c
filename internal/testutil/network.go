package testutil

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// Network is a test's own network namespace. It has only a loopback device, which is up. The namespace and all that is
// in it are gone when the test ends.
type Network struct {
	t  testing.TB
	fd int
}

// NewNetwork makes a network namespace. It does not enter it: see Do.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	Root(t)
	n := &Network{t: t}
	if err := n.make(); err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Close(n.fd); err != nil {
			t.Errorf("close the network namespace: %v", err)
		}
	})
	n.Do(func() {
		const loopback = 1 // the first device of each namespace
		n.up(loopback)
	})
	return n
}

// make opens the namespace of a thread that goes there and comes back: a thread that ends there would be the process's
// first one at times, which can't end.
func (n *Network) make() error {
	runtime.LockOSThread()
	home, err := openNetwork()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer unix.Close(home)
	err = unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		n.fd, err = openNetwork()
		if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
			return back // with the thread locked, so that nothing else runs there
		}
	}
	runtime.UnlockOSThread()
	return err
}

// FD is a descriptor of the namespace. The Network owns it.
func (n *Network) FD() int { return n.fd }

// Do runs f while the calling goroutine's thread is in the namespace. Files and sockets that f opens stay in it.
func (n *Network) Do(f func()) {
	runtime.LockOSThread()
	home, err := openNetwork()
	if err != nil {
		n.t.Helper() // a fuzz target must not call it, unless it fails
		n.t.Fatalf("open the network namespace: %v", err)
	}
	defer unix.Close(home)
	if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
		n.t.Helper()
		n.t.Fatalf("enter the network namespace: %v", err)
	}
	// Deferred, because t.Fatal may end f.
	defer func() {
		if err := unix.Setns(home, unix.CLONE_NEWNET); err != nil {
			n.t.Errorf("leave the network namespace: %v", err)
			return // keep the thread locked: other goroutines must not use it
		}
		runtime.UnlockOSThread()
	}()
	f()
}

func openNetwork() (int, error) {
	return unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// devices counts the devices that tests make, so that each has a unique name.
var devices atomic.Int32

// Veth makes a pair of virtual Ethernet devices in the namespace and returns their indexes. Both devices are up: what
// is sent on one arrives at the other. The kernel may take a second until it passes frames; until then it drops them.
func (n *Network) Veth() (a, b int) {
	n.t.Helper()
	number := devices.Add(1)
	names := [2]string{fmt.Sprintf("veth%da", number), fmt.Sprintf("veth%db", number)}
	const vethInfoPeer = 1
	peer := append(make([]byte, unix.SizeofIfInfomsg), attribute(unix.IFLA_IFNAME, cString(names[1]))...)
	n.Do(func() {
		if err := n.addLink(names[0], "veth", attribute(vethInfoPeer, peer)); err != nil {
			n.t.Fatalf("make a veth pair: %v", err)
		}
		a, b = n.index(names[0]), n.index(names[1])
		n.up(a)
		n.up(b)
	})
	return a, b
}

// Netkit makes a pair of netkit devices in the namespace. Both devices are up, and pass all packets unless a program
// decides otherwise. The first device is the primary one. It needs Linux 6.7; errors.Is(err, unix.EOPNOTSUPP) without
// netkit.
func (n *Network) Netkit() (primary, peer int, err error) {
	n.t.Helper()
	number := devices.Add(1)
	names := [2]string{fmt.Sprintf("nk%da", number), fmt.Sprintf("nk%db", number)}
	const (
		netkitPeerInfo = 1 // IFLA_NETKIT_PEER_INFO
		netkitMode     = 4 // IFLA_NETKIT_MODE
		netkitL2       = 0 // NETKIT_L2
	)
	info := append(make([]byte, unix.SizeofIfInfomsg), attribute(unix.IFLA_IFNAME, cString(names[1]))...)
	data := append(attribute(netkitPeerInfo, info), attribute(netkitMode, u32(netkitL2))...)
	n.Do(func() {
		if err = n.addLink(names[0], "netkit", data); err != nil {
			return
		}
		primary, peer = n.index(names[0]), n.index(names[1])
		n.up(primary)
		n.up(peer)
	})
	return primary, peer, err
}

// Remove deletes a device, and its peer.
func (n *Network) Remove(ifindex int) {
	n.t.Helper()
	n.Do(func() {
		if err := request(unix.RTM_DELLINK, 0, ifInfo(ifindex, 0, 0)); err != nil {
			n.t.Fatalf("delete a device: %v", err)
		}
	})
}

func (n *Network) addLink(name, kind string, data []byte) error {
	info := append(attribute(unix.IFLA_INFO_KIND, []byte(kind)), attribute(unix.IFLA_INFO_DATA, data)...)
	body := append(ifInfo(0, 0, 0), attribute(unix.IFLA_IFNAME, cString(name))...)
	body = append(body, attribute(unix.IFLA_LINKINFO, info)...)
	return request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, body)
}

func (n *Network) up(ifindex int) {
	n.t.Helper()
	if err := request(unix.RTM_NEWLINK, 0, ifInfo(ifindex, unix.IFF_UP, unix.IFF_UP)); err != nil {
		n.t.Fatalf("bring a device up: %v", err)
	}
}

func (n *Network) index(name string) int {
	n.t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request)
	}
	if err != nil {
		n.t.Fatalf("find device %s: %v", name, err)
	}
	return int(request.Uint32())
}

// request sends one message of rtnetlink and waits for its acknowledgement.
func request(typ, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	message := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	message = binary.NativeEndian.AppendUint16(message, typ)
	message = binary.NativeEndian.AppendUint16(message, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	message = append(message, make([]byte, 8)...) // sequence and port: the kernel fills the port in
	message = append(message, body...)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, os.Getpagesize())
	size, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	if size < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("netlink answered with %d bytes that are not an acknowledgement", size)
	}
	if errno := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}

// ifInfo is a struct ifinfomsg.
func ifInfo(ifindex int, flags, change uint32) []byte {
	b := make([]byte, 4, unix.SizeofIfInfomsg)
	b = binary.NativeEndian.AppendUint32(b, uint32(ifindex))
	b = binary.NativeEndian.AppendUint32(b, flags)
	return binary.NativeEndian.AppendUint32(b, change)
}

func attribute(typ uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	return append(b, make([]byte, -len(b)&(unix.NLMSG_ALIGNTO-1))...)
}

func cString(s string) []byte { return append([]byte(s), 0) }

func u32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

// NetworksOfThreads returns the inode numbers of the network namespaces of the process's threads.
func NetworksOfThreads() (map[string]uint64, error) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, err
	}
	networks := make(map[string]uint64)
	for _, thread := range threads {
		var stat unix.Stat_t
		err := unix.Stat("/proc/self/task/"+thread.Name()+"/ns/net", &stat)
		if err == nil { // otherwise the thread has ended
			networks[thread.Name()] = stat.Ino
		}
	}
	return networks, nil
}

// ProgramID returns the kernel's id of a program.
func ProgramID(fd int) (uint32, error) {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(info), "\n") {
		if id, ok := strings.CutPrefix(line, "prog_id:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(id), 10, 32)
			return uint32(n), err
		}
	}
	return 0, fmt.Errorf("fd %d is not a program's", fd)
}
