package gotypes

import (
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// initialisms are parts of names that are written in upper case, or as they are here.
var initialisms = func() map[string]string {
	m := map[string]string{
		"cpus": "CPUs", "fds": "FDs", "gids": "GIDs", "ids": "IDs", "ips": "IPs", "pids": "PIDs", "tids": "TIDs",
		"uids": "UIDs", "ipv4": "IPv4", "ipv6": "IPv6",
	}
	const upper = "ACL API ARP ASCII ASN BPF BTF CPU CRC DNS EGID EOF EUID FD FPU FQDN GID GPU GUID HTTP HTTPS ICMP ID " +
		"IO IP IP4 IP6 IPC IRQ JSON LSM MAC MTU NAT NMI NS NUMA OOM PGID PID PPID QOS RAM RCU RPC RTT SHA SID SMP SQL " +
		"SSH SSL TC TCP TGID TID TLS TTL TTY UDP UI UID URI URL UTF8 UTS UUID VFS VLAN VM XDP XML"
	for s := range strings.FieldsSeq(upper) {
		m[strings.ToLower(s)] = s
	}
	return m
}()

// GoName is a C name in Go's style, exported: "tgid_of" is "TGIDOf".
func GoName(c string) string {
	name := camel(c)
	// Not all scripts have capitals, and no name begins with a digit.
	if !token.IsExported(name) {
		name = "X" + name
	}
	return name
}

// camel is GoName for a name that is not the beginning of one: it may begin with a digit. The C name is split at
// underscores and at what is no letter or digit. Parts in capitals only, as macros and enumerators have, get one capital.
func camel(c string) string {
	var b strings.Builder
	parts := strings.FieldsFunc(c, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, part := range parts {
		if known, ok := initialisms[strings.ToLower(part)]; ok {
			part = known
		} else {
			if isCapitals(part) {
				part = strings.ToLower(part)
			}
			runes := []rune(part)
			runes[0] = unicode.ToUpper(runes[0])
			part = string(runes)
		}
		// "ipv4_1_2" and "ipv4_12" stay different.
		if s := b.String(); s != "" && isDigit(s[len(s)-1]) && isDigit(part[0]) {
			b.WriteByte('_')
		}
		b.WriteString(part)
	}
	return b.String()
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isCapitals reports whether a part of a name has capitals only. One letter alone is a name in any case.
func isCapitals(s string) bool { return len(s) > 1 && strings.ToUpper(s) == s }

// scope is the names that are taken in a package, or among the fields and methods of a type. The number of a name is the
// last one that was added to it.
type scope map[string]int

// newPackage is the scope of a package. The generated code uses Go's own names, so nothing else may have them.
func newPackage(reserved []string) scope {
	s := make(scope)
	for _, name := range slices.Concat([]string{"_", "init", "main", "unsafe", "ctypes"}, types.Universe.Names(), reserved) {
		s[name] = 1
	}
	return s
}

func (s scope) isFree(name string) bool {
	_, taken := s[name]
	return !taken && !token.IsKeyword(name)
}

// add takes a name, with the suffix if it is not free, and with a number if that is not free either.
func (s scope) add(name, suffix string) string {
	if !s.isFree(name) {
		name += suffix
	}
	free := name
	for !s.isFree(free) {
		s[name]++
		free = name + strconv.Itoa(s[name])
	}
	s[free] = 1
	return free
}

// commonPrefix is the beginning that all names share, up to an underscore, with something left of each. For a single
// name, or where nothing is shared, it is that of the enum's name.
func commonPrefix(enum string, names []string) string {
	common := ""
	if len(names) > 1 {
		common = names[0]
		for _, name := range names[1:] {
			for !strings.HasPrefix(name, common) {
				common = common[:len(common)-1]
			}
		}
		common = common[:strings.LastIndexByte(common, '_')+1]
	}
	if common == "" && enum != "" {
		common = enum + "_"
	}
	for _, name := range names {
		if len(name) <= len(common) || !strings.EqualFold(name[:len(common)], common) || camel(name[len(common):]) == "" {
			return ""
		}
	}
	return common
}
