/* A C library that uses libbpf, as users may have: it knows nothing about Go. */
#ifndef METER_H
#define METER_H

#include <stddef.h>

#include <bpf/libbpf.h>

/* As "bpftool gen skeleton" writes it. */
struct meter {
	struct bpf_object_skeleton *skeleton;
	struct bpf_object *obj;
	struct {
		struct bpf_map *counts;
		struct bpf_map *events;
		struct bpf_map *rodata;
		struct bpf_map *bss;
	} maps;
	struct {
		struct bpf_program *on_enter;
	} progs;
	struct {
		struct bpf_link *on_enter;
	} links;
	struct meter__rodata {
		__u32 target_tgid;
		__u32 getpgid_nr;
	} * rodata;
	struct meter__bss {
		__u64 calls;
	} * bss;
};

struct meter *meter__open(const void *elf, size_t size);
int meter__load(struct meter *meter);
int meter__attach(struct meter *meter);
void meter__detach(struct meter *meter);
void meter__destroy(struct meter *meter);

/* The library's own loop over its ring buffer, which adds up the values in the records. */
struct ring_buffer *meter_ring_new(int map_fd);
int meter_ring_poll(struct ring_buffer *ring);
unsigned long meter_ring_sum(void);

/* Adds a ring whose records another callback receives. */
int meter_ring_add(struct ring_buffer *ring, int map_fd, void *sample, void *ctx);

/* How many of libbpf's messages the library's print function received. The library sets it before main. */
unsigned long meter_messages(void);

#endif
