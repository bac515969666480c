package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"strconv"
	"strings"
)

// mutant is a change of one place.
type mutant struct {
	key
	file string
	line int

	from, to int // the bytes that are replaced
	text     string
}

// key names a mutant by what does not change when lines move: the function, what is done, and to which text. If a
// function has the same text again, it is numbered.
type key struct{ dir, function, operator, text string }

func (k key) String() string {
	return strings.Join([]string{k.dir, k.function, k.operator, k.text}, "\t")
}

// others are what stands in for operators.
var others = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
	token.AND: {token.OR}, token.OR: {token.AND}, token.XOR: {token.AND}, token.AND_NOT: {token.AND},
	token.SHL: {token.SHR}, token.SHR: {token.SHL},
}

// mutantsOf returns the mutants of a file's functions, in order.
func mutantsOf(dir, file string, source []byte) ([]mutant, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	m := maker{dir: dir, file: file, files: files, source: source, seen: make(map[key]int)}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			m.function = nameOf(f)
			m.walk(f.Body, f.Type)
		}
	}
	return m.all, nil
}

// nameOf returns a function's name, with its receiver's type.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
			continue
		case *ast.IndexExpr:
			t = x.X
			continue
		case *ast.IndexListExpr:
			t = x.X
			continue
		case *ast.Ident:
			return x.Name + "." + f.Name.Name
		}
		return f.Name.Name
	}
}

type maker struct {
	dir, file, function string
	files               *token.FileSet
	source              []byte
	seen                map[key]int
	all                 []mutant
}

// walk makes the mutants of a body. The function's type tells what its returns return.
func (m *maker) walk(body ast.Node, of *ast.FuncType) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			m.walk(n.Body, n.Type)
			return false
		case *ast.ArrayType: // its length
			return false
		case *ast.BinaryExpr:
			for _, other := range others[n.Op] {
				m.replace(n, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), n.Op.String()+" to "+other.String(), other.String())
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				m.replace(n, n.OpPos, n.OpPos+1, "drop !", "")
			}
		case *ast.BasicLit:
			if v, err := strconv.ParseInt(n.Value, 0, 32); err == nil && n.Kind == token.INT {
				m.replace(n, n.Pos(), n.End(), "one more", strconv.FormatInt(v+1, 10))
			}
		case *ast.IncDecStmt:
			to := map[token.Token]string{token.INC: "--", token.DEC: "++"}[n.Tok]
			m.replace(n, n.TokPos, n.End(), n.Tok.String()+" to "+to, to)
		case *ast.ExprStmt:
			m.remove(n)
		case *ast.DeferStmt:
			m.remove(n)
		case *ast.SendStmt:
			m.remove(n)
		case *ast.BranchStmt:
			if n.Tok != token.FALLTHROUGH && n.Tok != token.GOTO {
				m.remove(n)
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				m.remove(n)
			}
		case *ast.ReturnStmt:
			m.returns(n, of)
		case *ast.IfStmt:
			if n.Else == nil {
				m.replace(n, n.Cond.Pos(), n.Cond.End(), "never", "false && ("+m.textOf(n.Cond)+")")
			}
		}
		return true
	})
}

// returns makes an error nil, and turns a truth around.
func (m *maker) returns(n *ast.ReturnStmt, of *ast.FuncType) {
	if of.Results == nil || len(n.Results) == 0 || len(n.Results) != of.Results.NumFields() {
		return
	}
	last := n.Results[len(n.Results)-1]
	typ, ok := of.Results.List[len(of.Results.List)-1].Type.(*ast.Ident)
	text := m.textOf(last)
	switch {
	case !ok:
	case typ.Name == "error" && text != "nil":
		m.replace(n, last.Pos(), last.End(), "error to nil", "nil")
	case typ.Name == "bool":
		m.replace(n, last.Pos(), last.End(), "opposite", "!("+text+")")
	}
}

// remove takes a statement away. What it mentions is mentioned still, or it would not compile.
func (m *maker) remove(n ast.Stmt) { m.replace(n, n.Pos(), n.End(), "remove", "{}") }

// replace adds the mutant in which from to to is text.
func (m *maker) replace(n ast.Node, from, to token.Pos, operator, text string) {
	k := key{m.dir, m.function, operator, m.line(n)}
	if m.seen[k]++; m.seen[k] > 1 {
		k.text += fmt.Sprintf(" #%d", m.seen[k])
	}
	m.all = append(m.all, mutant{
		key: k, file: m.file, line: m.files.Position(n.Pos()).Line,
		from: m.files.Position(from).Offset, to: m.files.Position(to).Offset, text: text,
	})
}

func (m *maker) textOf(n ast.Node) string {
	return string(m.source[m.files.Position(n.Pos()).Offset:m.files.Position(n.End()).Offset])
}

// line is a node's text on one line, without the bodies in it, and cut where it is long.
func (m *maker) line(n ast.Node) string {
	if s, ok := n.(*ast.IfStmt); ok {
		n = s.Cond
	}
	var b bytes.Buffer
	if err := printer.Fprint(&b, m.files, n); err != nil {
		return err.Error()
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	if most := 100; len(text) > most {
		text = text[:most] + "..."
	}
	return text
}

// apply returns the source with the change.
func (m mutant) apply(source []byte) []byte {
	changed := append([]byte(nil), source[:m.from]...)
	changed = append(changed, m.text...)
	return append(changed, source[m.to:]...)
}
