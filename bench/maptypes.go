package main

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/cilium/ebpf"

	"github.com/libbpf-go/libbpf-go"
	"github.com/libbpf-go/libbpf-go/typed"
)

// mapType is a type of map, with keys of K and values of uint64, to compare operations on single elements of.
type mapType[K any] struct {
	name         string
	typ          libbpf.MapType
	flags        libbpf.MapCreateFlags
	keys, absent []K
	open         func(libbpf.MapCore) (typedMap[K], error)
	// fixed is a map that has all its elements at any time.
	fixed bool
}

// typedMap is what the typed maps have in common.
type typedMap[K any] interface {
	LookupInto(key K, value *uint64, flags libbpf.MapFlags) error
	Update(key K, value uint64, flags libbpf.MapFlags) error
}

type deleter[K any] interface{ Delete(key K) error }

// numElements is how many elements such a map has.
const numElements = 1000

// mapTypes compares operations on single elements of maps of each type.
func mapTypes(*libbpf.Object) (comparisons []comparison, err error) {
	many := make([]uint64, 10*numElements)
	for i, key := range rand.New(rand.NewPCG(1, 2)).Perm(len(many)) {
		many[i] = uint64(key)
	}
	hash := mapType[uint64]{
		name: "hash", typ: libbpf.MapTypeHash, keys: many,
		open: func(m libbpf.MapCore) (typedMap[uint64], error) { return typed.NewHash[uint64, uint64](m) },
	}
	comparisons = append(comparisons, hash.pairs())
	order := rand.New(rand.NewPCG(1, 2)).Perm(numElements)
	indices, absentIndices := make([]uint32, numElements), make([]uint32, numElements)
	keys, absent := make([]uint64, numElements), make([]uint64, numElements)
	prefixes, absentPrefixes := make([]prefix, numElements), make([]prefix, numElements)
	for i, at := range order {
		indices[i], absentIndices[i] = uint32(at), uint32(at)+numElements
		keys[i], absent[i] = uint64(at), uint64(at)+1<<32
		prefixes[i] = prefix{PrefixLen: 32, Data: [4]byte{10, 0, byte(at >> 8), byte(at)}}
		absentPrefixes[i] = prefix{PrefixLen: 32, Data: [4]byte{11, 0, byte(at >> 8), byte(at)}}
	}
	comparisons = append(comparisons, mapType[uint32]{
		name: "array", typ: libbpf.MapTypeArray, keys: indices, absent: absentIndices, fixed: true,
		open: func(m libbpf.MapCore) (typedMap[uint32], error) { return typed.NewArray[uint64](m) },
	}.comparisons()...)
	comparisons = append(comparisons, mapType[uint64]{
		name: "LRU hash", typ: libbpf.MapTypeLRUHash, keys: keys, absent: absent,
		open: func(m libbpf.MapCore) (typedMap[uint64], error) { return typed.NewLRUHash[uint64, uint64](m) },
	}.comparisons()...)
	comparisons = append(comparisons, mapType[prefix]{
		name: "LPM trie", typ: libbpf.MapTypeLPMTrie, keys: prefixes, absent: absentPrefixes, flags: libbpf.CreateNoPrealloc,
		open: func(m libbpf.MapCore) (typedMap[prefix], error) { return typed.NewLPMTrie[[4]byte, uint64](m) },
	}.comparisons()...)
	return append(comparisons,
		pushing("queue", libbpf.MapTypeQueue, func(m libbpf.MapCore) (pushed, error) { return typed.NewQueue[uint64](m) }),
		pushing("stack", libbpf.MapTypeStack, func(m libbpf.MapCore) (pushed, error) { return typed.NewStack[uint64](m) }),
		innerIDs(keys), innerMaps(keys),
	), nil
}

type prefix = typed.LPMKey[[4]byte]

func (t mapType[K]) comparisons() []comparison {
	all := []comparison{
		t.comparison("lookup that hits", t.lookups(t.keys, len(t.keys))),
		t.comparison("lookup that misses", t.lookups(t.absent, 0)),
		t.comparison("update", t.updates(false)),
	}
	if !t.fixed {
		all = append(all, t.pairs())
	}
	return all
}

func (t mapType[K]) pairs() comparison {
	return t.comparison("add and delete, a pair", t.updates(true))
}

