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

// Cause returns the warning of libbpf that best says why an operation returned err, without the prefix "libbpf: ", or
// "" if there is none. It is the first warning that names err's errno; later ones come from the callers. If the warning
// just before it is about the same thing and names no errno, it is that one. If no warning names err's errno, it is the
// first one without an errno.
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

// candidate is a warning that may be the cause, with its index among all warnings.
type candidate struct {
	text string
	at   int
}

// explains tells whether c comes just before next, and is about the same thing.
func (c candidate) explains(next candidate) bool {
	if c.at+1 != next.at {
		return false
	}
	// The first thing that c quotes is a name. The others are values.
	if names := quoted(c.text); len(names) > 0 && hasName(next.text, names[0]) {
		return true
	}
	return slices.ContainsFunc(quoted(next.text), func(name string) bool { return hasName(c.text, name) })
}

// quoted returns the texts in single quotes.
func quoted(text string) []string {
	var names []string
	for parts := strings.Split(text, "'"); len(parts) > 2; parts = parts[2:] {
		names = append(names, parts[1])
	}
	return names
}

// hasName tells whether text contains the name, but not as a part of a longer name.
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

// harmless are words in warnings after which libbpf continues.
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
	"Detection of kernel", // probes for features; without one, libbpf goes on without the feature
	// libbpf's guess for each EPERM. Kernels since 5.11 do not return EPERM for this reason.
	"try raising 'ulimit -l'",
	// The error has its own words for it, without guesses.
	"Couldn't load trivial BPF program",
	// These are in the error anyway, or too long to quote.
	"failed to load object",
	"-- BEGIN PROG LOAD LOG",
	"-- BEGIN BTF LOAD LOG",
}

// optionalBTF are words in warnings after which libbpf continues, unless it says that it can't.
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

// errnoOf is err's number, from the kernel or libbpf, or 0.
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

// naming says which errno a message names.
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

// enotsupp is the kernel's ENOTSUPP, which it does not define for user space.
const enotsupp = 524

type errnoText struct {
	text   string
	number int
}

// errnoTexts are the texts of errnos, in lower case, as at the end of messages.
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

// maxErrno is larger than all errnos that have a name.
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
