//go:build cgo

package clib

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Cause is the one of libbpf's warnings that tells best why an operation returned err, without the "libbpf: " in front,
// or "" when none does. That is the first that names err's errno, for the later ones are its callers'; or, where libbpf
// said just before what is wrong with the same thing, that. Where none names it, it is the first that names none.
func Cause(warnings []string, err error) string {
	candidates := plausible(warnings)
	number := errnoOf(err)
	first := func(names naming) int {
		for i, c := range candidates {
			if namesErrno(c.text, number) == names {
				return i
			}
		}
		return -1
	}
	if i := first(namesThis); i >= 0 {
		for i > 0 && candidates[i-1].explains(candidates[i]) && namesErrno(candidates[i-1].text, number) == namesNone {
			i--
		}
		return candidates[i].text
	}
	for _, names := range []naming{namesNone, namesOther} {
		if i := first(names); i >= 0 {
			return candidates[i].text
		}
	}
	return ""
}

// candidate is a warning that may be the cause, and its number among all of them.
type candidate struct {
	text string
	at   int
}

// explains tells whether c is what libbpf said just before next, and about the same thing.
func (c candidate) explains(next candidate) bool {
	if c.at+1 != next.at {
		return false
	}
	// What else c quotes are values.
	if names := quoted(c.text); len(names) > 0 && hasName(next.text, names[0]) {
		return true
	}
	return slices.ContainsFunc(quoted(next.text), func(name string) bool { return hasName(c.text, name) })
}

// quoted is what stands in single quotes in a text.
func quoted(text string) []string {
	var names []string
	for parts := strings.Split(text, "'"); len(parts) > 2; parts = parts[2:] {
		names = append(names, parts[1])
	}
	return names
}

// hasName tells whether text has a name in it, and not only as a part of another one.
func hasName(text, name string) bool {
	isPart := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	for name != "" {
		before, after, found := strings.Cut(text, name)
		if !found {
			return false
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if !isPart(last) && !isPart(next) {
			return true
		}
		text = after
	}
	return false
}

// harmless are words of warnings after which libbpf goes on.
var harmless = []string{
	"Retrying without BTF",
	"Ignored and continue",
	"skipping all of .BTF.ext",
	"failed to bind map",
	"BTF is optional",
	"truncated to",
	"is expected to be of `struct",
	"cannot create a dummy_ksym",
	"Failed to bump RLIMIT_MEMLOCK",
	// A guess at every EPERM, which kernels since 5.11 do not return for that.
	"try raising 'ulimit -l'",
	// These are in the error by themselves, or too long to quote.
	"-- BEGIN PROG LOAD LOG",
	"-- BEGIN BTF LOAD LOG",
}

// optionalBTF are words of warnings after which libbpf goes on, unless it says that it can't.
var optionalBTF, mandatoryBTF = "BTF loading error", "BTF is mandatory"

func plausible(warnings []string) []candidate {
	contains := func(text string, words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	mandatory := contains(strings.Join(warnings, "\n"), mandatoryBTF)
	var candidates []candidate
	for i, w := range warnings {
		if !contains(w, harmless...) && (mandatory || !contains(w, optionalBTF)) {
			candidates = append(candidates, candidate{strings.TrimPrefix(w, "libbpf: "), i})
		}
	}
	return candidates
}

// errnoOf is err's number, the kernel's or libbpf's, or 0.
func errnoOf(err error) int {
	var own Errno
	var kernel syscall.Errno
	switch {
	case errors.As(err, &own):
		return int(own)
	case errors.As(err, &kernel):
		return int(kernel)
	}
	return 0
}

// naming is which errno a message names.
type naming int

const (
	namesNone naming = iota
	namesThis
	namesOther
)

// namesErrno looks for an errno in a message: "-EINVAL", "-22", and before libbpf 1.6 ": Invalid argument".
func namesErrno(message string, number int) naming {
	found := namesNone
	for i := 0; i < len(message); i++ {
		if message[i] != '-' || i > 0 && !strings.ContainsRune(" (=:", rune(message[i-1])) {
			continue
		}
		word := message[i+1:]
		if end := strings.IndexFunc(word, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z')
		}); end >= 0 {
			word = word[:end]
		}
		n, err := strconv.Atoi(word)
		if err != nil {
			n = errnoByName(word)
		}
		switch {
		case n == 0:
		case n == number:
			return namesThis
		default:
			found = namesOther
		}
	}
	lower := strings.ToLower(message)
	for _, t := range errnoTexts() {
		if strings.Contains(lower, t.text) {
			if t.number == number {
				return namesThis
			}
			found = namesOther
		}
	}
	return found
}

// enotsupp is the kernel's ENOTSUPP, which is not meant for user space.
const enotsupp = 524

type errnoText struct {
	text   string
	number int
}

// errnoTexts are the texts of errnos, in lower case, as they stand at the end of messages.
var errnoTexts = sync.OnceValue(func() []errnoText {
	texts := []errnoText{{": unknown error 524", enotsupp}}
	for e := range syscall.Errno(maxErrno) {
		if unix.ErrnoName(e) != "" {
			texts = append(texts, errnoText{": " + e.Error(), int(e)})
		}
	}
	for e := ErrnoLibELF; e <= ErrnoNLParse; e++ {
		texts = append(texts, errnoText{": " + strings.ToLower(e.Error()), int(e)})
	}
	return texts
})

// maxErrno is above the numbers of errnos with names.
const maxErrno = 140

func errnoByName(name string) int {
	switch name {
	case "":
		return 0
	case "EOPNOTSUPP":
		return int(unix.EOPNOTSUPP)
	case "ENOTSUPP":
		return enotsupp
	}
	for e := range syscall.Errno(maxErrno) {
		if unix.ErrnoName(e) == name {
			return int(e)
		}
	}
	return 0
}
