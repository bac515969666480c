#include "initialized_cgo.h"

#ifdef LEAKS_MEMORY_SANITIZER

#include "../../../libbpf/vendor.h"
#include "kernel_cgo.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sanitizer/msan_interface.h>
#include <string.h>
#include <sys/syscall.h>

static void *memory(__u64 address)
{
	return (void *)(unsigned long)address;
}

static void check(__u64 address, size_t size)
{
	if (address)
		__msan_check_mem_is_initialized(memory(address), size);
}

static void check_text(__u64 address)
{
	if (address)
		check(address, strlen(memory(address)) + 1);
}

/* Of values per CPU, the first. */
static void check_element(const union bpf_attr *attr, int with_value)
{
	unsigned words[leaks_info_size / sizeof(unsigned)];
	int kept = errno;

	/* type, id, key_size, value_size */
	if (leaks_info((int)attr->map_fd, words, sizeof(words)) >= 0) {
		check(attr->key, words[2]);
		if (with_value)
			check(attr->value, words[3]);
	}
	errno = kept;
}

void leaks_will_read(long number, const long *arguments)
{
	const union bpf_attr *attr = (const void *)arguments[1];

	if (number == __NR_perf_event_open) {
		const struct perf_event_attr *event = (const void *)arguments[0];

		check((unsigned long)event, event->size);
	}
	if (number != __NR_bpf)
		return;
	check((unsigned long)attr, (unsigned)arguments[2]);
	switch ((int)arguments[0]) {
	case BPF_MAP_UPDATE_ELEM:
		check_element(attr, 1);
		break;
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_DELETE_ELEM:
		check_element(attr, 0);
		break;
	case BPF_PROG_LOAD:
		check(attr->insns, attr->insn_cnt * sizeof(struct bpf_insn));
		check_text(attr->license);
		check(attr->func_info, (size_t)attr->func_info_cnt * attr->func_info_rec_size);
		check(attr->line_info, (size_t)attr->line_info_cnt * attr->line_info_rec_size);
		break;
	case BPF_BTF_LOAD:
		check(attr->btf, attr->btf_size);
		break;
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET:
		check_text(attr->pathname);
		break;
	}
}

static void written(__u64 address, size_t size)
{
	if (address)
		__msan_unpoison(memory(address), size);
}

void leaks_has_written(long number, const long *arguments)
{
	const union bpf_attr *attr = (const void *)arguments[1];

	if (number != __NR_bpf)
		return;
	switch ((int)arguments[0]) {
	case BPF_PROG_LOAD:
		written(attr->log_buf, attr->log_size);
		break;
	case BPF_BTF_LOAD:
		written(attr->btf_log_buf, attr->btf_log_size);
		break;
	case BPF_OBJ_GET_INFO_BY_FD:
		written(attr->info.info, attr->info.info_len);
		if (attr->info.info_len == sizeof(struct bpf_btf_info)) {
			const struct bpf_btf_info *info = memory(attr->info.info);

			written(info->btf, info->btf_size);
			written(info->name, info->name_len + 1);
		}
		break;
	}
}

#endif
