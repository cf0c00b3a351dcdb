/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LARGE_PAGES_H
#define LARGE_PAGES_H

/*
 * From here on memory comes in large pages, where the allocator and the kernel can do that; otherwise nothing changes. To be called
 * once, first thing: a third of the time of a run goes into the faults of small pages without it. Children inherit it.
 */
void large_pages_use(void);

#endif
