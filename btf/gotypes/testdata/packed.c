// Packed and aligned.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

struct odd {
	u8 tag;
	u64 number;
} __attribute__((packed));

struct plain {
	u8 a;
	u32 b;
};

struct nested {
	u8 tag;
	struct odd odd;
	struct plain plain;
	union {
		u32 word;
		u8 byte;
	};
	u32 table[2];
	_Bool done;
} __attribute__((packed));

struct still_aligned {
	u64 a;
	u32 b;
	u32 c;
} __attribute__((packed));

struct inner_aligned {
	u32 a;
	u64 b;
	u32 c;
} __attribute__((packed));

union packed_union {
	u8 bytes[5];
	u32 word;
} __attribute__((packed));

struct aligned_to_line {
	u32 first;
	u32 second __attribute__((aligned(64)));
} __attribute__((aligned(64)));

struct holds_line {
	u8 first;
	struct aligned_to_line line;
};

struct odd odd = { 1, 0x1122334455667788 };
struct nested nested = { 1, { 2, 3 }, { 4, 5 }, { 0x01020304 }, { 6, 7 }, 1 };
struct still_aligned still_aligned = { 1, 2, 3 };
struct inner_aligned inner_aligned = { 1, 2, 3 };
union packed_union packed_union = { .word = 0x01020304 };
struct aligned_to_line aligned_to_line = { 1, 2 };
struct holds_line holds_line = { 1, { 2, 3 } };
