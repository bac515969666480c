#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "btf_cgo.h"

/* libbpf prints a few bytes at a time; collecting them here saves Go a call for each. */
static void collect(void *ctx, const char *fmt, va_list args)
{
	struct lbg_dump_text *text = ctx;
	va_list again;
	int n;

	if (text->err)
		return;
	va_copy(again, args);
	n = vsnprintf(text->data ? text->data + text->len : NULL, text->cap - text->len, fmt, args);
	if (n < 0) {
		text->err = -errno;
	} else if ((size_t)n >= text->cap - text->len) {
		size_t cap = text->cap * 2 + (size_t)n + 1;
		char *data = realloc(text->data, cap);

		if (data) {
			text->data = data;
			text->cap = cap;
			vsnprintf(data + text->len, cap - text->len, fmt, again);
			text->len += (size_t)n;
		} else {
			text->err = -ENOMEM;
		}
	} else {
		text->len += (size_t)n;
	}
	va_end(again);
}

struct btf_dump *lbg_dump_new(const struct btf *btf, struct lbg_dump_text *text, int *err)
{
	struct btf_dump *dump = btf_dump__new(btf, collect, text, NULL);

	*err = (int)libbpf_get_error(dump);
	return *err ? NULL : dump;
}

/* Dumps types from *next on until there is enough text for one trip to Go. */
int lbg_dump_types(struct btf_dump *dump, struct lbg_dump_text *text, __u32 *next, __u32 end, size_t enough)
{
	while (*next < end && text->len < enough && !text->err) {
		int err = btf_dump__dump_type(dump, (*next)++);

		if (err)
			return err;
	}
	return text->err;
}

int lbg_dump_decl(struct btf_dump *dump, __u32 id, const char *name)
{
	struct btf_dump_emit_type_decl_opts opts = {
		.sz = sizeof(opts),
		.field_name = name,
	};

	return btf_dump__emit_type_decl(dump, id, &opts);
}
