typedef unsigned int u32; typedef unsigned long long u64; typedef unsigned char u8; typedef unsigned short u16;
enum color { COLOR_RED, COLOR_BLUE=7, COLOR_ALIAS=7 };
struct inner { u32 x; u8 y; };
typedef struct { int a; } anon_t;
struct event {
 u32 pid; u8 kind; u64 time_ns; char comm[16]; enum color color;
 unsigned a:3; int b:5; enum color c:4; _Bool d:1;
 union { u32 word; u64 big; struct { u16 lo, hi; }; };
 struct { int q; } nested;
 union { u8 b; float f; } val;
 struct inner arr[3];
 struct event *next; int (*fn)(void); anon_t an;
 _Bool ok; __int128 wide; double dbl; char names[2][8]; signed char sc[3]; unsigned char uc[5];
 enum { IDLE, RUN } state;
 char data[];
};
struct packed { u8 a; u64 b; struct inner c; } __attribute__((packed));
struct event e; struct packed p;
int main(){return 0;}
