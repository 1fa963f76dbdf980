/* deskworld.h — a counter for tests: a software card whose image survives, a registry and two authorities as call-backs,
 * all of it in memory that outlives a killed child process. Fails the running test (cmocka) when its own parts fail. */
#ifndef JPKI_TESTS_DESKWORLD_H
#define JPKI_TESTS_DESKWORLD_H

#include "applet-sim/sim.h"
#include "desk/steps.h"

#define DESKWORLD_CERT_MAX 2048u
#define DESKWORLD_IMAGE_MAX 65536u

/* What an authority remembers. */
struct deskworld_authority {
    unsigned issued;   /* certificates made; more than one is a doubled one */
    unsigned confirmed;
    bool active, revoked;
    size_t cert_len, key_len;
    uint8_t cert[DESKWORLD_CERT_MAX], key[512];
    uint8_t order[32]; /* digest of the whole order: the same each time */
};

/* Shared between the test and the processes that it kills. */
struct deskworld_memory {
    struct deskworld_authority authority[2];
    char card[17]; /* in the reader */
    unsigned found, agreed, linked, pins_asked, told;
    size_t image_len;
    uint8_t image[DESKWORLD_IMAGE_MAX];
    char last_told[32];
};

/* What goes wrong in one run. */
struct deskworld_trouble {
    unsigned apdu;        /* the n-th command (from 1) fails; 0: none */
    bool apdu_was_done;   /* the card did it, only the answer is lost */
    unsigned call;        /* the n-th call to registry, authority or holder (from 1) fails with call_rc */
    enum rc call_rc;
    bool call_was_done;   /* it was carried out, only the answer is lost */
    bool other_cert;      /* the authority gives another certificate when asked to confirm */
    const char *code;     /* another person than the usual one */
    bool disagree;        /* the officer says that this is not the person */
    bool deaf;            /* the authorities do not take a rejection */
    const char *auth_pin; /* another PIN than the usual one */
};

struct deskworld {
    struct deskworld_memory *memory;
    char folder[64];
    EVP_PKEY *key[2];
    X509 *ca[2];
    struct secret master, seal;
    unsigned apdus; /* commands of the last run */
    unsigned calls; /* call-backs of the last run */
    struct deskworld_trouble trouble;
};

void deskworld_new(struct deskworld *world);
void deskworld_fill_secrets(struct deskworld *world); /* in a child: fork wipes secrets */
void deskworld_free(struct deskworld *world);

/* A new blank card, an empty desk, authorities that have issued nothing. */
void deskworld_reset(struct deskworld *world);

/* Another blank card in the reader. */
void deskworld_new_card(struct deskworld *world, const char *serial);

/* One run of the desk over the card. */
enum rc deskworld_run(struct deskworld *world, struct deskworld_trouble trouble, struct err *err);

/* The desk gives up the enrolment with a card, in the name of an officer of the municipality. */
enum rc deskworld_abandon(struct deskworld *world, struct deskworld_trouble trouble, const char *card,
                          const char *municipality, struct err *err);

/* All is as after one undisturbed run: one certificate each, active, linked, on the card behind the PINs that were set, no try
 * of a PIN spent, both keys signing for their certificates, the record done and without the person. */
void deskworld_assert_done(struct deskworld *world);

/* Opens the card as its holder's program would. *sim, *transport and *card are closed with deskworld_close_card. */
struct deskworld_card {
    struct sim *sim;
    struct transport *transport;
    struct card *card;
};
void deskworld_open_card(struct deskworld *world, struct deskworld_card *card);
void deskworld_close_card(struct deskworld_card *card);

#define DESKWORLD_CODE "12345678903"
#define DESKWORLD_CARD "9876543210987654"
#define DESKWORLD_AUTH_PIN "4649"
#define DESKWORLD_SIGN_PIN "abc123DEF"

#endif
