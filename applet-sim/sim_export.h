/* sim_export.h — the public part of a card, read as any host reads it: with commands, so that nothing comes out that the
 * card would not give. */
#ifndef JPKI_APPLET_SIM_SIM_EXPORT_H
#define JPKI_APPLET_SIM_SIM_EXPORT_H

#include "applet-sim/sim.h"

struct sim_export {
    struct buf certs[4]; /* DER, in the order of sim_export_names; empty: the card has none, or wants a PIN for it */
    struct buf token;    /* EF 0006 */
};

extern const char *const sim_export_names[4]; /* "auth", "auth-ca", "sign", "sign-ca" */

/* sign_pin NULL: without the certificate for signatures, which holds personal data and stands behind that PIN; a wrong one
 * costs a try. The card is powered on and off. RC_PIN_WRONG, RC_PIN_BLOCKED; RC_CARD_REFUSED: it has no JPKI
 * application, or no holder to present a PIN to. The caller wipes. */
enum rc sim_export_read(struct sim *sim, const struct secret *sign_pin, struct sim_export *out, struct err *err) MUST_CHECK;
void sim_export_wipe(struct sim_export *out);

/* A certificate as PEM, appended. */
enum rc sim_export_pem(struct bytes der, struct buf *out) MUST_CHECK;
/* Label, manufacturer, model and serial number, a line each, appended. RC_FORMAT: no token info. */
enum rc sim_export_token(struct bytes token, struct buf *out) MUST_CHECK;

#endif
