#ifndef LIBBPF_GO_BTF_H
#define LIBBPF_GO_BTF_H

#include "../libbpf/vendor.h"

#include <setjmp.h>
#include <stdlib.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* Text that libbpf printed and Go has not taken yet. */
struct lbg_dump_text {
	char *data;
	size_t len, cap;
	int err;

	/* If not NULL: where to go when there is more text than most. */
	jmp_buf *full;
	size_t most;
};

struct btf_dump *lbg_dump_new(const struct btf *btf, struct lbg_dump_text *text, int *err);
int lbg_dump_types(struct btf_dump *dump, struct lbg_dump_text *text, const __u32 *ids, size_t n, size_t *dumped,
		   size_t enough);
int lbg_dump_decl(struct btf_dump *dump, __u32 id, const char *name);

/* flags: 1 compact, 2 skip_names, 4 emit_zeroes, 8 emit_strings. */
int lbg_dump_data(struct btf_dump *dump, struct lbg_dump_text *text, __u32 id, const void *data, size_t size,
		  const char *indent, int level, int flags);

/*
 * An index of types by name: libbpf compares the names of all types for each search. Types with the same hash are a list,
 * in the order of their numbers.
 */
struct lbg_names {
	__u32 mask;
	__u32 *next;   /* by type; 0: none */
	__u32 first[]; /* by hash */
};

/*
 * The index has the first count types. find returns the first type behind after with that name, or 0; after is 0 or has the
 * same name. A kind below 0 is any kind.
 */
struct lbg_names *lbg_names_new(const struct btf *btf, __u32 count);
void lbg_names_free(struct lbg_names *names);
__u32 lbg_names_find(const struct lbg_names *names, const struct btf *btf, __u32 after, const char *name, int kind);

/* The first type of a kind behind another one, or behind 0. Returns 0 if there is none. */
__u32 lbg_next_of_kind(const struct btf *btf, __u32 after, __u32 count, __u32 kind);

/* These run on a stack that is as large as the number of types needs. */
int lbg_dedup(struct btf *btf, struct btf_ext *ext);
int lbg_distill(struct btf *btf, struct btf **base, struct btf **split);

#endif
