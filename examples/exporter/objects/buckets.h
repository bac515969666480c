/* For programs whose maps become histograms. */
#pragma once

/*
 * units_of_ns is a time in 2^-20 seconds, which is about a microsecond. Buckets of powers of two of this unit are
 * powers of two of a second (scale: 2^-20), so they can be a native histogram.
 */
static __always_inline __u64 units_of_ns(__u64 ns)
{
	return (ns + ns * 73742 / 1000000) >> 10;
}

/* bits is how many bits a number has, 0 for 0. */
static __always_inline __u32 bits(__u64 n)
{
	__u32 count = n != 0;

	for (int shift = 32; shift; shift /= 2) {
		if (n >> shift) {
			n >>= shift;
			count += shift;
		}
	}
	return count;
}

/*
 * bucket_of is the bucket of a number, of buckets of the type exp2_zero: 0 has the zeros, i has 2^(i-1) to 2^i-1. The
 * last one has all that is larger.
 */
static __always_inline __u32 bucket_of(__u64 n, __u32 buckets)
{
	__u32 bucket = bits(n);

	return bucket < buckets ? bucket : buckets - 1;
}
