// A file that has only a union.

union only {
	int number;
	char letter;
} only = { .number = 7 };
