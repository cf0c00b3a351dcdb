/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch is one message to the kernel and must fit into the send buffer of the socket, which a user namespace may not
 * force beyond net.core.wmem_max: some 1,000 rules. Nobody watches the namespace that a script is loaded into, so what
 * is one transaction there may be many here, cut where nothing is left hanging: an anonymous set, or the chain of
 * `jump { ... }`, must be committed together with the rule that uses it.
 */
#ifndef PORTAUDIT_NFT_SPLIT_H
#define PORTAUDIT_NFT_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Calls `send` with batches of at most `limit` bytes that together hold what `batch` (from its BATCH_BEGIN to its
 * BATCH_END) holds, in order; each has a begin and an end of its own. Returns false when a part that cannot be cut is
 * larger than the limit (errno EMSGSIZE), when the batch is malformed (EINVAL), or as soon as `send` returns false.
 */
bool pa_split_batch(const void *batch, size_t length, size_t limit,
		    bool (*send)(void *context, const void *part, size_t length), void *context);

/* For pa_intercept.send: sends a message, in parts when it is a batch that does not fit. */
ssize_t pa_split_send(void *unused, int fd, const struct msghdr *message, int flags);

#endif
