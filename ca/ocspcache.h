/* ocspcache.h — answers that were signed once and are given again: by the request's bytes, which name issuer and serial, and
 * forgotten the moment the book says otherwise. Not locked: the caller is. */
#ifndef JPKI_CA_OCSPCACHE_H
#define JPKI_CA_OCSPCACHE_H

#include "base/buf.h"
#include "ca/book.h"
#include "net/plain.h"

#define OCSPCACHE_KEY 160 /* bytes; longer requests are not kept */

struct ocspcache;

enum rc ocspcache_new(size_t entries, struct ocspcache **cache) MUST_CHECK; /* entries: rounded up */
void ocspcache_free(struct ocspcache *cache);

/* What an entry is about, and until when it is given (clock seconds). */
struct ocspentry {
    enum authority authority;
    char serial[BOOK_SERIAL_SIZE];
    int64_t until;
    char etag[44]; /* with its quotation marks */
    struct plain_answer *answer;
};

/* Borrowed until the next call; NULL when there is none, or it is too old. */
const struct ocspentry *ocspcache_find(struct ocspcache *cache, struct bytes request, int64_t now);

/* Holds the answer once more. Drops an older entry when there is no room. */
void ocspcache_put(struct ocspcache *cache, struct bytes request, const struct ocspentry *entry);

/* Forgets every answer about the certificate. */
void ocspcache_forget(struct ocspcache *cache, enum authority authority, const char *serial);

#endif
