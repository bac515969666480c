package gen

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/libbpf-go/libbpf-go/btf"
)

// compiler compiles C for BPF, for one target.
type compiler struct {
	*Config
	target  target
	command []string // clang, and what goes before it, such as ccache
	base    string   // the folder of the first source
	scratch string   // a folder for what is in between
	libbpf  string   // the folder with libbpf's headers; empty for those of the machine
	objects int      // in scratch, so far
	depends []string // files that were read

	// What the user has no vmlinux.h for. It is made when it is missed, and is the same for all that is compiled.
	types string
}

// findClang returns the command of the compiler: that of the user, or clang, or the newest clang that has its version in
// its name.
func findClang(given string) ([]string, error) {
	for _, command := range []string{given, os.Getenv("CLANG")} {
		if words := strings.Fields(command); len(words) > 0 {
			if _, err := exec.LookPath(words[0]); err != nil {
				return nil, fmt.Errorf("the C compiler %q was not found", words[0])
			}
			return words, nil
		}
	}
	if _, err := exec.LookPath("clang"); err == nil {
		return []string{"clang"}, nil
	}
	newest, version := "", 0
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		found, _ := filepath.Glob(filepath.Join(folder, "clang-*"))
		for _, path := range found {
			number, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "clang-"))
			if err == nil && number > version {
				newest, version = path, number
			}
		}
	}
	if newest == "" {
		return nil, errors.New("clang was not found: install it, or name it with --cc or in $CLANG")
	}
	return []string{newest}, nil
}

// flags are the compiler's flags. Those of the user come last, so they win.
func (c *compiler) flags() []string {
	flags := []string{
		"-g", "-O2", "-mcpu=v3", "-target", c.target.bpf(),
		// The kernel's types have members that are structs without a name, but with a tag.
		"-fms-extensions", "-Wno-microsoft-anon-tag",
		// Objects are the same in all folders.
		"-fdebug-compilation-dir=.",
	}
	if c.target.arch != "" {
		flags = append(flags, "-D__TARGET_ARCH_"+c.target.arch)
	}
	// Folders of the user's, after -I, come before these.
	if c.libbpf != "" {
		flags = append(flags, "-ffile-prefix-map="+c.libbpf+"=libbpf", "-isystem", c.libbpf)
	}
	if folder := "/usr/include/" + c.target.triple; c.target.triple != "" {
		flags = append(flags, "-idirafter", folder) // has asm/types.h
	}
	if c.types != "" {
		flags = append(flags, "-ffile-prefix-map="+c.types+"=.", "-idirafter", c.types)
	}
	if at, err := filepath.Abs(c.base); err == nil {
		flags = append(flags, "-ffile-prefix-map="+at+"/=")
	}
	return append(flags, c.pathFlags()...)
}

// withPath are flags that a path follows.
var withPath = []string{"-I", "-isystem", "-iquote", "-idirafter", "-include", "-imacros"}

// pathFlags are the user's flags, with paths relative to the folder in which the compiler runs.
func (c *compiler) pathFlags() []string {
	flags := slices.Clone(c.CFlags)
	for i, flag := range flags {
		switch {
		case i > 0 && slices.Contains(withPath, flags[i-1]):
			flags[i] = c.fromBase(flag)
		case strings.HasPrefix(flag, "-I") && len(flag) > 2:
			flags[i] = "-I" + c.fromBase(flag[2:])
		}
	}
	return flags
}

// fromBase is a path relative to the folder in which the compiler runs. An absolute one stays as it is.
func (c *compiler) fromBase(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if relative, err := filepath.Rel(c.base, path); err == nil {
		return relative
	}
	return path
}

// compile compiles a source and returns the path of the object. It collects the files that the object depends on.
func (c *compiler) compile(source string) (object string, err error) {
	object = filepath.Join(c.scratch, fmt.Sprintf("%d.o", c.objects))
	c.objects++
	depends := object + ".d"
	err = c.run(source, "-MD", "-MF", depends, "-c", c.fromBase(source), "-o", object)
	if err != nil {
		return "", err
	}
	list, err := os.ReadFile(depends)
	if err != nil {
		return "", err
	}
	for _, file := range parseDepends(string(list)) {
		if !filepath.IsAbs(file) {
			file = filepath.Join(c.base, file)
		}
		if !strings.HasPrefix(file, c.scratch) {
			c.depends = appendNew(c.depends, file)
		}
	}
	return object, nil
}

// compiles tells whether a text is C that compiles.
func (c *compiler) compiles(text string) bool {
	source := filepath.Join(c.scratch, "try.c")
	if os.WriteFile(source, []byte(text), 0o666) != nil {
		return false
	}
	cmd := c.clang("-fsyntax-only", "-Werror=implicit-int", source)
	return cmd.Run() == nil
}

