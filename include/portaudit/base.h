/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies below everything: 128-bit values, memory, places in files, diagnostics.
 *
 * Memory: pa_xmalloc() and friends and the arena never return NULL. When memory runs out they write one fixed
 * line to standard error and end the process with status 3 ("could not audit"), because a half-built ruleset or
 * packet set must never be read as an answer. This is the only place where library code ends the process.
 */
#ifndef PORTAUDIT_BASE_H
#define PORTAUDIT_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A fact that may not be known. */
enum pa_tristate { PA_UNKNOWN, PA_NO, PA_YES };

/* Wide enough for every packet field: an IPv6 address, an interface name (16 bytes), a port. Host order. */
__extension__ typedef unsigned __int128 pa_u128;
#define PA_U128_MAX (~(pa_u128)0)

/* A closed interval of field values, first <= last. */
struct pa_interval {
	pa_u128 first;
	pa_u128 last;
};

/* --- memory (audit/base/memory.c) ------------------------------------------------------------------------- */
void *pa_xmalloc(size_t size);
void *pa_xcalloc(size_t count, size_t size);
void *pa_xrealloc(void *old, size_t count, size_t size);
char *pa_xstrdup(const char *text);
/*
 * Zeroed address space for something that may grow to `size` bytes and usually does not: memory is used page by page when it is
 * written, and what has been written never moves. NULL where the system does not give it; pa_unreserve() takes NULL.
 */
void *pa_reserve(size_t size);
void pa_unreserve(void *memory, size_t size);

/* A bump allocator: everything allocated from it lives until pa_arena_free(). Memory is zeroed, 16-byte aligned. */
struct pa_arena;
struct pa_arena *pa_arena_new(void);
struct pa_arena *pa_arena_free(struct pa_arena *arena); /* takes NULL, returns NULL */
void pa_arena_clear(struct pa_arena *arena);		/* everything is gone, the memory is kept for what comes next */
void *pa_arena_alloc(struct pa_arena *arena, size_t count, size_t size);
void *pa_arena_dup(struct pa_arena *arena, const void *data, size_t count, size_t size);
char *pa_arena_strdup(struct pa_arena *arena, const char *text);
char *pa_arena_strndup(struct pa_arena *arena, const char *text, size_t length);
__attribute__((format(printf, 2, 3))) char *pa_arena_printf(struct pa_arena *arena, const char *format, ...);
__attribute__((format(printf, 2, 0))) char *pa_arena_vprintf(struct pa_arena *arena, const char *format, va_list arguments);

/* A growing byte string, always terminated by NUL once it is not empty. Zero-initialise it; pa_buffer_done() frees. */
struct pa_buffer {
	char *data;
	size_t length;
	size_t capacity;
};
void pa_buffer_add(struct pa_buffer *buffer, const void *data, size_t length);
void pa_buffer_puts(struct pa_buffer *buffer, const char *text);
void pa_buffer_putc(struct pa_buffer *buffer, char c);
__attribute__((format(printf, 2, 3))) void pa_buffer_printf(struct pa_buffer *buffer, const char *format, ...);
void pa_buffer_clear(struct pa_buffer *buffer); /* keeps the memory */
void pa_buffer_done(struct pa_buffer *buffer);

/*
 * Grow a heap array before an item is added:
 *     pa_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
 * `items` is the address of the array pointer (passed as void *).
 */
void pa_grow(void *items, size_t *capacity, size_t wanted, size_t item_size);

/* --- text (audit/base/text.c) ----------------------------------------------------------------------------- */
bool pa_text_equal(const char *a, const char *b);	  /* NULL equals only NULL */
bool pa_text_is_utf8(const char *text, size_t length);	  /* valid UTF-8 without NUL */
bool pa_text_glob(const char *pattern, const char *text); /* '*' and '?' */
unsigned pa_text_distance(const char *a, const char *b);  /* Damerau-Levenshtein */

