package gotypes

// GoName is an exported Go name for a C name, in Go's style: see the package's documentation.
func GoName(c string) string { return goName(c) }
