/* sim.h — the software card: an engine that is a function of bytes. Commands go in, answers come out; it does no I/O, has
 * no clock and no threads. What must survive is handed, sealed, to a call-back, which returns only when it is durable;
 * the card answers after that and never before.
 *
 * It behaves as a My Number card does, or another card of a profile (docs/APPLET.md says where each rule comes from). */
#ifndef JPKI_APPLET_SIM_SIM_H
#define JPKI_APPLET_SIM_SIM_H

#include "applet-sim/sim_profile.h"
#include "applet-sim/sim_switch.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "wire/applet.h"

#define SIM_SEAL_KEY_LEN 32u
#define SIM_SERIAL_LEN 16u

struct sim;

/* Makes the sealed image durable, whole or not at all; the image is borrowed for the call. Anything but RC_OK: the old one
 * still stands, and the card answers 6581 as if the command had not been. */
typedef enum rc (*sim_save_fn)(void *context, struct bytes image);

struct sim_config {
    const struct secret *seal_key; /* SIM_SEAL_KEY_LEN bytes; copied */
    sim_save_fn save;
    void *context; /* borrowed for the life of the card */
};

struct sim_birth {
    char serial[SIM_SERIAL_LEN + 1]; /* sixteen digits */
    const struct sim_profile *profile; /* NULL: the My Number card */
    bool contactless;                /* which of the two answers to reset */
    struct sim_switches switches;    /* all zero: as the card is believed to be */
};

/* A blank card: its files are there and empty, its issuer keys are derived from the 16-byte master key. Saved once before
 * it returns. RC_RANGE: a serial number or key of another form; what the call-back returned; RC_CRYPTO, RC_NOMEM. */
enum rc sim_create(const struct sim_config *config, const struct sim_birth *birth, const struct secret *master,
                   struct sim **sim) MUST_CHECK;

/* The card of a saved image, powered off. RC_BAD_SIGNATURE: not sealed under this key, or changed; RC_FORMAT. */
enum rc sim_open(const struct sim_config *config, struct bytes image, struct sim **sim) MUST_CHECK;
void sim_free(struct sim *sim); /* NULL: nothing */

/* Power and reset. Switching on a card that is on does nothing; a warm reset keeps the presented PINs, as the real card
 * does; power off forgets everything but the image. */
void sim_power_on(struct sim *sim);
void sim_power_off(struct sim *sim);
void sim_reset(struct sim *sim);

/* The answer to reset; borrowed until the card is powered on again or freed. */
struct bytes sim_atr(const struct sim *sim);

/* One command, any bytes; the answer is appended: data and two bytes of status word. RC_STATE: the card is off.
 * RC_NOMEM: there is no answer. */
enum rc sim_transmit(struct sim *sim, struct bytes command, struct buf *answer) MUST_CHECK;

/* Another setting of the switches; saved before it returns. What the call-back returned; RC_NOMEM, RC_CRYPTO. */
enum rc sim_set_switches(struct sim *sim, const struct sim_switches *switches) MUST_CHECK;

/* An attack on the chip: keys, PINs and content are gone, from memory at once and from the image when it can be saved. The
 * card is dead: powered off, and on again it answers 6F00 to everything. What the call-back returned. */
enum rc sim_tamper(struct sim *sim) MUST_CHECK;

/* The certificate in a file of the JPKI application (APPLET_EF_AUTH_CERT, …), whatever its access rule: for who holds the
 * simulator, not the card. Empty: none. Borrowed until the next command. */
struct bytes sim_certificate(const struct sim *sim, unsigned file);

/* What may be shown of a card: no secret and no personal data. */
struct sim_summary {
    char serial[SIM_SERIAL_LEN + 1];
    const struct sim_profile *profile;
    bool contactless, dead;
    struct sim_switches switches;
    enum applet_life life;
    struct {
        bool key, cert, ca_cert, pin;
        unsigned tries, tries_max;
    } sign, auth;
};
void sim_summarise(const struct sim *sim, struct sim_summary *summary);

#endif
