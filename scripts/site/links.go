package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// repository is where the sources that pages link to can be read.
const repository = "https://github.com/libbpf-go/libbpf-go"

// made are the folders that only a built clone has: nobody can follow a link to them.
var made = []string{"bin", "dist", "bpf/generated", "libbpf/upstream"}

// A target is what a link leads to.
type target struct {
	page   *page  // of the book
	anchor string // on it
	image  string // or a picture, by its path in the repository
	url    string // or an address outside of the book
}

func external(destination string) bool {
	return strings.Contains(destination, "://") || strings.HasPrefix(destination, "mailto:")
}

// resolve finds what a link of a page leads to, and whether it is there. Addresses of other sites are not looked at.
func (b *book) resolve(from *page, destination string) (target, error) {
	if external(destination) {
		return target{url: destination}, nil
	}
	file, anchor, hasAnchor := strings.Cut(destination, "#")
	if strings.HasPrefix(file, "/") || hasAnchor && anchor == "" {
		return target{}, errors.New("no link that works everywhere")
	}
	to := from
	name := from.path
	if file != "" {
		name = path.Join(from.folder(), file)
		to = b.pages[name]
		if to == nil {
			to = b.pages[path.Join(name, "README.md")]
		}
	}
	if to != nil {
		if hasAnchor && !to.anchors[anchor] {
			return target{}, fmt.Errorf("%s has no heading %q", to.path, anchor)
		}
		return target{page: to, anchor: anchor}, nil
	}
	if strings.HasPrefix(name, "../") {
		return target{}, errors.New("outside of the repository")
	}
	for _, folder := range made {
		if name == folder || strings.HasPrefix(name, folder+"/") {
			return target{}, fmt.Errorf("%s is not in the repository", folder)
		}
	}
	info, err := os.Stat(filepath.Join(b.root, filepath.FromSlash(name)))
	switch {
	case err != nil:
		return target{}, fmt.Errorf("there is no %s", name)
	case info.IsDir():
		return target{url: repository + "/tree/main/" + name}, nil
	case strings.HasSuffix(name, ".svg"), strings.HasSuffix(name, ".png"):
		return target{image: name}, nil
	case hasAnchor:
		name += "#" + anchor
	}
	return target{url: repository + "/blob/main/" + name}, nil
}

// broken is an error for each link in the book that leads nowhere.
func (b *book) broken() error {
	var errs []error
	for _, p := range b.order {
		for _, link := range p.links {
			if _, err := b.resolve(p, link.destination); err != nil {
				errs = append(errs, fmt.Errorf("%s:%d: %s: %w", p.path, link.line, link.destination, err))
			}
		}
	}
	return errors.Join(errs...)
}
