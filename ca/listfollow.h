/* listfollow.h — may the list that was made just now be handed over? Compared with the last one of the authorities' own, and
 * with what the world has; what is lost from the latter is proved to the publisher by the certificates themselves. */
#ifndef JPKI_CA_LISTFOLLOW_H
#define JPKI_CA_LISTFOLLOW_H

#include "pki/authority.h"
#include "store/store.h"

struct listfollow {
    struct store *store;
    X509 *ca;              /* with the key that signed the new list, */
    X509 *const *keys;     /* and with each of its keys: any of them may have signed what is published */
    unsigned key_count;
    enum authority authority;
    const char *next;      /* path of the new list, */
    int64_t number;        /* which must have this number */
    const char *last;      /* path of the authorities' own last one; NULL, or not there: none */
    int64_t last_number;
    const char *published; /* path; not there, or no list of this authority: none */
    const char *ended;     /* a file that is made: the certificates whose entries are published and not in `next` */
};

/* RC_CONFLICT, RC_DENIED, RC_FORMAT, RC_BAD_SIGNATURE name what; RC_IO. */
enum rc listfollow_check(const struct listfollow *follow, struct err *err) MUST_CHECK;

/* The number of a list of this authority in a file. RC_NOT_FOUND: no file; anything else: no such list. */
enum rc listfollow_number(X509 *const *keys, unsigned count, enum authority authority, const char *path, int64_t *number)
    MUST_CHECK;

/* thisUpdate of a list in a file. RC_NOT_FOUND, RC_FORMAT. */
enum rc listfollow_time(const char *path, int64_t *this_update) MUST_CHECK;

#endif
