// Tags: of declarations, which become comments, and of the types that pointers point to.
// clang: 16

#define doc(text) __attribute__((btf_decl_tag(text)))
#define kptr __attribute__((btf_type_tag("kptr")))

struct task;

struct tagged {
	int pid doc("of the process, as the host counts");
	struct task kptr *task doc("may be NULL");
	union {
		int code doc("if negative, an errno");
		unsigned int kind : 3 doc("of the event");
	};
} doc("A tagged struct.") doc("It has two lines.");

typedef struct {
	int value;
} named doc("Named by its typedef.");

struct tagged tagged doc("The variable.") = { 1 };
named of_typedef = { 1 };
