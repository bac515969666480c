// SPDX-License-Identifier: BSD-2-Clause
/*
 * Prints the first record of first.bpf.c, and ends when standard input does. The object is in the program, as bpftool's
 * skeletons have it.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

__asm__(".section .rodata\n"
	".balign 8\n"
	"object: .incbin \"" OBJECT "\"\n"
	"object_end: .byte 0\n"
	".previous\n");
extern const char object[], object_end[];

struct event {
	uint32_t pid;
	char comm[16];
};

struct rodata {
	uint32_t target;
	uint32_t getpgid_nr;
};

static int on_event(void *ctx, void *data, size_t size)
{
	const struct event *event = data;

	(void)size;
	printf("%u %s\n", event->pid, event->comm);
	*(int *)ctx = 1;
	return 0;
}

int main(void)
{
	struct bpf_object *o = bpf_object__open_mem(object, object_end - object, NULL);
	struct bpf_map *map = o ? bpf_object__find_map_by_name(o, ".rodata") : NULL;
	struct bpf_program *program = o ? bpf_object__find_program_by_name(o, "on_sys_enter") : NULL;
	struct ring_buffer *ring;
	struct rodata *rodata;
	int seen = 0, err = -1;
	size_t size;

	if (!map || !program)
		return 1;
	rodata = bpf_map__initial_value(map, &size);
	if (!rodata || size != sizeof(*rodata))
		return 1;
	rodata->target = getpid();
	rodata->getpgid_nr = SYS_getpgid;
	if (bpf_object__load(o) || !bpf_program__attach(program))
		return 1;
	map = bpf_object__find_map_by_name(o, "events");
	ring = map ? ring_buffer__new(bpf_map__fd(map), on_event, &seen, NULL) : NULL;
	if (!ring)
		return 1;
	getpgid(0);
	while (!seen && (err = ring_buffer__poll(ring, -1)) >= 0)
		;
	return !seen || fflush(stdout) || getchar() != EOF;
}
