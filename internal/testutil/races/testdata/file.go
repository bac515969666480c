// Package testdata declares what the tests of package races use: they have a File of the same name.
package testdata

type File struct{}

func (*File) Close() error { return nil }

type Other struct{ File }
