// Names: keywords of Go, initialisms, underscores, and names that are the same in Go.

struct type {
	int func, range, select;
	int _leading, __two, trailing_;
	int tgid_of_cpu, ipv6_addr, user_id, user_ids, URL, MixedCase, x86_64, v1_2, v12;
	int foo_bar, fooBar, FooBar;
	unsigned int flags : 3;
	int set_flags;
	int set_flags_field;
	int String;
	union {
		int format;
		int scan;
		int data_in;
	};
	int data[];
};

union Type {
	int value;
	float SetValue;
};

enum TYPE { TYPE_A };

struct chars16 {
	char text[16];
};

struct uint32 {
	int value;
};

struct type_field {
	int value;
};

int first(void)
{
	struct local {
		int a;
	};
	static volatile struct local x;
	return x.a++;
}

int second(void)
{
	struct local {
		long b;
	};
	static volatile struct local x;
	return x.b++;
}

struct type type;
union Type Type;
enum TYPE TYPE;
struct chars16 chars16;
struct uint32 uint32;
struct type_field type_field;
