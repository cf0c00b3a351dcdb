/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a socket held by those that the policy names? Every process that holds it must be one of them: a stranger that got hold of
 * the socket is what the policy wants to know of. A daemon that makes its socket as root and then gives its rights up fits both
 * users. What is not known about a process makes the answer unknown, never a yes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "listener.h"

static enum pa_tristate both(enum pa_tristate a, enum pa_tristate b)
{
	if (a == PA_NO || b == PA_NO)
		return PA_NO;
	return a == PA_YES ? b : a;
}

static enum pa_tristate either(enum pa_tristate a, enum pa_tristate b)
{
	if (a == PA_YES || b == PA_YES)
		return PA_YES;
	return a == PA_NO ? b : a;
}

/* Names are compared as shell patterns, numbers as they are written. Without a name all that is known is that root is 0. */
static enum pa_tristate fits_id(const char *wanted, bool known, const char *name, uint32_t id)
{
	char number[16];

	if (!known)
		return PA_UNKNOWN;
	snprintf(number, sizeof(number), "%" PRIu32, id);
	if (strcmp(wanted, number) == 0)
		return PA_YES;
	if (name)
		return pa_text_glob(wanted, name) ? PA_YES : PA_NO;
	if (strspn(wanted, "0123456789") == strlen(wanted))
		return PA_NO;
	if (strcmp(wanted, "root") == 0)
		return id == 0 ? PA_YES : PA_NO;
	return id == 0 ? PA_NO : PA_UNKNOWN;
}

/* Who made a socket need not be who holds it. */
static enum pa_tristate fits_user(const char *wanted, const struct pa_listener *listener, const struct pa_process *process)
{
	if (fits_id(wanted, listener->uid_known, listener->user, listener->uid) == PA_YES)
		return PA_YES;
	return process ? fits_id(wanted, process->ids_known, process->user, process->effective_uid) : PA_UNKNOWN;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The kernel keeps 15 bytes of a command: a longer name that begins so may be it. */
static bool may_be_command(const char *pattern, const char *command)
{
	char cut[16];

	snprintf(cut, sizeof(cut), "%s", last_part(pattern));
	return pa_text_glob(last_part(pattern), command) || strcmp(cut, command) == 0;
}

/* Without the path, another command is another program as far as anybody can tell; the same command may be anything. */
static enum pa_tristate fits_executable(const char *wanted, const struct pa_process *process)
{
	if (!process || (!process->executable && !process->command))
		return PA_UNKNOWN;
	if (process->executable)
		return pa_text_glob(wanted, process->executable) ? PA_YES : PA_NO;
	return may_be_command(wanted, process->command) ? PA_UNKNOWN : PA_NO;
}

static enum pa_tristate fits_unit(const char *wanted, const struct pa_listener *listener, const struct pa_process *process)
{
	const char *running = process && process->unit ? process->unit : NULL;
	bool same = !running || pa_text_equal(running, listener->activates);
	bool told = running || listener->unit || listener->activates;

	if (running && pa_text_glob(wanted, running))
		return PA_YES;
	/* the socket unit, and the service that it starts, speak for a process of that service */
	if (same && ((listener->unit && pa_text_glob(wanted, listener->unit)) ||
		     (listener->activates && pa_text_glob(wanted, listener->activates))))
		return PA_YES;
	return told ? PA_NO : PA_UNKNOWN;
}

static enum pa_tristate fits_capabilities(uint64_t wanted, const struct pa_process *process)
{
	if (!process || !process->capabilities_known)
		return PA_UNKNOWN;
	return process->permitted != 0 && (process->permitted & ~wanted) == 0 ? PA_YES : PA_NO;
}

/* A number and a name cannot be held against each other, but that root is 0. */
static enum pa_tristate fits_activated_user(const char *wanted, const char *user)
{
	bool number = strspn(wanted, "0123456789") == strlen(wanted);

	if (!user)
		return PA_UNKNOWN;
	if (strcmp(user, "root") == 0 && number)
		return strcmp(wanted, "0") == 0 ? PA_YES : PA_NO;
	if (number != (strspn(user, "0123456789") == strlen(user)))
		return PA_UNKNOWN;
	return pa_text_glob(wanted, user) ? PA_YES : PA_NO;
}

/* systemd keeps the socket of a service that does not run: what its unit files say of the service counts, not who keeps the socket. */
static enum pa_tristate fits_activated(const struct pa_who *who, const struct pa_listener *listener)
{
	const char *executable = listener->activates_executable;
	enum pa_tristate fits = who->group || who->capabilities ? PA_UNKNOWN : PA_YES;

	if (who->user)
		fits = both(fits, fits_activated_user(who->user, listener->activates_user));
	if (who->executable)
		fits = both(fits, !executable ? PA_UNKNOWN : pa_text_glob(who->executable, executable) ? PA_YES : PA_NO);
	if (who->unit)
		fits = both(fits, fits_unit(who->unit, listener, NULL));
	return fits;
}

static enum pa_tristate fits_who(const struct pa_who *who, const struct pa_listener *listener, const struct pa_process *process)
{
	enum pa_tristate fits = PA_YES;

	if (process && compare_is_waiting(listener, process))
		return fits_activated(who, listener);
	if (who->user)
		fits = both(fits, fits_user(who->user, listener, process));
	if (who->group)
		fits = both(fits, process ? fits_id(who->group, process->ids_known, process->group, process->effective_gid)
					  : PA_UNKNOWN);
	if (who->executable)
		fits = both(fits, fits_executable(who->executable, process));
	if (who->unit)
		fits = both(fits, fits_unit(who->unit, listener, process));
	if (who->capabilities)
		fits = both(fits, fits_capabilities(who->capabilities, process));
	return fits;
}

static enum pa_tristate fits_one(const struct pa_whos *whos, const struct pa_listener *listener,
				 const struct pa_process *process)
{
	enum pa_tristate fits = PA_NO;

	for (size_t i = 0; i < whos->count; i++)
		fits = either(fits, fits_who(&whos->items[i], listener, process));
	return fits;
}

static const char *why_unknown(const struct comparison *c, const struct pa_listener *listener)
{
	const struct pa_sockets *sockets = c->host->sockets;

	if (!listener->processes_known)
		return sockets->missing_count > 0 ? sockets->missing[0] : "the processes behind the sockets are not known";
	if (listener->activates && listener->process_count == 1)
		return "systemd holds a socket for a service that does not run, and its unit files do not tell its program, user or rights";
	if (listener->process_count == 0)
		return "a socket is held by the kernel or by a process outside of this view";
	return "the source of the sockets does not tell the user, program, unit or capabilities of every process";
}

enum pa_tristate compare_fits(const struct comparison *c, const struct pa_whos *whos, const struct pa_listener *listener,
			      const char **ret_reason)
{
	size_t count = compare_holder_count(c, listener);
	enum pa_tristate fits = count == 0 ? fits_one(whos, listener, NULL) : PA_YES;

	for (size_t i = 0; i < count; i++)
		fits = both(fits, fits_one(whos, listener, compare_holder(c, listener, i)));
	if (fits == PA_UNKNOWN)
		*ret_reason = why_unknown(c, listener);
	return fits;
}
