// Flavours are declared only if they are asked for.

struct task {
	int pid;
};

struct task___old {
	long pid;
};

struct task task;
struct task___old task___old;
