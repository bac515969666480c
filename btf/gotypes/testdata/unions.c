// Unions: named, in arrays, in each other, anonymous, and of structs.

struct pair {
	int first;
	long second;
};

union value {
	unsigned char byte;
	unsigned int word;
	unsigned long number;
	struct pair pair;
	char text[12];
	unsigned short table[2][3];
	union {
		float single;
		double precise;
	} real;
	int (*call)(int);
};

struct values {
	unsigned int count;
	union value values[3];
	union {
		unsigned int code;
		struct {
			unsigned short minor;
			unsigned short major;
			union {
				unsigned long stamp;
				unsigned char raw[8];
			};
		};
	};
	union {
		int a;
		char b;
	} choice, choices[2];
	struct {
		short x, y;
		struct {
			signed char z;
		};
	};
	union value;
};

struct values values = {
	.count = 3,
	.values = { { .word = 0x01020304 }, { .pair = { -1, 1L << 40 } }, { .text = "hello" } },
	.minor = 2, .major = 10, .stamp = 0x1111222233334444,
	.choice = { .a = -5 }, .choices = { { 1 }, { 2 } },
	.x = -3, .y = 4, .z = -9,
	.number = 99,
};
