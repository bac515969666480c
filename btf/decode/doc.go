// Package decode reads values in memory by their BTF: of maps, of records, of global variables. A value becomes text,
// JSON, or Go values, and text becomes a value. Parts have names, as in C: "inner.b[1]".
//
//	types, err := decode.NewTypes(b) // b is a *btf.BTF, such as an object's
//	if err != nil {
//		return err
//	}
//	event, err := types.Named("struct event")
//	if err != nil {
//		return err
//	}
//	pid, err := event.Field("task.pid")
//	if err != nil {
//		return err
//	}
//	for record := range records {
//		fmt.Println(event.Text(record)) // {task={pid=1 comm="init"} ...}
//		n, ok := pid.Int(record)        // the record may be shorter than its type
//	}
//
// A [Type] is made ready once, and then used for any number of values. [Type.Decode] decodes into a [Value] that is used
// again, without any allocation.
//
// # Values
//
// Bits are as C has them on the machine of the data, which is that of the BTF or, if set, [Types.ByteOrder]: bit fields
// too, also those of old compilers. A member of a struct without a name belongs to the struct around it. An array of
// char is a string, which ends at its first NUL. A flexible array at the end goes to the end of the data.
//
//	C                                  Text                JSON                   Any
//	char, short, int, long             -5, 'x' for a char  -5                     int8 to int64, uint8 to uint64
//	bool                               true                true                   bool
//	enum                               RED, or 7           "RED", or 7            string, or int64 or uint64
//	pointer                            0xffff888000001000  "0xffff888000001000"   uint64
//	float, double                      1.5                 1.5, "NaN"             float32, float64
//	__int128, other large numbers      -5, 0xdeadbeef      "-5", "0xdeadbeef"     *big.Int
//	char[8]                            "init"              "init"                 string
//	array                              [1, 2, 0...]        [1,2,0,0,0,0]          []any
//	struct, union, section of data     {a=1 b=2}           {"a":1,"b":2}          map[string]any
//	what the data ends before          ?                   left out, or null      nil
//
// Integers of an odd size have 64 bits in Go, and a bit field has the type of its declaration. Numbers of more than 64
// bits are decimal if their type is signed, otherwise hexadecimal.
//
// # Untrusted input
//
// Data may be shorter or longer than its type, and the BTF may be damaged: types that are nested too deep, or that have
// more than a million parts, are an error.
package decode
