/*
 * The kernel asks a supervisor about each system call of a list that a thread makes. The supervisor is C code, on a
 * thread that Go's scheduler does not wait for: the filtered thread could block the scheduler while it waits for the
 * answer.
 */
#define _GNU_SOURCE
#include "../../../libbpf/vendor.h"
#include "supervise_cgo.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 5.19. Without it, a signal for Go's scheduler makes the kernel ask twice. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* What the C library calls on machines of 32 bits. */
#if __SIZEOF_LONG__ == 4
#undef SYS_fcntl
#undef SYS_fstat
#undef SYS_fstatfs
#undef SYS_lseek
#undef SYS_lstat
#undef SYS_mmap
#undef SYS_stat
#undef SYS_statfs
#define SYS_fcntl SYS_fcntl64
#define SYS_fstat SYS_fstat64
#define SYS_fstatfs SYS_fstatfs64
#define SYS_lseek SYS__llseek
#define SYS_lstat SYS_lstat64
#define SYS_mmap SYS_mmap2
#define SYS_newfstatat SYS_fstatat64
#define SYS_stat SYS_stat64
#define SYS_statfs SYS_statfs64
#endif

static const struct {
	int nr;
	const char *name;
} watched[] = {
#define WATCH(name)                                                                                                    \
	{                                                                                                              \
		SYS_##name, #name                                                                                      \
	}
	WATCH(bpf),	      WATCH(perf_event_open),
	WATCH(mmap),	      WATCH(mremap),
	WATCH(epoll_create1), WATCH(epoll_ctl),
	WATCH(epoll_pwait),   WATCH(openat),
	WATCH(read),	      WATCH(pread64),
	WATCH(write),	      WATCH(close),
	WATCH(lseek),	      WATCH(fcntl),
	WATCH(dup),	      WATCH(dup3),
	WATCH(ioctl),	      WATCH(fstat),
	WATCH(newfstatat),    WATCH(statfs),
	WATCH(fstatfs),	      WATCH(faccessat),
	WATCH(readlinkat),    WATCH(unlinkat),
	WATCH(mkdirat),	      WATCH(renameat),
	WATCH(getdents64),    WATCH(socket),
	WATCH(bind),	      WATCH(setsockopt),
	WATCH(getsockopt),    WATCH(getsockname),
	WATCH(sendto),	      WATCH(sendmsg),
	WATCH(recvfrom),      WATCH(recvmsg),
	WATCH(memfd_create),  WATCH(eventfd2),
	WATCH(prlimit64),
#ifdef SYS_open /* not on arm64 */
	WATCH(open),	      WATCH(stat),
	WATCH(lstat),	      WATCH(access),
	WATCH(unlink),	      WATCH(mkdir),
	WATCH(readlink),      WATCH(rename),
	WATCH(epoll_wait),    WATCH(dup2),
#endif
#ifdef SYS_send
	WATCH(send),	      WATCH(recv),
#endif
#undef WATCH
};

enum { WATCHED = sizeof(watched) / sizeof(watched[0]) };

int faults_number(int i, const char **name)
{
	if (i >= WATCHED)
		return -1;
	*name = watched[i].name;
	return watched[i].nr;
}

struct faults_session *faults_new(void)
{
	struct faults_session *s = calloc(1, sizeof(*s));

	if (s) {
		s->listener = -1;
		sem_init(&s->serving, 0, 0);
		sem_init(&s->filtered, 0, 0);
	}
	return s;
}

void faults_free(struct faults_session *s)
{
	sem_destroy(&s->serving);
	sem_destroy(&s->filtered);
	free(s);
}

int faults_filter(struct faults_session *s)
{
	/* A filtered call that Go's scheduler does not know of stops the garbage collector, and with it the goroutine that
	 * was to serve. */
	while (sem_wait(&s->serving) < 0)
		;

	struct sock_filter program[WATCHED + 4];
	struct sock_fprog filter = { .filter = program };
	unsigned short n = 0;

	program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < WATCHED; i++)
		program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)watched[i].nr,
							    WATCHED - i, 0);
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	filter.len = n;

	int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &filter);
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	int err = fd < 0 ? errno : 0;

	s->listener = fd;
	sem_post(&s->filtered);
	return err;
}

void faults_give_up(struct faults_session *s)
{
	sem_post(&s->filtered);
}

static int of_runtime(const struct faults_session *s, int fd)
{
	for (const int *own = s->runtime; *own >= 0; own++)
		if (*own == fd)
			return 1;
	return 0;
}

/* opened writes what a descriptor is open on. */
static void opened(char text[FAULTS_TEXT], int fd)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, text, FAULTS_TEXT - 1);
	text[n < 0 ? 0 : n] = 0;
}

/* of_go_test tells whether a file is that in which a test binary notes for "go test" which files it opens. */
static int of_go_test(int fd)
{
	static const char name[] = "/testlog.txt";
	char text[FAULTS_TEXT];

	opened(text, fd);
	size_t length = strlen(text);
	return length >= sizeof(name) && !strcmp(text + length - (sizeof(name) - 1), name);
}

