package main

import (
	"encoding/binary"
	"fmt"
	"strings"
)

var (
	results = []string{"ok", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
	types   = map[uint16]string{
		1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 65: "HTTPS",
	}
)

// question reads the first question of an answer, and its result (RFC 1035, 4.1).
func question(message []byte) (name, typ, result string) {
	const header = 12
	if len(message) < header {
		return "?", "?", "?"
	}
	code := int(message[3] & 0xf)
	result = fmt.Sprint(code)
	if code < len(results) {
		result = results[code]
	}
	var labels []string
	rest := message[header:]
	for len(rest) > 0 && rest[0] != 0 {
		size := int(rest[0])
		if size >= 64 || len(rest) <= size { // longer than what is kept
			return "?", "?", result
		}
		labels = append(labels, strings.Trim(fmt.Sprintf("%q", rest[1:1+size]), `"`))
		rest = rest[1+size:]
	}
	if len(rest) < 3 {
		return "?", "?", result
	}
	number := binary.BigEndian.Uint16(rest[1:])
	typ, known := types[number]
	if !known {
		typ = fmt.Sprint(number)
	}
	return strings.Join(labels, ".") + ".", typ, result
}
