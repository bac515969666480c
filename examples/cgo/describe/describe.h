#ifndef DESCRIBE_H
#define DESCRIBE_H

#include <bpf/libbpf.h>

/* Prints an object's name and programs to standard output, and returns how many programs there are. */
int describe(const struct bpf_object *object);

#endif
