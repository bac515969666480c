// SPDX-License-Identifier: BSD-2-Clause
/* Global variables in every kind of section. Each program is run by hand, never attached. */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct point {
	__s32 x;
	__s32 y;
};

enum mood { CALM, BUSY = 3 };

struct config {
	enum mood mode;
	__u8 level : 3;
	__s8 shift : 4;
	union {
		__u32 whole;
		struct {
			__u16 low;
			__u16 high;
		};
	};
	struct point corners[2];
	char name[8];
	void *address;
	double ratio;
	bool on;
};

struct config config = { .mode = BUSY, .whole = 0x10002 };
struct point points[4] = { { 1, 2 } };
__u16 matrix[2][3];
int counter;
const volatile __u64 limit = 7;

/* libbpf truncates all of these names to 15 characters, and replaces characters in those of .bss.*. */
int connections SEC(".bss.connection_stats");
int contexts SEC(".bss.connection_other");
int dashed SEC(".bss.da-sh");
int data_stats SEC(".data.connection_stats") = 1;
int data_other SEC(".data.connection_other") = 2;
const volatile int rodata_stats SEC(".rodata.connection_stats") = 3;
const volatile int rodata_other SEC(".rodata.connection_other") = 4;

/* A section that has only static variables can't be mapped. */
static volatile int hidden SEC(".data.hidden") = 5;
static volatile int beside SEC(".data.hidden") = 6;

/* The test renames the members of each pair to the same name. */
static volatile int twin_a = 11;
static volatile int twin_b = 12;
static volatile int kin_a SEC(".data.kin") = 21;
static volatile int kin_b = 22;

extern int CONFIG_HZ __kconfig;
extern bool CONFIG_NOT_THERE __kconfig __weak;
extern int LINUX_KERNEL_VERSION __kconfig;
extern const int no_such_symbol __ksym __weak;

SEC("socket")
int count(void *ctx)
{
	static volatile int calls;

	__sync_fetch_and_add(&counter, 1);
	connections += 1;
	contexts += 2;
	dashed += 3;
	calls++;
	hidden++;
	beside++;
	config.corners[1].y = counter;
	return 0;
}

SEC("socket")
int read(void *ctx)
{
	return config.level + points[1].x + matrix[1][2] + limit + data_stats + data_other + rodata_stats +
	       rodata_other + twin_a + twin_b + kin_a + kin_b + CONFIG_HZ + CONFIG_NOT_THERE + LINUX_KERNEL_VERSION +
	       (&no_such_symbol != 0);
}

char LICENSE[] SEC("license") = "GPL";
