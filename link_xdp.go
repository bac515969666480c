package libbpf

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/fault"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// XDPFlags choose the mode of an XDP program, and whether it may replace an attached program.
type XDPFlags uint32

// The flags of XDP. At most one of the modes may be given. Without a mode, the kernel uses the driver's, or the generic
// mode if the driver has none.
const (
	XDPUpdateIfNoExist XDPFlags = 1 << 0 // fail with unix.EBUSY if a program is attached (XDP_FLAGS_UPDATE_IF_NOEXIST)
	XDPSKBMode         XDPFlags = 1 << 1 // generic, on any device, after the socket buffer was made (XDP_FLAGS_SKB_MODE)
	XDPDrvMode         XDPFlags = 1 << 2 // native, in the driver (XDP_FLAGS_DRV_MODE)
	XDPHWMode          XDPFlags = 1 << 3 // on the device itself (XDP_FLAGS_HW_MODE)
	XDPReplace         XDPFlags = 1 << 4 // replace a given program; [XDP.Replace] sets it (XDP_FLAGS_REPLACE)

	XDPModes = XDPSKBMode | XDPDrvMode | XDPHWMode        // XDP_FLAGS_MODES
	XDPMask  = XDPUpdateIfNoExist | XDPModes | XDPReplace // XDP_FLAGS_MASK
)

// String returns names such as "update_if_noexist|skb_mode".
func (f XDPFlags) String() string {
	return flagsText(uint64(f), "update_if_noexist", "skb_mode", "drv_mode", "hw_mode", "replace")
}

// XDPMode is the mode in which a program is attached to a device.
type XDPMode uint8

// The modes of attached programs, with the numbers of the kernel's XDP_ATTACHED_ constants.
const (
	XDPModeNone  XDPMode = iota // no program is attached
	XDPModeDrv                  // native
	XDPModeSKB                  // generic
	XDPModeHW                   // on the device
	XDPModeMulti                // several, in different modes
)

// String returns "none", "drv", "skb", "hw" or "multi".
func (m XDPMode) String() string {
	if names := [...]string{"none", "drv", "skb", "hw", "multi"}; int(m) < len(names) {
		return names[m]
	}
	return "mode(" + strconv.Itoa(int(m)) + ")"
}

// XDPFeatures are the capabilities of a device's driver, with the numbers of the kernel's enum netdev_xdp_act.
type XDPFeatures uint64

// The features of drivers.
const (
	XDPFeatureBasic             XDPFeatures = 1 << iota // pass, drop, abort and send back
	XDPFeatureRedirect                                  // redirect to another device
	XDPFeatureRedirectTarget                            // be the target of a redirect
	XDPFeatureZeroCopy                                  // AF_XDP sockets without copying
	XDPFeatureHWOffload                                 // run programs on the device
	XDPFeatureReceiveFragments                          // receive packets of several buffers
	XDPFeatureRedirectFragments                         // be the target of a redirect, for packets of several buffers
)

// String returns names such as "basic|redirect".
func (f XDPFeatures) String() string {
	return flagsText(uint64(f),
		"basic", "redirect", "ndo_xmit", "xsk_zerocopy", "hw_offload", "rx_sg", "ndo_xmit_sg")
}

// XDPLinkOptions are for [Program.AttachXDP]. The zero value is the default.
type XDPLinkOptions struct {
	Mode XDPFlags // XDPSKBMode, XDPDrvMode or XDPHWMode; 0 leaves it to the kernel
}

func (o *XDPLinkOptions) check() error {
	if mode := o.Mode; mode&^XDPModes != 0 || mode&(mode-1) != 0 {
		return fault.Invalidf("mode %#x is not one of XDPSKBMode, XDPDrvMode and XDPHWMode", uint32(mode))
	}
	return nil
}

