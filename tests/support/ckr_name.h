/* ckr_name.h — the standard's name of a return value. */
#ifndef JPKI_TESTS_CKR_NAME_H
#define JPKI_TESTS_CKR_NAME_H

#include "pkcs11/cryptoki.h"

/* "CKR_OK"; a value that has none in hex, in memory that two later calls leave alone. */
const char *ckr_name(CK_RV rv);

#endif
