/* SPDX-License-Identifier: BSD-2-Clause */
struct shared {
	__u64 hits;
	int last;
};
