// Package screen draws what changes with time: again and again at the same place of a terminal, and one after the other
// where there is none.
package screen

import (
	"io"
	"strings"

	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
)

// Screen is where a command draws. It is not safe for concurrent use.
type Screen struct {
	env   *cli.Env
	drawn string // the last picture
	alone bool   // the terminal shows nothing but the picture
}

// New begins to draw on standard output. Close it to give the terminal back.
func New(env *cli.Env) *Screen { return &Screen{env: env} }

// What terminals are told: xterm's sequences, which all of today's understand.
const (
	enter     = "\x1b[?1049h\x1b[?25l\x1b[?7l" // the alternate screen, without a cursor, without wrapping long lines
	leave     = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home      = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

// Draw shows a picture, which is lines of text, in place of the one before. Lines that don't fit below are left out.
// Where there is no terminal, the pictures follow each other, with an empty line between them.
func (s *Screen) Draw(picture string) error {
	_, rows, terminal := s.env.Terminal()
	if !terminal {
		if s.drawn != "" {
			picture = "\n" + picture
		}
		s.drawn = picture
		_, err := io.WriteString(s.env.Stdout, picture)
		return err
	}
	s.drawn = picture
	var out strings.Builder
	if !s.alone {
		out.WriteString(enter)
		s.alone = true
	}
	out.WriteString(home)
	lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
	lines = lines[:min(len(lines), max(rows, 1))]
	for i, line := range lines {
		// Cleared before, not after: after a line that fills the row, it would take the last character.
		if i < len(lines)-1 {
			out.WriteString(clearLine + line + "\r\n")
		} else {
			out.WriteString(clearRest + line)
		}
	}
	_, err := io.WriteString(s.env.Stdout, out.String())
	return err
}

// Close gives the terminal back, and leaves the last picture on it.
func (s *Screen) Close() error {
	if !s.alone {
		return nil
	}
	s.alone = false
	_, err := io.WriteString(s.env.Stdout, leave+s.drawn)
	return err
}
