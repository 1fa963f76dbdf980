/* opsanchors.h — the ca.pem of an identity folder after the operations authority got a new key. Who trusts the old key takes up the
 * new one with the link that the old one signed (RFC 9810 §4.4), as the publication has it: nobody has to carry a certificate
 * by hand, and nobody is locked out while certificates of both keys are in use. */
#ifndef JPKI_CA_OPSANCHORS_H
#define JPKI_CA_OPSANCHORS_H

#include "base/err.h"

#include <stdbool.h>

/* Rewrites FOLDER/ca.pem, whole or not at all, when there is more to trust or something has ended: what it holds and has not ended, and
 * what links lead to from there, the newest key first. *changed (may be NULL). RC_BAD_SIGNATURE: the publication's newest
 * certificate is not one that the folder's trust leads to; RC_NOT_FOUND, RC_FORMAT. */
enum rc opsanchors_refresh(const char *publication, const char *folder, bool *changed, struct err *err) MUST_CHECK;

int opsanchors_main(int argc, char **argv); /* argv[0] is "anchors" */

#endif