// AttachXDP attaches the program to a network device by a link (bpf_program__attach_xdp, or bpf_link_create with a
// Mode, which libbpf's function lacks; Linux 5.9). A device has one program in each mode: errors.Is(err, unix.EBUSY)
// when there is one. ifindex is the device's number in the network namespace of the calling thread, such as the Index
// of a net.Interface; errors.Is(err, unix.ENODEV) when there is none.
//
// The link belongs to the caller; Close of the object closes it too. The program is detached when the link is closed,
// or when the process ends. Others can't replace it, unlike a program that [XDP.Attach] attached.
func (p *Program) AttachXDP(ifindex int, opts XDPLinkOptions) (*Link, error) {
	place := XDP{IfIndex: ifindex}.String()
	if opts.Mode == 0 {
		return p.attach(place, func() (*cLink, error) {
			if err := p.checkForXDP(ifindex, opts); err != nil {
				return nil, err
			}
			return attachXDP(p.ptr, ifindex)
		})
	}
	return p.attachFD(place, func() (int, error) { return p.linkXDP(ifindex, opts) })
}

// AttachXDP is like [Program.AttachXDP] (bpf_link_create). The result belongs to the caller.
func (p *ProgramHandle) AttachXDP(ifindex int, opts XDPLinkOptions) (*Link, error) {
	return p.attach(XDP{IfIndex: ifindex}.String(), func(int) (int, error) { return p.linkXDP(ifindex, opts) })
}

// linkXDP makes the link by bpf_link_create. The program is acquired.
func (p *programCore) linkXDP(ifindex int, opts XDPLinkOptions) (int, error) {
	if err := p.checkForXDP(ifindex, opts); err != nil {
		return -1, err
	}
	return linkFD(linkXDP(p.fd, ifindex, opts.Mode))
}

// checkForXDP checks a program that is to be attached to a device.
func (p *programCore) checkForXDP(ifindex int, opts XDPLinkOptions) error {
	if err := p.core().checkType("XDP", ProgramTypeXDP); err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return err
	}
	if err := checkIfIndex(ifindex); err != nil {
		return err
	}
	return deviceExists(ifindex) // the kernel would return a bare EINVAL
}

// XDP is a network device as a place for an XDP program that is attached without a link, over netlink.
//
// Nobody owns such an attachment. It survives Close of the object and the end of the process, until somebody detaches
// it or the device is gone. So detach what you attach:
//
//	dev := libbpf.XDP{IfIndex: iface.Index}
//	if err := dev.Attach(prog); err != nil {
//		return err
//	}
//	defer dev.Detach()
//
// To have the program detached automatically, use [Program.AttachXDP]. XDP's methods can neither replace nor detach a
// program that is attached by a link: errors.Is(err, unix.EBUSY).
//
// All methods except Query need CAP_NET_ADMIN. All act on the network namespace of the calling thread: a goroutine that
// changed to another one must have called runtime.LockOSThread before. errors.Is(err, unix.ENODEV) when there is no
// such device.
type XDP struct {
	IfIndex int
	// Flags choose the mode, also for Detach and QueryID, and whether Attach may replace a program.
	Flags XDPFlags
}

// Attach attaches a program to the device, and replaces a program that is attached in the same mode (bpf_xdp_attach).
// With XDPUpdateIfNoExist in Flags it does not replace: errors.Is(err, unix.EBUSY). When another mode is in use,
// errors.Is(err, os.ErrExist).
func (x XDP) Attach(p ProgramCore) error {
	return x.attach("attach", p, 0)
}

// Replace replaces the program old atomically, on the condition that it is attached (bpf_xdp_attach with old_prog_fd,
// Linux 5.7). errors.Is(err, os.ErrExist) when it is not.
func (x XDP) Replace(p, old ProgramCore) error {
	const op = "replace"
	return useProgram(op, x.String(), old, func(oldFD int) error { return x.attach(op, p, oldFD) })
}

