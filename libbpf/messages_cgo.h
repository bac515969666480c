#ifndef LIBBPF_GO_MESSAGES_H
#define LIBBPF_GO_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes libbpf print through this file. Returns whether C code in the same program had set a function of its own by then:
 * what nobody captures goes on to that one, until lbg_print_take.
 */
bool lbg_print_install(void);

/* Makes libbpf print through this file, whoever set another function before or since. */
void lbg_print_take(void);

/* Gives a message to the function that C code had set. */
void lbg_print_to_theirs(int level, const char *text);

/* Sets the highest level that is delivered outside of a capture (-1: none). */
void lbg_print_set_level(int level);

/*
 * Between begin and end, on one thread, libbpf's messages up to level are collected and nothing is delivered. Signals
 * are blocked there meanwhile, and go to other threads: a profiler's, or those by which the Go runtime stops its threads,
 * make the kernel abandon a program's load with EAGAIN, more often than libbpf retries it, and a test run with EINTR.
 *
 * Captures nest: what libbpf prints goes to the innermost one. Out of memory, lbg_capture_begin returns NULL, and messages
 * go to where they went before.
 *
 * lbg_capture_end returns what was collected, malloc'ed, or NULL for nothing: messages end to end, each a level byte,
 * its text, and a NUL.
 */
struct lbg_capture *lbg_capture_begin(int level);
char *lbg_capture_end(struct lbg_capture *capture, size_t *len);

/*
 * For C code that runs a part of a capture on another thread, while the first waits: current is the capture of the
 * calling thread, use makes it that of another.
 */
struct lbg_capture *lbg_capture_current(void);
void lbg_capture_use(struct lbg_capture *capture);

#endif
