#include <string.h>

#include "btf_cgo.h"

static const char *name_of(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const char *name = type ? btf__name_by_offset(btf, type->name_off) : NULL;

	return name && *name ? name : NULL;
}

/* FNV-1a. */
static __u32 hash_of(const char *name)
{
	__u32 hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

struct lbg_names *lbg_names_new(const struct btf *btf, __u32 count)
{
	struct lbg_names *names;
	size_t buckets = 1;

	while (buckets < count)
		buckets *= 2;
	names = calloc(1, sizeof(*names) + buckets * sizeof(names->first[0]));
	if (!names)
		return NULL;
	names->next = calloc((size_t)count + 1, sizeof(names->next[0]));
	if (!names->next) {
		free(names);
		return NULL;
	}
	names->mask = (__u32)buckets - 1;
	for (__u32 id = count; id > 0; id--) {
		const char *name = name_of(btf, id);
		__u32 *first;

		if (!name)
			continue;
		first = &names->first[hash_of(name) & names->mask];
		names->next[id] = *first;
		*first = id;
	}
	return names;
}

void lbg_names_free(struct lbg_names *names)
{
	if (names)
		free(names->next);
	free(names);
}

__u32 lbg_names_find(const struct lbg_names *names, const struct btf *btf, __u32 after, const char *name, int kind)
{
	__u32 id = after ? names->next[after] : names->first[hash_of(name) & names->mask];

	for (; id; id = names->next[id]) {
		const char *other = name_of(btf, id);

		if (other && strcmp(name, other) == 0 && (kind < 0 || btf_kind(btf__type_by_id(btf, id)) == kind))
			return id;
	}
	return 0;
}
