/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces that a script names (`iif "eth0"`) must exist when it is loaded: stand-ins for them. */
#ifndef PORTAUDIT_NFT_STUBS_H
#define PORTAUDIT_NFT_STUBS_H

/*
 * Makes an interface of that name in this network namespace, of the first kind that the kernel has. 0, or a negative
 * errno (-EEXIST: it is there already).
 */
int pa_stub_make(const char *name);

#endif
