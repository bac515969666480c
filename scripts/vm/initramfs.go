package main

import (
	"archive/tar"
	"debug/elf"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/libbpf-go/libbpf-go/internal/initramfs"
)

//go:embed init.sh
var initScript string

// modules are the kernel modules that tests use. Modules that these need are added too.
var modules = []string{"veth", "dummy", "tun", "sch_ingress", "cls_bpf", "act_bpf", "nf_tables", "nf_defrag_ipv4", "nf_defrag_ipv6", "overlay"}

// cpio is an archive with the files of a machine.
type cpio struct {
	*initramfs.Archive
	machine *machine
}

func newCPIO(w io.Writer, m *machine) *cpio { return &cpio{initramfs.New(w), m} }

// program adds a program and the libraries it needs.
func (c *cpio) program(path string) error {
	if c.Has(path) {
		return nil
	}
	if err := c.File(path, path); err != nil {
		return err
	}
	if c.machine.foreign() {
		return c.libraries(path)
	}
	return c.Libraries(path)
}

// libraries adds the libraries that a program or library of another architecture needs. They are the cross compiler's.
func (c *cpio) libraries(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return nil // a script, such as those of tests
	}
	defer f.Close()
	names, err := f.ImportedLibraries()
	if err != nil || len(names) == 0 {
		return err
	}
	for _, program := range f.Progs {
		if program.Type == elf.PT_INTERP {
			interpreter, err := io.ReadAll(program.Open())
			if err != nil {
				return err
			}
			to := strings.TrimRight(string(interpreter), "\x00")
			if err := c.File(filepath.Join("/usr", c.machine.triplet, "lib", filepath.Base(to)), to); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		from, to := filepath.Join("/usr", c.machine.triplet, "lib", name), filepath.Join("/lib", c.machine.triplet, name)
		if c.Has(to) {
			continue
		}
		if err := c.File(from, to); err != nil {
			return err
		}
		if err := c.libraries(from); err != nil {
			return err
		}
	}
	return nil
}

// with adds a folder, or a program, also under the names of links to it.
func (c *cpio) with(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil || c.Has(path):
		return err
	case info.IsDir():
		return c.tree(path)
	case info.Mode().Type() != fs.ModeSymlink:
		return c.program(path)
	}
	dest, err := os.Readlink(path)
	if err != nil {
		return err
	}
	c.Symlink(path, dest)
	if !filepath.IsAbs(dest) {
		dest = filepath.Join(filepath.Dir(path), dest)
	}
	return c.with(dest)
}

// tree adds a folder, without the files of git and of builds. A machine of another architecture gets none of the host's
// BPF objects, but those that the Makefile compiles for it into bin/ARCH.
func (c *cpio) tree(root string) error {
	if !c.machine.foreign() {
		return c.files(root, root, func(string) bool { return false })
	}
	objects := filepath.Join(root, "bin", c.machine.arch)
	if _, err := os.Stat(objects); err == nil {
		if err := c.files(objects, root, func(path string) bool { return !isObject(path) }); err != nil {
			return err
		}
	}
	return c.files(root, root, isObject)
}

// isObject also takes what "bpfgo gen" makes.
func isObject(path string) bool {
	return slices.ContainsFunc([]string{".bpf.o", "_bpf.o", "_bpf.go"}, func(end string) bool {
		return strings.HasSuffix(path, end)
	})
}

