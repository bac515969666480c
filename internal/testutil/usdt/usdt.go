// Package usdt gives a test binary its own USDT probe, libbpf_go:probe, without systemtap's header sys/sdt.h.
package usdt

/*
#include "../../../libbpf/vendor.h"

#if defined(__x86_64__)
#define REGISTER "rdi"
#define ARGUMENT "-8@%%rdi"
#elif defined(__aarch64__)
#define REGISTER "x0"
#define ARGUMENT "-8@x0"
#elif defined(__s390x__)
#define REGISTER "r2"
#define ARGUMENT "-8@%%r2"
#elif defined(__i386__)
#define REGISTER "eax"
#define ARGUMENT "-4@%%eax"
#elif defined(__arm__)
#define REGISTER "r0"
#define ARGUMENT "-4@r0"
#else
#error "no USDT probe for this architecture yet"
#endif

#if __SIZEOF_POINTER__ == 8
#define ADDRESSES ".8byte"
#else
#define ADDRESSES ".4byte"
#endif

// The note has the layout of systemtap's sys/sdt.h: sizes, type 3, the addresses of the probe and of the base, no
// semaphore, and three strings.
__attribute__((noinline)) static void fire(long x)
{
	register long argument __asm__(REGISTER) = x;

	__asm__ volatile("990:	nop\n"
			 ".pushsection .note.stapsdt, \"\", \"note\"\n"
			 ".balign 4\n"
			 ".4byte 992f - 991f, 994f - 993f, 3\n"
			 "991:	.asciz \"stapsdt\"\n"
			 "992:	.balign 4\n"
			 "993:	" ADDRESSES " 990b, _.stapsdt.base, 0\n"
			 ".asciz \"libbpf_go\"\n"
			 ".asciz \"probe\"\n"
			 ".asciz \"" ARGUMENT "\"\n"
			 "994:	.balign 4\n"
			 ".popsection\n"
			 ".ifndef _.stapsdt.base\n"
			 ".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"
			 ".weak _.stapsdt.base\n"
			 ".hidden _.stapsdt.base\n"
			 "_.stapsdt.base: .space 1\n"
			 ".size _.stapsdt.base, 1\n"
			 ".popsection\n"
			 ".endif\n"
			 :
			 : "r"(argument));
}
*/
import "C"

// Fire runs through the probe once, with an argument.
func Fire(x int) { C.fire(C.long(x)) }
