package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// A proxy is a folder in the layout of Go's module proxies.
type proxy struct{ root string }

// file returns the name of a module's file: .info, .mod and .zip belong to a version.
func (p proxy) file(m release, extension string) (string, error) {
	path, err := module.EscapePath(m.path)
	if err != nil {
		return "", err
	}
	version, err := module.EscapeVersion(m.version)
	return filepath.Join(p.root, path, "@v", version+extension), err
}

// addFolder adds the module in a folder, and returns its sum.
func (p proxy) addFolder(m release, folder string) (string, error) {
	packed, err := pack(module.Version{Path: m.path, Version: m.version}, folder)
	if err != nil {
		return "", err
	}
	gomod, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		return "", err
	}
	if err := p.add(m, gomod, packed); err != nil {
		return "", err
	}
	file, err := p.file(m, ".zip")
	if err != nil {
		return "", err
	}
	if _, err := zip.CheckZip(module.Version{Path: m.path, Version: m.version}, file); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return dirhash.HashZip(file, dirhash.Hash1)
}

// addNeeded adds all modules that the module in a folder requires.
func (p proxy) addNeeded(folder string) ([]release, error) {
	out, err := output(goCommand(folder, "mod", "download", "-json", "all"))
	if err != nil {
		return nil, err
	}
	var needed []release
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Version, Info, GoMod, Zip string }
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF):
			return needed, nil
		case err != nil:
			return nil, err
		}
		info, err := os.ReadFile(m.Info)
		if err != nil {
			return nil, err
		}
		var when struct{ Time time.Time }
		if err := json.Unmarshal(info, &when); err != nil {
			return nil, err
		}
		gomod, err := os.ReadFile(m.GoMod)
		if err != nil {
			return nil, err
		}
		packed, err := os.ReadFile(m.Zip)
		if err != nil {
			return nil, err
		}
		r := release{m.Path, m.Version, when.Time}
		if err := p.add(r, gomod, packed); err != nil {
			return nil, err
		}
		needed = append(needed, r)
	}
}

// add adds a version of a module. What a version has never changes: go.sum files everywhere have its sum.
func (p proxy) add(m release, gomod, packed []byte) error {
	file, err := p.file(m, ".zip")
	if err != nil {
		return err
	}
	if there, err := os.ReadFile(file); err == nil && !bytes.Equal(there, packed) {
		return fmt.Errorf("%s is there already, with other content: remove it, or release another version", file)
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{m.version, m.time})
	if err != nil {
		return err
	}
	for extension, text := range map[string][]byte{".mod": gomod, ".info": info, ".zip": packed} {
		file, err := p.file(m, extension)
		if err != nil {
			return err
		}
		if err := publish(file, text); err != nil {
			return err
		}
	}
	return p.list(m, info)
}

// list writes the list of a module's versions. Pseudo-versions are not in such a list: without it, the go command takes
// @latest.
func (p proxy) list(m release, info []byte) error {
	file, err := p.file(m, ".info")
	if err != nil {
		return err
	}
	folder := filepath.Dir(file)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var versions []string
	for _, entry := range entries {
		escaped, is := strings.CutSuffix(entry.Name(), ".info")
		version, err := module.UnescapeVersion(escaped)
		if is && err == nil && !module.IsPseudoVersion(version) {
			versions = append(versions, version)
		}
	}
	semver.Sort(versions)
	list := ""
	for _, version := range versions {
		list += version + "\n"
	}
	if err := publish(filepath.Join(folder, "list"), []byte(list)); err != nil {
		return err
	}
	if len(versions) > 0 {
		return nil
	}
	return publish(filepath.Join(filepath.Dir(folder), "@latest"), info)
}

// publish writes a file that everybody may read, whatever the umask is. Whoever uses the proxy meanwhile sees the old
// file or the new one.
func publish(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new.")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// A packed file is one of a module's folder.
type packedFile struct{ folder, path string }

func (f packedFile) name() string                 { return filepath.Join(f.folder, filepath.FromSlash(f.path)) }
func (f packedFile) Path() string                 { return f.path }
func (f packedFile) Lstat() (fs.FileInfo, error)  { return os.Lstat(f.name()) }
func (f packedFile) Open() (io.ReadCloser, error) { return os.Open(f.name()) }

// pack makes a module's zip. It leaves out other modules in the folder, and fails if anything breaks Go's rules about
// names and sizes.
func pack(m module.Version, folder string) ([]byte, error) {
	var files []zip.File
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		files = append(files, packedFile{folder, filepath.ToSlash(relative)})
		return err
	})
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	err = zip.Create(&packed, m, files)
	return packed.Bytes(), err
}
