/* inmodule.c — the module's life in a harness. */
#include "inmodule.h"

#include "pkcs11/object.h"
#include "support/scratch.h"

#include <unistd.h>

const unsigned module_kinds = 1u << TOKEN_AUTH | 1u << TOKEN_SIGN; /* as variant.c says it of the module with both */

CK_FUNCTION_LIST_3_0 *inmodule;

static struct testcard *original, *card;
static char folder[] = "/tmp/jpki-fuzz-XXXXXX";

static void clean_up(void)
{
    (void)scratch_remove(folder);
    testcard_free(original);
}

void inmodule_open(void)
{
    CK_INTERFACE *interface = NULL;
    CK_VERSION version = {3, 0};
    unsigned char name[] = "PKCS 11";
    FUZZ_CHECK(C_GetInterface(name, &version, &interface, 0) == CKR_OK);
    inmodule = interface->pFunctionList;
    FUZZ_CHECK(mkdtemp(folder));
    FUZZ_CHECK(!setenv("XDG_RUNTIME_DIR", folder, 1) && !setenv("XDG_CONFIG_HOME", folder, 1));
    FUZZ_CHECK(!setenv("JPKI_KEEP_MS", "60001", 1)); /* no keeper: another process */
    original = testcard_new();
    atexit(clean_up);
}

void inmodule_begin(void)
{
    char path[sizeof folder + 32];
    snprintf(path, sizeof path, "%s/open-jpki/refused", folder);
    (void)unlink(path);
    card = testcard_copy(original);
    faulty_start(card);
    faulty_arm(FAULTY_NONE, 0);
    FUZZ_CHECK(inmodule->C_Initialize(NULL) == CKR_OK);
}

void inmodule_end(void)
{
    FUZZ_CHECK(inmodule->C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
    FUZZ_CHECK(the_reader.open == 0);
    testcard_free(card);
}
