package decoder

import (
	"regexp"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
)

// following makes a decoder of text, or returns nil for one that reads the field.
func following(d config.Decoder) next {
	switch d.Name {
	case "static_map":
		return func(text string) (string, bool) {
			if replaced, ok := d.Values[text]; ok {
				return replaced, true
			}
			return rest(d, text)
		}
	case "regexp":
		match := regexp.MustCompile(d.Match)
		replace := d.Replace
		if replace == "" {
			replace = "$0"
			if match.NumSubexp() > 0 {
				replace = "$1"
			}
		}
		return func(text string) (string, bool) {
			at := match.FindStringSubmatchIndex(text)
			if at == nil {
				return rest(d, text)
			}
			return string(match.ExpandString(nil, replace, text, at)), true
		}
	}
	return nil
}

// rest is what becomes of text that a decoder does not know.
func rest(d config.Decoder, text string) (string, bool) {
	switch {
	case d.Drop:
		return "", false
	case d.Otherwise != nil:
		return *d.Otherwise, true
	}
	return text, true
}
