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
	reads      int
	asked      map[string]int // by uid and id: how often had been read when a name was missed first
	limit      limit
}

// tries is how often a name is looked for. The kubelet makes a pod's cgroup first, and its logs some time later.
const tries = 6

// pod is what is known of a cgroup.
type pod struct{ namespace, name, uid, container, containerID string }

var (
	podUID      = regexp.MustCompile(`/(?:kubepods[^/]*-)?pod([0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12})(?:\.slice)?(?:/|$)`)
	containerID = regexp.MustCompile(`(?:/|-|:)([0-9a-f]{64})(?:\.scope)?(?:/|$)`)
)

// of finds the pod of a cgroup's path. The answer is Later while there is hope for the name that a part needs.
func (t *Pods) of(path, part string) (pod, Answer) {
	match := podUID.FindStringSubmatch(path)
	if match == nil {
		return pod{}, None
	}
	p := pod{uid: strings.ReplaceAll(match[1], "_", "-")}
	if id := containerID.FindStringSubmatch(path); id != nil {
		p.containerID = id[1]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.has(p, part) {
		if t.limit.pass() {
			t.read()
		}
		if !t.has(p, part) && t.hope(p) {
			return p, Later
		}
	}
	names := t.names[p.uid]
	p.namespace, p.name, p.container = names[0], names[1], t.containers[p.containerID]
	return p, Known
}

// has tells whether the name that a part needs is known.
func (t *Pods) has(p pod, part string) (ok bool) {
	switch part {
	case "uid", "container_id":
		return true
	case "container":
		_, ok = t.containers[p.containerID]
		return ok || p.containerID == ""
	}
	_, ok = t.names[p.uid]
	return ok
}

// hope tells whether a name that is not known shall be looked for again.
func (t *Pods) hope(p pod) bool {
	id := p.uid + " " + p.containerID
	since, ok := t.asked[id]
	if !ok {
		if t.asked == nil || len(t.asked) > 1<<16 {
			t.asked = map[string]int{}
		}
		t.asked[id], since = t.reads, t.reads
	}
	return t.reads-since < tries-1
}

func (t *Pods) read() {
	t.reads++
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
	decode := func(f Field) (string, Answer) {
		path, known := t.cgroups.path(f.Number)
		if known == None {
			return answer(rest(d, unknown))
		} else if known == Later {
			return "", Later
		}
		p, known := t.of(path, d.Part)
		if known == None {
			return answer(rest(d, ""))
		}
		return p.part(d.Part), known
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
