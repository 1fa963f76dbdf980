/* listplace.h — the lists of an authority by name, and where each lies: handed over in the state folder, published below the
 * publication folder. Shared by those who make lists and the publisher, who never call each other. Each list is signed with
 * every key of its authority that lives (its generations, from 1).
 *
 *   STATE/lists/auth/462012.1-17.crl    list 17 of municipality 462012 by the first key, to be published
 *   STATE/lists/auth/462012.1-18.later  list 18: the same entries, signed ahead for the case that 19 cannot be
 *   STATE/lists/auth/462012.1-17.ended  certificates (DER, one behind the other) whose entries 17 has no more: proof of their end
 *   STATE/lists/audit/head, head.sig    the trail's last sealed head (seal.h) */
#ifndef JPKI_CA_LISTPLACE_H
#define JPKI_CA_LISTPLACE_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/authority.h"

/* A list's name: a municipality, or one of these. */
#define LISTPLACE_OWN ""    /* the authority's own: of CA certificates; of operations the only one */
#define LISTPLACE_ALL "all" /* of everything that an authority revoked */

enum listplace_kind { LISTPLACE_LIST, LISTPLACE_LATER, LISTPLACE_ENDED };

/* What a list tells of: its distribution point (X509_NAME_free), NULL when it has no scope. */
enum rc listplace_point(enum authority authority, const char *organisation, const char *name, X509_NAME **point,
                        struct err *err) MUST_CHECK;

struct listplace {
    enum authority authority;
    unsigned generation;
    char name[7];
};

/* "PUBLICATION/auth/Kagoshima-ken/Kagoshima-shi.crl"; appended. older: the certificate of the list's key when it is not the
 * newest one, whose lists have a name of their own beside it (authority_crl_path_of_key); NULL. */
enum rc listplace_published(const char *publication, const char *organisation, const struct listplace *place, X509 *older,
                            struct buf *path, struct err *err) MUST_CHECK;

/* "STATE/lists/auth/462012.1-17.crl"; appended. */
enum rc listplace_handed(const char *state, const struct listplace *place, int64_t number, enum listplace_kind kind,
                         struct buf *path) MUST_CHECK;
enum rc listplace_folder(const char *state, enum authority authority, struct buf *path) MUST_CHECK;

/* "auth-462012.1": what the publisher calls its memory of a list. Appended. */
enum rc listplace_label(const struct listplace *place, struct buf *out) MUST_CHECK;

/* A file's name there, taken apart; the authority stays as it is. RC_NOT_FOUND: it is not one of these. */
enum rc listplace_parse(const char *file, struct listplace *place, int64_t *number, enum listplace_kind *kind) MUST_CHECK;

#endif
