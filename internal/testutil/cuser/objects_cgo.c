#include "../../../libbpf/vendor.h"
#ifndef LIBBPF_GO_SYSTEM
#include "cuser_cgo.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cuser_open_memory(const struct cuser_given *g)
{
	struct bpf_object *obj = bpf_object__open_mem(g->image, g->size, NULL);

	if (!obj)
		return -errno;
	bpf_object__close(obj);
	return 0;
}

int cuser_open_file(const struct cuser_given *g)
{
	struct bpf_object *obj = bpf_object__open_file(g->path, NULL);

	if (!obj)
		return -errno;
	bpf_object__close(obj);
	return 0;
}

/* with_loaded opens, loads, uses and closes the object in memory. */
static int cuser_with_loaded(const struct cuser_given *g,
			     int (*prepare)(const struct cuser_given *, struct bpf_object *),
			     int (*use)(const struct cuser_given *, struct bpf_object *))
{
	struct bpf_object *obj = bpf_object__open_mem(g->image, g->size, NULL);
	int err = 0;

	if (!obj)
		return -errno;
	if (prepare)
		err = prepare(g, obj);
	if (!err)
		err = bpf_object__load(obj);
	if (!err && use)
		err = use(g, obj);
	bpf_object__close(obj);
	return err;
}

static int cuser_attach_all(const struct cuser_given *g, struct bpf_object *obj)
{
	struct bpf_link *links[8];
	struct bpf_program *prog;
	int n = 0, err = 0;

	(void)g;
	bpf_object__for_each_program(prog, obj) {
		/* The section of the XDP program names no place. */
		if (!bpf_program__autoload(prog) || bpf_program__type(prog) == BPF_PROG_TYPE_XDP)
			continue;
		links[n] = bpf_program__attach(prog);
		if (!links[n]) {
			err = -errno;
			break;
		}
		n++;
	}
	while (n)
		err = cuser_first(err, bpf_link__destroy(links[--n]));
	return err;
}

int cuser_load_attach(const struct cuser_given *g)
{
	return cuser_with_loaded(g, NULL, cuser_attach_all);
}

static int cuser_leave_out_maps(const struct cuser_given *g, struct bpf_object *obj)
{
	for (const char *name = g->names; *name; name += strlen(name) + 1) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
		int err = map ? bpf_map__set_autocreate(map, false) : -errno;

		if (err)
			return err;
	}
	return 0;
}

int cuser_load_pinned(const struct cuser_given *g)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .pin_root_path = g->folder);
	struct bpf_object *obj = bpf_object__open_file(g->path, &opts);
	struct bpf_map *outer;
	int err;

	if (!obj)
		return -errno;
	outer = bpf_object__find_map_by_name(obj, "outer");
	err = outer ? bpf_map__set_inner_map_fd(outer, g->map_fd) : -errno;
	if (!err)
		err = cuser_leave_out_maps(g, obj);
	if (!err)
		err = bpf_object__load(obj);
	if (!err)
		err = bpf_object__unpin_maps(obj, NULL);
	bpf_object__close(obj);
	return err;
}

int cuser_load_types(const struct cuser_given *g)
{
	return cuser_with_loaded(g, cuser_leave_out_maps, NULL);
}

static int cuser_attach_struct_ops(const struct cuser_given *g, struct bpf_object *obj)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, "congestion");
	struct bpf_link *link;

	(void)g;
	if (!map)
		return -errno;
	link = bpf_map__attach_struct_ops(map);
	return link ? bpf_link__destroy(link) : -errno;
}

int cuser_struct_ops(const struct cuser_given *g)
{
	return cuser_with_loaded(g, NULL, cuser_attach_struct_ops);
}

/* open_pin opens a pin of any kind, and closes it. */
static int cuser_open_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return fd;
	return close(fd) ? -errno : 0;
}

static int cuser_pin_link(const struct bpf_program *prog, const char *path)
{
	struct bpf_link *link = bpf_program__attach(prog), *again;
	int err;

	if (!link)
		return -errno;
	err = bpf_link__pin(link, path);
	if (!err) {
		again = bpf_link__open(path);
		err = again ? bpf_link__destroy(again) : -errno;
		err = cuser_first(err, bpf_link__unpin(link));
	}
	return cuser_first(err, bpf_link__destroy(link));
}

static int cuser_use_pins(const struct cuser_given *g, struct bpf_object *obj)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".bss");
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, "on_enter");
	char path[4096];
	int err;

	if (!map || !prog)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/map", g->folder);
	err = bpf_map__pin(map, path);
	if (!err) {
		err = cuser_open_pin(path);
		err = cuser_first(err, bpf_map__unpin(map, path));
	}
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/program", g->folder);
	err = bpf_program__pin(prog, path);
	if (!err) {
		err = cuser_open_pin(path);
		err = cuser_first(err, bpf_program__unpin(prog, path));
	}
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/link", g->folder);
	return cuser_pin_link(prog, path);
}

int cuser_pins(const struct cuser_given *g)
{
	return cuser_with_loaded(g, NULL, cuser_use_pins);
}
#endif
