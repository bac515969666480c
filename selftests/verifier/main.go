// Verifier loads an object with a program that the kernel's verifier rejects, shows the reason, and loads the object
// without it.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/libbpf-go/libbpf-go"
)

//go:generate go tool bpfgo gen --target native -I../../bpf/generated verifier.bpf.c

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "verifier:", err)
		os.Exit(1)
	}
}

func run() error {
	open, err := OpenVerifier(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	loaded, err := open.Load()
	if err == nil {
		_ = loaded.Close()
		return errors.New("the verifier accepts a careless program")
	}
	var rejected *libbpf.VerifierError
	if !errors.As(err, &rejected) {
		return fmt.Errorf("not a VerifierError: %w", err)
	}
	const reason = "R0 invalid mem access 'map_value_or_null'"
	fmt.Printf("verifier: in short: %v\nverifier: the whole log:\n%s", err, rejected.Log)
	lines := strings.Split(err.Error(), "; ")
	switch whole := fmt.Sprintf("%+v", err); {
	case rejected.Program != "careless":
		return fmt.Errorf("it names program %q", rejected.Program)
	case !errors.Is(err, unix.EACCES):
		return fmt.Errorf("it is not EACCES: %v", rejected.Err)
	case lines[len(lines)-1] != reason:
		return fmt.Errorf("it does not end with %q: %v", reason, err)
	case !strings.HasSuffix(whole, rejected.Log) || strings.Count(rejected.Log, "\n") < 5:
		return fmt.Errorf("%%+v does not end with the whole log: %s", whole)
	}

	// A program that is not loaded is not verified.
	open, err = OpenVerifier(libbpf.ObjectBuilder{})
	if err != nil {
		return err
	}
	defer open.Close()
	if err := open.Programs.Careless.SetAutoload(false); err != nil {
		return err
	}
	loaded, err = open.Load()
	if err != nil {
		return err
	}
	defer loaded.Close()
	if loaded.Programs.Careless != nil {
		return errors.New("a program is loaded that should not be")
	}
	fmt.Printf("verifier: %s is loaded\n", loaded.Programs.Careful.Name())
	return nil
}
