package cli

import "errors"

// colorMode is the flag --color.
type colorMode string

const (
	colorAuto   colorMode = "auto"
	colorAlways colorMode = "always"
	colorNever  colorMode = "never"
)

func (m *colorMode) String() string { return string(*m) }

func (m *colorMode) Type() string { return "WHEN" }

func (m *colorMode) Set(text string) error {
	switch mode := colorMode(text); mode {
	case colorAuto, colorAlways, colorNever:
		*m = mode
		return nil
	}
	return errors.New("must be auto, always or never")
}

// Style is how a terminal shows a text.
type Style string

const (
	Plain  Style = ""
	Bold   Style = "1"
	Faint  Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
)

// Paint is the text in a style, or the text itself if colours are not wanted.
func (e *Env) Paint(style Style, text string) string {
	if style == Plain || !e.Color() {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}
