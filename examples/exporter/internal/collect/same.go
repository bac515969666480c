package collect

import (
	"reflect"
	"slices"

	"github.com/libbpf-go/libbpf-go/examples/exporter/internal/config"
)

// sameMetric tells whether two metrics would make the same series of the same elements. Where they are written, what
// the help is, how many series there may be, and which elements are left out does not matter.
func sameMetric(a, b *column) bool {
	return slices.Equal(a.bits, b.bits) && a.Totals() == b.Totals() && reflect.DeepEqual(normal(*a.Conf), normal(*b.Conf))
}

// normal is a metric without what does not matter.
func normal(m config.Metric) config.Metric {
	m.Help, m.MaxSeries, m.SkipZero, m.AllowLRU = "", 0, false, false
	clearPlaces(reflect.ValueOf(&m).Elem())
	return m
}

var placeType = reflect.TypeFor[config.Place]()

// clearPlaces clears all places in a value. It copies what pointers and slices refer to before.
func clearPlaces(v reflect.Value) {
	switch {
	case v.Type() == placeType:
		v.SetZero()
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			clearPlaces(v.Field(i))
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		copied := reflect.New(v.Type().Elem())
		copied.Elem().Set(v.Elem())
		v.Set(copied)
		clearPlaces(copied.Elem())
	case v.Kind() == reflect.Slice && !v.IsNil():
		copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(copied, v)
		v.Set(copied)
		for i := range v.Len() {
			clearPlaces(v.Index(i))
		}
	}
}
