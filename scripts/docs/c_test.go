package docs_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

// What BPF programs may use without including it.
const bpfHeader = `
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
`

// The same for programs with probes, which brings variables that others do not need.
const usdtHeader = "#include <bpf/usdt.bpf.h>\n"

// The same for C of a process.
const userHeader = `
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/types.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
`

// compiler compiles C blocks. The headers are compiled once.
type compiler struct{ folder string }

var bpfCompiler = sync.OnceValues(newCompiler)

func newCompiler() (*compiler, error) {
	folder, err := os.MkdirTemp("", "libbpf-go-docs")
	if err != nil {
		return nil, err
	}
	testutil.Finally(func() { os.RemoveAll(folder) })
	c := &compiler{folder}
	for name, text := range map[string]string{"bpf": bpfHeader, "user": userHeader} {
		header := filepath.Join(c.folder, name+".h")
		if err := os.WriteFile(header, []byte(text), 0o600); err != nil {
			return nil, err
		}
		if err := c.run("", append(flags(name == "bpf"), "-x", "c-header", header, "-o", header+".pch")...); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// flags are those of the Makefile, with all warnings as errors.
func flags(bpf bool) []string {
	api := filepath.Join(root, "libbpf/upstream/api")
	all := []string{"-Wall", "-Werror", "-Wno-unused", "-O2", "-I" + api}
	if !bpf {
		return all
	}
	machine := map[string]struct{ arch, folder string }{
		"amd64": {"x86", "x86_64-linux-gnu"}, "arm64": {"arm64", "aarch64-linux-gnu"}, "s390x": {"s390", "s390x-linux-gnu"},
	}[runtime.GOARCH]
	return append(all, "-target", "bpf", "-mcpu=v3", "-g", "-fms-extensions", "-Wno-microsoft-anon-tag",
		"-D__TARGET_ARCH_"+machine.arch, "-I"+filepath.Join(root, "bpf/generated"), "-I/usr/include/"+machine.folder)
}

func (c *compiler) run(stdin string, args ...string) error {
	clang := "clang"
	if named := os.Getenv("CLANG"); named != "" {
		clang = named
	}
	cmd := exec.Command(clang, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("clang: %w\n%s", err, stderr.Bytes())
	}
	return nil
}

// check compiles a block to an object, once, or only checks it if it is no BPF program. It returns the object's path.
func (c *compiler) check(b block, user bool) (string, error) {
	text := fmt.Sprintf("#line %d \"%s\"\n%s", b.line, b.page, b.text)
	if b.kind == "body" || b.argument == "body" {
		text = "int body(void) {\n" + text + "return 0;\n}\n"
	}
	if user {
		header := filepath.Join(c.folder, "user.h.pch")
		return "", c.run(text, append(flags(false), "-include-pch", header, "-x", "c", "-fsyntax-only", "-")...)
	}
	if !strings.Contains(b.text, `SEC("license")`) {
		text += "char LICENSE[] SEC(\"license\") = \"GPL\";\n"
	}
	if strings.Contains(b.text, "BPF_USDT") {
		text = usdtHeader + text
	}
	object := filepath.Join(c.folder, fmt.Sprintf("%x.o", sha256.Sum256([]byte(text))))
	if _, err := os.Stat(object); err == nil {
		return object, nil
	}
	header := filepath.Join(c.folder, "bpf.h.pch")
	return object, c.run(text, append(flags(true), "-include-pch", header, "-x", "c", "-c", "-", "-o", object)...)
}

// all runs a function for each of many, on all CPUs.
func all[T any](many []T, f func(T)) {
	next := make(chan T)
	var group sync.WaitGroup
	for range runtime.NumCPU() {
		group.Go(func() {
			for one := range next {
				f(one)
			}
		})
	}
	for _, one := range many {
		next <- one
	}
	close(next)
	group.Wait()
}
