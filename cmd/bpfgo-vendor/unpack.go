package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// content is the files of a library: their text by their path.
type content map[string][]byte

// unpack writes the sources to a folder, which becomes upstream:
//
//	api/bpf, api/linux   the headers of libbpf for other packages and for users, and the kernel headers that they need
//	libbpf               the sources of libbpf
//	libelf, zlib         those of the other two that package clib compiles
//	PIN, SHA256SUMS      what they are
func (t tree) unpack(tarballs []tarball, to string) error {
	all := content{}
	var pinned strings.Builder
	for _, tarball := range tarballs {
		files, err := readTarball(tarball.file)
		if err != nil {
			return fmt.Errorf("%s: %w", tarball.base(), err)
		}
		switch tarball.library {
		case "libbpf":
			takeLibbpf(files, all)
		case "libelf":
			all.add("libelf", t.compiled("libelf", merge(files.folder("lib/"), files.folder("libelf/"))))
			all.add("libelf", files.named("COPYING", "COPYING-LGPLV3", "COPYING-GPLV2"))
		case "zlib":
			all.add("zlib", t.compiled("zlib", files))
			all.add("zlib", files.named("LICENSE", "README"))
		}
		pinned.WriteString(pinLine(tarball.pin))
	}
	all["PIN"] = []byte(pinned.String())
	var sums strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		file := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, all[name], 0o644); err != nil {
			return err
		}
		sum, err := sumOf(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
	}
	return os.WriteFile(filepath.Join(to, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// readTarball reads the files of a tarball, without the folder that all of them are in. It was checked by its hash
// before: nothing in it is a surprise.
func readTarball(name string) (content, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	packed := bufio.NewReader(file)
	magic, err := packed.Peek(2)
	if err != nil {
		return nil, err
	}
	var plain io.Reader
	switch {
	case bytes.Equal(magic, []byte{0x1f, 0x8b}):
		if plain, err = gzip.NewReader(packed); err != nil {
			return nil, err
		}
	case string(magic) == "BZ":
		plain = bzip2.NewReader(packed)
	default:
		return nil, errors.New("it is neither gzip nor bzip2")
	}
	files := content{}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(header.Name, "./"), "/")
		if header.Typeflag != tar.TypeReg || !needed(name) {
			continue
		}
		if files[name], err = io.ReadAll(archive); err != nil {
			return nil, err
		}
	}
}

// needed leaves out what no library here has sources in.
func needed(name string) bool {
	folder, base := path.Split(name)
	switch {
	case strings.HasPrefix(base, "LICENSE"), strings.HasPrefix(base, "COPYING"), base == "README":
		return folder == ""
	case folder == "", folder == "src/", folder == "lib/", folder == "libelf/", strings.HasPrefix(folder, "include/"):
		return path.Ext(base) == ".c" || path.Ext(base) == ".h" || path.Ext(base) == ".map"
	}
	return false
}

func (c content) add(folder string, files content) {
	for name, text := range files {
		c[path.Join(folder, name)] = text
	}
}

// folder returns the files of a folder, and named those of these names.
func (c content) folder(prefix string) content {
	files := content{}
	for name, text := range c {
		if name, found := strings.CutPrefix(name, prefix); found {
			files[name] = text
		}
	}
	return files
}

func (c content) named(names ...string) content {
	files := content{}
	for _, name := range names {
		if text, found := c[name]; found {
			files[name] = text
		}
	}
	return files
}

func merge(all ...content) content {
	merged := content{}
	for _, files := range all {
		maps.Copy(merged, files)
	}
	return merged
}

// Headers that libbpf installs, and kernel headers that these include. Other packages and users see only them.
var (
	apiHeaders = []string{"bpf.h", "libbpf.h", "btf.h", "libbpf_common.h", "libbpf_legacy.h", "libbpf_version.h",
		"skel_internal.h", "bpf_helpers.h", "bpf_helper_defs.h", "bpf_tracing.h", "bpf_endian.h", "bpf_core_read.h",
		"usdt.bpf.h"}
	kernelHeaders = []string{"bpf.h", "bpf_common.h", "btf.h"}
)

func takeLibbpf(files, all content) {
	for name, text := range files {
		if path.Dir(name) != "." || strings.HasPrefix(name, "LICENSE") {
			all["libbpf/"+name] = text
		}
	}
	all.add("api/bpf", files.folder("src/").named(apiHeaders...))
	all.add("api/linux", files.folder("include/uapi/linux/").named(kernelHeaders...))
}

var include = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]*["<]([^">]*/)?([^/">]+)[">]`)

// compiled returns the files of a library that package clib compiles: those that its C files include, and those that
// these include.
func (t tree) compiled(library string, files content) content {
	found := content{}
	var follow func(text []byte)
	follow = func(text []byte) {
		for _, match := range include.FindAllSubmatch(text, -1) {
			folder, name := string(match[1]), string(match[2])
			if folder != "" && folder != "upstream/"+library+"/" {
				continue
			}
			if _, done := found[name]; done || files[name] == nil {
				continue
			}
			found[name] = files[name]
			follow(files[name])
		}
	}
	own, _ := filepath.Glob(t.path("libbpf/*.[ch]"))
	for _, file := range own {
		text, err := os.ReadFile(file)
		if err == nil {
			follow(text)
		}
	}
	return found
}
