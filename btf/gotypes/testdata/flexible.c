// Arrays without a length: at the end, in unions, and inside.

struct sample {
	unsigned short kind;
	unsigned int value;
};

struct record {
	unsigned long time;
	unsigned short count;
	struct sample samples[];
};

struct message {
	unsigned int length;
	unsigned char kind;
	char text[];
};

struct old_style {
	int count;
	unsigned long data[0];
};

struct inside {
	int first;
	unsigned int start[0];
	int second;
	unsigned char unaligned_marker[0];
	unsigned char third;
};

struct several {
	unsigned int count;
	union {
		struct {
			struct {
			} empty;
			unsigned char bytes[];
		};
		struct {
			struct {
			} empty_too;
			unsigned long words[];
		};
	};
};

struct record record = { 1, 2 };
struct message message = { 3, 4 };
struct old_style old_style = { 5 };
struct inside inside = { 6, .second = 7, .third = 8 };
struct several several = { 9 };
struct record filled = { .count = 2, .samples = { { 1, 2 }, { 3, 4 } } };
struct message filled_message = { .length = 5, .text = "tail" };
