//go:build linux && cgo && !asan && !msan && (amd64 || arm64 || s390x)

/*
 * The malloc family, which takes the place of the C library's in the whole process: the dynamic linker binds all calls
 * to what the program itself defines. Each function forwards to the C library's own, by its second name.
 */
#define _GNU_SOURCE
#include "../../../libbpf/vendor.h"
#include "heap_cgo.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <unwind.h>

#ifdef __GLIBC__

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

/* What nobody used yet takes no memory. */
enum { RECORDS = 1 << 20, CHAINS = 1 << 16 };

/* A record is in the chain of its memory, or in that of free records. Chains have indexes, and end with 0. */
static struct record {
	struct cmalloc_made made;
	unsigned int next;
} records[RECORDS];
static unsigned int chains[CHAINS], unused;
static unsigned int highest; /* of the records that were ever used */
static unsigned long serial;
static int started, overflowed;

/* It guards the above, and is held over no call. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static __thread size_t counted, chosen;
static __thread int to_fail; /* the chosen one */
static __thread void *chosen_from[CMALLOC_FRAMES];
static __thread int busy; /* this thread is here already: the unwinder allocates */

static void hold(void)
{
	pthread_mutex_lock(&lock);
}
static void release(void)
{
	pthread_mutex_unlock(&lock);
}

/*
 * The functions of Go's package runtime/cgo that allocate, or start threads, for which the C library allocates. They are
 * weak because cgo links each package alone once, and Go's releases differ.
 */
#define RUNTIME(function) extern char function[] __attribute__((weak))
RUNTIME(x_cgo_init);
RUNTIME(x_cgo_thread_start);
RUNTIME(x_cgo_sys_thread_create);
RUNTIME(x_cgo_setenv);
RUNTIME(x_cgo_unsetenv);
RUNTIME(x_cgo_bindm);
RUNTIME(x_cgo_getstackbound);
RUNTIME(x_cgo_notify_runtime_init_done);
RUNTIME(_cgo_try_pthread_create);
RUNTIME(_cgo_sys_thread_start);
RUNTIME(_cgo_wait_runtime_init_done);

static int of_runtime(const char *function)
{
	const char *all[] = {
		x_cgo_init,
		x_cgo_thread_start,
		x_cgo_sys_thread_create,
		x_cgo_setenv,
		x_cgo_unsetenv,
		x_cgo_bindm,
		x_cgo_getstackbound,
		x_cgo_notify_runtime_init_done,
		_cgo_try_pthread_create,
		_cgo_sys_thread_start,
		_cgo_wait_runtime_init_done,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] == function)
			return 1;
	return 0;
}

/* The program's own code, as the linker marks it. */
extern char __executable_start[], etext[];

static int of_program(const char *address)
{
	return address >= __executable_start && address < etext;
}

struct walk {
	const char *caller; /* of the malloc family's function */
	int outside;	    /* of the functions here */
	int own;	    /* the program's C code asked, and not Go's runtime */
	size_t n;
	void *from[CMALLOC_FRAMES];
};

/* Go's functions have no unwind information: the walk ends where Go called C. */
static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	const char *address = (const char *)_Unwind_GetIP(context);

	if (address == walk->caller)
		walk->outside = 1;
	if (!walk->outside)
		return _URC_NO_REASON;
	const char *function = _Unwind_FindEnclosingFunction((void *)address);
	if (!function)
		return _URC_END_OF_STACK;
	if (of_program(address)) {
		if (of_runtime(function)) {
			walk->own = 0;
			return _URC_END_OF_STACK;
		}
		walk->own = 1;
	}
	if (walk->n < CMALLOC_FRAMES)
		walk->from[walk->n++] = (void *)address;
	/* Recursion can be a million functions deep. The runtime's is not. */
	return walk->n == CMALLOC_FRAMES && walk->own ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* asked tells whether an allocation is to be counted, and who asks for it. */
static int asked(const void *caller, struct walk *walk)
{
	if (!__atomic_load_n(&started, __ATOMIC_RELAXED) || busy)
		return 0;
	*walk = (struct walk){ .caller = __builtin_extract_return_addr((void *)caller) };
	busy = 1;
	_Unwind_Backtrace(step, walk);
	busy = 0;
	return walk->own;
}

/* fails counts an allocation, and tells whether it is the one that must fail. */
static int fails(const struct walk *walk)
{
	if (++counted != chosen)
		return 0;
	for (size_t i = 0; i < CMALLOC_FRAMES; i++)
		chosen_from[i] = i < walk->n ? walk->from[i] : NULL;
	if (to_fail)
		errno = ENOMEM;
	return to_fail;
}

static unsigned int *chain(const void *memory)
{
	return &chains[((uintptr_t)memory >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 48];
}

static void add(const struct cmalloc_made *made)
{
	unsigned int *first = chain(made->memory), at = 0;

	hold();
	if (unused) {
		at = unused;
		unused = records[at].next;
	} else if (highest < RECORDS - 1) {
		at = ++highest;
	}
	if (at) {
		records[at] = (struct record){ *made, *first };
		*first = at;
	} else {
		overflowed = 1;
	}
	release();
}

static void note(void *memory, size_t size, const struct walk *walk)
{
	struct cmalloc_made made = { .memory = memory, .size = size };

	if (!memory)
		return;
	made.serial = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < walk->n; i++)
		made.from[i] = walk->from[i];
	add(&made);
}

