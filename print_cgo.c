#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "_cgo_export.h"
#include "print_cgo.h"

struct capture {
	bool on;
	int level;
	sigset_t mask;
	char *buf;
	size_t len, cap;
};

static __thread struct capture capture;
static atomic_int print_level = LIBBPF_WARN;

static bool capture_reserve(struct capture *c, size_t more)
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

static void capture_message(struct capture *c, int level, const char *fmt, va_list args)
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

static int print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text;

	if (capture.on) {
		if ((int)level <= capture.level)
			capture_message(&capture, level, fmt, args);
		return 0;
	}
	if ((int)level > atomic_load_explicit(&print_level, memory_order_relaxed))
		return 0;
	if (vasprintf(&text, fmt, args) < 0)
		return 0;
	libbpfGoPrint((int)level, text);
	free(text);
	return 0;
}

void lbg_print_install(void)
{
	libbpf_set_print(print);
}

void lbg_print_set_level(int level)
{
	atomic_store_explicit(&print_level, level, memory_order_relaxed);
}

void lbg_capture_begin(int level)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
	sigset_t block;

	sigfillset(&block);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&block, faults[i]);
	pthread_sigmask(SIG_BLOCK, &block, &capture.mask);
	capture.level = level;
	capture.on = true;
}

char *lbg_capture_end(size_t *len)
{
	char *buf = capture.buf;

	*len = capture.len;
	capture.on = false;
	capture.buf = NULL;
	capture.len = capture.cap = 0;
	pthread_sigmask(SIG_SETMASK, &capture.mask, NULL);
	return buf;
}
