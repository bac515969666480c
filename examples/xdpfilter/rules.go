package main

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/libbpf-go/libbpf-go/typed"
)

// actions are the names of what rules do, by Rule.Drop.
var actions = []string{"pass", "drop"}

type key = typed.LPMKey[[16]uint8]

// readRules reads a file of rules. A line is empty, a comment that begins with #, or an action and a source.
func readRules(path string) (map[key]Rule, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rules := make(map[key]Rule)
	lines := bufio.NewScanner(f)
	for number := uint32(1); lines.Scan(); number++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		action := slices.Index(actions, words[0])
		if action < 0 || len(words) != 2 {
			return nil, fmt.Errorf("%s:%d: %q is not \"drop SOURCE\" or \"pass SOURCE\"", path, number, text)
		}
		source, err := parse(words[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if other, twice := rules[source]; twice {
			return nil, fmt.Errorf("%s:%d: line %d has the same source", path, number, other.Line)
		}
		rules[source] = Rule{Drop: uint32(action), Line: number}
	}
	return rules, lines.Err()
}

// parse takes an address or a network.
func parse(text string) (key, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return key{}, err
		}
		prefix = netip.PrefixFrom(address, address.BitLen())
	}
	bits := prefix.Bits()
	if prefix.Addr().Is4() {
		bits += 96
	}
	return key{PrefixLen: uint32(bits), Data: prefix.Masked().Addr().As16()}, nil
}

// network is the reverse of parse.
func network(k key) netip.Prefix {
	address := netip.AddrFrom16(k.Data)
	if address.Is4In6() && k.PrefixLen >= 96 {
		return netip.PrefixFrom(address.Unmap(), int(k.PrefixLen)-96)
	}
	return netip.PrefixFrom(address, int(k.PrefixLen))
}
