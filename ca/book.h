/* book.h — the authorities' book: certificates, counters, revocation lists, transactions and events, as rows. SQL stands
 * here, in approval.c, report.c, trail.c and seal.c only. What must be one step is one transaction of the caller (store_begin … store_commit). */
#ifndef JPKI_CA_BOOK_H
#define JPKI_CA_BOOK_H

#include "pki/authority.h"
#include "store/store.h"

extern const char *const book_migrations[];
extern const size_t book_migration_count;

enum rc book_open_reader(const char *url, struct store **store, struct err *err) MUST_CHECK; /* store_open_reader */
enum rc book_open(const char *url, struct store **store, struct err *err) MUST_CHECK;        /* store_open */

/* --- authorities ------------------------------------------------------------------------------------------------- */
enum rc book_add_authority(struct store *store, enum authority authority, int64_t next_serial, struct bytes cert,
                           struct err *err) MUST_CHECK;
/* A serial number as hex: the counter's next, and the counter moved; or a new one with 128 random bits. Inside a
 * transaction. */
#define BOOK_SERIAL_SIZE 41
enum rc book_take_serial(struct store *store, enum authority authority, bool random, char serial[BOOK_SERIAL_SIZE],
                         struct err *err) MUST_CHECK;

/* The rows of a query, one after another. Ends with the first rc that is not RC_OK, and returns it. */
typedef enum rc (*book_row_fn)(void *context, struct statement *row);
enum rc book_each_row(struct store *store, const char *sql, const struct bind *binds, book_row_fn each, void *context,
                      struct err *err) MUST_CHECK;

/* --- certificates ------------------------------------------------------------------------------------------------- */
enum book_state { BOOK_RECORDED, BOOK_PENDING, BOOK_ACTIVE, BOOK_REVOKED };

#define BOOK_NO_LIST "-" /* no CRL tells of it: OCSP responders (ocspNoCheck) */

struct book_cert {
    int64_t id;
    enum authority authority;
    char serial[BOOK_SERIAL_SIZE];
    char request[161];     /* the desk's name of the enrolment: one certificate an authority and request */
    char key_hash[65];     /* SHA-256 of the SubjectPublicKeyInfo, hex */
    char municipality[7];  /* "" of the authority's own certificates, "000000" of responders */
    char list[7];          /* the CRL it belongs to: a municipality, "" for the authority's own, or BOOK_NO_LIST */
    char officer[161];     /* who asked */
    int64_t created, not_after;
    int64_t confirmed_at, revoked_at; /* 0: not */
    int reason;
    unsigned generation;   /* of the authority's key that signs it */
    int64_t replaces;      /* id of the certificate that it renews; 0: none */
    struct buf tbs, certificate; /* certificate empty until signed */
};

void book_cert_wipe(struct book_cert *cert);
enum book_state book_cert_state(const struct book_cert *cert); /* derived, not stored */
const char *book_state_name(enum book_state state);            /* "pending" … */

/* RC_NOT_FOUND. The caller wipes. */
enum rc book_find_serial(struct store *store, enum authority authority, const char *serial, struct book_cert *cert,
                         struct err *err) MUST_CHECK;
enum rc book_find_request(struct store *store, enum authority authority, const char *request, struct book_cert *cert,
                          struct err *err) MUST_CHECK;
enum rc book_find_id(struct store *store, int64_t id, struct book_cert *cert, struct err *err) MUST_CHECK;

/* Up to max ids of certificates that are recorded but not signed / not confirmed and older than the time. */
enum rc book_list_unsigned(struct store *store, int64_t *ids, size_t max, size_t *count, struct err *err) MUST_CHECK;
enum rc book_list_overdue(struct store *store, int64_t before, int64_t *ids, size_t max, size_t *count,
                          struct err *err) MUST_CHECK;

/* Up to max ids of certificates by that key that are neither revoked nor over: the authority's own first. */
enum rc book_list_living(struct store *store, enum authority authority, unsigned generation, int64_t now, int64_t *ids,
                         size_t max, size_t *count, struct err *err) MUST_CHECK;

enum rc book_add_cert(struct store *store, struct book_cert *cert, struct err *err) MUST_CHECK; /* sets id */
enum rc book_set_certificate(struct store *store, int64_t id, struct bytes certificate, struct err *err) MUST_CHECK;
enum rc book_set_confirmed(struct store *store, int64_t id, int64_t when, struct err *err) MUST_CHECK;
/* revocation: a growing number (the trail's row). RC_STATE when it is revoked already. */
enum rc book_set_revoked(struct store *store, int64_t id, int64_t when, int reason, int64_t revocation,
                         struct err *err) MUST_CHECK;

