/* ceremonyplan.h — a ceremony's plan: configuration as it will be, keys, and the exact to-be-signed bytes of each certificate.
 * Once made for real it stands in the state folder (planned.json, ceremony.json), so that a torn ceremony goes on
 * with the same keys, numbers and times. Its text is what persons read and confirm. */
#ifndef JPKI_CA_CEREMONYPLAN_H
#define JPKI_CA_CEREMONYPLAN_H

#include "ca/book.h"
#include "ca/caconfig.h"
#include "ca/ceremonyscript.h"
#include "pki/profile.h"

#define CEREMONY_CERTS 3u

struct ceremony_cert {
    enum authority authority;
    enum profile_kind kind;
    unsigned subject, signer; /* generations of the authority's keys */
    char file[64];            /* in the state folder */
    char serial[BOOK_SERIAL_SIZE];
    struct buf tbs;
};

struct ceremony_plan {
    const struct ceremony_script *script;
    const char *state;
    struct caconfig config;
    int64_t begins;
    bool written;   /* it stands in the state folder */
    bool rehearsal; /* at least one key is in memory only: the bytes are not those that will be signed */
    EVP_PKEY *public_keys[AUTHORITY_COUNT]; /* the new ones */
    struct ceremony_cert certs[CEREMONY_CERTS];
    unsigned count;
    struct buf text;
};

/* The plan that stands in the state folder, or a new one that is written nowhere. A founding needs no state folder yet.
 * RC_EXISTS: founded already; RC_NOT_FOUND: a new key for authorities that are not founded; RC_CONFLICT: another
 * script's ceremony is under way; RC_RANGE. The caller wipes. */
enum rc ceremonyplan_open(const char *state, const struct ceremony_script *script, struct ceremony_plan *plan,
                          struct err *err) MUST_CHECK;
void ceremonyplan_wipe(struct ceremony_plan *plan);

/* Writes it; takes serial numbers for good. Nothing when it is written already. */
enum rc ceremonyplan_write(struct ceremony_plan *plan, struct err *err) MUST_CHECK;
void ceremonyplan_remove(const char *state);

/* Fills in the bytes and the text: with the token's keys when they are there, else with keys of a rehearsal. Every
 * certificate is held against its profile. As keyuri_open; RC_DENIED names the rule. */
enum rc ceremonyplan_build(struct ceremony_plan *plan, struct err *err) MUST_CHECK;

/* Opens the book; store_close. */
enum rc ceremonyplan_book(const struct ceremony_plan *plan, struct store **store, struct err *err) MUST_CHECK;

#endif
