/*
 * Included by the c_*.c files with code that runs often: BTF, relocations, ring buffers. The rest is compiled with -O1,
 * which takes half of the time of -O2. With -O1 everywhere, loading takes 10 % longer, and reading the kernel's BTF 25 %.
 */
#if !defined(__clang__) && !defined(LIBBPF_GO_DEBUG)
#pragma GCC optimize("O2")
#endif
