package initramfs

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestArchive(t *testing.T) {
	var image bytes.Buffer
	a := New(&image)
	a.Console()
	a.Text("/etc/x/text", "text")
	a.Text("/etc/x/text", "not again")
	a.Script("/run", "#!/bin/sh")
	a.Symlink("/etc/link", "x/text")
	a.Folder("/")
	if err := a.End(); err != nil {
		t.Fatal(err)
	}
	if !a.Has("/etc/x") || a.Has("/etc/y") {
		t.Error("Has is wrong")
	}
	if image.Len()%4 != 0 || !strings.Contains(image.String(), "etc/x/text\x00\x00\x00\x00text") || strings.Contains(image.String(), "not again") {
		t.Errorf("%q", image.String())
	}
	// Another implementation reads it.
	cmd := exec.Command("busybox", "cpio", "-t")
	cmd.Stdin = &image
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return
	}
	if want := "dev\ndev/console\netc\netc/x\netc/x/text\nrun\netc/link\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v", out, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestErrors(t *testing.T) {
	a := New(full{})
	a.Text("/x", "")
	if err := a.End(); err == nil {
		t.Error("the writer's error is lost")
	}
	if err := a.File("/no/such/file", "/x"); err == nil {
		t.Error("there is no such file")
	}
}
