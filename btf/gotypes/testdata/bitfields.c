// Bit fields: mixed with members, signed, of enums, of 64 bits, across bytes, at the end; and in unions.
// orders: both

enum mode { MODE_OFF, MODE_ON, MODE_AUTO };

struct bits {
	unsigned int low : 3;
	int sign : 5;
	unsigned int across : 13;
	enum mode mode : 2;
	_Bool flag : 1;
	unsigned char between;
	unsigned long long wide : 64;
	unsigned long long large : 40;
	long long large_sign : 20;
	unsigned int : 0;
	unsigned int last : 1;
};

struct packed_bits {
	unsigned char first;
	unsigned long long odd : 61;
	unsigned int rest : 3;
	unsigned short after;
} __attribute__((packed));

union bit_union {
	struct {
		unsigned int version : 4;
		unsigned int length : 4;
		int offset : 24;
	};
	unsigned int word;
	unsigned char top : 7;
};

struct holds_bits {
	unsigned long long id;
	union {
		struct {
			unsigned char is_ipv4 : 1;
			unsigned char is_ipv6 : 1;
		};
		unsigned char all_bits;
	};
};

struct bits bits = {
	.low = 5, .sign = -7, .across = 0x1555, .mode = MODE_AUTO, .flag = 1, .between = 0xa5, .wide = 0x0123456789abcdef,
	.large = 0xfedcba9876, .large_sign = -1234, .last = 1,
};
struct packed_bits packed_bits = { .first = 0xff, .odd = 0x1122334455667788, .rest = 5, .after = 0x1234 };
union bit_union bit_union = { { .version = 6, .length = 9, .offset = -70000 } };
struct holds_bits holds_bits = { .id = 77, .is_ipv6 = 1 };