func (x XDP) attach(op string, p ProgramCore, oldFD int) error {
	object := fmt.Sprintf("%s of %s", programCoreOf(p).String(), x)
	return useProgram(op, object, p, func(fd int) error {
		return x.callFor(op, object, func() error {
			if err := p.core().checkType("XDP", ProgramTypeXDP); err != nil {
				return err
			}
			return clib.FromRet(int(setXDP(x, fd, oldFD)))
		})
	})
}

// Detach detaches any program in the mode that Flags say, by default the mode in use (bpf_xdp_detach). It succeeds when
// no program is attached.
func (x XDP) Detach() error { return x.detach("detach", 0) }

// DetachProgram detaches p, on the condition that p is attached (bpf_xdp_detach with old_prog_fd, Linux 5.7).
// errors.Is(err, os.ErrExist) when it is not.
func (x XDP) DetachProgram(p ProgramCore) error {
	op := "detach " + programCoreOf(p).String() + " from"
	return useProgram(op, x.String(), p, func(fd int) error { return x.detach(op, fd) })
}

func (x XDP) detach(op string, oldFD int) error {
	return x.call(op, func() error { return clib.FromRet(int(unsetXDP(x, oldFD))) })
}

// XDPInfo is what is attached to a device, by links or without, and what the device's driver supports. Ids are 0 for
// none.
type XDPInfo struct {
	Mode         XDPMode
	ProgramID    uint32 // the program, unless Mode is XDPModeMulti
	DrvProgramID uint32 // the one in each mode
	HWProgramID  uint32
	SKBProgramID uint32

	// Features are the driver's. ZeroCopyMaxSegments is the number of buffers that a packet of a zero-copy AF_XDP
	// socket may have. Both are 0 before libbpf 1.3 and Linux 6.3, the number before 6.6.
	Features            XDPFeatures
	ZeroCopyMaxSegments uint32
}

// Query returns what is attached to the device (bpf_xdp_query).
func (x XDP) Query() (XDPInfo, error) {
	var info XDPInfo
	err := x.call("query", func() error {
		if err := deviceExists(x.IfIndex); err != nil {
			return err // libbpf asks for all devices, and finds nothing attached to one that is not there
		}
		found, ret := queryXDP(x)
		if err := clib.FromRet(int(ret)); err != nil {
			return err
		}
		info = found
		return nil
	})
	return info, err
}

// QueryID returns the id of the program in the mode that Flags say, by default the mode in use; 0 for none
// (bpf_xdp_query_id).
func (x XDP) QueryID() (uint32, error) {
	var id uint32
	err := x.call("query", func() error {
		if err := deviceExists(x.IfIndex); err != nil {
			return err
		}
		return clib.FromRet(int(queryXDPID(x, &id)))
	})
	return id, err
}

// String returns names such as "XDP of device 3".
func (x XDP) String() string { return fmt.Sprintf("XDP of device %d", x.IfIndex) }

func (x XDP) call(op string, f func() error) error { return x.callFor(op, x.String(), f) }

func (x XDP) callFor(op, object string, f func() error) error {
	return call(op, object, func() error {
		if err := x.check(); err != nil {
			return err
		}
		return f()
	})
}

func (x XDP) check() error {
	if x.Flags&^XDPMask != 0 {
		return fault.Invalidf("flags %#x have other bits than those of XDPMask, %#x", uint32(x.Flags), uint32(XDPMask))
	}
	if mode := x.Flags & XDPModes; mode&(mode-1) != 0 {
		return fault.Invalidf("flags %#x have several modes: give one of XDPSKBMode, XDPDrvMode and XDPHWMode",
			uint32(x.Flags))
	}
	return checkIfIndex(x.IfIndex)
}

// deviceExists returns unix.ENODEV when there is no network device of this number.
func deviceExists(ifindex int) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var request unix.Ifreq
	request.SetUint32(uint32(ifindex))
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, &request); err != nil {
		return err
	}
	return nil
}
