//go:build libbpf_go_sources

package clib

import "embed"

// This file is in no build. It makes "go mod vendor" copy these folders, which it would leave out, because they have no
// Go code: it copies what packages embed, whatever the build tags. The pattern always matches upstream.lock.
//
//go:embed system upstream*
var sources embed.FS
