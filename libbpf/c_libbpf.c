#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf.c")
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include "upstream/libbpf/src/btf.h"

/* Whether there was no memory for types since the thread began to open an object. */
static __thread bool lost_types;

static struct btf *new_types(const void *data, __u32 size)
{
	struct btf *types = btf__new(data, size);

	lost_types |= !types && errno == ENOMEM;
	return types;
}

static struct btf_ext *new_ext(const __u8 *data, __u32 size)
{
	struct btf_ext *ext = btf_ext__new(data, size);

	lost_types |= !ext && errno == ENOMEM;
	return ext;
}

#define btf__new new_types
#define btf_ext__new new_ext
#include "upstream/libbpf/src/libbpf.c"
#undef btf__new
#undef btf_ext__new

void libbpf_go_forget_types(struct bpf_map *map)
{
	map->btf_key_type_id = 0;
	map->btf_value_type_id = 0;
}

static bool lost_sections(const struct bpf_object *object)
{
	const struct btf_ext *ext = object->btf_ext;

	return ext && ((ext->func_info.sec_cnt && !ext->func_info.sec_idxs) ||
		       (ext->line_info.sec_cnt && !ext->line_info.sec_idxs) ||
		       (ext->core_relo_info.sec_cnt && !ext->core_relo_info.sec_idxs));
}

struct bpf_object *libbpf_go_open_mem(const void *image, size_t size, const struct bpf_object_open_opts *opts)
{
	struct bpf_object *object;

	lost_types = false;
	object = bpf_object__open_mem(image, size, opts);
	if (object && (lost_types || lost_sections(object))) {
		bpf_object__close(object);
		object = NULL;
		errno = ENOMEM;
	}
	return object;
}
#else
#include <bpf/libbpf.h>

/* libbpf says a warning when the kernel refuses the types, and goes on without. */
void libbpf_go_forget_types(struct bpf_map *map)
{
}

struct bpf_object *libbpf_go_open_mem(const void *image, size_t size, const struct bpf_object_open_opts *opts)
{
	return bpf_object__open_mem(image, size, opts);
}
#endif
