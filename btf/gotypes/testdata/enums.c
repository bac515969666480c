// Enums: with and without a common prefix, duplicates, bits, in one byte, without a name, and beside an enumerator that
// has another's prefix.

enum color { COLOR_RED, COLOR_GREEN = 7, COLOR_LIME = 7, COLOR_MAX = 0x7fffffff };
enum event_type { EVENT_EXEC = 1, EVENT_EXIT };
enum plain { idle, running_now };
enum single { SINGLE_ONE = 1 };
enum flags { FLAG_1 = 1, FLAG_2 = 2, FLAG_2_1 = 3 };
enum tiny { TINY_SMALL, TINY_LARGE = 200 } __attribute__((packed));
enum color_red { COLOR_RED_DARK };
enum { LIMIT = 64, LIMIT_IPV4_ROUTES = 16 };
typedef enum { STATE_IDLE, STATE_BUSY } state_t;

struct has_enums {
	enum color color;
	enum event_type types[2];
	enum tiny tiny;
	enum { STEP_FIRST, STEP_SECOND } step;
	state_t state;
	const volatile enum single single;
};

struct has_enums has_enums = { COLOR_LIME, { EVENT_EXIT, 9 }, TINY_LARGE, STEP_SECOND, STATE_BUSY, SINGLE_ONE };
enum plain plain = running_now;
enum flags flags = FLAG_2_1;
enum color_red color_red = COLOR_RED_DARK;
int limit(void) { return LIMIT; }
