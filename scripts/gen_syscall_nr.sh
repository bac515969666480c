#!/bin/sh
# Prints a C header with the numbers of this machine's system calls as an enum. vmlinux.h lacks them: in the kernel
# they are macros. As an enum they are in an object's BTF, and a map of theirs shows names.
set -eu
export LC_ALL=C

# The preprocessor twice: first the macros' names, then their values, since some are defined by others.
names=$(echo '#include <asm/unistd.h>' | ${CC:-cc} -E -dM -x c - | sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/\1/p' |
	grep -vx -e syscalls -e arch_specific_syscall)

cat <<'END'
/* Made by scripts/gen_syscall_nr.sh. */
#ifndef SYSCALL_NR_H
#define SYSCALL_NR_H

enum syscall_nr {
END
{
	echo '#include <asm/unistd.h>'
	for name in $names; do echo "@ SYS_$name = __NR_$name"; done
} | ${CC:-cc} -E -P -x c - | sed -n 's/^@ \(SYS_[a-z0-9_]* = [0-9]*\)$/	\1,/p' | sort -n -k 3
cat <<'END'
};

#endif
END
