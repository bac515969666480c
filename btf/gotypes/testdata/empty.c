// What has no bytes: Go would make a struct larger for it, at its end.

struct nothing {
};

union no_value {
};

struct ends_empty {
	int number;
	struct nothing nothing;
	union no_value no_value;
};

struct begins_empty {
	struct nothing nothing;
	struct {
	};
	union {
	};
	int number;
};

union has_empty {
	int number;
	struct nothing nothing;
};

struct ends_empty ends_empty = { 1 };
struct begins_empty begins_empty = { .number = 2 };
union has_empty has_empty = { 3 };
