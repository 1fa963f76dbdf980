/* signing.h — asking the signer: the intake's end of the socket pair. The signer is a process of its own that holds the
 * keys and has no network; it is started anew when it died. One call at a time: calls of several threads wait. */
#ifndef JPKI_CA_SIGNING_H
#define JPKI_CA_SIGNING_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/authority.h"

struct signing;

/* program: the jpki-ca to run as the signer; NULL for the running program itself. folder holds `file` (caconfig.h).
 * publication: where a publisher (publisher.h) puts the lists, which is started beside the signer and again when it ends;
 * NULL: none. Returns once every key is open, or with the signer's words why not. */
enum rc signing_open(const char *program, const char *folder, const char *file, const char *publication,
                     struct signing **signing, struct err *err) MUST_CHECK;
void signing_close(struct signing *signing); /* waits for the signer's end; NULL is fine */

/* The sealed object for these to-be-signed bytes, appended, by the authority's key of that generation. RC_DENIED: the signer's own check refused them (its words in
 * err); RC_UNREACHABLE: it is gone, and a new one could not be started; RC_CRYPTO: the HSM did not sign, and the next call
 * opens it anew. */
enum rc signing_cert(struct signing *signing, enum authority authority, unsigned generation, struct bytes tbs,
                     struct buf *out, struct err *err) MUST_CHECK;

/* The signature alone over head ‖ the entries in the file ‖ tail, appended. The signer reads the file itself, from its
 * start to its end, by a descriptor that it is given: a list of any length passes by in a few kilobytes. */
struct signing_list {
    enum authority authority;
    unsigned generation;
    struct bytes head, tail;
    int entries;
};
enum rc signing_crl(struct signing *signing, const struct signing_list *list, struct buf *out, struct err *err) MUST_CHECK;

/* Many certificates in a row: the next ones are on their way while one is being signed, so that the key is never idle.
 * Each job carries its own end. */
struct signing_job {
    enum authority authority;
    unsigned generation;
    struct bytes tbs;
    struct buf *sealed; /* appended to */
    enum rc rc;         /* as of signing_cert */
    struct err err;
    void *owner; /* the caller's */
};
struct signing_row {
    struct signing_job *(*next)(void *context);            /* NULL: none is there now */
    void (*done)(void *context, struct signing_job *job); /* in the order of next */
    void *context;
};
/* Ends when everything was done and there is no next one. When the signer is gone, so is every job that is there. Both are
 * called in this thread, and may not sign anything. */
void signing_certs(struct signing *signing, const struct signing_row *row);

/* The operations authority's signature over a head of the audit trail (seal.h). */
enum rc signing_head(struct signing *signing, struct bytes head, struct buf *out, struct err *err) MUST_CHECK;

#endif
