// SPDX-License-Identifier: BSD-2-Clause
/* Types and variables of every sort, for the compiler to describe. */

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

enum color { RED, GREEN = 5, RUBY = 0, BLUE = 1 << 30 };
enum huge { LITTLE = 1, LARGE = 1ULL << 40 };

struct inner {
	short a;
	u8 b[3];
};

struct everything {
	signed char i8;
	u8 u8;
	short i16;
	unsigned short u16;
	int i32;
	u32 u32;
	long i64;
	u64 u64;
	_Bool yes, odd;
	char letter;
	char name[8];
	enum color color, other;
	void *pointer;
	struct inner inner;
	struct {
		int flat;
		union {
			int as_int;
			u8 as_bytes[4];
		};
	};
	union {
		u32 word;
		u8 bytes[4];
	} named;
	u32 low : 3;
	int negative : 5;
	enum color tint : 8;
	u64 wide : 40;
	int array[6];
	float f;
	double d;
	unsigned __int128 large;
	char lines[2][4];
} __attribute__((packed));

struct statistics {
	u64 count;
	int balance;
	u32 max __attribute__((btf_decl_tag("bpfgo:max")));
	int min __attribute__((btf_decl_tag("bpfgo:min")));
	u32 slots[4];
};

struct node {
	struct node *next;
	u64 value;
};

const volatile unsigned char debug = 1;
const volatile u32 target_tgid = 0;
long offset = -1;
u64 limit = 1;
_Bool enabled = 1;
char title[16] = "x";
enum color paint = GREEN;
enum huge size = LITTLE;
int numbers[4] = { 1 };
float ratio = 1;
double precise = 1;
void *address = (void *)1;
unsigned __int128 identity = 1;
struct {
	int a;
	struct inner inner;
	u32 bits : 3;
} config = { 1 };

struct everything everything = { 1 };
struct statistics statistics = { 1 };
struct node list = { (void *)1 };
int squares[3][2] = { { 1 } };
