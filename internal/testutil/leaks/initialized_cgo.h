#ifndef LIBBPF_GO_INITIALIZED_H
#define LIBBPF_GO_INITIALIZED_H

/*
 * MemorySanitizer knows what the functions of the C library read and write, but not what the kernel does when they are
 * called through syscall. With it, leaks_will_read reports memory that was never written, and that bpf(2) or
 * perf_event_open(2) would read. leaks_has_written says that the kernel has written memory.
 */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define LEAKS_MEMORY_SANITIZER
#endif
#endif

#ifdef LEAKS_MEMORY_SANITIZER
#define LEAKS_NOT_SANITIZED __attribute__((no_sanitize("address", "memory")))
void leaks_will_read(long number, const long *arguments);
void leaks_has_written(long number, const long *arguments);
#else
#define LEAKS_NOT_SANITIZED __attribute__((no_sanitize("address")))
static inline void leaks_will_read(long number, const long *arguments)
{
	(void)number, (void)arguments;
}

static inline void leaks_has_written(long number, const long *arguments)
{
	(void)number, (void)arguments;
}
#endif

#endif
