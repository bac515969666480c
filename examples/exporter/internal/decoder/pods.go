package decoder

import (
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
)

// Pods names the pods of Kubernetes by their cgroups. It asks no server: the kubelet names the folders of a pod's logs
// NAMESPACE_NAME_UID, and the links to a container's logs NAME_NAMESPACE_CONTAINER-ID.log.
type Pods struct {
	cgroups    *Cgroups
	pods, logs string
	mu         sync.Mutex
	names      map[string][2]string // namespace and name, by uid
	containers map[string]string    // names, by id
	limit      limit
}

// pod is what is known of a cgroup.
type pod struct{ namespace, name, uid, container, containerID string }

var (
	podUID      = regexp.MustCompile(`/(?:kubepods[^/]*-)?pod([0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12})(?:\.slice)?(?:/|$)`)
	containerID = regexp.MustCompile(`(?:/|-|:)([0-9a-f]{64})(?:\.scope)?(?:/|$)`)
)

// of finds the pod of a cgroup's path.
func (t *Pods) of(path string) (pod, bool) {
	match := podUID.FindStringSubmatch(path)
	if match == nil {
		return pod{}, false
	}
	p := pod{uid: strings.ReplaceAll(match[1], "_", "-")}
	if id := containerID.FindStringSubmatch(path); id != nil {
		p.containerID = id[1]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, podKnown := t.names[p.uid]
	_, containerKnown := t.containers[p.containerID]
	if (!podKnown || !containerKnown && p.containerID != "") && t.limit.pass() {
		t.read()
	}
	names := t.names[p.uid]
	p.namespace, p.name, p.container = names[0], names[1], t.containers[p.containerID]
	return p, true
}

func (t *Pods) read() {
	t.names, t.containers = map[string][2]string{}, map[string]string{}
	pods, _ := os.ReadDir(t.pods)
	for _, entry := range pods {
		// Names of Kubernetes have no underscores.
		if parts := strings.Split(entry.Name(), "_"); len(parts) == 3 {
			t.names[parts[2]] = [2]string{parts[0], parts[1]}
		}
	}
	logs, _ := os.ReadDir(t.logs)
	for _, entry := range logs {
		name, ok := strings.CutSuffix(entry.Name(), ".log")
		dash := strings.LastIndexByte(name, '-')
		if !ok || dash < 0 {
			continue
		}
		if parts := strings.Split(name[:dash], "_"); len(parts) == 3 {
			t.containers[name[dash+1:]] = parts[2]
		}
	}
}

func (t *Pods) decoder(d config.Decoder) (first, func(Field) bool) {
	decode := func(f Field) (string, bool) {
		path, ok := t.cgroups.path(f.Number)
		if !ok {
			return rest(d, unknown)
		}
		p, ok := t.of(path)
		if !ok {
			return rest(d, "")
		}
		return p.part(d.Part), true
	}
	return decode, mortal(d, t.cgroups)
}

// part is one name of a pod. What is not known is the uid, or the id of the container.
func (p pod) part(part string) string {
	switch part {
	case "uid":
		return p.uid
	case "container_id":
		return p.containerID
	case "container":
		if p.container == "" && len(p.containerID) > 12 {
			return p.containerID[:12]
		}
		return p.container
	case "namespace":
		return p.namespace
	case "pod":
		if p.name == "" {
			return p.uid
		}
		return p.name
	}
	if p.name == "" {
		return p.uid
	}
	return p.namespace + "/" + p.name
}
