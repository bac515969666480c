// Pointers: to data, to functions, to the same struct, and to what is only declared.

struct elsewhere;
union elsewhere_too;

struct node {
	struct node *next, **last;
	const char *name;
	void *data;
	int (*compare)(const struct node *, const struct node *);
	struct elsewhere *owner;
	union elsewhere_too *other;
	struct node *table[4];
	long unsigned *restrict count;
	const void *const volatile fixed;
};

struct node node = { .data = (void *)7 };
