#include "../../../libbpf/vendor.h"
#ifndef LIBBPF_GO_SYSTEM
#include "cuser_cgo.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

/* Linking objects, reading types, asking the kernel, running a program. */

int cuser_link_file(const struct cuser_given *g)
{
	struct bpf_linker *linker = bpf_linker__new(g->folder, NULL);
	int err;

	if (!linker)
		return -errno;
	err = bpf_linker__add_file(linker, g->path, NULL);
	if (!err)
		err = bpf_linker__add_file(linker, g->other, NULL);
	if (!err)
		err = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	return err;
}

int cuser_kernel_types(const struct cuser_given *g)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	(void)g;
	if (!btf)
		return -errno;
	id = btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT);
	btf__free(btf);
	return id < 0 ? id : 0;
}

int cuser_object_types(const struct cuser_given *g)
{
	struct btf *btf = btf__parse(g->path, NULL);
	int id;

	if (!btf)
		return -errno;
	id = btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT);
	btf__free(btf);
	return id < 0 && id != -ENOENT ? id : 0;
}

/* close_found closes what an id led to. */
static int cuser_close_found(int fd)
{
	if (fd < 0)
		return fd;
	return close(fd) ? -errno : 0;
}

int cuser_queries(const struct cuser_given *g)
{
	struct bpf_prog_info prog = {};
	struct bpf_map_info map = {};
	struct bpf_link_info link = {};
	__u32 size = sizeof(prog);
	struct btf *btf;
	int err = bpf_prog_get_info_by_fd(g->prog_fd, &prog, &size);

	if (err)
		return err;
	size = sizeof(map);
	err = bpf_map_get_info_by_fd(g->map_fd, &map, &size);
	if (err)
		return err;
	size = sizeof(link);
	err = bpf_link_get_info_by_fd(g->link_fd, &link, &size);
	if (!err)
		err = cuser_close_found(bpf_prog_get_fd_by_id(prog.id));
	if (!err)
		err = cuser_close_found(bpf_map_get_fd_by_id(map.id));
	if (!err)
		err = cuser_close_found(bpf_link_get_fd_by_id(link.id));
	if (err)
		return err;
	btf = btf__load_from_kernel_by_id(prog.btf_id);
	if (!btf)
		return -errno;
	btf__free(btf);
	return 0;
}

int cuser_test_run(const struct cuser_given *g)
{
	char in[64] = {}, out[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = sizeof(in), .data_out = out,
		    .data_size_out = sizeof(out));

	return bpf_prog_test_run_opts(g->prog_fd, &opts);
}
#endif
