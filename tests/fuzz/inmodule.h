/* inmodule.h — the module's rooms linked into a harness, over a software card in process (faulty.h). */
#ifndef JPKI_TESTS_FUZZ_INMODULE_H
#define JPKI_TESTS_FUZZ_INMODULE_H

#include "faulty.h"
#include "fuzz.h"
#include "p11calls.h"

extern CK_FUNCTION_LIST_3_0 *inmodule; /* its calls */

/* Once. Makes a card and a folder for what processes of a user share, and removes that at the end. */
void inmodule_open(void);

/* For each input: a copy of the card in the reader, nothing remembered of what cards refused; C_Initialize. */
void inmodule_begin(void);

/* After C_Finalize. No transaction is held; the card is gone. */
void inmodule_end(void);

#endif