// files adds the files in a folder, except those to omit, in the folder to.
func (c *cpio) files(from, to string, omit func(path string) bool) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		name = filepath.Join(to, name)
		switch {
		case entry.IsDir() && (entry.Name() == ".git" || path == filepath.Join(to, "bin")):
			return fs.SkipDir
		case entry.IsDir():
			c.Folder(name)
		case omit(path):
		case entry.Type() == fs.ModeSymlink:
			dest, err := os.Readlink(path)
			if err != nil {
				return err
			}
			c.Symlink(name, dest)
		case entry.Type().IsRegular():
			// Other builds on the host may remove a file meanwhile.
			if err := c.File(path, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// writeInitramfs writes all files of the guest: busybox, modules, the source tree, the jobs' programs.
func writeInitramfs(image string, m *machine, kernel, end string, jobs []job) error {
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	defer f.Close()
	c := newCPIO(f, m)
	c.Script("/init", initScript)
	busybox := filepath.Join(kernel, "busybox")
	if !m.foreign() {
		if busybox, err = exec.LookPath("busybox"); err != nil {
			return err
		}
	}
	if err := c.File(busybox, "/bin/busybox"); err != nil {
		return err
	}
	c.Console()
	for _, dir := range []string{"/proc", "/sys", "/root", "/run", "/mnt", "/vm/modules", "/vm/jobs"} {
		c.Folder(dir)
	}
	c.Add("/tmp", 0o041777, nil)
	c.Symlink("/var/tmp", "/tmp")
	c.Text("/etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
	c.Text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
	c.Text("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
	c.Text("/vm/end", end+"\n")
	c.Text("/vm/ports", strings.Join(m.ports, " ")+"\n")
	if err := c.modules(kernel, append(slices.Clone(m.modules), modules...)); err != nil {
		return err
	}
	if err := c.config(kernel); err != nil {
		return err
	}
	var bring []string
	trees := make(map[string]bool)
	for i, job := range jobs {
		c.Script(fmt.Sprintf("/vm/jobs/%d", i), job.script())
		if err := c.program(job.argv[0]); err != nil {
			return err
		}
		root := treeOf(job.dir)
		if !trees[root] { // which a program in it does not bring
			trees[root] = true
			if err := c.tree(root); err != nil {
				return err
			}
		}
		c.Folder(job.dir)
		for _, path := range job.with {
			if err := c.with(path); err != nil {
				return err
			}
		}
		for _, path := range job.bring {
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				c.Folder(path)
			} else {
				c.Folder(filepath.Dir(path))
			}
			bring = append(bring, quote(path[1:]))
		}
	}
	c.Text("/vm/bring", strings.Join(bring, "\n"))
	if err := c.End(); err != nil {
		return err
	}
	return f.Close()
}

// config adds the kernel's configuration, at the path where libbpf looks for it.
func (c *cpio) config(kernel string) error {
	release, err := os.ReadFile(filepath.Join(kernel, "release"))
	if err != nil {
		return err
	}
	return c.File(filepath.Join(kernel, "config"), "/boot/config-"+strings.TrimSpace(string(release)))
}

// modules adds the modules, unpacked, in an order in which they can be loaded.
func (c *cpio) modules(kernel string, names []string) error {
	release, err := os.ReadFile(filepath.Join(kernel, "release"))
	if err != nil {
		return fmt.Errorf("%s is not a kernel's folder: %w", kernel, err)
	}
	number := 0
	loaded := make(map[string]bool)
	for _, module := range names {
		out, err := exec.Command("modprobe", "-C", "/dev/null", "-d", kernel, "-S", strings.TrimSpace(string(release)),
			"--show-depends", module).Output()
		if err != nil {
			return fmt.Errorf("modprobe --show-depends %s: %w", module, err)
		}
		for _, line := range strings.Split(string(out), "\n") {
			path, found := strings.CutPrefix(strings.TrimSpace(line), "insmod ")
			if !found || loaded[path] {
				continue // "builtin"
			}
			loaded[path] = true
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if strings.HasSuffix(path, ".xz") {
				if content, err = exec.Command("xz", "-dc", path).Output(); err != nil {
					return fmt.Errorf("xz -dc %s: %w", path, err)
				}
			}
			name := strings.TrimSuffix(filepath.Base(path), ".xz")
			c.Add(fmt.Sprintf("/vm/modules/%02d-%s", number, name), 0o100644, content)
			number++
		}
	}
	return nil
}

// treeOf returns the repository that a folder is in, or else the module, or else the folder.
func treeOf(dir string) string {
	module := dir
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			return d
		}
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			module = d
		}
		if d == "/" {
			return module
		}
	}
}

// script returns the job as a script for the guest's shell.
func (j *job) script() string {
	var s strings.Builder
	fmt.Fprintf(&s, "cd %s || exit 126\n", quote(j.dir))
	for _, variable := range j.env {
		fmt.Fprintf(&s, "export %s\n", quote(variable))
	}
	s.WriteString("exec")
	for _, arg := range j.argv {
		s.WriteString(" " + quote(arg))
	}
	return s.String() + "\n"
}

func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// unpackFiles writes the files from the guest. It writes only files that were asked for.
func unpackFiles(archive io.Reader, jobs []job) error {
	var wanted []string
	for _, job := range jobs {
		wanted = append(wanted, job.bring...)
	}
	if len(wanted) == 0 {
		return nil
	}
	sort.Strings(wanted)
	files := tar.NewReader(archive)
	for {
		header, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("files from the guest: %w", err)
		}
		path := filepath.Join("/", header.Name)
		asked := false
		for _, want := range wanted {
			asked = asked || path == want || strings.HasPrefix(path, want+"/")
		}
		if !asked || header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(files)
		if err != nil {
			return fmt.Errorf("%s from the guest: %w", path, err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
}
