/* module_case.h — one built module and one software card, new for each case. Every function fails the running case when
 * something does not work that is not its subject. */
#ifndef JPKI_TESTS_MODULE_CASE_H
#define JPKI_TESTS_MODULE_CASE_H

#include "carded.h"
#include "pkcs11/cryptoki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#define AUTH 0UL
#define SIGN 1UL

extern CK_FUNCTION_LIST_3_0 *p11;
extern struct carded carded;

/* A case's setup and teardown: a card in its reader, the module initialised; both gone. */
int module_case_start(void **state);
int module_case_stop(void **state);
#define MODULE_CASE(name) cmocka_unit_test_setup_teardown(name, module_case_start, module_case_stop)

/* A test program's main: loads the module that it was given and runs its cases. */
#define module_case_main(argc, argv, cases) module_case_run(argc, argv, cases, sizeof(cases) / sizeof *(cases))
int module_case_run(int argc, char **argv, const struct CMUnitTest *cases, size_t count);

/* Opens a session; with a PIN logs in. */
CK_SESSION_HANDLE session(CK_SLOT_ID slot, const char *pin);
CK_RV login(CK_SESSION_HANDLE handle, const char *pin);
/* At most 16 in found. */
CK_ULONG find(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *found);
CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE handle, CK_OBJECT_CLASS class, CK_BYTE id);
/* CKF_USER_PIN_COUNT_LOW, _FINAL_TRY, _LOCKED. */
CK_FLAGS pin_flags(CK_SLOT_ID slot);
/* 256 bytes of signature. */
CK_RV sign_with(CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, unsigned char *data,
                CK_ULONG data_len, unsigned char *signature);
bool openssl_verifies(X509 *cert, const char *digest, bool pss, const void *data, size_t len,
                      const unsigned char *signature);

#endif
