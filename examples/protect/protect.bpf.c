//go:build ignore

/* Forbids everybody, root too, to change chosen files. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define EPERM 1
#define FMODE_WRITE 2

/* The inodes of the files. The kernel forgets an inode with its file. */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u8);
} files SEC(".maps");

enum action { ACTION_WRITE, ACTION_REMOVE, ACTION_RENAME };

struct denial {
	enum action action;
	int pid;
	char comm[16];
	__u64 inode;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
	__type(value, struct denial);
} denials SEC(".maps");

static int decide(struct inode *inode, enum action action)
{
	struct denial *denial;

	if (!inode || !bpf_inode_storage_get(&files, inode, NULL, 0))
		return 0;
	denial = bpf_ringbuf_reserve(&denials, sizeof(*denial), 0);
	if (denial) { /* else it is denied all the same */
		denial->action = action;
		denial->pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(denial->comm, sizeof(denial->comm));
		denial->inode = inode->i_ino;
		bpf_ringbuf_submit(denial, 0);
	}
	return -EPERM;
}

/* The last argument is what a program before this one has decided. */
SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file, int decided)
{
	if (decided || !(file->f_mode & FMODE_WRITE))
		return decided;
	return decide(file->f_inode, ACTION_WRITE);
}

SEC("lsm/inode_unlink")
int BPF_PROG(inode_unlink, struct inode *folder, struct dentry *file, int decided)
{
	return decided ?: decide(file->d_inode, ACTION_REMOVE);
}

SEC("lsm/inode_rename")
int BPF_PROG(inode_rename, struct inode *old_folder, struct dentry *file, struct inode *new_folder,
	     struct dentry *replaced, int decided)
{
	return decided ?: decide(file->d_inode, ACTION_RENAME) ?: decide(replaced->d_inode, ACTION_RENAME);
}

char LICENSE[] SEC("license") = "GPL";
