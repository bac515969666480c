// Numbers, characters and what Go has no number for. On 32-bit machines, Go aligns numbers of 64 bits to 4 bytes.

struct scalars {
	_Bool yes;
	char letter;
	signed char small;
	unsigned char byte;
	short half;
	unsigned short unsigned_half;
	int word;
	unsigned long long number;
	unsigned int before;
	long signed_number;
	long long longest;
	float single;
	double precise;
	__int128 huge;
	unsigned __int128 unsigned_huge;
	_Bool flags[3];
	unsigned char last;
};

struct on_32_bits {
	unsigned int a;
	unsigned long long b;
	unsigned char c;
};

struct scalars scalars = {
	1, 'x', -1, 255, -2, 65535, -3, 1ULL << 63, 4, -5, -6, 1.5, -2.25, -7, 8, { 1, 0, 1 }, 9,
};
struct on_32_bits on_32_bits = { 1, 2, 3 };
