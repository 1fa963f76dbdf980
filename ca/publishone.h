/* publishone.h — one list judged and put up. */
#ifndef JPKI_CA_PUBLISHONE_H
#define JPKI_CA_PUBLISHONE_H

#include "ca/crljudge.h"
#include "ca/listplace.h"

/* What was published last of one list: a line of a file of its own, so that a lost or changed publication lets nothing old
 * in. number 0: nothing yet. */
struct published {
    int64_t number, this_update, next_update;
    uint8_t digest[CRLWALK_DIGEST]; /* of the to-be-signed bytes */
    size_t digest_len;
};
enum rc published_read(const char *path, struct published *published, struct err *err) MUST_CHECK; /* not there: zeros */

/* Whether the file is that list: by its time, or (deep) by every byte. */
bool published_is_up(const struct published *published, const char *path, bool deep);

struct publishone {
    X509 *ca;               /* the authority with the key that signs the list, */
    X509 *const *keys;      /* and with each of its keys: any of them may have signed a proof */
    unsigned key_count;
    enum authority authority;
    const X509_NAME *point; /* NULL: a list without scope */
    bool only_ca;
    const char *from;       /* path of the list that is handed over */
    const char *ended;      /* path of the proofs; need not be there */
    const char *to;         /* path of the published file */
    const char *before;     /* path of the published file that this one follows while `to` is not there; NULL: none */
    const char *memory;     /* path of its line (published_read) */
    const char *publication;/* folder: what is below it is for all to read */
};

/* RC_OK: published, and the line is written. RC_DENIED, RC_CONFLICT, RC_FORMAT, RC_BAD_SIGNATURE: refused, and nothing
 * changed; RC_STATE: not in force yet; RC_IO. */
enum rc publishone_run(const struct publishone *one, struct err *err) MUST_CHECK;

/* Copies a file below the publication, whole or not at all. */
enum rc publishone_copy(const char *publication, const char *from, const char *to, struct err *err) MUST_CHECK;

#endif