/* forget removes the record of an allocation, and tells whether there was one. It must precede the release: another
 * thread could get the same memory. */
static int forget(const void *memory, struct cmalloc_made *was)
{
	unsigned int *link, at;

	if (!memory || !__atomic_load_n(&started, __ATOMIC_RELAXED))
		return 0;
	hold();
	for (link = chain(memory); (at = *link) && records[at].made.memory != memory; link = &records[at].next)
		;
	if (at) {
		*was = records[at].made;
		*link = records[at].next;
		records[at].made.memory = NULL;
		records[at].next = unused;
		unused = at;
	}
	release();
	return at != 0;
}

/* Not hidden: the C library must find them. */
#define INSTEAD __attribute__((visibility("default"), noinline))

INSTEAD void *malloc(size_t size)
{
	struct walk walk;
	int own = asked(__builtin_return_address(0), &walk);

	if (own && fails(&walk))
		return NULL;
	void *memory = __libc_malloc(size);
	if (own)
		note(memory, size, &walk);
	return memory;
}

INSTEAD void *calloc(size_t number, size_t size)
{
	struct walk walk;
	int own = asked(__builtin_return_address(0), &walk);

	if (own && fails(&walk))
		return NULL;
	void *memory = __libc_calloc(number, size);
	if (own)
		note(memory, number * size, &walk);
	return memory;
}

INSTEAD void *realloc(void *memory, size_t size)
{
	struct walk walk;
	struct cmalloc_made was;
	int own = asked(__builtin_return_address(0), &walk);

	if (own && fails(&walk))
		return NULL;
	int had = forget(memory, &was);
	void *resized = __libc_realloc(memory, size);
	if (own)
		note(resized, size, &walk);
	if (had && !resized && (size || !memory))
		add(&was); /* it failed, and left the old memory as it was */
	return resized;
}

INSTEAD void free(void *memory)
{
	struct cmalloc_made was;

	forget(memory, &was);
	__libc_free(memory);
}

static void *aligned(size_t alignment, size_t size, const void *caller)
{
	struct walk walk;
	int own = asked(caller, &walk);

	if (own && fails(&walk))
		return NULL;
	void *memory = __libc_memalign(alignment, size);
	if (own)
		note(memory, size, &walk);
	return memory;
}

INSTEAD void *memalign(size_t alignment, size_t size)
{
	return aligned(alignment, size, __builtin_return_address(0));
}

INSTEAD void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned(alignment, size, __builtin_return_address(0));
}

INSTEAD void *valloc(size_t size)
{
	return aligned(getpagesize(), size, __builtin_return_address(0));
}

INSTEAD void *pvalloc(size_t size)
{
	size_t page = getpagesize();

	return aligned(page, (size + page - 1) / page * page, __builtin_return_address(0));
}

INSTEAD int posix_memalign(void **to, size_t alignment, size_t size)
{
	if (!alignment || alignment % sizeof(void *) || alignment & (alignment - 1))
		return EINVAL;
	int before = errno;
	void *memory = aligned(alignment, size, __builtin_return_address(0));
	errno = before;
	if (!memory)
		return ENOMEM;
	*to = memory;
	return 0;
}

int cmalloc_start(void)
{
	/* Whether the C library calls this malloc too. */
	if (dlsym(RTLD_DEFAULT, "malloc") != (void *)malloc)
		return 0;
	/* A child must not inherit a lock that a thread of its parent holds. */
	if (pthread_atfork(hold, release, release))
		return 0;
	__atomic_store_n(&started, 1, __ATOMIC_RELAXED);
	return 1;
}

unsigned long cmalloc_serial(void)
{
	return __atomic_load_n(&serial, __ATOMIC_RELAXED);
}

int cmalloc_overflowed(void)
{
	hold();
	int was = overflowed;
	release();
	return was;
}

size_t cmalloc_since(unsigned long serial, struct cmalloc_made *to, size_t room)
{
	size_t n = 0;

	hold();
	for (unsigned int at = 1; at <= highest; at++) {
		if (!records[at].made.memory || records[at].made.serial <= serial)
			continue;
		if (n < room)
			to[n] = records[at].made;
		n++;
	}
	release();
	return n;
}

void cmalloc_choose(size_t n, int fail)
{
	counted = 0;
	chosen = n;
	to_fail = fail;
	chosen_from[0] = NULL;
}

void **cmalloc_chosen(void)
{
	return chosen_from;
}

size_t cmalloc_counted(void)
{
	return counted;
}

const char *cmalloc_name(void *address, const char **library, size_t *offset)
{
	Dl_info info;

	*library = "";
	*offset = 0;
	if (of_program(address)) {
		*offset = (char *)address - __executable_start;
		return NULL;
	}
	if (!dladdr(address, &info))
		return NULL;
	*library = info.dli_fname ? info.dli_fname : "";
	return info.dli_sname;
}

#else

int cmalloc_start(void)
{
	return 0;
}
unsigned long cmalloc_serial(void)
{
	return 0;
}
int cmalloc_overflowed(void)
{
	return 0;
}
size_t cmalloc_since(unsigned long serial, struct cmalloc_made *to, size_t room)
{
	return 0;
}
void cmalloc_choose(size_t n, int fail)
{
}
void **cmalloc_chosen(void)
{
	return (void *[]){ NULL };
}
size_t cmalloc_counted(void)
{
	return 0;
}
const char *cmalloc_name(void *address, const char **library, size_t *offset)
{
	return NULL;
}

#endif
