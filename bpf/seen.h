/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a test learns of the one program that it attached: how often it ran for the test's own process, and the cookie
 * and the value of the last time. Include it after vmlinux.h and bpf_helpers.h.
 */
#ifndef SEEN_H
#define SEEN_H

const volatile __u32 target_tgid = 0;
/* Off if the kernel has no cookies for this kind of program: it would reject the helper. */
const volatile bool with_cookie = false;

struct seen {
	__u64 hits;
	__u64 cookie;
	__s64 value;
} seen = {};

static __always_inline bool targeted(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target_tgid;
}

static __always_inline int saw(void *ctx, __s64 value)
{
	if (!targeted())
		return 0;
	if (with_cookie)
		seen.cookie = bpf_get_attach_cookie(ctx);
	seen.value = value;
	__sync_fetch_and_add(&seen.hits, 1);
	return 0;
}

#endif
