package libbpf

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/fault"
)

// objectImage is the bytes of an object, which libbpf reads and does not keep. Of a file it is a copy that nobody else
// changes, so that libbpf reads what was checked.
type objectImage []byte

// maxObjectSize is more than any compiler makes. libbpf counts instructions and bytes in 32 bits.
const maxObjectSize = 1 << 30

// readImage reads a file once.
func readImage(path string) (objectImage, error) {
	if err := cmem.CheckString("path", path); err != nil {
		return nil, err
	}
	// What is there may be something else, such as a pipe that nobody writes to.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	for err == unix.EINTR {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var file unix.Stat_t
	if err := unix.Fstat(fd, &file); err != nil {
		return nil, err
	}
	switch kind := file.Mode & unix.S_IFMT; {
	case kind == unix.S_IFDIR:
		return nil, unix.EISDIR
	case kind != unix.S_IFREG:
		return nil, fault.Invalidf("not a regular file")
	case file.Size > maxObjectSize:
		return nil, fault.Invalidf("it has %d bytes, and an object has at most %d", file.Size, maxObjectSize)
	}
	image := newImage(int(file.Size))
	if err := image.read(fd); err != nil {
		image.free()
		return nil, err
	}
	return image, nil
}

// largeImage is the size from which on what libbpf ignores is worth leaving out.
const largeImage = 1 << 16

func (i objectImage) read(fd int) error {
	if len(i) <= largeImage {
		return i.readPart(fd, i)
	}
	return i.readUsed(fd)
}

// readPart reads a part of the image from its place in the file.
func (i objectImage) readPart(fd int, part []byte) error {
	for len(part) > 0 {
		n, err := unix.Pread(fd, part, int64(cap(i)-cap(part)))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return fault.Invalidf("it became shorter while it was read")
		default:
			part = part[n:]
		}
	}
	return nil
}

// images has the memory of images that were read, without their contents. Touching new memory costs more than to read a
// file into it.
var images sync.Pool

// maxKeptImage is how large an image may be to be kept in images.
const maxKeptImage = 1 << 20

func newImage(size int) objectImage {
	if kept, ok := images.Get().(*objectImage); ok && cap(*kept) >= size {
		return (*kept)[:size]
	}
	return make(objectImage, size, max(size, 1<<16))
}

// free gives back what newImage made.
func (i objectImage) free() {
	if cap(i) <= maxKeptImage {
		images.Put(&i)
	}
}
