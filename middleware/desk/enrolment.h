/* enrolment.h — the desk's own record of its enrolments: which step each has reached, and what a torn run needs to go on.
 * A step is recorded before it is done.
 *
 * The four attributes are kept only until the enrolment is done; the 住民票コード never, only a digest that recognises it. */
#ifndef JPKI_DESK_ENROLMENT_H
#define JPKI_DESK_ENROLMENT_H

#include "pki/authority.h"
#include "registry/registry_client.h"
#include "store/store.h"

/* In this order. The names are the words on standard output and in the store. */
enum enrolment_step {
    ENROLMENT_PERSONALISE, /* "personalise": the card becomes this enrolment's */
    ENROLMENT_KEYS,        /* "keys": it makes both key pairs */
    ENROLMENT_CERTIFY,     /* "certify": both certificates are obtained */
    ENROLMENT_WRITE,       /* "write": certificates to the card */
    ENROLMENT_PINS,        /* "pins": the holder sets both */
    ENROLMENT_ACTIVATE,    /* "activate": the card becomes its holder's */
    ENROLMENT_COMPARE,     /* "compare": everything is read back with the holder's own commands */
    ENROLMENT_LINK,        /* "link": the registry learns the certificates */
    ENROLMENT_CONFIRM,     /* "confirm": the authorities are told that the card is right */
    ENROLMENT_DONE,        /* "done" */
    ENROLMENT_ABANDON,     /* "abandon": given up, its pending certificates are being rejected */
    ENROLMENT_ABANDONED,   /* "abandoned": nothing of it is left but this record */
};
#define ENROLMENT_STEPS (ENROLMENT_ABANDONED + 1)

const char *enrolment_step_name(enum enrolment_step step);

/* Index by AUTHORITY_SIGN and AUTHORITY_AUTH. */
struct enrolment_half {
    struct buf key;  /* SubjectPublicKeyInfo of the card's key, DER; empty before "keys" */
    struct buf cert; /* DER; empty before "certify" */
    struct buf ca;   /* the authority's certificate, DER */
};

struct enrolment {
    char request[33]; /* the desk's name of it: random, hex */
    char card[17];    /* the card's serial number */
    char municipality[7];
    int64_t card_expiry;
    bool ward;         /* 成年被後見人, as the officer says: the authorities are told */
    bool without_sign; /* the authentication certificate alone: for whom there is no other, and for who wants no other */
    int64_t started, changed;
    enum enrolment_step step;
    struct attributes attributes; /* all zero once done or abandoned */
    struct enrolment_half half[2];
};

void enrolment_wipe(struct enrolment *enrolment);

/* Given up, or being so: it cannot be gone on with. */
bool enrolment_is_abandoned(const struct enrolment *enrolment);

/* The store in the desk's folder (created 0700). */
struct enrolment_book;
enum rc enrolment_open(const char *folder, struct enrolment_book **book, struct err *err) MUST_CHECK;

/* Before changing anything: one enrolment at a time. Held until enrolment_close. RC_CONFLICT when another process has it. */
enum rc enrolment_lock(struct enrolment_book *book, struct err *err) MUST_CHECK;
void enrolment_close(struct enrolment_book *book);

/* A new enrolment at its first step; request and started are filled in. RC_EXISTS when the card has one already. */
enum rc enrolment_begin(struct enrolment_book *book, const char *code, struct enrolment *enrolment, struct err *err)
    MUST_CHECK;

/* The enrolment of a card. RC_NOT_FOUND. The caller wipes. */
enum rc enrolment_find(struct enrolment_book *book, const char *card, struct enrolment *enrolment, struct err *err)
    MUST_CHECK;

/* The unfinished enrolment of a person with whatever card. RC_NOT_FOUND. */
enum rc enrolment_find_person(struct enrolment_book *book, const char *code, struct enrolment *enrolment,
                              struct err *err) MUST_CHECK;

/* Whether it is this person's. */
enum rc enrolment_is_of(struct enrolment_book *book, const struct enrolment *enrolment, const char *code, bool *is_of,
                        struct err *err) MUST_CHECK;

/* Records the next step together with everything else in the struct; at DONE and ABANDONED the attributes are erased. */
enum rc enrolment_record(struct enrolment_book *book, struct enrolment *enrolment, enum enrolment_step step,
                         struct err *err) MUST_CHECK;

/* Signatures that the card made to prove possession, by what they sign: the same request can be sent again when the card
 * makes none any more. RC_NOT_FOUND. */
enum rc enrolment_keep_proof(struct enrolment_book *book, const char *request, struct bytes digest_info,
                             struct bytes signature, struct err *err) MUST_CHECK;
enum rc enrolment_find_proof(struct enrolment_book *book, const char *request, struct bytes digest_info,
                             struct buf *signature, struct err *err) MUST_CHECK;

/* Every enrolment, oldest first; the call-back's rc other than RC_OK ends the walk and is returned. */
enum rc enrolment_each(struct enrolment_book *book, enum rc (*visit)(void *context, const struct enrolment *enrolment),
                       void *context, struct err *err) MUST_CHECK;

#endif
