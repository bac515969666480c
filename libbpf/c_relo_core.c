#include "sources.h"
#include "hot.h"
#if LIBBPF_GO_HAS("upstream/libbpf/src/relo_core.c")
#include "upstream/libbpf/src/relo_core.c"

#include <stdlib.h>
#include "core_relo.h"

static struct bpf_core_relo core_relo(const struct libbpf_go_core_relo *relo)
{
	return (struct bpf_core_relo){
		.insn_off = relo->offset,
		.type_id = relo->type,
		.access_str_off = relo->access,
		.kind = relo->kind,
	};
}

/* The function that has an instruction is the last one that begins before it. */
static void find_func(const struct btf_ext *ext, struct libbpf_go_core_relo *relo)
{
	const struct btf_ext_info *seg = &ext->func_info;
	const struct btf_ext_info_sec *sec;
	const struct bpf_func_info_min *rec;
	__u32 i;

	for_each_btf_ext_sec(seg, sec) {
		if (sec->sec_name_off != relo->section)
			continue;
		for_each_btf_ext_rec(seg, sec, i, rec) {
			if (rec->insn_off > relo->offset || (relo->func && rec->insn_off < relo->func_offset))
				continue;
			relo->func = rec->type_id;
			relo->func_offset = rec->insn_off;
		}
	}
}

int libbpf_go_core_relos(const struct btf_ext *ext, struct libbpf_go_core_relo **relos)
{
	const struct btf_ext_info *seg = &ext->core_relo_info;
	const struct btf_ext_info_sec *sec;
	const struct bpf_core_relo *rec;
	struct libbpf_go_core_relo *to;
	size_t n = 0;
	__u32 i;

	*relos = NULL;
	for_each_btf_ext_sec(seg, sec)
		n += sec->num_info;
	if (n == 0)
		return 0;
	to = *relos = calloc(n, sizeof(*to));
	if (!to)
		return -ENOMEM;
	for_each_btf_ext_sec(seg, sec) {
		for_each_btf_ext_rec(seg, sec, i, rec) {
			*to = (struct libbpf_go_core_relo){
				.section = sec->sec_name_off,
				.offset = rec->insn_off,
				.type = rec->type_id,
				.access = rec->access_str_off,
				.kind = rec->kind,
			};
			find_func(ext, to++);
		}
	}
	return (int)n;
}

static void describe(const struct bpf_core_spec *from, struct libbpf_go_core_spec *to)
{
	to->type = from->root_type_id;
	to->bit_offset = from->bit_offset;
	to->len = from->raw_len;
	memcpy(to->steps, from->raw_spec, sizeof(to->steps));
	bpf_core_format_spec(to->text, sizeof(to->text), from);
}

int libbpf_go_core_local(const char *func, const struct btf *local, const struct libbpf_go_core_relo *relo,
			 struct libbpf_go_core_spec *spec)
{
	struct bpf_core_relo of = core_relo(relo);
	struct bpf_core_spec parsed;
	int err;

	_Static_assert(BPF_CORE_SPEC_MAX_LEN == LIBBPF_GO_CORE_STEPS, "libbpf has another number of steps");
	err = bpf_core_parse_spec(func, local, &of, &parsed);
	if (err)
		return err;
	describe(&parsed, spec);
	return 0;
}

int libbpf_go_core_candidates(const struct btf *local, __u32 type, const struct btf *target, __u32 start, __u32 **ids)
{
	struct bpf_core_cand_list *found = calloc(1, sizeof(*found));
	struct bpf_core_cand from = { .btf = local, .id = type };
	const char *name = btf__name_by_offset(local, btf__type_by_id(local, type)->name_off);
	int err = 0;

	*ids = NULL;
	if (!found)
		return -ENOMEM;
	if (!str_is_empty(name))
		err = bpf_core_add_cands(&from, bpf_core_essential_name_len(name), target, "target", start, found);
	if (!err && found->len) {
		*ids = calloc(found->len, sizeof(**ids));
		if (!*ids)
			err = -ENOMEM;
		for (int i = 0; *ids && i < found->len; i++)
			(*ids)[i] = found->cands[i].id;
	}
	err = err ?: found->len;
	bpf_core_free_cands(found);
	return err;
}

static bool is_poison(__u64 slot)
{
	struct bpf_insn insn;

	memcpy(&insn, &slot, sizeof(insn));
	return insn.code == (BPF_JMP | BPF_CALL) && insn.src_reg == 0 && insn.imm == 195896080;
}

int libbpf_go_core_resolve(const char *func, int number, const struct btf *local,
			   const struct libbpf_go_core_relo *relo, struct libbpf_go_core_candidate *candidates, int *n,
			   __u64 *insn, struct libbpf_go_core_result *result)
{
	struct bpf_core_relo of = core_relo(relo);
	struct bpf_core_cand_list list = { .len = *n };
	struct bpf_core_spec *specs;
	struct bpf_core_relo_res res = {};
	int i, err = -ENOMEM;

	specs = calloc(3, sizeof(*specs)); /* local, the one that is tried, target */
	list.cands = calloc(*n + 1, sizeof(*list.cands));
	if (!specs || !list.cands)
		goto out;
	for (i = 0; i < *n; i++)
		list.cands[i] = (struct bpf_core_cand){ candidates[i].btf, candidates[i].type };

	err = bpf_core_calc_relo_insn(func, &of, number, local, &list, specs, &res);
	if (err)
		goto out;
	for (i = 0; i < list.len; i++)
		candidates[i] = (struct libbpf_go_core_candidate){ list.cands[i].btf, list.cands[i].id };
	*n = list.len;
	result->old_value = res.orig_val;
	result->new_value = res.new_val;
	if (specs[2].btf) {
		result->btf = specs[2].btf;
		describe(&specs[2], &result->target);
	}
	err = bpf_core_patch_insn(func, (struct bpf_insn *)insn, (relo->offset - relo->func_offset) / sizeof(*insn),
				  &of, number, &res);
	result->poisoned = !err && is_poison(insn[0]);
out:
	free(specs);
	free(list.cands);
	return err;
}
#else
#include <errno.h>
#include "core_relo.h"

int libbpf_go_core_relos(const struct btf_ext *ext, struct libbpf_go_core_relo **relos)
{
	return -EOPNOTSUPP;
}

int libbpf_go_core_local(const char *func, const struct btf *local, const struct libbpf_go_core_relo *relo,
			 struct libbpf_go_core_spec *spec)
{
	return -EOPNOTSUPP;
}

int libbpf_go_core_candidates(const struct btf *local, __u32 type, const struct btf *target, __u32 start, __u32 **ids)
{
	return -EOPNOTSUPP;
}

int libbpf_go_core_resolve(const char *func, int number, const struct btf *local,
			   const struct libbpf_go_core_relo *relo, struct libbpf_go_core_candidate *candidates, int *n,
			   __u64 *insn, struct libbpf_go_core_result *result)
{
	return -EOPNOTSUPP;
}
#endif
