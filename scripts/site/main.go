// Command site writes the book as static pages: "go run . [-o FOLDER]". The pages are the Markdown files of the
// repository that docs/README.md names, and those that belong to them. It is a module of its own, so that what it needs
// is not in the go.mod of the library.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "../../bin/site", "the `folder` to write")
	flag.Parse()
	if flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := build("../..", *out); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Printf("%s/index.html\n", *out)
}

// build writes the book of the repository at root to the folder out.
func build(root, out string) error {
	book, err := readBook(root)
	if err != nil {
		return err
	}
	return book.write(out)
}
