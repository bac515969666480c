// Typedefs: of numbers, chains of them, of named and of anonymous types, and with qualifiers.

typedef unsigned int u32;
typedef u32 id_t;
typedef const volatile id_t shared_id_t;
typedef struct point {
	int x, y;
} point_t;
typedef struct {
	point_t from, to;
} line;
typedef line line_t;
typedef const line_t fixed_line_t;
typedef union {
	u32 word;
	line_t line;
} any;
typedef char comm_t[16];
typedef point_t points_t[2];

struct uses {
	shared_id_t id;
	fixed_line_t line;
	any any;
	comm_t comm;
	points_t points;
	struct {
		struct {
			int depth;
		} inner;
	} outer[2];
};

struct uses uses = { 1, { { 2, 3 }, { 4, 5 } }, { 6 }, "comm", { { 7, 8 }, { 9, 10 } }, { { { 11 } }, { { 12 } } } };
