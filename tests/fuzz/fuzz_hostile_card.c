/* fuzz_hostile_card.c — a card that answers what the input says, to an application that does everything once: looks,
 * reads, logs in, signs, changes a PIN. Whatever comes back: each act sends a PIN once at most, a signature that is
 * given out verifies with the certificate that was shown, and no transaction stays.
 *
 * The input: a fault of faulty.h and the command that it strikes, then a byte for each answer (see below) and its
 * bytes. */
#include "inmodule.h"

#include "wire/applet.h"

#include <openssl/err.h>

#define TEXT "to be signed"

/* What becomes of an answer. Behind the input's end the card is sound. */
enum { ANSWER_SOUND, ANSWER_STATUS, ANSWER_TURNED, ANSWER_CUT, ANSWER_OWN, ANSWER_GONE, ANSWER_LOST, ANSWER_KINDS };

static struct fuzz_input input;
static unsigned sent; /* commands with a PIN in them */

static enum rc card_says(struct bytes command, struct buf *response)
{
    size_t start = response->len;
    unsigned kind = fuzz_u8(&input) % ANSWER_KINDS;
    sent += command.len > 5 &&
            (command.data[1] == APPLET_INS_VERIFY || command.data[1] == APPLET_INS_CHANGE_REFERENCE_DATA);
    enum rc rc = sim_transmit(the_reader.sim, command, response);
    size_t len = response->len - start;
    if (rc)
        return rc;
    switch (kind) {
    case ANSWER_STATUS: /* another status word */
        response->data[response->len - 2] = (uint8_t)fuzz_u8(&input);
        response->data[response->len - 1] = (uint8_t)fuzz_u8(&input);
        break;
    case ANSWER_TURNED: { /* some bits of one byte */
        size_t at = fuzz_u16(&input);
        response->data[start + at % len] ^= (uint8_t)fuzz_u8(&input);
        break;
    }
    case ANSWER_CUT:
        buf_truncate(response, start + fuzz_u16(&input) % len);
        break;
    case ANSWER_OWN: /* bytes of the input's */
        buf_truncate(response, start);
        rc = buf_append_bytes(response, fuzz_bytes(&input, fuzz_u16(&input)));
        break;
    case ANSWER_GONE:
        return RC_CARD_GONE;
    case ANSWER_LOST:
        buf_truncate(response, start);
        return RC_IO;
    default:
        break;
    }
    return rc;
}

static CK_SESSION_HANDLE sessions[2];

static CK_OBJECT_HANDLE look_up(CK_SLOT_ID slot, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    CK_ULONG n = 0;
    if (inmodule->C_FindObjectsInit(sessions[slot], &template, 1) != CKR_OK)
        return CK_INVALID_HANDLE;
    FUZZ_CHECK(inmodule->C_FindObjects(sessions[slot], &object, 1, &n) == CKR_OK && n <= 1);
    FUZZ_CHECK(inmodule->C_FindObjectsFinal(sessions[slot]) == CKR_OK);
    return n ? object : CK_INVALID_HANDLE;
}

/* What is made of the card's bytes, by the two calls that everybody makes. */
static void read_all(CK_SLOT_ID slot, CK_OBJECT_HANDLE object)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL,
                                              CKA_VALUE,
                                              CKA_SUBJECT,
                                              CKA_ISSUER,
                                              CKA_SERIAL_NUMBER,
                                              CKA_MODULUS,
                                              CKA_MODULUS_BITS,
                                              CKA_PUBLIC_EXPONENT,
                                              CKA_EC_PARAMS,
                                              CKA_EC_POINT,
                                              CKA_KEY_TYPE,
                                              CKA_START_DATE,
                                              CKA_END_DATE,
                                              CKA_CHECK_VALUE,
                                              CKA_PUBLIC_KEY_INFO,
                                              CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
                                              CKA_ALLOWED_MECHANISMS,
                                              CKA_JPKI_PIN_TRIES,
                                              CKA_PROFILE_ID};
    CK_ATTRIBUTE template[sizeof types / sizeof types[0]] = {0};
    CK_ULONG lengths[sizeof types / sizeof types[0]];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        template[i].type = types[i];
    (void)inmodule->C_GetAttributeValue(sessions[slot], object, template, sizeof types / sizeof types[0]);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        lengths[i] = template[i].ulValueLen;
        bool has = lengths[i] != CK_UNAVAILABLE_INFORMATION;
        FUZZ_CHECK(!has || lengths[i] <= 70000);
        template[i].pValue = has ? malloc(lengths[i] ? lengths[i] : 1) : NULL;
    }
    (void)inmodule->C_GetAttributeValue(sessions[slot], object, template, sizeof types / sizeof types[0]);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        FUZZ_CHECK(template[i].ulValueLen == lengths[i] || template[i].ulValueLen == CK_UNAVAILABLE_INFORMATION);
        free(template[i].pValue);
    }
}

