// Arrays: of text, of arrays, of structs, and of one element.

struct cell {
	short row, column;
};

struct arrays {
	char comm[16];
	char names[2][8];
	signed char small[3];
	unsigned char bytes[5];
	int matrix[2][3][4];
	struct cell cells[2][2];
	struct {
		int only;
	} one[1];
};

struct arrays arrays = {
	"comm", { "first", "second" }, { -1, -2, -3 }, { 1, 2, 3, 4, 5 },
	{ { { 1, 2, 3, 4 }, { 5, 6, 7, 8 }, { 9, 10, 11, 12 } }, { { -1 } } },
	{ { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } }, { { 42 } },
};
