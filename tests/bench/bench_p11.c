/* bench_p11.c — what an application does with any PKCS#11 module that has the JPKI tokens, from C_Initialize to
 * C_Finalize: list N   N times: slots, token infos, and on each token a session, all public objects and their values
 *   sign N   token infos, the authentication certificate, login (PIN in BENCH_PIN), N signatures, each verified with
 * OpenSSL usage: bench_p11 MODULE list|sign N */
#include "pkcs11/cryptoki.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16, OBJECTS = 64 };

static CK_FUNCTION_LIST *p11;

static void need(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "bench_p11: %s: 0x%lx\n", what, rv);
    exit(1);
}

static void load(const char *path)
{
    CK_C_GetFunctionList get = NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module)
        *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (!get) {
        fprintf(stderr, "bench_p11: %s\n", dlerror());
        exit(1);
    }
    need(get(&p11), "C_GetFunctionList");
}

/* The value of an attribute, asked for twice as everybody does; the caller frees. NULL: it has none. */
static unsigned char *attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                                CK_ULONG *len)
{
    CK_ATTRIBUTE row = { type, NULL, 0 };
    if (p11->C_GetAttributeValue(session, object, &row, 1) || !row.ulValueLen ||
        row.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return NULL;
    row.pValue = malloc(row.ulValueLen);
    need(row.pValue ? CKR_OK : CKR_HOST_MEMORY, "memory");
    need(p11->C_GetAttributeValue(session, object, &row, 1), "C_GetAttributeValue");
    *len = row.ulValueLen;
    return row.pValue;
}

static CK_ULONG find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *found)
{
    CK_ULONG n = 0;
    need(p11->C_FindObjectsInit(session, template, count), "C_FindObjectsInit");
    need(p11->C_FindObjects(session, found, OBJECTS, &n), "C_FindObjects");
    need(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    return n;
}

static CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_BYTE id = 1;
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, sizeof id } };
    CK_OBJECT_HANDLE found[OBJECTS];
    need(find(session, template, 2, found) == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID,
         "the one object of this class and CKA_ID 01");
    return found[0];
}

/* All tokens; the slot of the first, which is the authentication token. */
static CK_SLOT_ID tokens(CK_SLOT_ID *slots, CK_ULONG *count)
{
    CK_TOKEN_INFO info;
    *count = SLOTS;
    need(p11->C_GetSlotList(CK_TRUE, slots, count), "C_GetSlotList");
    need(*count ? CKR_OK : CKR_TOKEN_NOT_PRESENT, "a token");
    for (CK_ULONG i = 0; i < *count; i++)
        need(p11->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
    return slots[0];
}

static CK_SESSION_HANDLE open_session(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = 0;
    need(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    return session;
}

static void list(void)
{
    static const CK_ATTRIBUTE_TYPE asked[] = { CKA_CLASS, CKA_LABEL, CKA_ID, CKA_VALUE };
    CK_SLOT_ID slots[SLOTS];
    CK_ULONG count = 0, len = 0, certificates = 0;
    (void)tokens(slots, &count);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_OBJECT_HANDLE found[OBJECTS];
        CK_SESSION_HANDLE session = open_session(slots[i]);
        CK_ULONG n = find(session, NULL, 0, found);
        for (CK_ULONG o = 0; o < n; o++)
            for (size_t a = 0; a < sizeof asked / sizeof *asked; a++) {
                unsigned char *value = attribute(session, found[o], asked[a], &len);
                certificates += asked[a] == CKA_VALUE && value && len > 256;
                free(value);
            }
        need(p11->C_CloseSession(session), "C_CloseSession");
    }
    need(certificates >= 3 ? CKR_OK : CKR_FUNCTION_FAILED, "three certificates");
}

static void sign(unsigned long times)
{
    static unsigned char data[] = "what is signed", signature[512];
    CK_SLOT_ID slots[SLOTS];
    CK_ULONG count = 0, len = 0;
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_SESSION_HANDLE session = open_session(tokens(slots, &count));
    unsigned char *der = attribute(session, find_one(session, CKO_CERTIFICATE), CKA_VALUE, &len);
    const unsigned char *at = der;
    X509 *certificate = der ? d2i_X509(NULL, &at, (long)len) : NULL;
    need(certificate ? CKR_OK : CKR_DATA_INVALID, "the certificate");
    char *pin = getenv("BENCH_PIN");
    need(pin ? CKR_OK : CKR_PIN_INVALID, "BENCH_PIN");
    need(p11->C_Login(session, CKU_USER, (unsigned char *)pin, strlen(pin)), "C_Login");
    CK_OBJECT_HANDLE key = find_one(session, CKO_PRIVATE_KEY);
    while (times--) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        len = sizeof signature;
        need(p11->C_SignInit(session, &mechanism, key), "C_SignInit");
        need(p11->C_Sign(session, data, sizeof data, signature, &len), "C_Sign");
        if (EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) != 1 ||
            EVP_DigestVerify(context, signature, len, data, sizeof data) != 1)
            need(CKR_SIGNATURE_INVALID, "the signature");
        EVP_MD_CTX_free(context);
    }
    X509_free(certificate);
    free(der);
    need(p11->C_Logout(session), "C_Logout");
    need(p11->C_CloseSession(session), "C_CloseSession");
}

int main(int argc, char **argv)
{
    unsigned long times = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (!times || (strcmp(argv[2], "list") != 0 && strcmp(argv[2], "sign") != 0)) {
        fprintf(stderr, "usage: bench_p11 MODULE list|sign N\n");
        return 2;
    }
    load(argv[1]);
    need(p11->C_Initialize(NULL), "C_Initialize");
    if (strcmp(argv[2], "sign") == 0)
        sign(times);
    else
        while (times--)
            list();
    need(p11->C_Finalize(NULL), "C_Finalize");
    return 0;
}
