/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that never fails to arrive: the heap, the arena, growing arrays and byte strings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "portaudit/base.h"

/*
 * The end of the process when memory ends: neither stdio (it may allocate) nor exit handlers (they may write a report
 * that is not whole).
 */
__attribute__((noreturn, cold)) static void out_of_memory(void)
{
	static const char line[] = "portaudit: out of memory: the audit is not complete\n";
	ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)written;
	_exit(3);
}

static size_t multiply(size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		out_of_memory();
	return bytes;
}

void *pa_xmalloc(size_t size)
{
	void *memory = malloc(size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

void *pa_xcalloc(size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	void *memory = calloc(count, size);
	if (!memory)
		out_of_memory();
	return memory;
}

void *pa_xrealloc(void *old, size_t count, size_t size)
{
	size_t bytes = multiply(count, size);
	void *memory = realloc(old, bytes ? bytes : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

char *pa_xstrdup(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(pa_xmalloc(size), text, size);
}

void *pa_reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, size, MADV_HUGEPAGE); /* only a hint */
	return memory;
}

void pa_unreserve(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void pa_grow(void *items, size_t *capacity, size_t wanted, size_t item_size)
{
	if (wanted <= *capacity)
		return;
	size_t larger = *capacity > SIZE_MAX / 2 ? SIZE_MAX : *capacity * 2;
	if (larger < 8)
		larger = 8;
	if (larger < wanted)
		larger = wanted;
	/* memcpy: the caller's pointer has a type of its own, which may not be read as void *. */
	void *array;
	memcpy(&array, items, sizeof(array));
	array = pa_xrealloc(array, larger, item_size);
	memcpy(items, &array, sizeof(array));
	*capacity = larger;
}

/* --- arena ------------------------------------------------------------------------------------------------- */

#define ARENA_ALIGN 16
#define CHUNK_FIRST ((size_t)4 << 10)
#define CHUNK_LAST ((size_t)1 << 20)

/* A piece of memory; what is handed out comes behind this header. It is zeroed when it is handed out: most chunks are never filled. */
struct chunk {
	_Alignas(ARENA_ALIGN) struct chunk *older;
	size_t used;
	size_t size;
};
_Static_assert(sizeof(struct chunk) % ARENA_ALIGN == 0, "the first item of a chunk would not be aligned");

struct pa_arena {
	struct chunk *newest; /* the one that is being filled */
	size_t next_size;
};

struct pa_arena *pa_arena_new(void)
{
	struct pa_arena *arena = pa_xcalloc(1, sizeof(*arena));
	arena->next_size = CHUNK_FIRST;
	return arena;
}

struct pa_arena *pa_arena_free(struct pa_arena *arena)
{
	if (!arena)
		return NULL;
	struct chunk *older;
	for (struct chunk *chunk = arena->newest; chunk; chunk = older) {
		older = chunk->older;
		free(chunk);
	}
	free(arena);
	return NULL;
}

void pa_arena_clear(struct pa_arena *arena)
{
	struct chunk *kept = arena->newest, *older = kept ? kept->older : NULL;
	while (older) {
		struct chunk *next = older->older;
		free(older);
		older = next;
	}
	if (!kept)
		return;
	kept->older = NULL;
	kept->used = 0;
}

static struct chunk *chunk_new(size_t size)
{
	if (size > SIZE_MAX - sizeof(struct chunk))
		out_of_memory();
	struct chunk *chunk = pa_xmalloc(sizeof(struct chunk) + size);
	*chunk = (struct chunk){ .size = size };
	return chunk;
}

/* An item that would waste much of a chunk gets one of its own, behind the one that is being filled. */
static void *alloc_alone(struct pa_arena *arena, size_t bytes)
{
	struct chunk *chunk = chunk_new(bytes);
	chunk->used = bytes;
	if (arena->newest) {
		chunk->older = arena->newest->older;
		arena->newest->older = chunk;
	} else {
		arena->newest = chunk;
	}
	return chunk + 1;
}

static void *alloc_from_new_chunk(struct pa_arena *arena, size_t bytes)
{
	if (bytes > arena->next_size / 4)
		return alloc_alone(arena, bytes);
	struct chunk *chunk = chunk_new(arena->next_size);
	if (arena->next_size < CHUNK_LAST)
		arena->next_size *= 2;
	chunk->older = arena->newest;
	chunk->used = bytes;
	arena->newest = chunk;
	return chunk + 1;
}

/* What is behind the items in their last 16 bytes is undefined. */
static void *alloc_undefined(struct pa_arena *arena, size_t bytes)
{
	if (bytes > SIZE_MAX - ARENA_ALIGN)
		out_of_memory();
	bytes = bytes ? (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
	struct chunk *chunk = arena->newest;
	if (!chunk || chunk->size - chunk->used < bytes)
		return alloc_from_new_chunk(arena, bytes);
	void *memory = (char *)(chunk + 1) + chunk->used;
	chunk->used += bytes;
	return memory;
}

void *pa_arena_alloc(struct pa_arena *arena, size_t count, size_t size)
{
	size_t bytes = multiply(count, size);
	return memset(alloc_undefined(arena, bytes), 0, bytes);
}

void *pa_arena_dup(struct pa_arena *arena, const void *data, size_t count, size_t size)
{
	size_t bytes = multiply(count, size);
	void *copy = alloc_undefined(arena, bytes);
	if (bytes)
		memcpy(copy, data, bytes);
	return copy;
}

char *pa_arena_strndup(struct pa_arena *arena, const char *text, size_t length)
{
	length = strnlen(text, length);
	char *copy = alloc_undefined(arena, length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *pa_arena_strdup(struct pa_arena *arena, const char *text)
{
	return pa_arena_dup(arena, text, strlen(text) + 1, 1);
}

char *pa_arena_vprintf(struct pa_arena *arena, const char *format, va_list arguments)
{
	va_list measured;
	va_copy(measured, arguments);
	int length = vsnprintf(NULL, 0, format, measured);
	va_end(measured);
	if (length < 0)
		out_of_memory();
	char *text = alloc_undefined(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

char *pa_arena_printf(struct pa_arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = pa_arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

/* --- buffer ------------------------------------------------------------------------------------------------ */

/* Room for `more` bytes and the NUL behind them. */
static void buffer_reserve(struct pa_buffer *buffer, size_t more)
{
	if (more >= SIZE_MAX - buffer->length)
		out_of_memory();
	pa_grow(&buffer->data, &buffer->capacity, buffer->length + more + 1, 1);
}

void pa_buffer_add(struct pa_buffer *buffer, const void *data, size_t length)
{
	buffer_reserve(buffer, length);
	if (length)
		memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void pa_buffer_puts(struct pa_buffer *buffer, const char *text)
{
	pa_buffer_add(buffer, text, strlen(text));
}

void pa_buffer_putc(struct pa_buffer *buffer, char c)
{
	pa_buffer_add(buffer, &c, 1);
}

void pa_buffer_printf(struct pa_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		out_of_memory();
	buffer_reserve(buffer, (size_t)length);
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t)length;
}

void pa_buffer_clear(struct pa_buffer *buffer)
{
	buffer->length = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

void pa_buffer_done(struct pa_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct pa_buffer){ 0 };
}
