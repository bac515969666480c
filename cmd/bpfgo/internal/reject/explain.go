package reject

import "regexp"

// explanations are the messages that people ask about most. The first that matches explains a rejection.
var explanations = []struct {
	message *regexp.Regexp
	meaning string
}{
	{regexp.MustCompile(`unknown#195896080|invalid CO-RE relocation`),
		"a type, member or enumerator that this code needs is not in the kernel: guard it with bpf_core_field_exists or " +
			"bpf_core_type_exists"},
	{regexp.MustCompile(`invalid mem access '\w*_or_null|Possibly NULL pointer passed`),
		"the pointer may be NULL: compare it with NULL before using it"},
	{regexp.MustCompile(`invalid mem access '(scalar|inv)'`),
		"this is a number for the verifier, and no pointer to follow: read the memory of the kernel with BPF_CORE_READ or " +
			"bpf_probe_read_kernel, that of a process with bpf_probe_read_user"},
	{regexp.MustCompile(`invalid access to packet|offset is outside of the packet`),
		"compare the end of what is read with data_end first, with the same pointer"},
	{regexp.MustCompile(`unbounded memory access|unbounded min value|unbounded variable-offset`),
		"the verifier knows no upper bound of the offset or size: compare it with one, or mask it, just before the access"},
	{regexp.MustCompile(`min value is negative`),
		"the offset or size may be negative: make it unsigned, or compare it with 0"},
	{regexp.MustCompile(`min value is outside of the allowed memory range|max value is outside of the allowed memory range|` +
		`invalid access to map value|invalid access to memory`),
		"the access may go beyond the memory: check the index against the number of elements"},
	{regexp.MustCompile(`BPF program is too large|processed 1000001 insns`),
		"the verifier gave up after a million instructions: it follows each path through branches and loops. Use bpf_loop or " +
			"an open-coded iterator, and global functions, which are verified once"},
	{regexp.MustCompile(`sequence of \d+ jumps is too complex`),
		"there are too many branches to follow: split the program into global functions, or use bpf_loop"},
	{regexp.MustCompile(`combined stack size of|stack size of \d+`),
		"a chain of calls has 512 bytes of stack: put large variables into a per-CPU array"},
	{regexp.MustCompile(`back-edge from|infinite loop detected`),
		"the verifier finds no end of this loop: give it a constant bound, or use bpf_loop or bpf_for"},
	{regexp.MustCompile(`R0 !read_ok`), "the function may end without a return value: return one on each path"},
	{regexp.MustCompile(`R\d+ !read_ok`),
		"the register may have no value here: give the variable one on each path; calls change R1 to R5"},
	{regexp.MustCompile(`Unreleased reference|reference leak|would lead to reference leak`),
		"what was acquired must be released on each path: submit or discard a record, release a socket or task"},
	{regexp.MustCompile(`cannot call GPL-restricted function|GPL-restricted|cannot call GPL only`),
		`the function is for GPL programs only: char LICENSE[] SEC("license") = "GPL"`},
	{regexp.MustCompile(`unknown func|cannot use helper|invalid func unknown`),
		"programs of this type can't call this helper here: the kernel may be too old, locked down, or the process may lack " +
			"a capability"},
	{regexp.MustCompile(`calling kernel function .* is not allowed|kernel function .* not allowed`),
		"programs of this type, or of this attach point, can't call this kernel function"},
	{regexp.MustCompile(`invalid kfunc call|kfunc .* is referenced but wasn't resolved`),
		"the kernel has no such function: declare it __weak, and test it with bpf_ksym_exists"},
	{regexp.MustCompile(`missing BPF map|BPF map .* is referenced but wasn't created`),
		"the program uses a map that was not created"},
	{regexp.MustCompile(`invalid bpf_context access`),
		"programs of this type can't read or write this part of the context, or not with this size"},
	{regexp.MustCompile(`the register R0 has .* should have been|At program exit the register R0`),
		"the return value is not one that programs of this type may return"},
	{regexp.MustCompile(`misaligned (stack|packet|value|context|pkt|access)?.*access`),
		"the access is not aligned to its size"},
	{regexp.MustCompile(`dereference of modified`),
		"a pointer that was changed can't be followed: keep the one that the kernel gave"},
	{regexp.MustCompile(`write into map forbidden|cannot write into rdonly|only read is supported|cannot write into`),
		"this memory is read-only for programs"},
	{regexp.MustCompile(`invalid (indirect |variable-offset )?(read|write|access) (from|to) stack|invalid stack|` +
		`invalid indirect access to stack`),
		"the access is beyond the stack of 512 bytes, or reads what was not written: set all bytes first"},
	{regexp.MustCompile(`type=\S+ expected=`), "the function takes another kind of pointer for this argument"},
	{regexp.MustCompile(`pointer arithmetic .*prohibited|pointer arithmetic on|math between .* pointer`),
		"this kind of pointer can't be computed with: check it against NULL first, or keep the offset in a variable"},
	{regexp.MustCompile(`must be referenced or trusted|must be referenced$|must be a rcu pointer`),
		"the function takes a pointer that the kernel keeps valid: one of the program's arguments, or one that was acquired"},
	{regexp.MustCompile(`xpected an initialized dynptr`), "the dynptr was not made, or was released before"},
	{regexp.MustCompile(`tracing progs cannot use bpf_(spin_lock|timer)`),
		"the map has a lock or a timer in its values, and tracing programs can't use such maps"},
	{regexp.MustCompile(`leaks addr`), "a program may not store or return the address of kernel memory here"},
	{regexp.MustCompile(`unreachable insn`), "no path reaches this code, and the kernel refuses dead code to this process"},
	{regexp.MustCompile(`not exit or jmp|last insn is not an exit or jmp`),
		"the function does not end with a return: the compiler took the end as unreachable"},
}

// Explain is what a message of the verifier's means, and what helps. It is "" for an unknown message.
func Explain(message string) string {
	for _, e := range explanations {
		if e.message.MatchString(message) {
			return e.meaning
		}
	}
	return ""
}