// elementMap is one map as all contenders have it.
type elementMap[K any] struct {
	mapType[K]
	raw    *libbpf.MapHandle
	view   typedMap[K]
	cilium *ebpf.Map
}

func (t mapType[K]) comparison(of string, contenders func(*elementMap[K]) []contender) comparison {
	title := fmt.Sprintf("%s, %s of %s", of, t.name, count(len(t.keys)))
	return comparison{title: title, ops: len(t.keys), share: oneOfMany, open: func(opened *closers) ([]contender, error) {
		m, err := t.create(opened)
		if err != nil {
			return nil, err
		}
		return contenders(m), nil
	}}
}

// create makes a map with all keys.
func (t mapType[K]) create(opened *closers) (*elementMap[K], error) {
	keys := rawKeysOf(t.keys)
	room := len(t.keys)
	if t.typ == libbpf.MapTypeLRUHash {
		room *= 16 // it forgets elements before it is full
	}
	raw, err := libbpf.CreateMap(t.typ, "elements", uint32(keys.size), 8, uint32(room), libbpf.MapCreateOptions{Flags: t.flags})
	if err != nil {
		return nil, err
	}
	opened.add(raw)
	m := &elementMap[K]{mapType: t, raw: raw}
	if m.view, err = t.open(raw); err != nil {
		return nil, err
	}
	if m.cilium, err = cilium(raw); err != nil {
		return nil, err
	}
	opened.add(m.cilium)
	for i := range keys.len() {
		if err := raw.Update(keys.at(i), make([]byte, 8), libbpf.Any); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// lookups look keys up, of which so many are there.
func (t mapType[K]) lookups(keys []K, found int) func(*elementMap[K]) []contender {
	return func(m *elementMap[K]) []contender {
		raw, value := rawKeysOf(keys), make([]byte, 8)
		all := func(f func() (int, error)) func() (int, error) {
			return func() (int, error) {
				n, err := f()
				if err == nil && n != found {
					err = fmt.Errorf("%d keys found, not %d", n, found)
				}
				return len(keys), err
			}
		}
		return []contender{
			{name: "C bpf_map_lookup_elem", run: all(func() (int, error) { return cLookupAll(m.raw.FD(), raw, value) })},
			{name: "Map.LookupInto", mostC: mostElement, peer: "cilium Map.Lookup", mostPeer: 1, run: all(func() (found int, err error) {
				for i := range raw.len() {
					if err := m.raw.LookupInto(raw.at(i), value, libbpf.Any); err == nil {
						found++
					} else if !absent(err) {
						return found, err
					}
				}
				return found, nil
			})},
			{name: "typed LookupInto", mostC: mostElement, peer: "cilium Map.Lookup", mostPeer: 1, run: all(func() (found int, err error) {
				var value uint64
				for _, key := range keys {
					if err := m.view.LookupInto(key, &value, libbpf.Any); err == nil {
						found++
					} else if !absent(err) {
						return found, err
					}
				}
				return found, nil
			})},
			{name: "cilium Map.Lookup", run: all(func() (found int, err error) {
				var key K
				var value uint64
				for _, key = range keys {
					if err := m.cilium.Lookup(&key, &value); err == nil {
						found++
					} else if !errors.Is(err, ebpf.ErrKeyNotExist) {
						return found, err
					}
				}
				return found, nil
			})},
		}
	}
}

// absent reports whether there is no such element, or none beyond the end.
func absent(err error) bool {
	return errors.Is(err, libbpf.ErrKeyNotExist) || errors.Is(err, libbpf.ErrIndexRange)
}

// updates set elements. As pairs, all keys are added and then deleted; the elements that the map was made with go first.
func (t mapType[K]) updates(pairs bool) func(*elementMap[K]) []contender {
	return func(m *elementMap[K]) []contender {
		raw, value := rawKeysOf(m.keys), make([]byte, 8)
		one := func(name, peer string, update, remove func() (int, error)) contender {
			c := contender{name: name, run: update}
			if peer != "" {
				c.peer, c.mostC, c.mostPeer = peer, mostElement, 1
			}
			if pairs {
				c.run = func() (int, error) {
					if _, err := update(); err != nil {
						return 0, err
					}
					return remove()
				}
			}
			return c
		}
		fd := m.raw.FD()
		rival := "cilium Map.Update"
		if pairs {
			rival = "cilium Map.Update, Delete"
		}
		name := func(update string) string {
			if pairs {
				return update + ", Delete"
			}
			return update
		}
		cName := "C bpf_map_update_elem"
		if pairs {
			cName += ", bpf_map_delete_elem"
		}
		return []contender{
			one(cName, "",
				func() (int, error) { return cUpdateAll(fd, raw, value) },
				func() (int, error) { return cDeleteAll(fd, raw) }),
			one(name("Map.Update"), rival, func() (int, error) {
				for i := range raw.len() {
					if err := m.raw.Update(raw.at(i), value, libbpf.Any); err != nil {
						return i, err
					}
				}
				return raw.len(), nil
			}, func() (int, error) {
				for i := range raw.len() {
					if err := m.raw.Delete(raw.at(i)); err != nil {
						return i, err
					}
				}
				return raw.len(), nil
			}),
			one(name("typed Update"), rival, func() (int, error) {
				return onEach(m.keys, func(key K) error { return m.view.Update(key, 0, libbpf.Any) })
			}, func() (int, error) { return onEach(m.keys, m.view.(deleter[K]).Delete) }),
			one(rival, "", func() (int, error) {
				var key K
				var value uint64
				for i := range m.keys {
					key = m.keys[i]
					if err := m.cilium.Update(&key, &value, ebpf.UpdateAny); err != nil {
						return i, err
					}
				}
				return len(m.keys), nil
			}, func() (int, error) {
				var key K
				for i := range m.keys {
					key = m.keys[i]
					if err := m.cilium.Delete(&key); err != nil {
						return i, err
					}
				}
				return len(m.keys), nil
			}),
		}
	}
}

func onEach[K any](keys []K, do func(K) error) (int, error) {
	for i, key := range keys {
		if err := do(key); err != nil {
			return i, err
		}
	}
	return len(keys), nil
}

// pushed is a queue or stack.
type pushed interface {
	Push(value uint64, flags libbpf.MapFlags) error
	Pop() (uint64, error)
}

// pushing compares pushing values, and popping them again.
func pushing(name string, typ libbpf.MapType, open func(libbpf.MapCore) (pushed, error)) comparison {
	return comparison{
		title: fmt.Sprintf("push and pop, a pair, %s of %s", name, count(numElements)), ops: numElements, share: oneOfMany,
		open: func(opened *closers) ([]contender, error) {
			raw, err := libbpf.CreateMap(typ, name, 0, 8, numElements, libbpf.MapCreateOptions{})
			if err != nil {
				return nil, err
			}
			opened.add(raw)
			view, err := open(raw)
			if err != nil {
				return nil, err
			}
			theirs, err := cilium(raw)
			if err != nil {
				return nil, err
			}
			opened.add(theirs)
			value := make([]byte, 8)
			pair := func(push, pop func() error) func() (int, error) {
				return func() (int, error) {
					for i := range numElements {
						if err := push(); err != nil {
							return i, err
						}
					}
					for i := range numElements {
						if err := pop(); err != nil {
							return i, err
						}
					}
					return numElements, nil
				}
			}
			var theirValue uint64
			return []contender{
				{name: "C bpf_map_update_elem, bpf_map_lookup_and_delete_elem", run: func() (int, error) {
					if n, err := cPushAll(raw.FD(), value, numElements); err != nil {
						return n, err
					}
					return cPopAll(raw.FD(), value, numElements)
				}},
				{
					name: "Map.Update, LookupAndDeleteInto", mostC: mostElement, peer: "cilium Map.Update, LookupAndDelete", mostPeer: 1,
					run: pair(func() error { return raw.Update(nil, value, libbpf.Any) },
						func() error { return raw.LookupAndDeleteInto(nil, value) }),
				},
				{
					name: "typed Push, Pop", mostC: mostElement, peer: "cilium Map.Update, LookupAndDelete", mostPeer: 1,
					run: pair(func() error { return view.Push(1, libbpf.Any) },
						func() error {
							_, err := view.Pop()
							return err
						}),
				},
				{name: "cilium Map.Update, LookupAndDelete", run: pair(
					func() error { return theirs.Update(nil, &theirValue, ebpf.UpdateAny) },
					func() error { return theirs.LookupAndDelete(nil, &theirValue) },
				)},
			}, nil
		},
	}
}

// outerMap is a hash table of maps, as all contenders have it.
type outerMap struct {
	raw    *libbpf.MapHandle
	view   *typed.HashOfMaps[uint64]
	cilium *ebpf.Map
}

// newOuterMap has the same array under all keys.
func newOuterMap(keys []uint64, opened *closers) (*outerMap, error) {
	inner, err := libbpf.CreateMap(libbpf.MapTypeArray, "inner", 4, 8, 1, libbpf.MapCreateOptions{})
	if err != nil {
		return nil, err
	}
	opened.add(inner)
	var m outerMap
	m.raw, err = libbpf.CreateMap(libbpf.MapTypeHashOfMaps, "outer", 8, 4, uint32(len(keys)), libbpf.MapCreateOptions{InnerMap: inner})
	if err != nil {
		return nil, err
	}
	opened.add(m.raw)
	if m.view, err = typed.NewHashOfMaps[uint64](m.raw); err != nil {
		return nil, err
	}
	if m.cilium, err = cilium(m.raw); err != nil {
		return nil, err
	}
	opened.add(m.cilium)
	_, err = onEach(keys, func(key uint64) error { return m.view.Update(key, inner, libbpf.Any) })
	return &m, err
}

// innerIDs compares looking up the ids of maps in a hash table of maps.
func innerIDs(keys []uint64) comparison {
	return comparison{
		title: fmt.Sprintf("lookup of an id, hash of %s maps", count(numElements)), ops: len(keys), share: oneOfMany,
		open: func(opened *closers) ([]contender, error) {
			m, err := newOuterMap(keys, opened)
			if err != nil {
				return nil, err
			}
			raw, value := rawKeysOf(keys), make([]byte, 4)
			var key uint64
			var id uint32
			return []contender{
				{name: "C bpf_map_lookup_elem", run: func() (int, error) { return cLookupAll(m.raw.FD(), raw, value) }},
				{name: "Map.LookupInto", mostC: mostElement, peer: "cilium Map.Lookup", mostPeer: 1, run: func() (int, error) {
					for i := range raw.len() {
						if err := m.raw.LookupInto(raw.at(i), value, libbpf.Any); err != nil {
							return i, err
						}
					}
					return raw.len(), nil
				}},
				{name: "typed HashOfMaps.LookupID", mostC: mostElement, peer: "cilium Map.Lookup", mostPeer: 1, run: func() (int, error) {
					return onEach(keys, func(key uint64) error {
						_, err := m.view.LookupID(key, libbpf.Any)
						return err
					})
				}},
				{name: "cilium Map.Lookup", run: func() (int, error) {
					for i := range keys {
						key = keys[i]
						if err := m.cilium.Lookup(&key, &id); err != nil {
							return i, err
						}
					}
					return len(keys), nil
				}},
			}, nil
		},
	}
}

// innerMaps compares opening maps of a hash table of maps, and closing them again.
func innerMaps(keys []uint64) comparison {
	return comparison{
		title: fmt.Sprintf("open a map, hash of %s maps", count(numElements)), ops: len(keys), share: oneOfMany,
		open: func(opened *closers) ([]contender, error) {
			m, err := newOuterMap(keys, opened)
			if err != nil {
				return nil, err
			}
			raw := rawKeysOf(keys)
			return []contender{
				{name: "C bpf_map_get_fd_by_id, close", run: func() (int, error) { return cInnerAll(m.raw.FD(), raw) }},
				{name: "typed HashOfMaps.Lookup", peer: "cilium Map.Lookup", mostPeer: 1, run: func() (int, error) {
					return onEach(keys, func(key uint64) error {
						inner, err := m.view.Lookup(key, libbpf.Any)
						if err != nil {
							return err
						}
						return inner.Close()
					})
				}},
				{name: "cilium Map.Lookup", run: func() (int, error) {
					return onEach(keys, func(key uint64) error {
						var inner *ebpf.Map
						if err := m.cilium.Lookup(&key, &inner); err != nil {
							return err
						}
						return inner.Close()
					})
				}},
			}, nil
		},
	}
}
