#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

struct zebra {
	enum {
		A_FIRST = 0,
	} kind;
	int n;
};

enum {
	ONE = 1,
	TWO = 2,
};

enum big {
	BIG = 1099511627776ULL,
};

enum color {
	RED = 0,
};

struct twin {
	int b;
};

struct twin___2 {
	int a;
};

struct twin___3 {
	const int a;
};

typedef struct {
	int x;
} before_t;

typedef before_t after_t;

typedef char text_t[16];

typedef char text_t___2[8];

union either {
	int n;
	char c;
};

struct gone;

typedef int (*call_t)(int x);

typedef int u32;


/* BPF kfuncs */
#ifndef BPF_NO_KFUNC_PROTOTYPES
extern __bpf_fastcall int kfunc_fast(int x) __weak __ksym;
extern int kfunc_slow(int x) __weak __ksym;
#endif

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
