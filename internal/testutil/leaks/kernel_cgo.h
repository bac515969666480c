#ifndef LIBBPF_GO_LEAKS_H
#define LIBBPF_GO_LEAKS_H

#include "../../../libbpf/vendor.h"

enum { leaks_map, leaks_program, leaks_link, leaks_btf };

/* How many bytes of a BPF object's info are asked for, when it is made. Nobody else asks for so few. */
enum { leaks_info_size = 16 };

/* Fills the first bytes of an info struct: the beginnings do not depend on the kernel. Returns below 0 on failure. */
int leaks_info(int fd, unsigned *words, unsigned size);

struct leaks_object {
	unsigned kind;
	unsigned id;
};

/* Records, from here on, what this process makes in the kernel. */
void leaks_watch(void);

/* Copies what it made and is still there, up to n, and returns how many that are. */
unsigned leaks_alive(struct leaks_object *objects, unsigned n);

/* The name of an object in the kernel, of at most 15 characters, or "". */
void leaks_name(struct leaks_object object, char name[16]);

/* Opens what is pinned at a path. The caller closes the descriptor. */
int leaks_open_pin(const char *path);

#endif
