// Package sanitize tests that AddressSanitizer and LeakSanitizer see the C code of test binaries. Without that, tests
// that pass under them would prove nothing.
package sanitize
