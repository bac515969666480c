package main

import "fmt"

// counts is what became of mutants.
type counts struct {
	killed, survived, unreached, invalid int
	unknown, stale                       int // survivors without a reason, reasons without a survivor
}

func (n *counts) count(became outcome, known bool) {
	switch became {
	case killed:
		n.killed++
	case unreached:
		n.unreached++
	case invalid:
		n.invalid++
	case survives:
		n.survived++
		if !known {
			n.unknown++
		}
	}
}

func (n *counts) add(m counts) {
	n.killed, n.survived, n.unreached, n.invalid = n.killed+m.killed, n.survived+m.survived, n.unreached+m.unreached, n.invalid+m.invalid
	n.unknown, n.stale = n.unknown+m.unknown, n.stale+m.stale
}

func (n counts) String() string {
	return fmt.Sprintf("%4d killed, %3d survive (%d without a reason), %3d not reached, %3d do not compile",
		n.killed, n.survived, n.unknown, n.unreached, n.invalid)
}
