package libbpf

import (
	"cmp"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go/internal/cmem"
	"github.com/libbpf-go/libbpf-go/internal/handle"
	clib "github.com/libbpf-go/libbpf-go/libbpf"
)

// Token is a BPF token. It lets a process in its own user namespace use those BPF commands, map types, program types
// and attach types that the bpf file system there delegates. Whoever mounted the file system chose them (mount options
// delegate_cmds, delegate_maps, delegate_progs and delegate_attachs). To load a whole object with a token, see
// [ObjectBuilder.TokenPath]. The caller must close the Token.
//
// All methods are safe for concurrent use, Close included.
type Token struct {
	h    *handle.Handle
	fd   int
	what string // for errors
}

// CreateToken makes a token of the bpf file system that is mounted at path, in the caller's user namespace
// (bpf_token_create, Linux 6.9). errors.Is(err, os.ErrNotExist) when the file system delegates nothing,
// os.ErrPermission when it is of another user namespace or the caller lacks CAP_BPF in this one,
// [errors.ErrUnsupported] in the initial user namespace, where tokens have no use, and before libbpf 1.4. When the
// kernel has no tokens, or path is not a mount point, the error is unix.EINVAL.
func CreateToken(path string) (*Token, error) {
	const op = "create"
	what := fmt.Sprintf("token of %q", path)
	if err := cmp.Or(cmem.CheckName("path", path), needs("bpf_token_create", 1, 4)); err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	folder, err := unix.Open(path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{Op: op, Object: what, Err: err}
	}
	defer unix.Close(folder)
	var fd cInt
	err = call(op, what, func() error {
		fd = createToken(folder)
		return clib.FromRet(int(fd))
	})
	if err != nil {
		return nil, err
	}
	return &Token{ownFD(int(fd)), int(fd), what}, nil
}

// FD is the token's file descriptor, for [MapCreateOptions.TokenFD], or -1 after Close. The Token owns the descriptor:
// do not close it. After Close the number may be another file's.
func (t *Token) FD() int {
	if t == nil || t.h.Acquire() != nil {
		return -1
	}
	defer t.h.Drop()
	return t.fd
}

// TokenInfo is what a token grants (struct bpf_token_info). Bit n stands for the constant with value n.
type TokenInfo struct {
	Commands    uint64 // enum bpf_cmd
	MapTypes    uint64 // [MapType]
	Programs    uint64 // [ProgramType]
	AttachTypes uint64 // [ProgramAttachType]
}

// Info returns what the token grants, as the kernel knows it (bpf_obj_get_info_by_fd, Linux 6.17).
func (t *Token) Info() (TokenInfo, error) {
	const op = "get info of"
	if t == nil {
		return TokenInfo{}, &Error{Op: op, Object: "token", Err: ErrClosed}
	}
	if err := t.h.Acquire(); err != nil {
		return TokenInfo{}, &Error{Op: op, Object: t.what, Err: err}
	}
	defer t.h.Drop()
	var info TokenInfo
	if err := kernelInfo(t.fd, &info); err != nil {
		return TokenInfo{}, &Error{Op: op, Object: t.what, Err: err}
	}
	return info, nil
}

// Close closes the descriptor. It is idempotent.
func (t *Token) Close() error {
	if t == nil {
		return nil
	}
	return closing(t.String(), t.h.Close())
}

// String returns names such as `token of "/sys/fs/bpf"`.
func (t *Token) String() string {
	if t == nil {
		return "token"
	}
	return t.what
}
