/* question.h — yes or no from the officer. */
#ifndef JPKI_DESK_QUESTION_H
#define JPKI_DESK_QUESTION_H

#include "base/err.h"

/* Shows the words on the controlling terminal, never on standard output, and reads a line there. RC_OK only for "y" or
 * "yes"; RC_REFUSED for everything else; RC_UNSUPPORTED without a terminal. */
enum rc question_ask(const char *words, struct err *err) MUST_CHECK;

#endif
