package exporter

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/decoder"
	"github.com/libbpf-go/libbpf-go/internal/testutil"
)

const deploy = "../../../../deploy/"

// manifests are the documents of a file.
func manifests(t *testing.T, name string) (all []map[string]any) {
	t.Helper()
	file, err := os.Open(deploy + "kubernetes/" + name)
	testutil.Check(t, err)
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	for {
		var document map[string]any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, document)
	}
}

// at is what a document has at a path.
func at(t *testing.T, document any, path ...string) any {
	t.Helper()
	for _, name := range path {
		if list, ok := document.([]any); ok {
			document = list[0]
		}
		m, ok := document.(map[string]any)
		if !ok || m[name] == nil {
			t.Fatalf("no %s of %v", name, path)
		}
		document = m[name]
	}
	return document
}

// The pods have the capabilities that they need, and nothing else that a pod can be given.
func TestManifestsAskForLittle(t *testing.T) {
	for _, c := range []struct {
		file string
		path []string
		add  []any
	}{
		{"exporter.yaml", []string{"spec", "template", "spec"}, []any{"BPF", "PERFMON"}},
		{"bpfgo.yaml", []string{"spec"}, []any{"BPF", "PERFMON", "SYS_ADMIN"}},
	} {
		all := manifests(t, c.file)
		pod := at(t, all[len(all)-1], c.path...)
		security := at(t, pod, "containers", "securityContext")
		for name, want := range map[string]any{
			"privileged": false, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsUser": 0,
		} {
			if got := at(t, security, name); got != want {
				t.Errorf("%s: %s is %v", c.file, name, got)
			}
		}
		if drop := at(t, security, "capabilities", "drop").([]any); !slices.Equal(drop, []any{"ALL"}) {
			t.Errorf("%s drops %v", c.file, drop)
		}
		if add := at(t, security, "capabilities", "add").([]any); !slices.Equal(add, c.add) {
			t.Errorf("%s adds %v", c.file, add)
		}
		if profile := at(t, security, "seccompProfile", "type"); profile != "Localhost" {
			t.Errorf("%s has the profile %v", c.file, profile)
		}
		if at(t, pod, "automountServiceAccountToken") != false {
			t.Errorf("%s mounts a token", c.file)
		}
		volumes, _ := pod.(map[string]any)["volumes"].([]any)
		for _, volume := range volumes {
			if path, ok := volume.(map[string]any)["hostPath"]; ok && !strings.HasPrefix(at(t, path, "path").(string), "/sys/fs/cgroup") &&
				!strings.HasPrefix(at(t, path, "path").(string), "/var/log/") {
				t.Errorf("%s mounts %v", c.file, path)
			}
		}
		mounts, _ := at(t, pod, "containers").([]any)[0].(map[string]any)["volumeMounts"].([]any)
		for _, mount := range mounts {
			if mount.(map[string]any)["readOnly"] != true {
				t.Errorf("%s can write to %v", c.file, mount)
			}
		}
	}
}

// The configuration in the manifest fits the object in the image.
func TestManifestHasGoodConfiguration(t *testing.T) {
	object, err := filepath.Abs("../../objects/syscalls.bpf.o")
	testutil.Check(t, err)
	for _, document := range manifests(t, "exporter.yaml") {
		if document["kind"] != "ConfigMap" {
			continue
		}
		text := at(t, document, "data", "exporter.yml").(string)
		path := filepath.Join(t.TempDir(), "exporter.yml")
		text = strings.ReplaceAll(text, "/etc/bpf-exporter/objects/syscalls.bpf.o", object)
		testutil.Check(t, os.WriteFile(path, []byte(text), 0o600))
		testutil.Check(t, Check(path, decoder.NewTables(decoder.DefaultPlaces)))
		return
	}
	t.Error("no configuration")
}

// The profile refuses what it does not name, and names none that would let a process out.
func TestSeccompProfile(t *testing.T) {
	text, err := os.ReadFile(deploy + "seccomp.json")
	testutil.Check(t, err)
	var profile struct {
		DefaultAction string
		Syscalls      []struct {
			Names  []string
			Action string
		}
	}
	testutil.Check(t, json.Unmarshal(text, &profile))
	if profile.DefaultAction != "SCMP_ACT_ERRNO" {
		t.Error(profile.DefaultAction)
	}
	var all []string
	for _, s := range profile.Syscalls {
		if s.Action != "SCMP_ACT_ALLOW" {
			t.Error(s)
		}
		all = append(all, s.Names...)
	}
	for _, name := range []string{"bpf", "perf_event_open", "execve"} {
		if !slices.Contains(all, name) {
			t.Errorf("no %s", name)
		}
	}
	for _, name := range []string{"ptrace", "mount", "setns", "unshare", "init_module", "finit_module", "kexec_load", "process_vm_writev", "keyctl"} {
		if slices.Contains(all, name) {
			t.Errorf("%s is allowed", name)
		}
	}
}
