#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf.c")
#include "upstream/libbpf/src/libbpf.c"

void libbpf_go_forget_types(struct bpf_map *map)
{
	map->btf_key_type_id = 0;
	map->btf_value_type_id = 0;
}

bool libbpf_go_lost_sections(const struct bpf_object *object)
{
	const struct btf_ext *ext = object->btf_ext;

	return ext && ((ext->func_info.sec_cnt && !ext->func_info.sec_idxs) ||
		       (ext->line_info.sec_cnt && !ext->line_info.sec_idxs) ||
		       (ext->core_relo_info.sec_cnt && !ext->core_relo_info.sec_idxs));
}
#else
#include <stdbool.h>

struct bpf_map;
struct bpf_object;

/* libbpf says a warning when the kernel refuses the types, and goes on without. */
void libbpf_go_forget_types(struct bpf_map *map)
{
}

bool libbpf_go_lost_sections(const struct bpf_object *object)
{
	return false;
}
#endif
