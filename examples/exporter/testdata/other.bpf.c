//go:build ignore

/* The same, but a value has another layout: its map can't be shared. */
#define OTHER_LAYOUT
#include "shapes.bpf.c"
