#!/bin/sh
# Prints a C header that has the numbers of this machine's system calls as an enum. vmlinux.h lacks them, because they
# are macros in the kernel. An enum is in an object's BTF, so the keys of maps can be shown as names.
set -eu
export LC_ALL=C

# Runs the preprocessor twice, for the macros' names and then for their values, because some macros use others.
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
