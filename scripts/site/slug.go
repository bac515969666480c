package main

import (
	"strconv"
	"strings"
	"unicode"
)

// anchors makes the names of headings on one page, as GitHub makes them: the links work there and here.
type anchors map[string]bool

func (a anchors) add(heading string) string {
	name := slug(heading)
	unique := name
	for n := 1; a[unique]; n++ {
		unique = name + "-" + strconv.Itoa(n)
	}
	a[unique] = true
	return unique
}

// slug is the heading in lower case, without punctuation, with a hyphen for each space.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ', r == '-':
			return '-'
		case r == '_', unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
}
