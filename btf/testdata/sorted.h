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

typedef char text_t[8];

typedef char text_t___2[16];

typedef int u32;

typedef struct {
	int x;
} before_t;

typedef before_t after_t;

union either {
	int n;
	char c;
};

struct twin {
	int a;
};

struct twin___2 {
	const int a;
};

struct twin___3 {
	int b;
};

struct zebra {
	enum {
		A_FIRST = 0,
	} kind;
	int n;
};

typedef int (*call_t)(int x);

struct gone;


/* BPF kfuncs */
#ifndef BPF_NO_KFUNC_PROTOTYPES
extern __bpf_fastcall int kfunc_fast(int x) __weak __ksym;
extern int kfunc_slow(int x) __weak __ksym;
#endif

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
