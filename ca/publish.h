/* publish.h — revocation lists from book to the folder where they are handed over (listplace.h). The publisher, a process of
 * its own without keys (publisher.h), judges them once more and puts them where the world can read them.
 *
 * One list: numbers taken (durable) → entries from the book in the order of their serial numbers, through a file →
 * signed, and once more for the days after the next list → compared with what is published → recorded → handed over by a
 * rename. Locks of one byte a list keep processes and threads apart, so that no list goes backwards. */
#ifndef JPKI_CA_PUBLISH_H
#define JPKI_CA_PUBLISH_H

#include "ca/ca.h"

#define PUBLISH_INTERVAL 86400          /* every list is issued again after this */
#define PUBLISH_NEXT_UPDATE (2 * 86400) /* seconds from thisUpdate: one more interval than it lives */
#define PUBLISH_ALL_INTERVAL 3600       /* a list of everything follows revocations no faster than this */
/* A list signed ahead, with the same entries: published when none has followed half an interval after it was due. */
#define PUBLISH_LATER (PUBLISH_INTERVAL + PUBLISH_INTERVAL / 2)
#define PUBLISH_LATER_LIFE (7 * 86400)

/* Issues a list now. name: a municipality, or one of listplace.h. */
enum rc publish_list(struct ca *ca, enum authority authority, const char *name, struct err *err) MUST_CHECK;

/* Issues it only when it has never been: before the first certificate of a municipality is handed out. *made may be NULL. */
enum rc publish_ensure(struct ca *ca, enum authority authority, const char *name, bool *made, struct err *err) MUST_CHECK;

/* Waits for a moment until the publisher has published the list; a warning when it does not come. Without ca_lock. */
void publish_wait(const struct ca *ca, enum authority authority, const char *name);

/* Issues all that must be: never issued, a revocation not covered yet, a day old. A list that cannot be issued holds up no
 * other; the first failure is returned. *count lists. */
enum rc publish_due(struct ca *ca, size_t *count, struct err *err) MUST_CHECK;
enum rc publish_all(struct ca *ca, size_t *count, struct err *err) MUST_CHECK; /* whether due or not */

/* After a start: issues again what was recorded and is not where it was handed over (a crash in between), and the lists
 * that every authority has. *count lists. */
enum rc publish_repair(struct ca *ca, size_t *count, struct err *err) MUST_CHECK;

#endif
