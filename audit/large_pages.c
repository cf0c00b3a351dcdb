/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "large_pages.h"

#ifdef PA_HAVE_MIMALLOC /* version 2: 3 has no heaps in arenas */
#include <mimalloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define SEGMENT ((size_t)32 << 20) /* of mimalloc 2: what it takes from the arena at once, aligned like this */

/*
 * Three quarters of the machine's memory, as address space only: it is used page by page, and what does not fit would not fit
 * into the machine either. Less than the limit of the loader's child (rules/nft/child.c).
 */
static size_t wanted_size(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	return pages > 0 && page > 0 ? (size_t)pages / 4 * 3 * (size_t)page / SEGMENT * SEGMENT : 0;
}

void large_pages_use(void)
{
	size_t size = wanted_size();
	if (size < 8 * SEGMENT)
		return;
	char *memory = mmap(NULL, size + SEGMENT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return; /* a limit of address space, or no overcommitment: small pages then */
	memory += SEGMENT - (uintptr_t)memory % SEGMENT;
	mi_arena_id_t arena;
	if (madvise(memory, size, MADV_HUGEPAGE) != 0 ||
	    !mi_manage_os_memory_ex(memory, size, true, true, true, -1, false, &arena))
		return;
	mi_heap_t *heap = mi_heap_new_in_arena(arena);
	if (heap)
		mi_heap_set_default(heap);
}
#else
void large_pages_use(void)
{
}
#endif
