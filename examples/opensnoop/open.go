//go:build !arm64

package main

import "golang.org/x/sys/unix"

const sysOpen = unix.SYS_OPEN
