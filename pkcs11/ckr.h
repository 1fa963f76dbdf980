/* ckr.h — from the house's result codes to Cryptoki's, in one table. */
#ifndef JPKI_PKCS11_CKR_H
#define JPKI_PKCS11_CKR_H

#include "base/rc.h"
#include "pkcs11/cryptoki.h"

/* CKR_GENERAL_ERROR for a value outside the enum. */
CK_RV ckr_of_rc(enum rc rc);

#endif