/* From enum bpf_cmd and union bpf_attr. */
enum {
	MAP_CREATE = 0,
	PROG_LOAD = 5,
	OBJ_PIN = 6,
	OBJ_GET = 7,
	OBJ_GET_INFO_BY_FD = 15,
	MAP_NAME_AT = 28,
	PROG_NAME_AT = 48,
	NAME_LENGTH = 16
};

/* ignored tells whether a call is one of Go's runtime, of C's allocator or of the tests, and not of what is tested. */
static int ignored(const struct faults_session *s, const struct seccomp_data *call)
{
	switch (call->nr) {
	case SYS_bpf:
		return call->args[0] == OBJ_GET_INFO_BY_FD && call->args[2] >= 2 * sizeof(unsigned) &&
		       ((const unsigned *)(uintptr_t)call->args[1])[1] == s->info_size;
	case SYS_mmap:
		return (call->args[3] & MAP_ANONYMOUS) && !(call->args[3] & MAP_SHARED);
	case SYS_write:
		return of_runtime(s, call->args[0]) || of_go_test(call->args[0]);
	case SYS_read:
	case SYS_epoll_pwait:
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
		return of_runtime(s, call->args[0]);
	}
	return 0;
}

static void describe(const struct faults_session *s, struct faults_call *to, const struct seccomp_data *call)
{
	const char *text = NULL;
	size_t room = sizeof(to->text);

	to->nr = call->nr;
	switch (call->nr) {
	case SYS_bpf:
		to->command = call->args[0];
		if (call->args[0] == MAP_CREATE && call->args[2] >= MAP_NAME_AT + NAME_LENGTH)
			text = (const char *)(uintptr_t)call->args[1] + MAP_NAME_AT;
		if (call->args[0] == PROG_LOAD && call->args[2] >= PROG_NAME_AT + NAME_LENGTH)
			text = (const char *)(uintptr_t)call->args[1] + PROG_NAME_AT;
		room = NAME_LENGTH + 1;
		if ((call->args[0] == OBJ_PIN || call->args[0] == OBJ_GET) && call->args[2] >= sizeof(uint64_t)) {
			text = (const char *)(uintptr_t) * (const uint64_t *)(uintptr_t)call->args[1];
			room = sizeof(to->text);
		}
		break;
	case SYS_ioctl:
	case SYS_fcntl:
		to->command = call->args[1];
		opened(to->text, call->args[0]);
		break;
	case SYS_epoll_ctl:
		to->command = call->args[1];
		if (of_runtime(s, call->args[0]))
			text = "Go's poller";
		else
			opened(to->text, call->args[2]);
		break;
	case SYS_mmap:
		opened(to->text, call->args[4]);
		break;
	case SYS_read:
	case SYS_pread64:
	case SYS_write:
	case SYS_lseek:
	case SYS_fstat:
	case SYS_close:
		opened(to->text, call->args[0]);
		break;
	case SYS_openat:
	case SYS_newfstatat:
	case SYS_faccessat:
	case SYS_readlinkat:
	case SYS_unlinkat:
	case SYS_mkdirat:
		text = (const char *)(uintptr_t)call->args[1];
		if (text && !*text)
			opened(to->text, call->args[0]);
		break;
	case SYS_statfs:
#ifdef SYS_open
	case SYS_open:
	case SYS_stat:
	case SYS_lstat:
	case SYS_access:
	case SYS_unlink:
	case SYS_mkdir:
	case SYS_readlink:
#endif
		text = (const char *)(uintptr_t)call->args[0];
		break;
	}
	if (text && *text)
		snprintf(to->text, room, "%s", text);
}

void faults_serve(struct faults_session *s)
{
	/* The kernel wants both to be zero, and may have larger ones than this header. */
	char request_room[512], answer_room[512];
	struct seccomp_notif *request = (void *)request_room;
	struct seccomp_notif_resp *answer = (void *)answer_room;

	sem_post(&s->serving);
	while (sem_wait(&s->filtered) < 0)
		;
	while (s->listener >= 0) {
		struct pollfd wait = { .fd = s->listener, .events = POLLIN };

		if (poll(&wait, 1, -1) < 0)
			continue;
		if (!(wait.revents & POLLIN))
			break; /* the thread has ended */
		memset(request_room, 0, sizeof(request_room));
		memset(answer_room, 0, sizeof(answer_room));
		if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, request) < 0)
			continue;
		answer->id = request->id;
		answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (s->n < FAULTS_CALLS && !ignored(s, &request->data)) {
			describe(s, &s->calls[s->n++], &request->data);
			if (s->n == s->fail_at) {
				/* Linux closes the file whatever close(2) returns. */
				if (request->data.nr == SYS_close)
					close(request->data.args[0]);
				answer->flags = 0;
				answer->error = -s->error;
				s->failed = 1;
			}
		}
		ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
	}
	if (s->listener >= 0)
		close(s->listener);
}
