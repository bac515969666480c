// Package cli has what bpfgo's commands share: streams, help, errors and exit statuses, and output for people and for
// programs.
package cli

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Env is what a command works with. The streams may be anything, so that tests can look at them.
type Env struct {
	In             io.Reader
	Stdout, Stderr io.Writer

	color colorMode
	json  *JSON // that of the command that runs, if it has the flag
}

// Main is the environment of the process.
func Main() *Env { return &Env{In: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr} }

// Quiet is the environment of a test: these streams, and no terminal.
func Quiet(stdout, stderr io.Writer) *Env {
	return &Env{In: strings.NewReader(""), Stdout: stdout, Stderr: stderr}
}

// Terminal tells the size of the terminal that standard output is, in characters. ok is false if it is none.
func (e *Env) Terminal() (columns, rows int, ok bool) {
	file, isFile := e.Stdout.(*os.File)
	if !isFile {
		return 0, 0, false
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, false
	}
	columns, rows = int(size.Col), int(size.Row)
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		columns = n
	}
	if columns == 0 { // as of a serial line
		columns, rows = 80, 24
	}
	return columns, rows, true
}

// Width is how many characters fit on a line of standard output, or 0 if there is no limit, as in a file.
func (e *Env) Width() int {
	columns, _, _ := e.Terminal()
	return columns
}

// Color tells whether to write colours to standard output: to a terminal, unless the user wants otherwise.
func (e *Env) Color() bool {
	switch e.color {
	case colorAlways:
		return true
	case colorNever:
		return false
	}
	// See no-color.org.
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, _, terminal := e.Terminal()
	return terminal
}
