/*
 * What this process makes in the kernel. The ids there are those of all processes, and the tests of other packages run
 * at the same time, so there is one way to tell whose they are: to be there when they are made. The linker replaces
 * libc's syscall, through which libbpf makes its calls, by the one in this file (--wrap, in kernel.go).
 */
#include "kernel_cgo.h"

#include "initialized_cgo.h"

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* As many as fit. When there are more, those that are gone are dropped first. */
static struct leaks_object made[1 << 16];
static unsigned count;
static int watching;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void leaks_watch(void)
{
	__atomic_store_n(&watching, 1, __ATOMIC_RELEASE);
}

static int open_by_id(struct leaks_object object)
{
	static const int commands[] = {
		[leaks_map] = BPF_MAP_GET_FD_BY_ID,
		[leaks_program] = BPF_PROG_GET_FD_BY_ID,
		[leaks_link] = 30, /* BPF_LINK_GET_FD_BY_ID, which old headers lack */
		[leaks_btf] = BPF_BTF_GET_FD_BY_ID,
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.start_id = object.id;
	return (int)__real_syscall(__NR_bpf, commands[object.kind], &attr, sizeof(attr));
}

int leaks_info(int fd, unsigned *words, unsigned size)
{
	union bpf_attr attr;

	memset(words, 0, size);
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (unsigned)fd;
	attr.info.info_len = size;
	attr.info.info = (__u64)(unsigned long)words;
	return (int)__real_syscall(__NR_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

/* Whether the kernel still has an object. To open it by its id would keep it for a moment. */
static int is_there(struct leaks_object object)
{
	static const int commands[] = {
		[leaks_map] = BPF_MAP_GET_NEXT_ID,
		[leaks_program] = BPF_PROG_GET_NEXT_ID,
		[leaks_link] = 31, /* BPF_LINK_GET_NEXT_ID, which old headers lack */
		[leaks_btf] = 23,  /* BPF_BTF_GET_NEXT_ID, the same */
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.start_id = object.id - 1;
	return !__real_syscall(__NR_bpf, commands[object.kind], &attr, sizeof(attr)) && attr.next_id == object.id;
}

static void drop_gone(void)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++)
		if (is_there(made[i]))
			made[kept++] = made[i];
	count = kept;
}

static void record(unsigned kind, int fd)
{
	unsigned words[leaks_info_size / sizeof(unsigned)];

	if (leaks_info(fd, words, sizeof(words)) < 0)
		return;
	/*
	 * An array of programs that somebody opens and closes by its id, while it is closed here, can stay for good: each
	 * last close keeps it for the work that clears it, also if this work is waiting already, and the work lets go of it
	 * once. Other tests list all maps.
	 */
	if (kind == leaks_map && words[0] == BPF_MAP_TYPE_PROG_ARRAY)
		return;
	pthread_mutex_lock(&lock);
	if (count == sizeof(made) / sizeof(made[0]))
		drop_gone();
	if (count < sizeof(made) / sizeof(made[0])) {
		made[count].kind = kind;
		made[count++].id = words[kind == leaks_btf ? 3 : 1];
	}
	pthread_mutex_unlock(&lock);
}

/* It reads more arguments than there may be, as libc's does. Sanitizers would report that. */
LEAKS_NOT_SANITIZED long __wrap_syscall(long number, ...)
{
	long argument[6], ret;
	va_list list;
	int kept;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(list, long);
	va_end(list);
	leaks_will_read(number, argument);
	ret = __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
	leaks_has_written(number, argument);
	if (ret < 0 || number != __NR_bpf || !__atomic_load_n(&watching, __ATOMIC_ACQUIRE))
		return ret;
	kept = errno;
	switch ((int)argument[0]) {
	case BPF_MAP_CREATE:
		record(leaks_map, (int)ret);
		break;
	case BPF_PROG_LOAD:
		record(leaks_program, (int)ret);
		break;
	case BPF_RAW_TRACEPOINT_OPEN:
	case 28: /* BPF_LINK_CREATE, which old headers lack */
		record(leaks_link, (int)ret);
		break;
	case BPF_BTF_LOAD:
		record(leaks_btf, (int)ret);
		break;
	}
	errno = kept;
	return ret;
}

unsigned leaks_alive(struct leaks_object *objects, unsigned n)
{
	unsigned found;

	pthread_mutex_lock(&lock);
	drop_gone();
	found = count < n ? count : n;
	memcpy(objects, made, found * sizeof(*objects));
	pthread_mutex_unlock(&lock);
	return found;
}

void leaks_name(struct leaks_object object, char name[16])
{
	/* Up to the name. Links and BTF have none there. */
	union {
		struct bpf_map_info map;
		struct bpf_prog_info program;
		unsigned words[1];
	} info;
	int fd = open_by_id(object);

	name[0] = 0;
	if (fd < 0)
		return;
	if (object.kind == leaks_map && leaks_info(fd, info.words, sizeof(info.map)) >= 0)
		memcpy(name, info.map.name, 15);
	if (object.kind == leaks_program && leaks_info(fd, info.words, sizeof(info.program)) >= 0)
		memcpy(name, info.program.name, 15);
	name[15] = 0;
	close(fd);
}

int leaks_open_pin(const char *path)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = (__u64)(unsigned long)path;
	return (int)__real_syscall(__NR_bpf, BPF_OBJ_GET, &attr, sizeof(attr));
}
