package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"strconv"
	"strings"
)

// mutant is a change of one place.
type mutant struct {
	key
	file   string
	line   int
	number int    // its own, from 1 on
	text   string // what stands in for the place
}

// key names a mutant by what does not change when lines move: the function, what is done, and to which text. If a
// function has the same text again, it is numbered.
type key struct{ dir, function, operator, text string }

func (k key) String() string {
	return strings.Join([]string{k.dir, k.function, k.operator, k.text}, "\t")
}

// place is an expression or a statement, and what else can stand there.
type place struct {
	node    ast.Node
	form    form
	mutants []*mutant
}

// form is how a mutant is chosen at run time.
type form int

const (
	expression form = iota
	statement       // in a block
	simple          // a statement where a block has none, such as i++ in a for
	returned        // a return
)

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

// maker makes the mutants of a package.
type maker struct {
	dir     string
	files   *token.FileSet
	seen    map[key]int
	mutants []*mutant

	// Where it is now.
	file     string
	source   []byte
	function string
	places   []*place
}

func newMaker(dir string, files *token.FileSet) *maker {
	return &maker{dir: dir, files: files, seen: make(map[key]int)}
}

// placesIn returns the places in the functions of a file, in order; what is in a place comes after it.
func (m *maker) placesIn(name string, source []byte, parsed *ast.File) []*place {
	m.file, m.source, m.places = name, source, nil
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			m.function = nameOf(f)
			m.walk(f.Body, f.Type)
		}
	}
	return m.places
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

// walk makes the mutants of a body. The function's type tells what its returns return.
func (m *maker) walk(body ast.Node, of *ast.FuncType) {
	headers := make(map[ast.Node]bool) // in the header of a statement, such as i++ in a for
	needed := make(map[ast.Node]bool)  // what a select or a switch can't be without
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			m.walk(n.Body, n.Type)
			return false
		case *ast.ArrayType: // its length
			return false
		case *ast.CommClause:
			needed[n.Comm] = true
		case *ast.ForStmt:
			headers[n.Init], headers[n.Post] = true, true
		case *ast.SwitchStmt:
			headers[n.Init] = true
		case *ast.TypeSwitchStmt:
			headers[n.Init], needed[n.Assign] = true, true
		case *ast.IfStmt:
			headers[n.Init] = true
			if n.Else == nil {
				m.add(n.Cond, expression, "never", "false")
			}
		case *ast.BinaryExpr:
			p := m.place(n, expression)
			for _, other := range others[n.Op] {
				m.mutate(p, n.Op.String()+" to "+other.String(),
					fmt.Sprintf("(%s) %s (%s)", m.textOf(n.X), other, m.textOf(n.Y)))
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				m.add(n, expression, "drop !", m.textOf(n.X))
			}
		case *ast.BasicLit:
			if v, err := strconv.ParseInt(n.Value, 0, 32); err == nil && n.Kind == token.INT {
				m.add(n, expression, "one more", strconv.FormatInt(v+1, 10))
			}
		case *ast.IncDecStmt:
			to := map[token.Token]string{token.INC: "--", token.DEC: "++"}[n.Tok]
			m.add(n, formOf(headers[n]), n.Tok.String()+" to "+to, m.textOf(n.X)+to)
		case *ast.ExprStmt, *ast.SendStmt:
			if !needed[n] {
				m.add(n, formOf(headers[n]), "remove", "")
			}
		case *ast.DeferStmt:
			m.add(n, statement, "remove", "")
		case *ast.BranchStmt:
			if n.Tok != token.FALLTHROUGH && n.Tok != token.GOTO {
				m.add(n, statement, "remove", "")
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE && !needed[n] {
				m.add(n, formOf(headers[n]), "remove", "")
			}
		case *ast.ReturnStmt:
			m.returns(n, of)
		}
		return true
	})
}

func formOf(inHeader bool) form {
	if inHeader {
		return simple
	}
	return statement
}

// returns makes an error nil, and turns a truth around.
func (m *maker) returns(n *ast.ReturnStmt, of *ast.FuncType) {
	if of.Results == nil || len(n.Results) == 0 || len(n.Results) != of.Results.NumFields() {
		return
	}
	last := n.Results[len(n.Results)-1]
	typ, ok := of.Results.List[len(of.Results.List)-1].Type.(*ast.Ident)
	switch {
	case !ok:
	case typ.Name == "error" && m.textOf(last) != "nil":
		m.addAt(n, n, returned, "error to nil", string(m.source[m.offset(n.Pos()):m.offset(last.Pos())])+"nil")
	case typ.Name == "bool":
		m.addAt(last, n, expression, "opposite", "!("+m.textOf(last)+")")
	}
}

func (m *maker) place(n ast.Node, f form) *place {
	p := &place{node: n, form: f}
	m.places = append(m.places, p)
	return p
}

func (m *maker) add(n ast.Node, f form, operator, text string) { m.addAt(n, n, f, operator, text) }

// addAt adds a mutant that is named by another node than its own.
func (m *maker) addAt(n, named ast.Node, f form, operator, text string) {
	p := m.place(n, f)
	m.mutateAt(p, named, operator, text)
}

func (m *maker) mutate(p *place, operator, text string) { m.mutateAt(p, p.node, operator, text) }

func (m *maker) mutateAt(p *place, named ast.Node, operator, text string) {
	k := key{m.dir, m.function, operator, m.lineOf(named)}
	if m.seen[k]++; m.seen[k] > 1 {
		k.text += fmt.Sprintf(" #%d", m.seen[k])
	}
	one := &mutant{key: k, file: m.file, line: m.files.Position(named.Pos()).Line, number: len(m.mutants) + 1, text: text}
	m.mutants = append(m.mutants, one)
	p.mutants = append(p.mutants, one)
}

func (m *maker) offset(p token.Pos) int { return m.files.Position(p).Offset }

func (m *maker) textOf(n ast.Node) string {
	return string(m.source[m.offset(n.Pos()):m.offset(n.End())])
}

// lineOf is a node's text on one line, without the bodies in it, and cut where it is long.
func (m *maker) lineOf(n ast.Node) string {
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
