#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include "../libbpf/messages_cgo.h"
#include "btf_cgo.h"

struct call {
	int (*run)(struct call *call);
	struct lbg_capture *capture;
	int ret;

	struct btf *btf;
	struct btf_ext *ext;
	struct btf *base, *split;
};

static void *run(void *arg)
{
	struct call *call = arg;

	lbg_capture_use(call->capture);
	call->ret = call->run(call);
	lbg_capture_use(NULL);
	return NULL;
}

/*
 * Runs a function that recurses as deep as types refer to each other, on a stack that is large enough. The memory is
 * used when it is needed.
 */
static int with_stack(struct call *call)
{
	const size_t least = 1 << 20, per_type = 1024;
	size_t types = btf__type_cnt(call->btf), size;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (types > (SIZE_MAX / 2 - least) / per_type)
		return -ENOMEM;
	size = (least + types * per_type + 0xffff) & ~(size_t)0xffff;
	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	err = pthread_attr_setstacksize(&attr, size);
	call->capture = lbg_capture_current();
	if (!err)
		err = pthread_create(&thread, &attr, run, call);
	pthread_attr_destroy(&attr);
	if (err)
		return err == EAGAIN ? -ENOMEM : -err;
	pthread_join(thread, NULL);
	return call->ret;
}

static int run_dedup(struct call *call)
{
	LIBBPF_OPTS(btf_dedup_opts, opts, .btf_ext = call->ext);

	return btf__dedup(call->btf, &opts);
}

int lbg_dedup(struct btf *btf, struct btf_ext *ext)
{
	struct call call = { .run = run_dedup, .btf = btf, .ext = ext };

	return with_stack(&call);
}

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 5
static int run_distill(struct call *call)
{
	return btf__distill_base(call->btf, &call->base, &call->split);
}
#else
static int run_distill(struct call *call)
{
	return -ENOTSUP;
}
#endif

int lbg_distill(struct btf *btf, struct btf **base, struct btf **split)
{
	struct call call = { .run = run_distill, .btf = btf };
	int err = with_stack(&call);

	*base = call.base;
	*split = call.split;
	return err;
}