/* --- values in text (audit/base/value.c) -------------------------------------------------------------------- */
/* IPv4 addresses are kept as IPv4-mapped values (::ffff:a.b.c.d), so that both families share one 128-bit field. */
#define PA_IPV4_BASE ((pa_u128)0xffff << 32)
#define PA_IPV4_LAST (PA_IPV4_BASE | 0xffffffffu)
bool pa_value_is_ipv4(pa_u128 value); /* inside ::ffff:0:0/96 */
/* Parse "192.0.2.1" or "2001:db8::1" (no prefix, no zone, no DNS). false if it is neither; *ret_family is 4 or 6. */
bool pa_address_parse(const char *text, pa_u128 *ret_value, int *ret_family);
#define PA_ADDRESS_TEXT_MAX 48
void pa_address_format(pa_u128 value, int family, char out[PA_ADDRESS_TEXT_MAX]);
/* "10.0.0.0/8", "10.0.0.1", "10.0.0.1-10.0.0.9": the shortest exact form. */
#define PA_ADDRESS_RANGE_TEXT_MAX 96
void pa_address_range_format(struct pa_interval range, int family, char out[PA_ADDRESS_RANGE_TEXT_MAX]);
/* The interval of all addresses that share the first `length` bits; family 4 counts from the start of the IPv4 part. */
struct pa_interval pa_prefix_interval(pa_u128 address, int family, unsigned length);
/* Interface names: 16 bytes, first byte highest, padded with zero bytes, as the kernel compares them. */
#define PA_IFNAME_MAX 16
pa_u128 pa_ifname_value(const char *name);
void pa_ifname_format(pa_u128 value, char out[PA_IFNAME_MAX + 1]);
/* The names that begin with `prefix` ("br-" for br-*). An empty prefix is every name. */
struct pa_interval pa_ifname_prefix(const char *prefix);

/* --- the calendar (audit/base/calendar.c): days since 1970-01-01 --------------------------------------------------- */
int64_t pa_calendar_day(int64_t year, unsigned month, unsigned day); /* a day above the month's last one is of the next month */
unsigned pa_calendar_weekday(int64_t day);			     /* 0 Sunday to 6 Saturday */
unsigned pa_calendar_day_of_month(int64_t day);			     /* 1 to 31 */

/* --- places and diagnostics (audit/base/diag.c) ------------------------------------------------------------- */
/* A place in a text. file NULL: no place (the live kernel). line and column count from 1, column in bytes. */
struct pa_location {
	const char *file;
	uint32_t line;
	uint32_t column;
	uint32_t length;
};

enum pa_diag_level { PA_DIAG_ERROR, PA_DIAG_WARNING, PA_DIAG_NOTE };

/* What failed, which decides the exit status: usage or policy errors are 2, an audit that is not complete is 3. */
enum pa_diag_kind {
	PA_DIAG_INPUT,	    /* the user's file or option is wrong: exit 2 */
	PA_DIAG_INCOMPLETE, /* could not read, understand or finish: exit 3 */
};

struct pa_diag {
	enum pa_diag_level level;
	enum pa_diag_kind kind;
	struct pa_location where;
	const char *message;
	const char *help;   /* what to do, or NULL */
	const char *source; /* the text of the line `where` points at, or NULL */
};

/* A list of diagnostics; strings are copied. Zero-initialise it. Printing is the business of reports/. */
struct pa_diags {
	struct pa_diag *items;
	size_t count;
	size_t capacity;
	struct pa_arena *arena;
};
/* Adds one and returns it, so that the caller can set where, help and source (with strings from diags->arena). */
__attribute__((format(printf, 4, 5))) struct pa_diag *pa_diags_add(struct pa_diags *diags, enum pa_diag_level level,
								   enum pa_diag_kind kind, const char *format, ...);
bool pa_diags_has_errors(const struct pa_diags *diags);
void pa_diags_sort(struct pa_diags *diags); /* by file (in order of first appearance), line, column */
void pa_diags_done(struct pa_diags *diags);

/* --- files (audit/base/file.c) -------------------------------------------------------------------------------- */
/*
 * Read an open file to its end into *ret_text (after what is in it). 0, or an errno: EFBIG where there is more than `most` bytes. `text_only`: stop
 * behind the first NUL byte, since this is no text, and a device may never end.
 */
int pa_descriptor_read(int fd, size_t most, bool text_only, struct pa_buffer *ret_text);
/*
 * Append a whole file, up to 256 MB, or standard input ("-"). *ret_name: what it is called in messages. false: diags says why
 * (INPUT).
 */
struct pa_diags;
bool pa_file_read(const char *path, struct pa_buffer *ret_text, const char **ret_name, struct pa_diags *diags);

/* --- a child process (audit/base/process.c) ----------------------------------------------------------------- */
/* What the parent does with signals must not reach into the child: a handler of it would run there, too. */
void pa_process_reset_signals(void);
/* Closes every descriptor but 0 to 2 and these, which come back sorted. */
void pa_process_close_others(int *keep, size_t count);
/* CLOCK_MONOTONIC, milliseconds: what deadlines are given in. */
int64_t pa_clock_now(void);
/* Waits for the end of a child that is about to end, or is stuck. false: it did not end before the deadline. */
bool pa_process_wait_until(pid_t pid, int64_t deadline, int *ret_status);

#endif
