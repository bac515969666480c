/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions that compilers and headers without arenas lack. */
#ifndef ARENA_H
#define ARENA_H

/*
 * Makes a pointer into the arena one that the program can follow: addr_space_cast, an instruction that compilers before
 * clang 19 have no name for. Its second byte has the register twice.
 */
#define IF_REGISTER(n) ".ifc %[at], r" #n "\n.byte 0x" #n #n "\n.endif\n"
/* clang-format off */
#define FOLLOW(p)                                                                                                      \
	asm volatile(".byte 0xbf\n" IF_REGISTER(0) IF_REGISTER(1) IF_REGISTER(2) IF_REGISTER(3) IF_REGISTER(4)          \
			     IF_REGISTER(5) IF_REGISTER(6) IF_REGISTER(7) IF_REGISTER(8) IF_REGISTER(9)                \
		     ".short 1\n.long 1\n"                                                                             \
		     : [at] "+r"(p))
/* clang-format on */

/* As in vmlinux.h of kernels with arenas. */
#define MAP_TYPE_ARENA 33

#endif
