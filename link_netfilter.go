package libbpf

import (
	"fmt"
	"math"
	"strconv"

	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// NetfilterProtocol is a protocol family, with netfilter's numbers.
type NetfilterProtocol uint8

// The protocol families that netfilter programs support.
const (
	NetfilterIPv4 NetfilterProtocol = 2  // NFPROTO_IPV4
	NetfilterIPv6 NetfilterProtocol = 10 // NFPROTO_IPV6
)

// String is "ipv4" or "ipv6".
func (p NetfilterProtocol) String() string {
	switch p {
	case NetfilterIPv4:
		return "ipv4"
	case NetfilterIPv6:
		return "ipv6"
	}
	return "protocol(" + strconv.Itoa(int(p)) + ")"
}

// NetfilterHook is a point on a packet's path through the network stack.
type NetfilterHook uint8

// The points.
const (
	NetfilterPreRouting  NetfilterHook = iota // before routing, all incoming packets (NF_INET_PRE_ROUTING)
	NetfilterLocalIn                          // for this machine (NF_INET_LOCAL_IN)
	NetfilterForward                          // from one device to another (NF_INET_FORWARD)
	NetfilterLocalOut                         // from this machine (NF_INET_LOCAL_OUT)
	NetfilterPostRouting                      // after routing, all outgoing packets (NF_INET_POST_ROUTING)
)

// String returns names such as "prerouting".
func (h NetfilterHook) String() string {
	if names := [...]string{"prerouting", "input", "forward", "output", "postrouting"}; int(h) < len(names) {
		return names[h]
	}
	return "hook(" + strconv.Itoa(int(h)) + ")"
}

// NetfilterFlags qualify an attachment to netfilter.
type NetfilterFlags uint32

// NetfilterIPDefrag shows the program whole packets instead of fragments (BPF_F_NETFILTER_IP_DEFRAG, Linux 6.6). The
// priority must be above -400.
const NetfilterIPDefrag NetfilterFlags = 1 << 0

// String returns names such as "ip_defrag".
func (f NetfilterFlags) String() string { return flagsText(uint64(f), "ip_defrag") }

// NetfilterOptions are for [Program.AttachNetfilter]. The zero value has the priority of a packet filter, and no flags.
type NetfilterOptions struct {
	// Priority orders all of netfilter's handlers at the hook; the lowest runs first. The lowest and the highest int32
	// are not allowed. Two programs at a hook can't have the same priority.
	Priority int32
	Flags    NetfilterFlags
}

func (o *NetfilterOptions) check(protocol NetfilterProtocol, hook NetfilterHook) error {
	switch {
	case protocol != NetfilterIPv4 && protocol != NetfilterIPv6:
		return fault.Invalidf("%v is neither NetfilterIPv4 nor NetfilterIPv6", protocol)
	case hook > NetfilterPostRouting:
		return fault.Invalidf("%v is not a NetfilterHook constant", hook)
	case o.Priority == math.MinInt32 || o.Priority == math.MaxInt32:
		return fault.Invalidf("priority %d is the lowest or the highest number; the kernel allows neither", o.Priority)
	case o.Flags&^NetfilterIPDefrag != 0:
		return fault.Invalidf("flags %#x have other bits than NetfilterIPDefrag", uint32(o.Flags))
	case o.Flags&NetfilterIPDefrag != 0 && o.Priority <= netfilterDefrag:
		return fault.Invalidf("NetfilterIPDefrag needs a priority above that of defragmentation, %d, not %d",
			netfilterDefrag, o.Priority)
	}
	return needs("bpf_program__attach_netfilter", 1, 3)
}

// netfilterDefrag is the priority at which the kernel reassembles fragments, NF_IP_PRI_CONNTRACK_DEFRAG.
const netfilterDefrag = -400

// AttachNetfilter attaches a program of type netfilter to a hook of the network namespace of the calling thread
// (bpf_program__attach_netfilter, libbpf 1.3, Linux 6.4). The program returns NF_ACCEPT (1) or NF_DROP (0).
// errors.Is(err, unix.EBUSY) when another program has the same priority there.
//
// The link belongs to the caller; Close of the object closes it too.
func (p *Program) AttachNetfilter(
	protocol NetfilterProtocol, hook NetfilterHook, opts NetfilterOptions,
) (*Link, error) {
	return p.attach(netfilterPlace(protocol, hook), func() (*cLink, error) {
		if err := p.checkForNetfilter(protocol, hook, &opts); err != nil {
			return nil, err
		}
		return attachNetfilter(p.ptr, protocol, hook, &opts)
	})
}

// AttachNetfilter is like [Program.AttachNetfilter] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachNetfilter(
	protocol NetfilterProtocol, hook NetfilterHook, opts NetfilterOptions,
) (*Link, error) {
	return p.attach(netfilterPlace(protocol, hook), func(fd int) (int, error) {
		if err := p.checkForNetfilter(protocol, hook, &opts); err != nil {
			return -1, err
		}
		return linkFD(linkNetfilter(fd, protocol, hook, &opts))
	})
}

func netfilterPlace(protocol NetfilterProtocol, hook NetfilterHook) string {
	return fmt.Sprintf("netfilter %v of %v", hook, protocol)
}

// checkForNetfilter checks what is to be attached to netfilter.
func (p *programCore) checkForNetfilter(protocol NetfilterProtocol, hook NetfilterHook, opts *NetfilterOptions) error {
	if err := p.checkType("netfilter", ProgramTypeNetfilter); err != nil {
		return err
	}
	return opts.check(protocol, hook)
}
