package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Some things can be measured only in a process of their own: what it needs of memory and threads, or with other CPUs.
// Such a process is this program again, with -child and the name of what it does. It writes its result as JSON.

// children are what such a process can do with its argument.
var children = map[string]func(argument string) (any, error){
	"generate": generateChild,
	"peak":     peakChild,
	"percpu":   perCPUChild,
	"readers":  readersChild,
}

func runChild(name, argument string) error {
	do := children[name]
	if do == nil {
		return fmt.Errorf("there is no child %q", name)
	}
	result, err := do(argument)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// inChild is the result of a child.
func inChild(name, argument string, attributes syscall.SysProcAttr, result any) error {
	attributes.Pdeathsig = syscall.SIGKILL
	cmd := exec.Command("/proc/self/exe", "-child", name, "-argument", argument)
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, &attributes
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("-child %s -argument %s: %w", strconv.Quote(name), strconv.Quote(argument), err)
	}
	return json.NewDecoder(bytes.NewReader(out)).Decode(result)
}
