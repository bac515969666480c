#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "meter.h"

static unsigned long messages;

static int count_message(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)format, (void)args;
	if (level <= LIBBPF_WARN)
		messages++;
	return 0;
}

__attribute__((constructor)) static void set_print(void)
{
	libbpf_set_print(count_message);
}

unsigned long meter_messages(void)
{
	return messages;
}

static int create_skeleton(struct meter *meter, const void *elf, size_t size)
{
	struct bpf_object_skeleton *s = calloc(1, sizeof(*s));
	struct bpf_map_skeleton *map;

	if (!s)
		return -1;
	meter->skeleton = s;
	s->sz = sizeof(*s);
	s->name = "meter";
	s->obj = &meter->obj;
	s->data = (void *)elf;
	s->data_sz = size;

	s->map_cnt = 4;
	s->map_skel_sz = sizeof(*s->maps);
	s->maps = calloc(s->map_cnt, s->map_skel_sz);
	if (!s->maps)
		return -1;
	map = s->maps;
	*map++ = (struct bpf_map_skeleton){ .name = "counts", .map = &meter->maps.counts };
	*map++ = (struct bpf_map_skeleton){ .name = "events", .map = &meter->maps.events };
	*map++ = (struct bpf_map_skeleton){
		.name = ".rodata",
		.map = &meter->maps.rodata,
		.mmaped = (void **)&meter->rodata,
	};
	*map++ = (struct bpf_map_skeleton){
		.name = ".bss",
		.map = &meter->maps.bss,
		.mmaped = (void **)&meter->bss,
	};

	s->prog_cnt = 1;
	s->prog_skel_sz = sizeof(*s->progs);
	s->progs = calloc(s->prog_cnt, s->prog_skel_sz);
	if (!s->progs)
		return -1;
	s->progs[0] = (struct bpf_prog_skeleton){
		.name = "on_enter",
		.prog = &meter->progs.on_enter,
		.link = &meter->links.on_enter,
	};
	return 0;
}

struct meter *meter__open(const void *elf, size_t size)
{
	struct meter *meter = calloc(1, sizeof(*meter));

	if (!meter)
		return NULL;
	if (create_skeleton(meter, elf, size) || bpf_object__open_skeleton(meter->skeleton, NULL)) {
		meter__destroy(meter);
		return NULL;
	}
	return meter;
}

int meter__load(struct meter *meter)
{
	return bpf_object__load_skeleton(meter->skeleton);
}

int meter__attach(struct meter *meter)
{
	return bpf_object__attach_skeleton(meter->skeleton);
}

void meter__detach(struct meter *meter)
{
	bpf_object__detach_skeleton(meter->skeleton);
}

void meter__destroy(struct meter *meter)
{
	if (!meter)
		return;
	bpf_object__destroy_skeleton(meter->skeleton);
	free(meter);
}

static unsigned long sum;

static int add_up(void *ctx, void *data, size_t size)
{
	(void)ctx;
	if (size < sizeof(__u32))
		return -EINVAL;
	sum += *(__u32 *)data;
	return 0;
}

struct ring_buffer *meter_ring_new(int map_fd)
{
	sum = 0;
	return ring_buffer__new(map_fd, add_up, NULL, NULL);
}

int meter_ring_poll(struct ring_buffer *ring)
{
	return ring_buffer__poll(ring, 0);
}

unsigned long meter_ring_sum(void)
{
	return sum;
}

int meter_ring_add(struct ring_buffer *ring, int map_fd, void *sample, void *ctx)
{
	return ring_buffer__add(ring, map_fd, (ring_buffer_sample_fn)sample, ctx);
}
