package libbpf_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/libbpf-go/libbpf-go"
)

func insn(code, destination, source uint8, offset int16, immediate int32) libbpf.Instruction {
	return libbpf.Instruction{
		Code: code, Registers: libbpf.MakeRegisters(destination, source), Offset: offset, Immediate: immediate,
	}
}

func TestInstructionString(t *testing.T) {
	for want, i := range map[string]libbpf.Instruction{
		"r1 = r2":                        insn(0xbf, 1, 2, 0, 0),
		"w1 = 7":                         insn(0xb4, 1, 0, 0, 7),
		"r1 = (s16)r2":                   insn(0xbf, 1, 2, 16, 0),
		"w1 = (s8)w2":                    insn(0xbc, 1, 2, 8, 0),
		"r1 = addr_space_cast(r2, 1, 0)": insn(0xbf, 1, 2, 1, 1<<16),
		"r1 = &(void __percpu *)(r2)":    insn(0xbf, 1, 2, -1, 0),
		"r3 s>>= 2":                      insn(0xc7, 3, 0, 0, 2),
		"w3 s/= w4":                      insn(0x3c, 3, 4, 1, 0),
		"r3 %= 10":                       insn(0x97, 3, 0, 0, 10),
		"r3 s%= 10":                      insn(0x97, 3, 0, 1, 10),
		"r3 = -r3":                       insn(0x87, 3, 0, 0, 0),
		"r3 = be16 r3":                   insn(0xdc, 3, 0, 0, 16),
		"r3 = le64 r3":                   insn(0xd4, 3, 0, 0, 64),
		"r3 = bswap32 r3":                insn(0xd7, 3, 0, 0, 32),
		"r0 = *(u8 *)skb[14]":            insn(0x30, 0, 0, 0, 14),
		"r0 = *(u16 *)skb[r1 +2]":        insn(0x48, 0, 1, 0, 2),
		"r1 = *(u32 *)(r2 -4)":           insn(0x61, 1, 2, -4, 0),
		"r1 = *(s8 *)(r2 +1)":            insn(0x91, 1, 2, 1, 0),
		"*(u64 *)(r10 -8) = -1":          insn(0x7a, 10, 0, -8, -1),
		"*(u16 *)(r10 +0) = r5":          insn(0x6b, 10, 5, 0, 0),
		"lock *(u64 *)(r1 +0) += r2":     insn(0xdb, 1, 2, 0, 0),
		"lock *(u32 *)(r1 +4) &= r2":     insn(0xc3, 1, 2, 4, 0x50),
		"r2 = atomic64_fetch_xor((u64 *)(r1 +0), r2)":   insn(0xdb, 1, 2, 0, 0xa1),
		"r2 = atomic_xchg((u32 *)(r1 +0), r2)":          insn(0xc3, 1, 2, 0, 0xe1),
		"r0 = atomic64_cmpxchg((u64 *)(r1 -8), r0, r2)": insn(0xdb, 1, 2, -8, 0xf1),
		"r1 = load_acquire((u8 *)(r2 +0))":              insn(0xd3, 1, 2, 0, 0x100),
		"store_release((u32 *)(r1 +0), r2)":             insn(0xc3, 1, 2, 0, 0x110),
		"goto pc-3":                                     insn(0x05, 0, 0, -3, 0),
		"gotol pc+100000":                               insn(0x06, 0, 0, 0, 100000),
		"gotox r4":                                      insn(0x0d, 4, 0, 0, 0),
		"may_goto pc+2":                                 insn(0xe5, 0, 0, 2, 0),
		"if r1 == 0x5 goto pc+3":                        insn(0x15, 1, 0, 3, 5),
		"if w1 s<= w2 goto pc-1":                        insn(0xde, 1, 2, -1, 0),
		"if r1 & 0x8 goto pc+0":                         insn(0x45, 1, 0, 0, 8),
		"call bpf_map_lookup_elem#1":                    insn(0x85, 0, 0, 0, 1),
		"call helper(9999)#9999":                        insn(0x85, 0, 0, 0, 9999),
		"call pc+7":                                     insn(0x85, 0, 1, 0, 7),
		"call kernel-function#1234":                     insn(0x85, 0, 2, 0, 1234),
		"callx r2":                                      insn(0x8d, 2, 0, 0, 0),
		"exit":                                          insn(0x95, 0, 0, 0, 0),
		"r1 = 0x7 (lower half)":                         insn(0x18, 1, 0, 0, 7),
		"r1 = map[fd:5]":                                insn(0x18, 1, 1, 0, 5),
		"unknown instruction 0xff (registers 1 and 2, offset 3, immediate 4)": insn(0xff, 1, 2, 3, 4),
	} {
		if got := i.String(); got != want {
			t.Errorf("%#02x: %q, want %q", i.Code, got, want)
		}
	}
	for code := range 256 {
		for _, immediate := range []int32{-1, 0, 1, 1 << 20} {
			if insn(uint8(code), 15, 15, -1, immediate).String() == "" {
				t.Errorf("%#02x has no text", code)
			}
		}
	}
}