func (c *compiler) clang(args ...string) *exec.Cmd {
	args = append(append(slices.Clone(c.command[1:]), c.flags()...), args...)
	cmd := exec.Command(c.command[0], args...)
	// The names of files in line information are relative to this folder. It is also where the compiler looks for the
	// source text that it adds.
	cmd.Dir = c.base
	return cmd
}

// run runs the compiler, and once more with the kernel's types if the source includes these and has none.
func (c *compiler) run(source string, args ...string) error {
	said, err := c.try(args)
	if err != nil && c.types == "" && strings.Contains(said, "'vmlinux.h' file not found") {
		if err := c.makeTypes(); err != nil {
			return err
		}
		said, err = c.try(args)
	}
	if _, werr := c.Stderr.Write([]byte(said)); werr != nil && err == nil {
		err = werr
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && strings.Contains(said, "__TARGET_ARCH_") && c.target.arch == "":
		return fmt.Errorf("%s depends on the architecture: name it, with --target native, or --target amd64,arm64", source)
	case errors.As(err, &exit) && c.libbpf == "" && missesHeaders.MatchString(said):
		return fmt.Errorf("%s does not compile: libbpf's headers are missing: run this in a module that uses libbpf-go, "+
			"or install libbpf's development package", source)
	case errors.As(err, &exit):
		return fmt.Errorf("%s does not compile", source)
	case err != nil:
		return fmt.Errorf("%s: %w", c.command[0], err)
	}
	return nil
}

// missesHeaders is what compilers say of a header of libbpf's that is not there.
var missesHeaders = regexp.MustCompile(`'bpf/[a-z_.]*\.h' file not found`)

func (c *compiler) try(args []string) (said string, err error) {
	var stderr bytes.Buffer
	cmd := c.clang(args...)
	cmd.Stderr = &stderr
	err = cmd.Run()
	return stderr.String(), err
}

// makeTypes writes a vmlinux.h.
func (c *compiler) makeTypes() error {
	folder := filepath.Join(c.scratch, "types")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	path := filepath.Join(folder, "vmlinux.h")
	if c.VMLinux != "" {
		if header, err := os.ReadFile(c.VMLinux); err != nil {
			return err
		} else if !bytes.HasPrefix(header, []byte("\x7fELF")) && !isBTF(header) {
			c.types = folder
			c.depends = append(c.depends, c.VMLinux)
			return os.WriteFile(path, header, 0o666)
		}
	}
	types, err := c.kernelTypes()
	if err != nil {
		return err
	}
	defer types.Close()
	var header bytes.Buffer
	if err := types.DumpC(&header, btf.DumpCOptions{}); err != nil {
		return err
	}
	c.types = folder
	return os.WriteFile(path, header.Bytes(), 0o666)
}

func isBTF(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0x9f, 0xeb}) || bytes.HasPrefix(data, []byte{0xeb, 0x9f})
}

func (c *compiler) kernelTypes() (*btf.BTF, error) {
	if c.VMLinux != "" {
		c.depends = append(c.depends, c.VMLinux)
		return btf.Parse(c.VMLinux)
	}
	if c.target.arch != "" && c.target.arch != host().arch {
		return nil, fmt.Errorf("vmlinux.h is missing, and the running kernel is none for %s: name a vmlinux.h, "+
			"or a file with a kernel's BTF, with --vmlinux", c.target.name)
	}
	types, err := btf.LoadKernel()
	if err != nil {
		return nil, fmt.Errorf("vmlinux.h is missing, and the running kernel's types can't be read: name a vmlinux.h, "+
			"or a file with a kernel's BTF, with --vmlinux (%w)", err)
	}
	return types, nil
}

// parseDepends reads the files of a rule for make, but the target.
func parseDepends(rule string) []string {
	_, list, _ := strings.Cut(strings.ReplaceAll(rule, "\\\n", " "), ": ")
	var files []string
	var name strings.Builder
	for i := 0; i < len(list); i++ {
		switch b := list[i]; {
		case b == '\\' && i+1 < len(list) && strings.IndexByte(" #\\", list[i+1]) >= 0:
			i++
			name.WriteByte(list[i])
		case b == '$' && i+1 < len(list) && list[i+1] == '$':
			i++
			name.WriteByte('$')
		case b == ' ' || b == '\n':
			if name.Len() > 0 {
				files = append(files, name.String())
				name.Reset()
			}
		default:
			name.WriteByte(b)
		}
	}
	if name.Len() > 0 {
		files = append(files, name.String())
	}
	return files
}
