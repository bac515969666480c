package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kernel is a kernel to boot.
type Kernel struct {
	Name    string // as the user has named it
	image   string
	config  string // its configuration, "" if there is none
	release string // "" if it is not known
}

// Find finds a kernel by what the user says: the path of an image, of a folder with one, or a version. A version is that
// of a kernel in the cache of libbpf-go's tests, or in /boot.
func Find(text string) (Kernel, error) {
	info, err := os.Stat(text)
	if err == nil && info.Mode().IsRegular() {
		if _, err := os.Stat(filepath.Join(filepath.Dir(text), "release")); err == nil && filepath.Base(text) == "vmlinuz" {
			return Find(filepath.Dir(text))
		}
		name := strings.TrimPrefix(filepath.Base(text), "vmlinuz-")
		return withConfig(Kernel{Name: name, image: text, release: name}, filepath.Join(filepath.Dir(text), "config-"+name)), nil
	}
	folders := []string{filepath.Clean(text)}
	if cache := cacheFolder(); cache != "" && !strings.Contains(text, "/") {
		folders = append(folders, filepath.Join(cache, text))
	}
	for _, folder := range folders {
		image := filepath.Join(folder, "vmlinuz")
		if _, err := os.Stat(image); err != nil {
			continue
		}
		k := Kernel{Name: filepath.Base(folder), image: image}
		if release, err := os.ReadFile(filepath.Join(folder, "release")); err == nil {
			k.release = strings.TrimSpace(string(release))
		}
		return withConfig(k, filepath.Join(folder, "config")), nil
	}
	if image := "/boot/vmlinuz-" + text; !strings.Contains(text, "/") {
		if _, err := os.Stat(image); err == nil {
			return withConfig(Kernel{Name: text, image: image, release: text}, "/boot/config-"+text), nil
		}
	}
	if strings.Contains(text, "/") {
		return Kernel{}, fmt.Errorf("%s is neither a kernel's image nor a folder with a file vmlinuz", text)
	}
	return Kernel{}, fmt.Errorf("no kernel %s: give the path of a kernel's image, or a version that is in /boot or in %s, "+
		`where libbpf-go's "scripts/vm/kernels.sh %s" puts it`, text, cacheFolder(), text)
}

func withConfig(k Kernel, path string) Kernel {
	if _, err := os.Stat(path); err == nil && k.release != "" {
		k.config = path
	}
	return k
}

// cacheFolder is where scripts/vm/kernels.sh puts kernels.
func cacheFolder() string {
	if cache := os.Getenv("LIBBPF_GO_CACHE"); cache != "" {
		return filepath.Join(cache, "kernels")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "libbpf-go", "kernels")
}