struct book_counts {
    int64_t certificates, active, revoked, crl_number, crl_issued; /* the highest CRL number, the oldest issue time */
};
enum rc book_count(struct store *store, enum authority authority, struct book_counts *counts, struct err *err) MUST_CHECK;

/* --- revocation lists ---------------------------------------------------------------------------------------------- */
struct book_list {
    enum authority authority;
    char list[7];
    int64_t number, issued, next_update; /* of the last signed one; 0 before the first */
    int64_t covers;                      /* the last revocation that it holds */
};

/* RC_NOT_FOUND. */
enum rc book_find_list(struct store *store, enum authority authority, const char *name, struct book_list *list,
                       struct err *err) MUST_CHECK;
/* Makes the row if it is not there; so many numbers that were never given before, *first and those behind it. Inside a
 * transaction. */
enum rc book_take_crl_numbers(struct store *store, enum authority authority, const char *name, int count, int64_t *first,
                              struct err *err) MUST_CHECK;
/* Numbers up to `least` and `skip` more are never given any more. A list that the book does not know is entered when least is not 0.
 * RC_NOT_FOUND: it is not known, and least is 0. Inside a transaction, as the next. */
enum rc book_skip_crl_numbers(struct store *store, enum authority authority, const char *name, int64_t least, int64_t skip,
                              struct err *err) MUST_CHECK;
enum rc book_skip_serials(struct store *store, enum authority authority, int64_t count, struct err *err) MUST_CHECK;
enum rc book_set_list(struct store *store, const struct book_list *list, struct err *err) MUST_CHECK;

/* Calls each for every entry that a list issued after `last_issued` must hold: revoked, and not expired before that last
 * one was issued (RFC 5280 §3.3). In the order of the serial numbers, as they are at one moment. list: also
 * LISTPLACE_ALL (listplace.h), as in the other functions here. */
typedef enum rc (*book_entry_fn)(void *context, const char *serial, int64_t revoked_at, int reason);
enum rc book_each_revoked(struct store *store, enum authority authority, const char *list, int64_t last_issued,
                          book_entry_fn each, void *context, struct err *err) MUST_CHECK;

/* The number of the last revocation in a list; 0: none. */
enum rc book_last_revocation(struct store *store, enum authority authority, const char *list, int64_t *revocation,
                             struct err *err) MUST_CHECK;

/* As book_each_revoked, of every authority and list, those behind the revocation `after`; at most max of them. */
typedef enum rc (*book_news_fn)(void *context, enum authority authority, const char *serial, int64_t revocation);
enum rc book_each_revoked_after(struct store *store, int64_t after, int max, book_news_fn each, void *context,
                                struct err *err) MUST_CHECK;

enum rc book_newest_revocation(struct store *store, int64_t *revocation, struct err *err) MUST_CHECK; /* 0: none */

/* Lists that must be issued: never issued, a revocation not covered, or issued at or before `older_than`; a list of
 * everything for revocations only when it was issued at or before all_older_than. */
enum rc book_due_lists(struct store *store, int64_t older_than, int64_t all_older_than, struct book_list *lists, size_t max,
                       size_t *count, struct err *err) MUST_CHECK;
enum rc book_all_lists(struct store *store, struct book_list *lists, size_t max, size_t *count, struct err *err) MUST_CHECK;

/* What an OCSP answer needs of a certificate, without its bytes. RC_NOT_FOUND: none by that key, or not signed yet. */
enum rc book_status(struct store *store, enum authority authority, unsigned generation, const char *serial,
                    int64_t *revoked_at, int *reason, struct err *err) MUST_CHECK;

/* --- CMP transactions ------------------------------------------------------------------------------------------------ */
struct book_transaction {
    char id[129];      /* transactionID, hex */
    enum authority authority;
    int64_t cert;      /* id in the book */
    char officer[161];
    char nonce[129];   /* our last senderNonce, hex */
    int outcome;       /* 0 open, 1 confirmed, 2 rejected */
    struct buf request;/* the ir message that began it: signed evidence, and what resumes it */
};
void book_transaction_wipe(struct book_transaction *transaction);
/* The caller wipes. */
enum rc book_find_transaction(struct store *store, const char *id, struct book_transaction *transaction,
                              struct err *err) MUST_CHECK;
enum rc book_add_transaction(struct store *store, const struct book_transaction *transaction, struct err *err) MUST_CHECK;
enum rc book_set_outcome(struct store *store, const char *id, int outcome, struct err *err) MUST_CHECK;

/* --- events of the registry -------------------------------------------------------------------------------------------- */
enum rc book_last_event(struct store *store, int64_t *sequence, struct err *err) MUST_CHECK; /* 0: none yet */
enum rc book_add_event(struct store *store, int64_t sequence, const char *event, const char *time, struct err *err) MUST_CHECK;

#endif
