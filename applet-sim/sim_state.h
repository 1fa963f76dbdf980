/* sim_state.h — the inside of the engine, shared by its rooms and by nobody else: what survives (struct sim_card), what a
 * power cut forgets (the rest of struct sim), and the handlers that the dispatch rows name. */
#ifndef JPKI_APPLET_SIM_SIM_STATE_H
#define JPKI_APPLET_SIM_SIM_STATE_H

#include "applet-sim/sim.h"
#include "applet-sim/sim_profile.h"
#include "pki/scp03.h"
#include "wire/apdu.h"
#include "wire/sw.h"

#include <openssl/evp.h>

struct sim_pin {
    struct secret value; /* empty: not put yet */
    uint8_t tries;       /* left */
};

#define SIM_OBJECTS 8u /* of GET DATA, those that the issuer puts */

/* What the image holds. */
struct sim_card {
    const struct sim_profile *profile;
    char serial[SIM_SERIAL_LEN + 1];
    uint8_t diversification[APPLET_DIVERSIFICATION_LEN];
    bool contactless;
    bool dead; /* tampered with */
    struct sim_switches switches;
    enum applet_life life;
    uint32_t sequence; /* of secure channels, 24 bits */
    struct scp03_keys keys;
    struct buf files[SIM_FILES_MAX]; /* what was written; the rest of a file is filler */
    struct buf objects[SIM_OBJECTS];
    struct sim_pin pins[SIM_PINS];
    EVP_PKEY *key_pairs[SIM_KEYS]; /* NULL: none yet */
};

enum sim_channel { SIM_CHANNEL_NONE, SIM_CHANNEL_OFFERED, SIM_CHANNEL_OPEN };

/* The text application's secure messaging. */
struct sim_session {
    struct secret key;
    uint32_t counter;
};

struct sim {
    struct sim_card card;
    struct secret seal_key;
    sim_save_fn save;
    void *context;
    struct buf image; /* sealed, as saved last: what a failed save goes back to */
    bool broken;      /* went back and failed: answers 6F00 until it is opened again */

    bool powered;
    bool fresh;      /* no command since power on */
    uint8_t atr[33]; /* made at each power on: some readers show a random number of the card in it */
    size_t atr_len;
    const struct sim_app *app;    /* selected; NULL after a reset */
    const struct sim_app *former; /* selected last, also before a reset: its PINs are still presented */
    const struct sim_ef *current;
    bool current_secured; /* the current file was named inside the secure channel */
    uint16_t verified;    /* a bit for each PIN */
    struct sim_session messaging;
    enum sim_channel channel;
    struct scp03_session session;
};

/* Answers a command: appends data to out (dropped again when the status word is an error) and returns the status word. */
typedef uint16_t (*sim_handler)(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
#define SIM_HANDLER(name) \
    uint16_t name(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)

static inline unsigned sim_switched(const struct sim *sim, enum sim_switch which)
{
    return sim->card.switches.at[which];
}

/* sim.c: keys, PINs and content are gone from memory; not saved yet. */
void sim_destroy(struct sim_card *card, bool content);

/* sim_image.c: seals and saves the card as it is now. When that fails the card is as it was saved last. */
enum rc sim_image_commit(struct sim *sim) MUST_CHECK;
enum rc sim_image_open(const struct secret *seal_key, struct bytes image, struct sim_card *card) MUST_CHECK;
void sim_card_wipe(struct sim_card *card);

/* sim_select.c */
void sim_select_leave(struct sim *sim, const struct sim_app *to); /* another application, or none */
SIM_HANDLER(sim_select);

/* sim_files.c */
/* Where a file's content stands in sim_card.files. */
unsigned sim_files_place(const struct sim_profile *profile, const struct sim_app *app, const struct sim_ef *ef);
const struct sim_ef *sim_files_row(const struct sim_app *app, unsigned id);
const struct sim_ef *sim_files_find(const struct sim *sim, unsigned id); /* of the selected application */
/* The file that P1 or P2 of the forms 80 and 80|sfi names; it becomes the current one. SW_OK or why not. */
uint16_t sim_files_name(struct sim *sim, unsigned p, bool secured, const struct sim_ef **ef);
/* Of the JPKI application: the certificate in a file, empty when there is none or only a part of one. Borrowed. */
struct bytes sim_files_cert(const struct sim_card *card, unsigned id);
bool sim_files_has_cert(const struct sim_card *card, unsigned id);
bool sim_files_begun_cert(const struct sim_card *card, unsigned id); /* anything in that file */
enum rc sim_files_make(struct sim_card *card) MUST_CHECK;          /* what a new card has in its files */
/* May it be read, or the key be used: by one of the PINs presented, or by the issuer where it reads back. */
bool sim_files_allowed(const struct sim *sim, const struct sim_ef *ef, bool secured);
SIM_HANDLER(sim_files_read);
SIM_HANDLER(sim_files_read_record);
SIM_HANDLER(sim_files_update);

/* sim_pins.c */
unsigned sim_pins_tries_max(const struct sim_card *card, enum sim_pin_name pin); /* 0: this card has no such PIN */
bool sim_pins_satisfy(const struct sim *sim, uint16_t rule);
SIM_HANDLER(sim_pins_verify);
SIM_HANDLER(sim_pins_change);
SIM_HANDLER(sim_pins_put);

/* sim_keys.c: making keys and telling their public halves. */
EVP_PKEY *sim_keys_make(enum sim_algorithm algorithm); /* NULL: OpenSSL could not, or SIM_NO_KEY */
enum rc sim_keys_public(const EVP_PKEY *key, unsigned modulus, unsigned exponent, struct buf *out) MUST_CHECK;
SIM_HANDLER(sim_keys_generate);

/* sim_sign.c */
SIM_HANDLER(sim_sign);
SIM_HANDLER(sim_sign_challenge); /* INTERNAL AUTHENTICATE */

/* sim_messaging.c: the text application's secure messaging. */
void sim_messaging_end(struct sim *sim);
SIM_HANDLER(sim_messaging_begin); /* SET SESSION KEY */
uint16_t sim_messaging_command(struct sim *sim, const struct apdu_command *command, struct buf *out);

/* sim_channel.c */
void sim_channel_close(struct sim *sim);
SIM_HANDLER(sim_channel_initialize);
uint16_t sim_channel_authenticate(struct sim *sim, struct bytes command);

/* sim_issuer.c */
/* The first thing put on a blank card makes it a card in personalisation; part of the same commit. */
void sim_issuer_begin(struct sim_card *card);
SIM_HANDLER(sim_issuer_set_status);
SIM_HANDLER(sim_issuer_get_status);

/* sim_data.c */
int sim_data_place(unsigned tag); /* of an object that the issuer puts; -1: none */
unsigned sim_data_tag(unsigned place); /* 0 behind the last */
SIM_HANDLER(sim_data_get);
SIM_HANDLER(sim_data_put);
SIM_HANDLER(sim_data_challenge);

/* sim_dispatch.c: one command to its handler. */
uint16_t sim_dispatch(struct sim *sim, struct bytes command, struct buf *out);
/* The handler of a command in class 00 as it came out of secure messaging. */
uint16_t sim_dispatch_inner(struct sim *sim, const struct apdu_command *command, struct buf *out);

#endif
