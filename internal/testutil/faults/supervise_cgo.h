#ifndef LIBBPF_GO_FAULTS_H
#define LIBBPF_GO_FAULTS_H

#include <semaphore.h>
#include <stddef.h>

enum { FAULTS_CALLS = 8192, FAULTS_TEXT = 256 };

struct faults_call {
	int nr;
	int command;		/* of bpf(2), ioctl(2), fcntl(2), epoll_ctl(2) */
	char text[FAULTS_TEXT]; /* what the call is for: a path, a name, what the descriptor is open on */
};

struct faults_session {
	int fail_at;	    /* the call that must fail, counted from 1; 0: none */
	int error;	    /* its errno */
	const int *runtime; /* descriptors of Go's runtime, -1 at the end */
	unsigned info_size; /* of BPF_OBJ_GET_INFO_BY_FD, where package leaks asks */

	sem_t serving; /* faults_serve runs, and needs Go's scheduler no more */
	sem_t filtered;
	int listener;
	int n;	    /* calls so far */
	int failed; /* one did */
	struct faults_call calls[FAULTS_CALLS];
};

/* faults_new returns NULL without memory. */
struct faults_session *faults_new(void);
void faults_free(struct faults_session *s);

/* faults_serve decides about the calls of the filtered thread until that thread has ended. */
void faults_serve(struct faults_session *s);

/* faults_filter puts the calling thread under the session's filter, for the rest of its life. It returns 0 or an errno,
 * and lets faults_serve go on in any case. */
int faults_filter(struct faults_session *s);

/* faults_give_up lets faults_serve return, in place of faults_filter. */
void faults_give_up(struct faults_session *s);

/* faults_number returns the number of the i-th system call that the filter is for, -1 behind the last, and its name. */
int faults_number(int i, const char **name);

#endif
