package testutil

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/libbpf-go/libbpf-go/internal/testutil/leaks"
)

// Example is an example that needs a feature that some kernels lack. An example cannot skip itself.
type Example struct {
	Name    string
	Missing func() (feature string, cause error) // tries it; the cause is nil when nothing is missing
}

// Main runs a package's tests, and fails if they leave something behind: it says what, which test did, and, for what
// the library or Go keeps a stack of, where. To find the test, Main runs each test alone, in a new process.
func Main(m *testing.M, examples ...Example) int {
	if err := leaveOut(examples); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// No tests, or benchmarks, which a look at each handle and allocation would slow down, or a fuzzer, which has
	// processes and files of its own.
	for name, off := range map[string]string{"list": "", "bench": "", "fuzz": "", "fuzzworker": "false"} {
		if flag.Lookup("test."+name).Value.String() != off {
			return m.Run()
		}
	}
	watch, err := leaks.Begin()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	for _, end := range slices.Backward(finally.ends) {
		end()
	}
	leaked := watch.End()
	if len(leaked) == 0 {
		return status
	}
	fmt.Fprintln(os.Stderr, leftBehind)
	for _, leak := range leaked {
		by := ""
		if test := leak.Test(); test != "" {
			by = " (" + test + ")"
		}
		fmt.Fprintf(os.Stderr, "\t%s%s\n", leak, by)
	}
	blameless := func(leak leaks.Leak) bool { return leak.Test() == "" }
	if status == 0 && os.Getenv(alone) == "" && slices.ContainsFunc(leaked, blameless) {
		blame()
	}
	return max(status, 1)
}

// finally has what Finally got.
var finally struct {
	sync.Mutex
	ends []func()
}

// Finally calls end when all tests have run. It is for what tests share, such as the kernel's type information, which
// the first test reads.
func Finally(end func()) {
	finally.Lock()
	defer finally.Unlock()
	finally.ends = append(finally.ends, end)
}

const (
	leftBehind = "left behind by the tests:"
	// alone is set for a process that runs one test to see whether it leaves something behind.
	alone = "LIBBPF_GO_TEST_ALONE"
)

// blame runs each test alone and names those that leave something behind.
func blame() {
	first, _, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	listing := exec.Command("/proc/self/exe", "-test.list", first)
	if first == "" {
		listing.Args[2] = "."
	}
	list, err := listing.Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "list the tests:", err)
		return
	}
	found := false
	for _, test := range strings.Fields(string(list)) {
		run := exec.Command("/proc/self/exe")
		run.Args[0] = os.Args[0]
		for _, arg := range os.Args[1:] {
			// Files that the parent writes are its own.
			if !regexp.MustCompile(`^--?test\.(testlogfile|coverprofile|.*profile|trace|v|gocoverdir)\b`).MatchString(arg) {
				run.Args = append(run.Args, arg)
			}
		}
		run.Args = append(run.Args, "-test.run=^"+test+"$")
		run.Env = append(os.Environ(), alone+"=1")
		out, err := run.CombinedOutput()
		_, report, ok := strings.Cut(string(out), leftBehind)
		switch {
		case ok:
			found = true
			fmt.Fprintf(os.Stderr, "%s alone leaves behind:%s", test, report)
		case err != nil:
			fmt.Fprintf(os.Stderr, "%s alone fails: %v\n%s", test, err, out)
		}
	}
	if !found {
		fmt.Fprintln(os.Stderr, "no test that runs alone leaves anything behind")
	}
}

// leaveOut skips the examples that were asked for but need a missing feature.
func leaveOut(examples []Example) error {
	flag.Parse()
	wanted, skipped := flag.Lookup("test.run").Value.String(), flag.Lookup("test.skip")
	var names []string
	if skipped.Value.String() != "" {
		names = append(names, skipped.Value.String())
	}
	for _, example := range examples {
		if asked, err := regexp.MatchString(wanted, example.Name); !asked && err == nil {
			continue
		}
		feature, cause := example.Missing()
		if cause == nil {
			continue
		}
		if err := skip(example.Name, feature, cause); err != nil {
			return err
		}
		fmt.Printf("%s is left out: %s is missing: %v\n", example.Name, feature, cause)
		names = append(names, "^"+example.Name+"$")
	}
	return skipped.Value.Set(strings.Join(names, "|"))
}
