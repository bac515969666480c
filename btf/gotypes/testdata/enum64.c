// Enums that compilers before clang 16 do not describe: signed ones, and those of 64 bits.
// clang: 16

enum sign { SIGN_MINUS = -1, SIGN_ZERO, SIGN_PLUS };
enum large { LARGE_LOW = 1, LARGE_HIGH = 0x8000000000000000 };
enum large_sign { LARGE_SIGN_MINUS = -0x7fffffffffffffff, LARGE_SIGN_PLUS = 1 };

struct has_large {
	enum sign sign;
	enum large large;
	enum large_sign large_sign;
	enum sign bits : 2;
	enum large large_bits : 64;
};

struct has_large has_large = { SIGN_MINUS, LARGE_HIGH, LARGE_SIGN_MINUS, SIGN_MINUS, LARGE_LOW };
