/* sim_state.h — the inside of the engine, shared by its rooms and by nobody else: what survives (struct sim_card), what a
 * power cut forgets (the rest of struct sim), and the handlers that the dispatch rows name. */
#ifndef JPKI_APPLET_SIM_SIM_STATE_H
#define JPKI_APPLET_SIM_SIM_STATE_H

#include "applet-sim/sim.h"
#include "pki/scp03.h"
#include "wire/apdu.h"
#include "wire/sw.h"

#include <openssl/evp.h>

/* The two keys and the two PINs have the same names: each PIN guards its key. */
enum sim_owner { SIM_AUTH, SIM_SIGN, SIM_OWNERS };

enum sim_kind {
    SIM_KIND_BINARY,
    SIM_KIND_KEY,
    SIM_KIND_PIN,
    SIM_KIND_REFERENCE, /* exists on the real card, purpose unknown: can be selected, and no more */
};

enum sim_read { SIM_READ_FREE, SIM_READ_SIGN_PIN, SIM_READ_NEVER };

struct sim_ef {
    uint16_t id;
    enum sim_kind kind;
    enum sim_owner owner; /* keys and PINs */
    enum sim_read read;   /* binary files */
    uint16_t size;
    bool issued; /* the issuer may write it */
    bool cert;   /* begins with a certificate or with filler */
};

#define SIM_EF_COUNT 17u
extern const struct sim_ef sim_efs[SIM_EF_COUNT];

struct sim_app {
    const char *aid;
    size_t aid_len;
    bool files; /* the JPKI application, which alone has files */
};

struct sim_pin {
    struct secret value; /* empty: not put yet */
    uint8_t tries;       /* left */
};

/* What the image holds. */
struct sim_card {
    char serial[SIM_SERIAL_LEN + 1];
    uint8_t diversification[APPLET_DIVERSIFICATION_LEN];
    bool contactless;
    struct sim_switches switches;
    enum applet_life life;
    uint32_t sequence; /* of secure channels, 24 bits */
    struct scp03_keys keys;
    struct buf files[SIM_EF_COUNT]; /* of binary files, always of the row's size */
    struct sim_pin pins[SIM_OWNERS];
    EVP_PKEY *key_pairs[SIM_OWNERS]; /* NULL: none yet */
};

enum sim_channel { SIM_CHANNEL_NONE, SIM_CHANNEL_OFFERED, SIM_CHANNEL_OPEN };

struct sim {
    struct sim_card card;
    struct secret seal_key;
    sim_save_fn save;
    void *context;
    struct buf image; /* sealed, as saved last: what a failed save goes back to */
    bool broken;      /* went back and failed: answers 6F00 until it is opened again */

    bool powered;
    bool fresh;      /* no command since power on */
    uint8_t atr[32]; /* with this power-on's random number, where the reader shows it */
    const struct sim_app *app;    /* selected; NULL after a reset */
    const struct sim_app *former; /* selected last, also before a reset: its PINs are still presented */
    const struct sim_ef *current;
    bool current_secured; /* the current file was named inside the secure channel */
    bool verified[SIM_OWNERS];
    enum sim_channel channel;
    struct scp03_session session;
};

/* Answers a command: appends data to out (dropped again when the status word is an error) and returns the status word. */
typedef uint16_t (*sim_handler)(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);

/* sim_image.c: seals and saves the card as it is now. When that fails the card is as it was saved last. */
enum rc sim_image_commit(struct sim *sim) MUST_CHECK;
enum rc sim_image_open(const struct secret *seal_key, struct bytes image, struct sim_card *card) MUST_CHECK;
void sim_card_wipe(struct sim_card *card);

static inline unsigned sim_switched(const struct sim *sim, enum sim_switch which)
{
    return sim->card.switches.at[which];
}

/* sim_files.c */
const struct sim_ef *sim_files_find(const struct sim *sim, unsigned id);
/* What may be read of a file now, filler included; a derived content is put into made, which the caller wipes. */
enum rc sim_files_view(struct sim *sim, const struct sim_ef *ef, struct buf *made, struct bytes *view) MUST_CHECK;
/* The file that P1 or P2 of the forms 80 and 80|sfi names; it becomes the current one. SW_OK or why not. */
uint16_t sim_files_name(struct sim *sim, unsigned p, bool secured, const struct sim_ef **ef);
enum rc sim_files_make(struct sim_card *card) MUST_CHECK; /* all files of a new card */
struct buf *sim_files_content(struct sim_card *card, const struct sim_ef *ef);
bool sim_files_has_cert(const struct sim_card *card, unsigned id);
void sim_files_leave(struct sim *sim, const struct sim_app *to); /* another application, or none */
uint16_t sim_files_select(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_files_read(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_files_read_record(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_files_update(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);

/* sim_pins.c */
unsigned sim_pins_tries_max(enum sim_owner owner);
uint16_t sim_pins_verify(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_pins_change(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_pins_put(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);

/* sim_keys.c */
uint16_t sim_keys_generate(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_keys_sign(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);

/* sim_channel.c */
void sim_channel_close(struct sim *sim);
uint16_t sim_channel_initialize(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_channel_authenticate(struct sim *sim, struct bytes command);

/* sim_issuer.c */
/* The first thing put on a blank card makes it a card in personalisation; part of the same commit. */
void sim_issuer_begin(struct sim_card *card);
uint16_t sim_issuer_set_status(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_issuer_get_status(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);

/* sim_data.c */
uint16_t sim_data_get(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);
uint16_t sim_data_challenge(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out);

/* sim_dispatch.c: one command to its handler. */
uint16_t sim_dispatch(struct sim *sim, struct bytes command, struct buf *out);

#endif
