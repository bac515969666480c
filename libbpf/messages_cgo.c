#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vendor.h"
#include <bpf/libbpf.h>

#include "_cgo_export.h"
#include "messages_cgo.h"

struct lbg_capture {
	struct lbg_capture *outer;
	int level;
	sigset_t mask;
	char *buf;
	size_t len, cap;
};

static __thread struct lbg_capture *current;
static atomic_int print_level = LIBBPF_WARN;

static bool capture_reserve(struct lbg_capture *c, size_t more)
{
	size_t cap = c->cap ? c->cap : 512;
	char *buf;

	while (cap - c->len < more)
		cap *= 2;
	if (cap == c->cap)
		return true;
	buf = realloc(c->buf, cap);
	if (!buf)
		return false;
	c->buf = buf;
	c->cap = cap;
	return true;
}

static void capture_message(struct lbg_capture *c, int level, const char *fmt, va_list args)
{
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	/* Out of memory loses a message, which is no reason to fail what libbpf was doing. */
	if (n >= 0 && capture_reserve(c, (size_t)n + 2)) {
		c->buf[c->len] = (char)level;
		vsnprintf(c->buf + c->len + 1, (size_t)n + 1, fmt, again);
		c->len += strlen(c->buf + c->len + 1) + 2;
	}
	va_end(again);
}

/* libbpf's own function, and one that C code in the same program has set before Go's, or NULL. */
static libbpf_print_fn_t standard;
static _Atomic(libbpf_print_fn_t) theirs;

/* Before the constructors of anybody who may set another. */
__attribute__((constructor(101))) static void remember_standard(void)
{
	standard = libbpf_set_print(NULL);
	libbpf_set_print(standard);
}

static int print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	libbpf_print_fn_t other;
	char *text;

	if (current) {
		if ((int)level <= current->level)
			capture_message(current, level, fmt, args);
		return 0;
	}
	other = atomic_load(&theirs);
	if (other)
		return other(level, fmt, args);
	if ((int)level > atomic_load_explicit(&print_level, memory_order_relaxed))
		return 0;
	if (vasprintf(&text, fmt, args) < 0)
		return 0;
	lbgPrint((int)level, text);
	free(text);
	return 0;
}

bool lbg_print_install(void)
{
	libbpf_print_fn_t before = libbpf_set_print(print);

	if (before == standard || before == print)
		return false;
	atomic_store(&theirs, before);
	return true;
}

void lbg_print_take(void)
{
	atomic_store(&theirs, NULL);
	libbpf_set_print(print);
}

static void call_theirs(libbpf_print_fn_t other, int level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	other(level, fmt, args);
	va_end(args);
}

void lbg_print_to_theirs(int level, const char *text)
{
	libbpf_print_fn_t other = atomic_load(&theirs);

	if (other)
		call_theirs(other, level, "%s\n", text);
}

void lbg_print_set_level(int level)
{
	atomic_store_explicit(&print_level, level, memory_order_relaxed);
}

struct lbg_capture *lbg_capture_begin(int level)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
	struct lbg_capture *c = calloc(1, sizeof(*c));
	sigset_t block;

	if (!c)
		return NULL;
	sigfillset(&block);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&block, faults[i]);
	pthread_sigmask(SIG_BLOCK, &block, &c->mask);
	c->level = level;
	c->outer = current;
	current = c;
	return c;
}

char *lbg_capture_end(struct lbg_capture *c, size_t *len)
{
	char *buf;

	*len = 0;
	if (!c)
		return NULL;
	current = c->outer;
	pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
	*len = c->len;
	buf = c->buf;
	free(c);
	return buf;
}

struct lbg_capture *lbg_capture_current(void)
{
	return current;
}

void lbg_capture_use(struct lbg_capture *c)
{
	current = c;
}
