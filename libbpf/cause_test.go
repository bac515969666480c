package clib_test

import (
	"fmt"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

func TestCause(t *testing.T) {
	const (
		btfError = "libbpf: BTF loading error: -EINVAL"
		btfLog   = "libbpf: -- BEGIN BTF LOAD LOG ---\nmagic: 0xeb9f\n-- END BTF LOAD LOG --"
		ulimit   = "libbpf: permission error while running as root; try raising 'ulimit -l'? current value: 8.0 MiB"
	)
	for _, c := range []struct {
		name     string
		err      error
		warnings []string
		want     string
	}{
		{"nothing was said", unix.EINVAL, nil, ""},
		{"the first of those that name the errno", unix.ENOENT,
			[]string{"libbpf: failed to open 'x': -ENOENT", "libbpf: prog 'p': failed to attach: -ENOENT"},
			"failed to open 'x': -ENOENT"},
		{"an optional BTF", unix.ENOENT,
			[]string{btfError, btfLog, "libbpf: map 'm': failed to auto-pin at '/x/m': -ENOENT"},
			"map 'm': failed to auto-pin at '/x/m': -ENOENT"},
		{"an optional BTF, with the same errno", unix.EINVAL,
			[]string{btfError, btfLog, "libbpf: map 'm': failed to create: -EINVAL"}, "map 'm': failed to create: -EINVAL"},
		{"an optional BTF, as libbpf 1.1 says it", unix.EINVAL,
			[]string{"libbpf: BTF loading error: Invalid argument",
				"libbpf: Error loading .BTF into kernel: -22. BTF is optional, ignoring.",
				"libbpf: map 'm': failed to create: Invalid argument(-22)"}, "map 'm': failed to create: Invalid argument(-22)"},
		{"an optional BTF, and nothing else", unix.EINVAL, []string{btfError, btfLog}, ""},
		{"a mandatory BTF", unix.EINVAL,
			[]string{btfError, btfLog, "libbpf: Error loading .BTF into kernel: -EINVAL. BTF is mandatory, can't proceed."},
			"BTF loading error: -EINVAL"},
		{"a map that is tried again", unix.EINVAL,
			[]string{"libbpf: Error in bpf_create_map_xattr(m): -EINVAL. Retrying without BTF.",
				"libbpf: map 'm': failed to create: -EINVAL"}, "map 'm': failed to create: -EINVAL"},
		{"a string that is cut", unix.EPERM,
			[]string{`libbpf: extern (kcfg) 'CONFIG_X': long string '"abcdef"' of (6 bytes) truncated to 3 bytes`,
				"libbpf: map 'm': failed to create: -EPERM", ulimit}, "map 'm': failed to create: -EPERM"},
		{"a probe for a feature", unix.EPERM,
			[]string{"libbpf: Detection of kernel BPF multi-uprobe link support support failed: -EPERM",
				"libbpf: prog 'p': BPF program load failed: -EPERM"}, "prog 'p': BPF program load failed: -EPERM"},
		{"a guess at the limit of locked memory", unix.EPERM, []string{ulimit}, ""},
		{"what the error says itself", unix.EPERM, []string{ulimit, "libbpf: failed to load object 'o'"}, ""},
		{"the guess first", unix.EPERM, []string{ulimit, "libbpf: map 'm': failed"}, "map 'm': failed"},
		{"what explains the one that names the errno", unix.EINVAL,
			[]string{"libbpf: prog 'p': missing BPF prog type, check ELF section name 'nope'",
				"libbpf: prog 'p': failed to load: -EINVAL", "libbpf: failed to load object 'o'"},
			"prog 'p': missing BPF prog type, check ELF section name 'nope'"},
		{"what explains it, by another's name", unix.EINVAL,
			[]string{"libbpf: extern (kcfg) 'CONFIG_X': value '7' isn't boolean compatible",
				"libbpf: error parsing in-memory Kconfig line 'CONFIG_X=7': -EINVAL"},
			"extern (kcfg) 'CONFIG_X': value '7' isn't boolean compatible"},
		{"what explains it without quotes", unix.EINVAL,
			[]string{"libbpf: specified path /x/m is not on BPF FS", "libbpf: map 'm': failed to auto-pin at '/x/m': -EINVAL"},
			"specified path /x/m is not on BPF FS"},
		{"what does not explain it", unix.EINVAL,
			[]string{"libbpf: map 'a': something odd", "libbpf: map 'b': failed to create: -EINVAL"},
			"map 'b': failed to create: -EINVAL"},
		{"one that names another errno", unix.EINVAL,
			[]string{"libbpf: map 'a': failed to freeze as read-only: -EPERM", "libbpf: map 'b': invalid field #2."},
			"map 'b': invalid field #2."},
		{"none but one that names another errno", unix.ESRCH,
			[]string{"libbpf: elf: failed to find 'x': -ENOENT"}, "elf: failed to find 'x': -ENOENT"},
		{"a number", unix.EINVAL, []string{"libbpf: a: -2", "libbpf: b (-22)"}, "b (-22)"},
		{"a number in a sentence", unix.EINVAL, []string{"libbpf: a: -220", "libbpf: err = -22, it failed"},
			"err = -22, it failed"},
		{"a text", unix.EINVAL, []string{"libbpf: a: No such file or directory", "libbpf: b: Invalid argument"},
			"b: Invalid argument"},
		{"libbpf's own code", clib.ErrnoReloc, []string{"libbpf: a: -EINVAL", "libbpf: b: -4005"}, "b: -4005"},
		{"libbpf's own text", clib.ErrnoReloc, []string{"libbpf: a: -EINVAL", "libbpf: b: Relocation failed"},
			"b: Relocation failed"},
		{"the kernel's own errno", syscall.Errno(524), []string{"libbpf: a: -EINVAL", "libbpf: b: -ENOTSUPP"}, "b: -ENOTSUPP"},
		{"two names of an errno", unix.ENOTSUP, []string{"libbpf: a: -EINVAL", "libbpf: b: -EOPNOTSUPP"}, "b: -EOPNOTSUPP"},
		{"a wrapped errno", fmt.Errorf("w: %w", unix.ENOENT), []string{"libbpf: a: -EINVAL", "libbpf: b: -ENOENT"},
			"b: -ENOENT"},
		{"an error without an errno", fmt.Errorf("no"), []string{"libbpf: a: -EINVAL", "libbpf: b"}, "b"},
	} {
		if got := clib.Cause(c.warnings, c.err); got != c.want {
			t.Errorf("%s: quotes %q, want %q", c.name, got, c.want)
		}
	}
}