static X509 *shown_cert(CK_SLOT_ID slot)
{
    static unsigned char value[70000];
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};
    CK_OBJECT_HANDLE object = look_up(slot, CKO_CERTIFICATE);
    const unsigned char *at = value;
    if (!object || inmodule->C_GetAttributeValue(sessions[slot], object, &attribute, 1) != CKR_OK)
        return NULL;
    X509 *cert = d2i_X509(NULL, &at, (long)attribute.ulValueLen);
    ERR_clear_error();
    return cert;
}

static void sign(CK_SLOT_ID slot, bool pss)
{
    unsigned char signature[256];
    X509 *cert = shown_cert(slot);
    CK_OBJECT_HANDLE key = look_up(slot, CKO_PRIVATE_KEY);
    bool rsa = cert && X509_get0_pubkey(cert) && EVP_PKEY_get_base_id(X509_get0_pubkey(cert)) == EVP_PKEY_RSA;
    unsigned before = sent;
    if (key && rsa && p11calls_sign(inmodule, sessions[slot], key, pss, TEXT, strlen(TEXT), signature) == CKR_OK)
        FUZZ_CHECK(p11calls_verifies(cert, pss, TEXT, strlen(TEXT), signature));
    FUZZ_CHECK(sent <= before + 1 + (the_reader.kind == FAULTY_RESET)); /* presented again after another program's reset */
    X509_free(cert);
}

static void log_in(CK_SLOT_ID slot, const char *pin)
{
    unsigned before = sent;
    if (p11calls_login(inmodule, sessions[slot], pin) == CKR_OK)
        FUZZ_CHECK(sent == before + 1);
    FUZZ_CHECK(sent <= before + 1);
}

static void look(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot_info;
    CK_MECHANISM_TYPE types[32];
    CK_ULONG count = 32;
    (void)inmodule->C_GetSlotInfo(slot, &slot_info);
    (void)inmodule->C_GetTokenInfo(slot, &info);
    (void)inmodule->C_GetMechanismList(slot, types, &count);
    if (inmodule->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &sessions[slot]) != CKR_OK)
        sessions[slot] = CK_INVALID_HANDLE;
}

static void read_objects(CK_SLOT_ID slot)
{
    CK_OBJECT_HANDLE found[32];
    CK_ULONG n = 0;
    if (inmodule->C_FindObjectsInit(sessions[slot], NULL, 0) != CKR_OK)
        return;
    FUZZ_CHECK(inmodule->C_FindObjects(sessions[slot], found, 32, &n) == CKR_OK && n <= 32);
    (void)inmodule->C_FindObjectsFinal(sessions[slot]);
    for (CK_ULONG i = 0; i < n; i++)
        read_all(slot, found[i]);
}

static void use(CK_SLOT_ID slot)
{
    static const char *const pins[] = {TESTCARD_AUTH_PIN, TESTCARD_SIGN_PIN}, *const wrong[] = {"0000", "AAAA00"};
    unsigned char old[] = TESTCARD_SIGN_PIN, fresh[] = "NEW4PASSWORD";
    look(slot);
    read_objects(slot);
    log_in(slot, wrong[slot]);
    log_in(slot, pins[slot]);
    sign(slot, false);
    sign(slot, true);
    read_objects(slot);
    if (slot) {
        unsigned before = sent;
        (void)inmodule->C_SetPIN(sessions[slot], old, sizeof old - 1, fresh, sizeof fresh - 1);
        FUZZ_CHECK(sent <= before + 2); /* the old one, then both */
        sign(slot, false);
    }
    (void)inmodule->C_Logout(sessions[slot]);
    FUZZ_CHECK(the_reader.open == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    inmodule_open();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    input = (struct fuzz_input){data, size};
    sent = 0;
    inmodule_begin();
    unsigned kind = fuzz_u8(&input) % FAULTY_KINDS;
    unsigned at = fuzz_u8(&input);
    if (kind != FAULTY_TWICE) /* which a card sees as two acts */
        faulty_arm((enum faulty_kind)kind, at);
    the_reader.answer = card_says;
    (void)inmodule->C_GetSlotList(CK_TRUE, slots, &count);
    use(0);
    use(1);
    (void)inmodule->C_Finalize(NULL);
    the_reader.answer = NULL;
    inmodule_end();
    return 0;
}
