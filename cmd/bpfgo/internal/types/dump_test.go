package types

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/cli"
	"github.com/libbpf-go/libbpf-go/cmd/bpfgo/internal/clitest"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

func TestMain(m *testing.M) { os.Exit(testutil.Main(m)) }

var tool = clitest.Tool{Command}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, unix.ENOSPC }

func TestBTFDump(t *testing.T) {
	stdout, _ := tool.Must(t, "btf", "dump")
	for _, want := range []string{"#ifndef __VMLINUX_H__\n", "\nstruct task_struct {\n", "#endif /* __VMLINUX_H__ */\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the kernel's types lack %q", want)
		}
	}
	stdout, _ = tool.Must(t, "btf", "dump", "--file", testutil.Object(t, "shapes"))
	if !strings.Contains(stdout, "\nstruct labelled {\n") {
		t.Errorf("the object's types lack a struct:\n%s", stdout)
	}
	var stderr bytes.Buffer
	if status := tool.Execute(cli.Quiet(fullWriter{}, &stderr), "btf", "dump"); status != cli.StatusFailed {
		t.Errorf("exit status %d where there is no space", status)
	}
	clitest.WantLine(t, stderr.String(), "no space left")
	for path, want := range map[string]string{
		"/no/such/file": "no such file",
		"/":             "",
		"/etc/hostname": "",
		os.Args[0]:      "no BTF",
	} {
		stdout, stderr, status := tool.Run("btf", "dump", "--file", path)
		if status != cli.StatusFailed || stdout != "" {
			t.Errorf("%s: exit status %d, output %q", path, status, stdout)
		}
		clitest.WantLine(t, stderr, path, want)
	}
}

// The types of a program that is in the kernel, and those of a file that refers to another one.
func TestBTFDumpOfOthers(t *testing.T) {
	testutil.Root(t)
	o, err := libbpf.OpenFile(testutil.Object(t, "core"))
	if err != nil {
		t.Fatal(err)
	}
	obj, err := o.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	program, err := obj.Program("relocated")
	if err != nil {
		t.Fatal(err)
	}
	info, err := program.Info(0)
	if err != nil {
		t.Fatal(err)
	}
	stdout, _ := tool.Must(t, "btf", "dump", "--id", fmt.Sprint(info.BTFID))
	if !strings.Contains(stdout, "\nstruct task_struct___partly {\n") {
		t.Errorf("the program's types lack a struct:\n%s", stdout)
	}

	kernel, err := btf.LoadKernel()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	b := btf.NewSplitBuilder(kernel)
	defer b.Close()
	task, err := kernel.TypeByName("list_head", btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	b.AddStruct("of_a_module", 16, btf.Member{Name: "list", Type: task.ID()})
	raw, err := b.Raw()
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "module.btf")
	if err := os.WriteFile(module, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _ = tool.Must(t, "btf", "dump", "--file", module, "--base", "/sys/kernel/btf/vmlinux")
	if !strings.Contains(stdout, "\nstruct of_a_module {\n\tstruct list_head list;\n};\n") {
		t.Errorf("the module's types lack a struct in %d bytes", len(stdout))
	}
	for args, want := range map[string]string{"--id 4294967295": "no such", "--module no_such_module": "no_such_module"} {
		_, stderr, status := tool.Run(append([]string{"btf", "dump"}, strings.Fields(args)...)...)
		if status != cli.StatusFailed {
			t.Errorf("%s: exit status %d", args, status)
		}
		clitest.WantLine(t, stderr, want)
	}
}
