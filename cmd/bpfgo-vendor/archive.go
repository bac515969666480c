package main

import (
	"bytes"
	_ "embed"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// An archive is Debian's: the ones that apt is configured for, or the one that the user names.
type archive struct {
	address string
	bases   []string // the addresses; nil: not asked yet
	stage   *stage
	say     func(string, ...any)
}

//go:embed archives.sh
var archivesScript string

// addresses returns where to look, the best first.
func (a *archive) addresses() []string {
	if a.address != "" {
		return []string{strings.TrimSuffix(a.address, "/") + "/"}
	}
	if a.bases == nil {
		// Without apt there are none.
		out, _ := exec.Command("sh", "-c", archivesScript+"\narchives").Output()
		a.bases = append([]string{}, strings.Fields(string(out))...)
	}
	return a.bases
}

// get downloads the first of the candidates. It takes the next only if an archive answers and does not have the one
// before: a network that is down must not change what is built. It returns nil if there is none.
func (a *archive) get(candidates []pin) (*tarball, error) {
	bases := a.addresses()
	for i, p := range candidates {
		if i > 0 && len(bases) > 0 {
			a.say("%s IS GONE FROM THE ARCHIVE: falling back to %s", candidates[i-1], p)
		}
		var gone []string
		for _, base := range bases {
			file := a.stage.path(p.base())
			a.say("getting %s%s", base, p.file)
			switch answer, log := download(base+p.file, file); answer {
			case answered:
				sum, err := sumOf(file)
				if err != nil {
					return nil, err
				}
				if sum == p.sha256 {
					return &tarball{p, file}, nil
				}
				a.say("%s%s has not the sha256 that the lock states", base, p.file)
			case absent:
				a.say("not there")
				gone = append(gone, base)
			case failed:
				a.say("%s", log)
			}
		}
		bases = gone
	}
	return nil, nil
}

type answer int

const (
	failed answer = iota
	absent
	answered
)

// A downloader is a program that can get a file.
type downloader struct {
	program string
	args    func(url, file string) []string
	absent  *regexp.Regexp // what it says if the archive does not have the file
}

// downloaders are those that are known, the best first: apt's knows the machine's proxies and passwords.
var downloaders = []downloader{
	{"/usr/lib/apt/apt-helper", func(url, file string) []string {
		return []string{"-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20",
			"-o", "Acquire::https::Timeout=20", "download-file", url, file}
	}, regexp.MustCompile(`(?m)^ +(404|410) |^ +File not found`)},
	{"curl", func(url, file string) []string {
		return []string{"--fail", "--silent", "--show-error", "--location", "--retry", "1", "--connect-timeout", "20",
			"--output", file, "--", url}
	}, regexp.MustCompile(`error: (404|410)|^curl: \(37\)`)},
	{"wget", func(url, file string) []string { return []string{"-T", "20", "-O", file, url} },
		regexp.MustCompile(`(404|410) (Not Found|Gone)`)},
}

// download gets a file. If that fails, it returns what the program says.
func download(url, file string) (answer, string) { return downloadBy(downloaders, url, file) }

func downloadBy(programs []downloader, url, file string) (answer, string) {
	for _, d := range programs {
		program, err := exec.LookPath(d.program)
		if err != nil {
			continue
		}
		cmd := exec.Command(program, d.args(url, file)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		switch {
		case err == nil:
			return answered, ""
		case d.absent.Match(out):
			return absent, ""
		}
		return failed, lastLine(out)
	}
	return failed, "no program to download files: install curl or wget"
}

func lastLine(out []byte) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	for _, line := range lines {
		if text, found := bytes.CutPrefix(line, []byte("E: ")); found {
			return string(text)
		}
	}
	return string(lines[len(lines)-1])
}
