/* testcard.h — a card for tests: the software card in process, personalised with certificates made at run time by
 * authorities that exist nowhere else (O=JPKI-TEST), or the same card behind a Unix socket in a process of its own.
 *
 * Every function ends the test by cmocka's fail() when something does not work that is not the test's subject. */
#ifndef JPKI_TESTS_SUPPORT_TESTCARD_H
#define JPKI_TESTS_SUPPORT_TESTCARD_H

#include "applet-sim/sim.h"
#include "applet-sim/sim_specimen.h"
#include "wire/applet.h"

#include <openssl/x509.h>

#define TESTCARD_AUTH_PIN SIM_SPECIMEN_AUTH_PIN
#define TESTCARD_SIGN_PIN SIM_SPECIMEN_SIGN_PIN
#define TESTCARD_SERIAL "0000000099000001"

struct testcard;

/* A card that is its holder's: two keys made in it, two certificates, two CA certificates, both PINs; powered on. */
struct testcard *testcard_new(void);
/* A card as it leaves the factory; powered on. */
struct testcard *testcard_new_blank(void);
/* The same, of another profile ("juki", "next"), contactless or not, with switches ("pupi=yes"; NULL: none). */
struct testcard *testcard_new_profile(const char *profile, bool contactless, const char *switches);
/* Another card with the same content (as it was saved last), keys and certificates: cheaper than a new one. */
struct testcard *testcard_copy(struct testcard *card);
/* The same with switches set ("short-ids=no,schemes=00": applet-sim/sim_switch.h), on any card, at any time. */
struct testcard *testcard_copy_switched(struct testcard *card, const char *switches);
void testcard_switch(struct testcard *card, const char *switches);
void testcard_free(struct testcard *card);

struct sim *testcard_sim(struct testcard *card);                /* borrowed */
const struct secret *testcard_master(const struct testcard *card); /* the issuer's 16-byte master key; borrowed */

/* One of the four certificates (APPLET_EF_SIGN_CERT, …), borrowed; the public keys are theirs. NULL on a blank card. */
X509 *testcard_cert(const struct testcard *card, enum applet_ef ef);

/* One command; the answer replaces what is in it. Returns the status word. */
unsigned testcard_transmit(struct testcard *card, struct bytes command, struct buf *answer);
/* The same from hex text, the answer's data dropped. */
unsigned testcard_send(struct testcard *card, const char *hex);

/* --- the issuer's side ---------------------------------------------------------------------------------------------- */

/* Selects the JPKI application and opens the secure channel. */
void testcard_open_channel(struct testcard *card);
/* The same to another application, by the SELECT in hex. */
void testcard_open_channel_to(struct testcard *card, const char *select);
/* An issuer's command in the channel, which must be done: instruction, P1, P2, data, Le. */
void testcard_issue(struct testcard *card, unsigned ins, unsigned p1, unsigned p2, struct bytes data, uint32_t le,
                    struct buf *answer);
/* The same when the card may refuse because it cannot save. */
bool testcard_try_channel(struct testcard *card);
/* The key in the answer of GENERATE ASYMMETRIC KEY PAIR; the caller frees. */
EVP_PKEY *testcard_public_key(struct bytes answer);
/* A plain command through the channel; answer and status word are plain too. */
unsigned testcard_secured(struct testcard *card, struct bytes command, struct buf *answer);
/* The command as it goes over the wire; for tests that change it on the way. */
void testcard_wrap(struct testcard *card, struct bytes command, struct buf *secured);
/* What testcard_new does after testcard_new_blank; of a Juki card what it has, of the next card with its curve. */
void testcard_personalise(struct testcard *card);

/* --- power cuts ----------------------------------------------------------------------------------------------------- */

unsigned testcard_saves(const struct testcard *card);          /* how often the image was saved */
void testcard_fail_save(struct testcard *card, unsigned after); /* saves `after` more times, then refuses, until told 0 */
/* The power is cut and the card is opened from what was saved last. */
void testcard_cut(struct testcard *card);
const struct secret *testcard_seal_key(const struct testcard *card); /* borrowed */
struct bytes testcard_image(const struct testcard *card); /* what was saved last; borrowed */

/* Writes the card (as it was saved last) as jpki-sim keeps one: the image at path and its key at path.key; and the
 * issuer's master key at path.issuer. */
void testcard_write(const struct testcard *card, const char *path);

/* --- a process with a socket ---------------------------------------------------------------------------------------- */

struct testcard_server;

/* Forks a process that serves a copy of the card (as it was saved last) until it is stopped or this process ends. */
struct testcard_server *testcard_serve(struct testcard *card);
const char *testcard_server_reader(const struct testcard_server *server); /* "sim:PATH" for JPKI_READER; borrowed */
const char *testcard_server_path(const struct testcard_server *server);
void testcard_server_kill(struct testcard_server *server); /* as by kill -9: the card is gone; stop is still wanted */
void testcard_server_stop(struct testcard_server *server);

#endif
