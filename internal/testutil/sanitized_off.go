//go:build !asan && !msan

package testutil

// Sanitized tells whether AddressSanitizer or MemorySanitizer is on. They make tests several times slower, allocate, and
// keep C's memory for a while after it is freed.
const Sanitized = false