func TestDisassemble(t *testing.T) {
	insns := []libbpf.Instruction{
		insn(0x18, 1, 0, 0, -1), insn(0, 0, 0, 0, 1),
		insn(0x18, 2, 2, 0, 3), insn(0, 0, 0, 0, 16),
		insn(0x95, 0, 0, 0, 0),
		insn(0x18, 1, 0, 0, 2), // cut off
	}
	var got []string
	for at, text := range libbpf.Disassemble(insns) {
		got = append(got, strconv.Itoa(at)+": "+text)
	}
	want := "0: r1 = 0x1ffffffff\n2: r2 = map[fd:3][0]+16\n4: exit\n5: r1 = 0x2 (lower half)"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	for range libbpf.Disassemble(insns) {
		break
	}
}

var verifierLine = regexp.MustCompile(`(?m)^(?:; .*\n)*(\d+): \([0-9a-f]{2}\) (.*?)\s*(?:;.*)?$`)

// The notation is that of the verifier's log, for all that compilers make of the tests' programs.
func TestDisassembleAsVerifier(t *testing.T) {
	for _, name := range []string{"testrun", "sockets", "tc", "xdp", "syscalls", "cgroup"} {
		t.Run(name, func(t *testing.T) { disassembleAsVerifier(t, name) })
	}
}

func disassembleAsVerifier(t *testing.T, name string) {
	object := open(t, name)
	for p := range object.Programs() {
		check(t, p.SetLogLevel(2))
		check(t, p.SetLogSize(4<<20))
	}
	compared := 0
	for p := range load(t, object).Programs() {
		insns, err := p.Instructions()
		check(t, err)
		texts := make(map[string]string)
		for at, text := range libbpf.Disassemble(insns) {
			texts[strconv.Itoa(at)] = text
		}
		for _, line := range verifierLine.FindAllStringSubmatch(p.KernelLog(), -1) {
			said, ours := line[2], texts[line[1]]
			delete(texts, line[1]) // Linux 7 shows the instructions again once it has changed them
			switch {
			case ours == "":
			// Linux 7 makes a jump of a branch on a constant before it shows the instructions.
			case strings.HasPrefix(ours, "if ") && strings.HasPrefix(said, "goto pc"):
			// The kernel shows what a number stands for once it has resolved it, and names its own functions.
			case strings.HasPrefix(ours, "r") && (strings.Contains(ours, "map[") || strings.Contains(ours, "function pc")),
				strings.HasPrefix(ours, "call kernel-function"), strings.Contains(ours, "variable["):
			case said != ours:
				t.Errorf("%s: %s: %q, the verifier says %q", p.Name(), line[1], ours, said)
			default:
				compared++
			}
		}
	}
	if compared < 15 {
		t.Errorf("only %d instructions were compared", compared)
	}
	t.Logf("%d instructions compared", compared)
}
