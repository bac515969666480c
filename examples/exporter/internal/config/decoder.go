package config

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// decoders are the decoders, and the settings that each has.
var decoders = map[string][]string{
	"int": nil, "hex": nil, "string": nil, "ksym": nil, "syscall": nil, "ifname": nil, "ip": nil, "errno": nil, "device": nil,
	"cgroup":     {"otherwise", "drop", "delete"},
	"pod":        {"part", "otherwise", "drop", "delete"},
	"static_map": {"values", "otherwise"},
	"regexp":     {"match", "replace", "otherwise", "drop"},
}

// decoder reads "ksym", or "ksym:" with settings.
func (r *reader) decoder(n *yaml.Node) Decoder {
	d := Decoder{At: r.at(n), Part: "name"}
	var known settings = map[string]func(*yaml.Node){}
	for name := range decoders {
		known[name] = func(n *yaml.Node) {
			d.Name = name
			if n.Tag != "!!null" {
				r.decoderSettings(n, &d)
			}
		}
	}
	switch {
	case n.Kind == yaml.ScalarNode:
		if _, ok := decoders[n.Value]; !ok {
			r.errorf(n, "there is no decoder %q; %s", n.Value, Instead("decoder", names(known)))
			return d
		}
		d.Name = n.Value
	case n.Kind == yaml.MappingNode && len(n.Content) != 2:
		r.errorf(n, "a decoder has one name; put the next one behind another dash")
		return d
	default:
		r.mapping(n, "a decoder", known)
	}
	r.checkDecoder(n, d)
	return d
}

func (r *reader) decoderSettings(n *yaml.Node, d *Decoder) {
	all := settings{
		"match":   r.text(&d.Match, "match"),
		"replace": r.text(&d.Replace, "replace"),
		"part":    r.oneOf(&d.Part, "part", "name", "namespace", "pod", "uid", "container", "container_id"),
		"drop":    r.boolean(&d.Drop, "drop"),
		"delete":  r.boolean(&d.Delete, "delete"),
		"otherwise": func(n *yaml.Node) {
			if text, ok := r.scalar(n, "otherwise"); ok {
				d.Otherwise = &text
			}
		},
		"values": func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				r.errorf(n, "values must have texts and what they become, and is %s", kind(n))
				return
			}
			d.Values = map[string]string{}
			for i := 0; i+1 < len(n.Content); i += 2 {
				from, to := n.Content[i], n.Content[i+1]
				if to.Kind == yaml.AliasNode {
					to = to.Alias
				}
				text, ok := r.scalar(to, "what "+from.Value+" becomes")
				if _, twice := d.Values[from.Value]; twice {
					r.errorf(from, "values have %q twice", from.Value)
				} else if ok {
					d.Values[from.Value] = text
				}
			}
		},
	}
	for name := range all {
		if !slices.Contains(decoders[d.Name], name) {
			delete(all, name)
		}
	}
	r.mapping(n, "decoder "+d.Name, all)
}

func (r *reader) checkDecoder(n *yaml.Node, d Decoder) {
	switch d.Name {
	case "static_map":
		if len(d.Values) == 0 {
			r.errorf(n, "decoder static_map needs values")
		}
	case "regexp":
		if d.Match == "" {
			r.errorf(n, "decoder regexp needs match")
		} else if _, err := regexp.Compile(d.Match); err != nil {
			r.errorf(n, "decoder regexp: %v", err)
		}
	}
	if d.Drop && d.Otherwise != nil {
		r.errorf(n, "decoder %s has drop and otherwise: one of them", d.Name)
	}
}
