package kernel

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Symbol is whether the kernel has a variable or function of that name, for externs without a type.
func (k *Kernel) Symbol(name string) Answer {
	symbols, err := k.symbols()
	switch {
	case err != nil:
		return unknown(err.Error())
	case symbols[name]:
		return yes
	}
	return no("there is no such symbol")
}

// readSymbols reads the names of /proc/kallsyms, which needs no privileges.
func readSymbols() (map[string]bool, error) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, errors.New("/proc/kallsyms can't be read")
	}
	defer file.Close()
	symbols := make(map[string]bool, 1<<17)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		// address, type, name, and for that of a module a tab and the module
		_, rest, _ := strings.Cut(lines.Text(), " ")
		_, name, found := strings.Cut(rest, " ")
		if found {
			name, _, _ = strings.Cut(name, "\t")
			symbols[name] = true
		}
	}
	if len(symbols) == 0 {
		return nil, errors.New("/proc/kallsyms is empty")
	}
	return symbols, nil
}

// Setting is the value of a CONFIG_ variable of the kernel, "" if it is not set.
func (k *Kernel) Setting(name string) (value string, answer Answer) {
	settings, err := k.config()
	if err != nil {
		return "", unknown(err.Error())
	}
	value, found := settings[name]
	if !found {
		return "", no("it is not set")
	}
	return value, yes
}

// readConfig reads the kernel's configuration where libbpf does.
func readConfig() (map[string]string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	file, err := os.Open("/boot/config-" + unix.ByteSliceToString(name.Release[:]))
	packed := err != nil
	if packed {
		file, err = os.Open("/proc/config.gz")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the kernel's configuration is neither in /boot nor in /proc/config.gz")
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var text io.Reader = file
	if packed {
		if text, err = gzip.NewReader(file); err != nil {
			return nil, err
		}
	}
	settings := make(map[string]string)
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		if name, value, found := strings.Cut(lines.Text(), "="); found && strings.HasPrefix(name, "CONFIG_") {
			settings[name] = value
		}
	}
	return settings, lines.Err()
}
