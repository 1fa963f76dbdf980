/* publish.h — revocation lists from book to folder.
 *
 * One list: number taken (durable) → bytes built from the book → signed → compared with the list before it → recorded →
 * written atomically. A lock file serialises processes, so that a folder never goes backwards. */
#ifndef JPKI_CA_PUBLISH_H
#define JPKI_CA_PUBLISH_H

#include "ca/ca.h"

#define PUBLISH_NEXT_UPDATE (2 * 86400) /* seconds from thisUpdate */
#define PUBLISH_INTERVAL 86400          /* every list is issued again after this */

/* Issues a list now. name: a municipality, or "" for the authority's own. */
enum rc publish_list(struct ca *ca, enum authority authority, const char *name, struct err *err) MUST_CHECK;

/* Issues it only when it has never been: before the first certificate of a municipality is handed out. */
enum rc publish_ensure(struct ca *ca, enum authority authority, const char *name, struct err *err) MUST_CHECK;

/* Issues all that must be: never issued, a revocation not covered yet, a day old. *count lists. */
enum rc publish_due(struct ca *ca, size_t *count, struct err *err) MUST_CHECK;
enum rc publish_all(struct ca *ca, size_t *count, struct err *err) MUST_CHECK; /* whether due or not */

/* Writes the CA certificates and the last recorded list of each kind where the folder's file is another: after a crash
 * between recording and writing, or a lost folder. *count files. */
enum rc publish_repair(struct ca *ca, size_t *count, struct err *err) MUST_CHECK;

/* Whether `next` may follow `last` (both DER; last empty: the first): issuer, key, scope the same, number and time not
 * lower, no entry lost but of certificates that had ended before `last` was issued. RC_CONFLICT names what. */
enum rc publish_check(struct ca *ca, enum authority authority, struct bytes last, struct bytes next,
                      struct err *err) MUST_CHECK;

#endif
