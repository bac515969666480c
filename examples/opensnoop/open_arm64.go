package main

// Newer architectures have openat only.
const sysOpen = -1
