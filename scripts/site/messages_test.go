package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// docs/troubleshooting.md has each message that the library makes itself. What a message names is an ellipsis there.
func TestTroubleshootingHasEachMessage(t *testing.T) {
	source, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	// A pipe in a table has a backslash.
	page := strings.ReplaceAll(string(source), `\|`, "|")
	found := 0
	messages := libraryMessages(t, "../..")
	for message, where := range messages {
		if strings.Contains(page, "`"+message+"`") || strings.Contains(page, "`` "+message+" ``") {
			found++
		} else {
			t.Errorf("%s: the page lacks `%s`", where, message)
		}
	}
	if found < 300 {
		t.Errorf("only %d messages", found)
	}
	// Nor does it keep what the library no longer says.
	_, ours, ok := strings.Cut(page, "\n## Messages of libbpf-go\n")
	if !ok {
		t.Error("the page has no section on them")
	}
	for row := range strings.Lines(ours) {
		first, ok := strings.CutPrefix(row, "| `")
		first, _, _ = strings.Cut(first, "` |")
		for said := range strings.SplitSeq(first, "`<br>`") {
			if _, known := messages[said]; ok && !known {
				t.Errorf("no message of the library: `%s`", said)
			}
		}
	}
}

// TestMessagesAreFound tests what counts as a message.
func TestMessagesAreFound(t *testing.T) {
	folder := t.TempDir()
	const source = `package x
func f(err error) error {
	_ = errors.New("a")
	_ = fmt.Errorf("where %d: %w", 1, err)
	_ = fmt.Errorf("why %q: %w", "x", errTooLarge)
	_ = fmt.Errorf("%s: %w", "x", unix.EIO)
	_ = fault.Invalidf("%s has %+d\nbytes", "x", 1)
	return fault.Newf(err, "said")
}
`
	if err := os.WriteFile(filepath.Join(folder, "x.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	got := libraryMessages(t, folder)
	for _, want := range []string{"a", "why …: …", "… has … bytes", "said"} {
		if _, ok := got[want]; !ok {
			t.Errorf("not found: %s", want)
		}
		delete(got, want)
	}
	if len(got) > 0 {
		t.Errorf("no messages: %v", got)
	}
}

// These have messages of their own, or none: commands, tools, tests, and what "bpfgo gen" says of a source.
var withoutMessages = map[string]bool{
	".git": true, "bench": true, "bin": true, "cmd": true, "dist": true, "docs": true, "examples": true,
	"internal/gen": true, "internal/initramfs": true, "internal/testutil": true, "libbpf/upstream": true,
	"scripts": true, "selftests": true,
}

// makers are the functions that make an error of a text.
var makers = map[string]bool{
	"errors.New": true, "fmt.Errorf": true, "fault.New": true, "fault.Newf": true, "fault.Invalidf": true,
	"refuse": true, "damaged": true, "missingf": true, "invalidf": true,
}

// libraryMessages are the messages, with the place of one that makes each.
func libraryMessages(t *testing.T, root string) map[string]string {
	messages := make(map[string]string)
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (withoutMessages[name] || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok {
				if message := messageOf(call); message != "" {
					messages[message] = name + ":" + strconv.Itoa(files.Position(call.Pos()).Line)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// messageOf is the message that a call makes, or "".
func messageOf(call *ast.CallExpr) string {
	if !makers[nameOf(call.Fun)] {
		return ""
	}
	arguments := call.Args
	if len(arguments) > 1 && nameOf(call.Fun) == "refuse" {
		if operation, ok := arguments[0].(*ast.BasicLit); ok && !strings.Contains(operation.Value, "%") {
			if _, ok := arguments[1].(*ast.BasicLit); ok {
				arguments = arguments[1:] // the operation comes before the message
			}
		}
	}
	for _, argument := range arguments {
		literal, ok := argument.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		format, err := strconv.Unquote(literal.Value)
		if err != nil || !strings.ContainsFunc(verbs.ReplaceAllString(format, ""), isLetter) {
			return ""
		}
		if strings.HasSuffix(format, ": %w") && isPassedOn(call.Args[len(call.Args)-1]) {
			return "" // it says where; the page has what it passes on
		}
		return strings.Join(strings.Fields(verbs.ReplaceAllString(format, "…")), " ")
	}
	return ""
}

var verbs = regexp.MustCompile(`%[#+]?[a-zA-Z]`)

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// isPassedOn reports whether an argument is an error that something else has made.
func isPassedOn(argument ast.Expr) bool {
	switch argument := argument.(type) {
	case *ast.Ident:
		return !strings.HasPrefix(argument.Name, "err") || argument.Name == "err"
	case *ast.CallExpr:
		return true
	}
	return false
}

// nameOf is the name of a function, with its package if that is one that makes errors.
func nameOf(function ast.Expr) string {
	switch function := function.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		if of, ok := function.X.(*ast.Ident); ok && (of.Name == "errors" || of.Name == "fmt" || of.Name == "fault") {
			return of.Name + "." + function.Sel.Name
		}
		return function.Sel.Name
	}
	return ""
}
