/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a document where the user wants it. An old report survives every failure: the new one is written beside it,
 * forced to the disk, and only then takes its name (rename(2) is atomic).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "portaudit/report.h"

#define TRIES 100

/* The folder is held open: a path that is exchanged during the write changes nothing. */
struct place {
	const char *path; /* as the user wrote it */
	int folder;
	const char *name; /* in the folder */
	char temporary[64];
	struct pa_diags *diags;
};

static bool fail(const struct place *place, enum pa_diag_kind kind, const char *what)
{
	int error = errno;
	struct pa_buffer path = { 0 };
	pa_text_escape(place->path, &path);
	pa_diags_add(place->diags, PA_DIAG_ERROR, kind, "%s '%s': %s", what, path.data ? path.data : "", strerror(error));
	pa_buffer_done(&path);
	return false;
}

static bool refuse(const struct place *place, const char *why, const char *help)
{
	struct pa_buffer path = { 0 };
	pa_text_escape(place->path, &path);
	struct pa_diag *diag = pa_diags_add(place->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "cannot write to '%s': %s",
					    path.data ? path.data : "", why);
	diag->help = help;
	pa_buffer_done(&path);
	return false;
}

static bool write_all(int descriptor, const struct pa_buffer *document)
{
	for (size_t done = 0; done < document->length;) {
		ssize_t written = write(descriptor, document->data + done, document->length - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			errno = written == 0 ? ENOSPC : errno;
			return false;
		}
		done += (size_t)written;
	}
	return true;
}

/* close() may bring the error of an earlier write (NFS, quota). EINTR: Linux has closed the descriptor all the same. */
static bool closed(int descriptor)
{
	return close(descriptor) == 0 || errno == EINTR;
}

static bool write_standard_output(const struct pa_buffer *document, struct pa_diags *diags)
{
	if (write_all(STDOUT_FILENO, document))
		return true;
	pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "cannot write to standard output: %s", strerror(errno));
	return false;
}

/* Devices and pipes have no contents to protect. O_NONBLOCK: a pipe that nobody reads is an error, not a wait for ever. */
static bool write_device(const struct place *place, const struct pa_buffer *document)
{
	int descriptor = openat(place->folder, place->name, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (descriptor < 0)
		return fail(place, PA_DIAG_INPUT, "cannot open");
	int flags = fcntl(descriptor, F_GETFL);
	bool good = flags >= 0 && fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 && write_all(descriptor, document);
	if (!good)
		fail(place, PA_DIAG_INCOMPLETE, "cannot write to");
	if (!closed(descriptor) && good)
		good = fail(place, PA_DIAG_INCOMPLETE, "cannot write to");
	return good;
}

static int create_temporary(struct place *place)
{
	for (unsigned attempt = 0; attempt < TRIES; attempt++) {
		snprintf(place->temporary, sizeof(place->temporary), ".portaudit-%ld-%u.tmp", (long)getpid(), attempt);
		int descriptor =
			openat(place->folder, place->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (descriptor >= 0 || errno != EEXIST)
			return descriptor;
	}
	return -1;
}

/* A report that is replaced keeps its owner, where that is allowed, and its permissions. */
static bool keep_mode(int descriptor, const struct stat *old)
{
	if (!old)
		return true;
	mode_t mode = old->st_mode & 0777;
	if (fchown(descriptor, old->st_uid, old->st_gid) != 0)
		mode &= 0707;
	return fchmod(descriptor, mode) == 0;
}

static bool replace(struct place *place, const struct stat *old, const struct pa_buffer *document)
{
	int descriptor = create_temporary(place);
	if (descriptor < 0)
		return fail(place, PA_DIAG_INPUT, "cannot create a file beside");
	bool good = write_all(descriptor, document) && keep_mode(descriptor, old) && fsync(descriptor) == 0;
	if (!good)
		fail(place, PA_DIAG_INCOMPLETE, "cannot write");
	if (!closed(descriptor) && good)
		good = fail(place, PA_DIAG_INCOMPLETE, "cannot write");
	if (good && renameat(place->folder, place->temporary, place->folder, place->name) != 0)
		good = fail(place, PA_DIAG_INCOMPLETE, "cannot replace");
	if (!good)
		unlinkat(place->folder, place->temporary, 0);
	/* The name is on the disk when the folder is; some file systems cannot do that, and the report is there all the same. */
	else
		fsync(place->folder);
	return good;
}

static bool write_at(struct place *place, const struct pa_buffer *document)
{
	struct stat target;
	if (fstatat(place->folder, place->name, &target, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return fail(place, PA_DIAG_INPUT, "cannot write to");
		return replace(place, NULL, document);
	}
	if (S_ISLNK(target.st_mode))
		return refuse(place, "it is a symbolic link", "name the file itself, or use - for standard output");
	if (S_ISDIR(target.st_mode))
		return refuse(place, "it is a folder", "name a file in it");
	if (S_ISREG(target.st_mode))
		return replace(place, &target, document);
	if (S_ISCHR(target.st_mode) || S_ISFIFO(target.st_mode))
		return write_device(place, document);
	return refuse(place, "it is neither a file nor a pipe", NULL);
}

bool pa_report_write(const char *path, const struct pa_buffer *document, struct pa_diags *diags)
{
	if (strcmp(path, "-") == 0)
		return write_standard_output(document, diags);
	struct place place = { .path = path, .diags = diags };
	const char *slash = strrchr(path, '/');
	place.name = slash ? slash + 1 : path;
	if (*place.name == '\0')
		return *path ? refuse(&place, "it is a folder", "name a file in it")
			     : refuse(&place, "the name is empty", NULL);
	char *folder = slash ? pa_xstrdup(path) : pa_xstrdup(".");
	if (slash)
		folder[slash == path ? 1 : slash - path] = '\0';
	place.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (place.folder < 0)
		return fail(&place, PA_DIAG_INPUT, "cannot open the folder of");
	bool good = write_at(&place, document);
	close(place.folder);
	return good;
}
