/* bookmove.h — the book in another place: `jpki-ca store`. */
#ifndef JPKI_CA_BOOKMOVE_H
#define JPKI_CA_BOOKMOVE_H

#include "base/err.h"

#include <stdbool.h>

/* Writes the URL into the configuration. The trail there must be whole and hold the head of the present book's, so that
 * nothing that was told is lost; lost: there is no present book any more. RC_CONFLICT: it is not so, or somebody serves. */
enum rc bookmove_use(const char *folder, const char *url, bool lost, struct err *err) MUST_CHECK;

int bookmove_main(int argc, char **argv); /* `jpki-ca store …`; argv[0] is "store" */

#endif
