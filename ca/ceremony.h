/* ceremony.h — key ceremonies: the founding of the authorities, and a new key for one of them under its name.
 *
 * In steps, each of which can be repeated: the script says what (ceremonyscript.h); a dry run shows it; making the keys fixes
 * the exact to-be-signed bytes; the persons of the script sign the plan's text, which names their hashes; then exactly
 * these bytes are signed. What was done stands in a transcript whose hash goes into the audit trail. */
#ifndef JPKI_CA_CEREMONY_H
#define JPKI_CA_CEREMONY_H

#include "ca/ca.h"
#include "ca/ceremonyscript.h"

struct ceremony {
    const char *program; /* see signing_open */
    const char *state;   /* folder; a founding makes it */
    struct ceremony_script script;
};

/* The signature of a person over the plan's text: `openssl dgst -sha256 -sign KEY`. */
struct ceremony_confirmation {
    const char *name, *file;
};

/* Appends the plan's text: what would be done, and the bytes that would be signed, by their hashes. Changes nothing; the
 * bytes are exact once the keys are made. */
enum rc ceremony_rehearse(const struct ceremony *ceremony, struct buf *text, struct err *err) MUST_CHECK;

/* Makes the keys in the HSM, once; appends the text, which now is final and stands in state/ceremony-plan.txt too. */
enum rc ceremony_make_keys(const struct ceremony *ceremony, struct buf *text, struct err *err) MUST_CHECK;

/* Signs and publishes. Every person of the script must have confirmed (RC_DENIED names who has not, RC_BAD_SIGNATURE whose
 * confirmation is of another text); a script without persons is done unattended, keys made with it. Appends the
 * transcript. RC_STATE: no keys yet; RC_CONFLICT: the authorities serve; as ceremonyplan_open. */
enum rc ceremony_run(const struct ceremony *ceremony, const struct ceremony_confirmation *confirmations, size_t count,
                     struct buf *transcript, struct err *err) MUST_CHECK;

/* Whether every transcript of which the trail tells lies in the state folder unchanged; *count. RC_CONFLICT. */
enum rc ceremony_verify(struct ca *ca, int64_t *count, struct err *err) MUST_CHECK;

/* Taken by who serves and by who changes keys: two at once are refused (RC_CONFLICT). close(*fd) lets go. */
enum rc ceremony_lock(const char *state, int *fd, struct err *err) MUST_CHECK;

#endif
