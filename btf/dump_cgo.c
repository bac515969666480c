#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf_cgo.h"

#if UINTPTR_MAX == UINT32_MAX
/*
 * For the value of an enum that has no name, libbpf gives 64 bits to a "%u" and two strings. With pointers of 32 bits,
 * the first string would be the upper half, which is 0. Of other numbers, it is never NULL.
 */
static int print_enum(char *to, size_t size, va_list args)
{
	unsigned int value = va_arg(args, unsigned int);
	const char *delim = va_arg(args, const char *);
	const char *newline;

	if (!delim)
		delim = va_arg(args, const char *);
	newline = va_arg(args, const char *);
	return snprintf(to, size, "%u%s%s", value, delim, newline);
}

static int print(char *to, size_t size, const char *fmt, va_list args)
{
	if (strcmp(fmt, "%u%s%s") == 0)
		return print_enum(to, size, args);
	return vsnprintf(to, size, fmt, args);
}
#else
#define print vsnprintf
#endif

/* libbpf prints a few bytes at a time; collecting them here saves Go a call for each. */
static void collect(void *ctx, const char *fmt, va_list args)
{
	struct lbg_dump_text *text = ctx;
	va_list again;
	int n;

	if (text->err)
		return;
	va_copy(again, args);
	n = print(text->data ? text->data + text->len : NULL, text->cap - text->len, fmt, args);
	if (n < 0) {
		text->err = -errno;
	} else if ((size_t)n >= text->cap - text->len) {
		size_t cap = text->cap * 2 + (size_t)n + 1;
		char *data = realloc(text->data, cap);

		if (data) {
			text->data = data;
			text->cap = cap;
			print(data + text->len, cap - text->len, fmt, again);
			text->len += (size_t)n;
		} else {
			text->err = -ENOMEM;
		}
	} else {
		text->len += (size_t)n;
	}
	va_end(again);
	if (text->full && (text->err || text->len > text->most))
		longjmp(*text->full, 1);
}

struct btf_dump *lbg_dump_new(const struct btf *btf, struct lbg_dump_text *text, int *err)
{
	struct btf_dump *dump = btf_dump__new(btf, collect, text, NULL);

	*err = (int)libbpf_get_error(dump);
	return *err ? NULL : dump;
}

/* Dumps types until there is enough text for one trip to Go. *dumped counts them, also one that failed. */
int lbg_dump_types(struct btf_dump *dump, struct lbg_dump_text *text, const __u32 *ids, size_t n, size_t *dumped,
		   size_t enough)
{
	for (*dumped = 0; *dumped < n && text->len < enough && !text->err;) {
		int err = btf_dump__dump_type(dump, ids[(*dumped)++]);

		if (err)
			return err;
	}
	return text->err;
}

int lbg_dump_decl(struct btf_dump *dump, __u32 id, const char *name)
{
	/* Not a plain initializer, which may leave the bytes behind the last field as they are: libbpf refuses them. */
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts, .field_name = name);

	return btf_dump__emit_type_decl(dump, id, &opts);
}

/* Text that is longer ends the dump. libbpf does not look at what is wrong with the output. */
static const size_t most_text = 1 << 26;

int lbg_dump_data(struct btf_dump *dump, struct lbg_dump_text *text, __u32 id, const void *data, size_t size,
		  const char *indent, int level, int flags)
{
	LIBBPF_OPTS(btf_dump_type_data_opts, opts, .indent_str = indent, .indent_level = level, .compact = flags & 1,
		    .skip_names = flags & 2, .emit_zeroes = flags & 4,
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 7
		    .emit_strings = flags & 8,
#endif
	);
	jmp_buf full;
	int ret;

	/* After a jump, the dump is only freed. */
	if (setjmp(full))
		return text->err ? text->err : -E2BIG;
	text->most = most_text;
	text->full = &full;
	ret = btf_dump__dump_type_data(dump, id, data, size, &opts);
	text->full = NULL;
	return text->err ? text->err : ret;
}

__u32 lbg_next_of_kind(const struct btf *btf, __u32 after, __u32 count, __u32 kind)
{
	for (__u32 id = after + 1; id <= count; id++)
		if (btf_kind(btf__type_by_id(btf, id)) == kind)
			return id;
	return 0;
}
