package gen

import (
	"bytes"
	"fmt"
	"go/format"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/btf/gotypes"
)

// emitter writes the Go file of one target.
type emitter struct {
	*Config
	*product
	objectFile string

	types   *gotypes.Generator
	text    bytes.Buffer
	imports map[string]bool
}

const libraryPath = "github.com/libbpf-go/libbpf-go"

func (e *emitter) printf(format string, args ...any) { fmt.Fprintf(&e.text, format, args...) }

func (e *emitter) warnings() []string { return slices.Concat(e.object.warnings, e.types.Warnings()) }

func (e *emitter) use(path string) { e.imports[path] = true }

// id is a Go name of the skeleton's: before and after it there can be more. It is exported if the skeleton is.
func (e *emitter) id(before, after string) string {
	if before == "" {
		return e.Name + after
	}
	if first, _ := utf8.DecodeRuneInString(e.Name); unicode.IsUpper(first) {
		return before + e.Name + after
	}
	return lowerFirst(before) + upperFirst(e.Name) + after
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}

func goName(name string) string { return gotypes.GoName(name) }

// emit returns the Go file.
func (e *emitter) emit() ([]byte, error) {
	e.imports = make(map[string]bool)
	s := e.shape()
	e.types = gotypes.New(e.object.types, gotypes.Options{
		Prefix: e.Prefix, Rename: e.Renames, RawEnumNames: e.RawEnums, Reserved: s.names(e),
	})
	if err := e.resolve(s); err != nil {
		return nil, err
	}
	e.object2Go()
	e.open(s)
	e.loaded(s)
	e.readers(s)
	e.inner(s)
	e.constantsToGo()
	var types bytes.Buffer
	if err := e.types.Declare(&types); err != nil {
		return nil, err
	}
	for _, path := range e.types.Imports() {
		e.use(path)
	}
	return e.file(types.Bytes())
}

// file puts the parts together.
func (e *emitter) file(types []byte) ([]byte, error) {
	var text bytes.Buffer
	sources := make([]string, len(e.Sources))
	for i, source := range e.Sources {
		sources[i] = strings.Map(printable, filepath.Base(source))
	}
	fmt.Fprintf(&text, "%s from %s. DO NOT EDIT.\n\n", generatedBy, strings.Join(sources, ", "))
	fmt.Fprintf(&text, "//go:build %s\n\npackage %s\n\nimport (\n", e.target.constraint(e.Tags), e.Package)
	if !e.External {
		text.WriteString("_ \"embed\"\n")
	}
	var ours []string
	for _, path := range sortedKeys(e.imports) {
		if strings.HasPrefix(path, libraryPath) {
			ours = append(ours, path)
		} else {
			fmt.Fprintf(&text, "%q\n", path)
		}
	}
	text.WriteByte('\n')
	for _, path := range ours {
		fmt.Fprintf(&text, "%q\n", path)
	}
	text.WriteString(")\n\n")
	text.Write(e.text.Bytes())
	text.Write(types)
	formatted, err := format.Source(text.Bytes())
	if err != nil {
		return nil, fmt.Errorf("internal error: the code is not Go: %w", err)
	}
	return formatted, nil
}

// comment writes the documentation of what follows.
func (e *emitter) comment(format string, args ...any) {
	e.commentLines([]string{fmt.Sprintf(format, args...)})
}

func (e *emitter) commentLines(lines []string) {
	for _, text := range lines {
		for line := range strings.SplitSeq(text, "\n") {
			e.printf("// %s\n", strings.Map(printable, line))
		}
	}
}

// printable keeps names from breaking out of a comment.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

func (e *emitter) constantsToGo() {
	if len(e.constants) == 0 {
		return
	}
	e.printf("// Macros of the source.\nconst (\n")
	for _, c := range e.constants {
		e.printf("%s = %s // %s\n", c.goName, c.value, c.name)
	}
	e.printf(")\n\n")
}

// kindsOfMaps are package typed's kinds, by the types of maps: with keys and values of Go types, or without.
var kindsOfMaps = map[libbpf.MapType]struct {
	name       string
	key, value bool
}{
	libbpf.MapTypeHash:               {"Hash", true, true},
	libbpf.MapTypeLRUHash:            {"LRUHash", true, true},
	libbpf.MapTypeArray:              {"Array", false, true},
	libbpf.MapTypePerCPUArray:        {"PerCPUArray", false, true},
	libbpf.MapTypePerCPUHash:         {"PerCPUHash", true, true},
	libbpf.MapTypeLRUPerCPUHash:      {"LRUPerCPUHash", true, true},
	libbpf.MapTypeLPMTrie:            {"LPMTrie", true, true},
	libbpf.MapTypeQueue:              {"Queue", false, true},
	libbpf.MapTypeStack:              {"Stack", false, true},
	libbpf.MapTypeBloomFilter:        {"BloomFilter", false, true},
	libbpf.MapTypeSKStorage:          {"SKStorage", false, true},
	libbpf.MapTypeInodeStorage:       {"InodeStorage", false, true},
	libbpf.MapTypeTaskStorage:        {"TaskStorage", false, true},
	libbpf.MapTypeCgrpStorage:        {"CgrpStorage", false, true},
	libbpf.MapTypeProgArray:          {"ProgArray", false, false},
	libbpf.MapTypeCgroupArray:        {"CgroupArray", false, false},
	libbpf.MapTypeArrayOfMaps:        {"ArrayOfMaps", false, false},
	libbpf.MapTypeHashOfMaps:         {"HashOfMaps", true, false},
	libbpf.MapTypeSockMap:            {"SockMap", false, false},
	libbpf.MapTypeSockHash:           {"SockHash", true, false},
	libbpf.MapTypeReuseportSockArray: {"ReuseportSockArray", false, false},
	libbpf.MapTypeXSKMap:             {"XSKMap", false, false},
	libbpf.MapTypeDevMap:             {"DevMap", false, false},
	libbpf.MapTypeDevMapHash:         {"DevMapHash", false, false},
	libbpf.MapTypeCPUMap:             {"CPUMap", false, false},
	libbpf.MapTypeStackTrace:         {"StackTrace", false, false},
}
