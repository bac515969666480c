#include "sources.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/libbpf.c")
#include "upstream/libbpf/src/libbpf.c"

void libbpf_go_forget_types(struct bpf_map *map)
{
	map->btf_key_type_id = 0;
	map->btf_value_type_id = 0;
}
#else
struct bpf_map;

/* libbpf says a warning when the kernel refuses the types, and goes on without. */
void libbpf_go_forget_types(struct bpf_map *map)
{
}
#endif
