#include <stdio.h>

#include "describe.h"

int describe(const struct bpf_object *object)
{
	struct bpf_program *program;
	int count = 0;

	printf("%s:\n", bpf_object__name(object));
	bpf_object__for_each_program(program, object) {
		printf("  %s in section %s\n", bpf_program__name(program), bpf_program__section_name(program));
		count++;
	}
	fflush(stdout);
	return count;
}
