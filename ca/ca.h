/* ca.h — an open pair of authorities: configuration, book, signer. Everything that issues, revokes or publishes takes one.
 *
 * One thread at a time: callers with threads hold ca_lock around each call, but for issue_certificate and issue_recover,
 * which take it themselves. Several processes may have the same state open: what must be one step is one transaction, and
 * publishing holds a lock file. */
#ifndef JPKI_CA_CA_H
#define JPKI_CA_CA_H

#include "ca/book.h"
#include "ca/caconfig.h"
#include "ca/leaf.h"
#include "ca/signing.h"

#include <pthread.h>

/* Who waits for a certificate (issue.c): three lines, one step each, and in each step one of those who wait at work. */
struct issue_line {
    struct issue_item *first, *last;
};
struct issuequeue {
    pthread_mutex_t lock;
    struct issue_line asked, recorded, sealed;
    bool recording, signing, finishing;
    struct issue_item *idle; /* whose threads have nothing to do */
};
void issuequeue_init(struct issuequeue *queue);
void issuequeue_wipe(struct issuequeue *queue);

struct ca {
    char *folder;
    struct caconfig config;
    struct store *store;
    struct signing *signing;               /* NULL when opened only to look */
    bool beside;                           /* signing and certificates are another one's (ca_open_beside) */
    bool published;                        /* a publisher is at work, and may be waited for */
    struct issuer issuers[AUTHORITY_COUNT]; /* with the newest key of each */
    X509 *certs[AUTHORITY_COUNT][CACONFIG_GENERATIONS]; /* of every key, by generation - 1 */
    struct issuequeue queue;
    pthread_mutex_t mutex;
};

enum ca_want { CA_READ /* the book cannot be changed */, CA_LOOK, CA_SIGN };

/* file: CACONFIG_FILE, or CACONFIG_PLANNED in a ceremony. program: see signing_open. RC_NOT_FOUND: not founded. */
enum rc ca_open(const char *program, const char *folder, const char *file, enum ca_want want, struct ca **ca,
                struct err *err) MUST_CHECK;
/* As CA_SIGN with the configuration; publication (NULL: as founded) is where the lists go; publish: with a publisher. */
enum rc ca_open_serving(const char *program, const char *folder, const char *publication, bool publish, struct ca **ca,
                        struct err *err) MUST_CHECK;
/* The same authorities for another thread: with a handle of the book of its own, and the signer of `ca`, which must be closed
 * later. */
enum rc ca_open_beside(const struct ca *ca, struct ca **beside, struct err *err) MUST_CHECK;
void ca_close(struct ca *ca);

/* All keys of an authority stand under its one name: they are told apart by generation, 1 to ca_newest. */
unsigned ca_newest(const struct ca *ca, enum authority authority);
X509 *ca_cert(const struct ca *ca, enum authority authority, unsigned generation); /* borrowed */
struct issuer ca_issuer(const struct ca *ca, enum authority authority, unsigned generation); /* borrows from ca */
/* Its certificate has not ended: it still signs lists, and certifies who answers for it. */
bool ca_lives(const struct ca *ca, enum authority authority, unsigned generation);

/* Reads configuration and certificates again: a ceremony may have made a new key. Under ca_lock where threads read them.
 * On failure nothing has changed. */
enum rc ca_reload(struct ca *ca, struct err *err) MUST_CHECK;

/* Publishes somewhere else than founded, for this process. NULL: leaves it. RC_RANGE. */
enum rc ca_set_publication(struct ca *ca, const char *folder, struct err *err) MUST_CHECK;

/* One look of a publisher, in a process of its own: puts up at once what was handed over. file: the configuration's name. */
enum rc ca_publish(const struct ca *ca, const char *program, const char *file, struct err *err) MUST_CHECK;

void ca_lock(struct ca *ca);
void ca_unlock(struct ca *ca);

#endif
