/*
 * CO-RE relocations as data. libbpf applies them when it loads an object; these functions stop before the kernel. With
 * the system's libbpf they return -EOPNOTSUPP, because what they call is internal to libbpf.
 */
#ifndef LIBBPF_GO_CORE_RELO_H
#define LIBBPF_GO_CORE_RELO_H

#include "vendor.h"

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <bpf/btf.h>

/* A relocation in .BTF.ext. The numbers are those of the object's BTF. */
struct libbpf_go_core_relo {
	__u32 section; /* name, by its offset */
	__u32 offset;  /* of the instruction in the section, in bytes */
	__u32 type;
	__u32 access; /* string, by its offset */
	__u32 kind;
	__u32 func; /* type of the function that has the instruction, or 0 */
	__u32 func_offset;
};

/* Returns how many relocations there are. The caller frees *relos. */
int libbpf_go_core_relos(const struct btf_ext *ext, struct libbpf_go_core_relo **relos);

enum { LIBBPF_GO_CORE_STEPS = 64, LIBBPF_GO_CORE_TEXT = 1024 };

/* A type, or a part of one: the indices of members and array elements lead to it. */
struct libbpf_go_core_spec {
	__u32 type; /* 0 for none */
	__u32 bit_offset;
	int len;
	int steps[LIBBPF_GO_CORE_STEPS];
	char text[LIBBPF_GO_CORE_TEXT];
};

/* What a relocation refers to in the object's own types. */
int libbpf_go_core_local(const char *func, const struct btf *local, const struct libbpf_go_core_relo *relo,
			 struct libbpf_go_core_spec *spec);

/* Types of the target, from number start on, with the name of a local type. Returns how many; the caller frees *ids. */
int libbpf_go_core_candidates(const struct btf *local, __u32 type, const struct btf *target, __u32 start, __u32 **ids);

struct libbpf_go_core_candidate {
	const struct btf *btf;
	__u32 type;
};

struct libbpf_go_core_result {
	__u64 old_value, new_value;
	bool poisoned;
	const struct btf *btf; /* has the target */
	struct libbpf_go_core_spec target;
};

/*
 * Resolves a relocation to one of the candidates, and relocates a copy of its instruction: insn has two slots, of which
 * the second one is used only by an instruction that takes two. As libbpf does, it removes candidates that do not match,
 * unless none does.
 */
int libbpf_go_core_resolve(const char *func, int number, const struct btf *local,
			   const struct libbpf_go_core_relo *relo, struct libbpf_go_core_candidate *candidates, int *n,
			   __u64 *insn, struct libbpf_go_core_result *result);

#endif
