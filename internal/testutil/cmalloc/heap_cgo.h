#ifndef LIBBPF_GO_CMALLOC_H
#define LIBBPF_GO_CMALLOC_H

#include <stddef.h>

/* How many return addresses an allocation keeps: enough to get from strdup in the C library to a caller of libbpf. */
#define CMALLOC_FRAMES 12

struct cmalloc_made {
	void *memory;
	size_t size;
	unsigned long serial;
	void *from[CMALLOC_FRAMES]; /* the makers' return addresses, innermost first, then NULL */
};

/* cmalloc_start begins to count. It returns 0 where the C library or the machine does not allow that. */
int cmalloc_start(void);

/* cmalloc_serial is the number of the newest allocation. */
unsigned long cmalloc_serial(void);

/* cmalloc_overflowed tells whether there were more allocations at one time than there are records. */
int cmalloc_overflowed(void);

/* cmalloc_since copies what lives and is newer than the serial number. It returns how many there are, also if to has
 * room for fewer. */
size_t cmalloc_since(unsigned long serial, struct cmalloc_made *to, size_t room);

/* cmalloc_choose chooses the n-th allocation of this thread from now on, none for 0, and makes it fail or only notes who
 * asks for it. It counts from 0 again. */
void cmalloc_choose(size_t n, int fail);

/* cmalloc_chosen is who asked for this thread's chosen allocation, as in cmalloc_made. */
void **cmalloc_chosen(void);

/* cmalloc_counted is how many allocations this thread made since cmalloc_choose, failed ones included. */
size_t cmalloc_counted(void);

/* cmalloc_name describes a code address outside of this binary: the dynamic symbol and its library, or NULL. offset is
 * that of the address in the binary if it is inside. */
const char *cmalloc_name(void *address, const char **library, size_t *offset);

#endif
