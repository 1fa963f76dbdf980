/* testface.c — the face of a test card. Layouts as docs/APPLET.md describes them. */
#include "support/testface.h"

#include "wire/apdu.h"
#include "wire/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define SELECT_TEXT "00A4040C0AD3921000310001010408"
#define SELECT_VISUAL "00A4040C0AD3921000310001010402"
#define SELECT_RESIDENT "00A4040C0AD3921000310001010401"
#define SELECT_COMMON "00A4040C0AD3921000310001010100"
#define KEY_ID_LEN 16u

/* Blank images of one bit a pixel: 72×12, 24×12 and 200×24. */
static const uint8_t png_number[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x48\0\0\0\x0C\x01\0\0\0\0\xE9\x5F\xC6\x90\0\0\0\x0FIDAT\x78\xDA\x63\xF8\x0F\x03\x0C\x74\x65"
    "\x01\0\x38\x9F\x6B\x95\x11\x43\x9A\x65\0\0\0\0IEND\xAE\x42\x60\x82";
static const uint8_t png_code[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x18\0\0\0\x0C\x01\0\0\0\0\x50\x4B\x40\xD8\0\0\0\x0FIDAT\x78\xDA\x63\xF8\xFF\xFF\x3F\x03\x09"
    "\x18\0\x5C\xFD\x23\xDD\xF4\xA6\xF3\xF7\0\0\0\0IEND\xAE\x42\x60\x82";
static const uint8_t png_line[] =
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\xC8\0\0\0\x18\x01\0\0\0\0\x97\x1D\x8F\x1C\0\0\0\x13IDAT\x78\xDA\x63\xF8\x8F\x0B\x30\x8C\xCA\x8C"
    "\xCA\x50\x5D\x06\0\x60\x91\xD8\x55\xC7\x23\x7D\x23\x66\0\0\0\0IEND\xAE\x42\x60\x82";
#define IMAGE(array) bytes_of(array, sizeof(array) - 1)
/* How a JPEG 2000 file begins; what a photograph would be behind it is not the card's business. */
static const uint8_t photo[] = "\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14" "ftypjp2 \0\0\0\0jp2 (no photograph: this card is a test's)";

struct hierarchy {
    EVP_PKEY *root, *intermediate, *municipality;
};

/* --- bytes --------------------------------------------------------------------------------------------------------- */

static void put_number(struct buf *out, const EVP_PKEY *key, const char *name, unsigned tag)
{
    BIGNUM *number = NULL;
    uint8_t bytes[256];
    assert_true(EVP_PKEY_get_bn_param(key, name, &number));
    int len = BN_bn2bin(number, bytes);
    assert_int_equal(tlv_append(out, tag, bytes_of(bytes, (size_t)len)), RC_OK);
    BN_free(number);
}

static void put_key(struct buf *out, const EVP_PKEY *key)
{
    put_number(out, key, OSSL_PKEY_PARAM_RSA_E, 0x90);
    put_number(out, key, OSSL_PKEY_PARAM_RSA_N, 0x91);
}

static void put(struct buf *out, unsigned tag, struct bytes value)
{
    assert_int_equal(tlv_append(out, tag, value), RC_OK);
}

static void put_text(struct buf *out, unsigned tag, const char *text)
{
    put(out, tag, bytes_of(text, strlen(text)));
}

static void put_public(struct buf *out, unsigned tag, const EVP_PKEY *key)
{
    struct buf inner = { 0 };
    put_key(&inner, key);
    put(out, tag, buf_bytes(&inner));
    buf_wipe(&inner);
}

/* The SHA-256 of a file, or PKCS#1 v1.5 around the DigestInfo of it. */
static void hash_of(struct bytes what, uint8_t hash[32])
{
    assert_true(EVP_Digest(what.data, what.len, hash, NULL, EVP_sha256(), NULL));
}

static void put_signature(struct buf *out, unsigned tag, EVP_PKEY *key, const EVP_MD *md, struct bytes input)
{
    uint8_t signature[256];
    size_t len = sizeof signature;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    if (md)
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, signature, &len, input.data, input.len), 1);
    EVP_PKEY_CTX_free(ctx);
    put(out, tag, bytes_of(signature, len));
}

static void put_signed(struct buf *out, unsigned tag, EVP_PKEY *key, struct bytes what)
{
    uint8_t hash[32];
    hash_of(what, hash);
    put_signature(out, tag, key, EVP_sha256(), bytes_of(hash, sizeof hash));
}

/* An object around what is in out. */
static void wrap(struct buf *out, unsigned tag)
{
    struct buf outer = { 0 };
    put(&outer, tag, buf_bytes(out));
    buf_wipe(out);
    *out = outer;
}

/* 7F21 { 5F4E issuer key id, subject key id, key; 5F37 signature }. Key ids of tests begin with 6. */
static void make_cvc(struct buf *out, const char *issuer, EVP_PKEY *issuer_key, const char *subject, const EVP_PKEY *key)
{
    struct buf body = { 0 };
    assert_int_equal(strlen(issuer) + strlen(subject), 2 * KEY_ID_LEN);
    assert_int_equal(buf_append_text(&body, issuer), RC_OK);
    assert_int_equal(buf_append_text(&body, subject), RC_OK);
    put_key(&body, key);
    put(out, 0x5F4E, buf_bytes(&body));
    put_signed(out, 0x5F37, issuer_key, buf_bytes(&body));
    wrap(out, 0x7F21);
    buf_wipe(&body);
}

EVP_PKEY *testface_key(struct bytes objects)
{
    struct tlv n, e;
    struct buf template = { 0 }, inner = { 0 };
    assert_int_equal(tlv_find(objects, 0x90, &e), RC_OK);
    assert_int_equal(tlv_find(objects, 0x91, &n), RC_OK);
    put(&inner, 0x81, n.value);
    put(&inner, 0x82, e.value);
    put(&template, 0x7F49, buf_bytes(&inner));
    EVP_PKEY *key = testcard_public_key(buf_bytes(&template));
    buf_wipe(&inner);
    buf_wipe(&template);
    return key;
}

/* --- the issuer's commands ----------------------------------------------------------------------------------------- */

static void update(struct testcard *card, unsigned ef, struct buf *content)
{
    struct buf answer = { 0 };
    testcard_issue(card, APPLET_INS_UPDATE_BINARY, APPLET_P_SFI(ef), 0, buf_bytes(content), 0, &answer);
    buf_wipe(content);
    buf_wipe(&answer);
}

static void put_pin(struct testcard *card, unsigned ef, const char *value)
{
    struct buf answer = { 0 };
    testcard_issue(card, APPLET_INS_PUT_REFERENCE_DATA, 0, APPLET_P_SFI(ef), bytes_of(value, strlen(value)), 0, &answer);
    buf_wipe(&answer);
}

static EVP_PKEY *generate(struct testcard *card, unsigned ef)
{
    struct buf answer = { 0 };
    testcard_issue(card, APPLET_INS_GENERATE_KEY_PAIR, 0x80, APPLET_SFI(ef), bytes_of(NULL, 0), 65536, &answer);
    EVP_PKEY *key = testcard_public_key(buf_bytes(&answer));
    buf_wipe(&answer);
    return key;
}

/* The whole of GET DATA's objects; the channel is open to any application. */
static void put_objects(struct testcard *card, const struct hierarchy *h)
{
    static const struct {
        unsigned tag;
        const char *text;
    } texts[] = { { 0x0042, "6000024\b20260101" }, { 0x00F0, "46201" }, { 0x00F2, "20350401" }, { 0x00F7, "6000024\b20260101" } };
    struct buf answer = { 0 }, cvc = { 0 };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        testcard_issue(card, APPLET_INS_PUT_DATA, texts[i].tag >> 8, texts[i].tag & 0xFF,
                       bytes_of(texts[i].text, strlen(texts[i].text)), 0, &answer);
    make_cvc(&cvc, "6000023\b20260101", h->root, "6000024\b20260101", h->intermediate);
    testcard_issue(card, APPLET_INS_PUT_DATA, 0x00, 0xF8, buf_bytes(&cvc), 0, &answer);
    buf_wipe(&cvc);
    make_cvc(&cvc, "6000024\b20260101", h->intermediate, "6046201\b20260101", h->municipality);
    testcard_issue(card, APPLET_INS_PUT_DATA, 0x7F, 0x21, buf_bytes(&cvc), 0, &answer);
    buf_wipe(&cvc);
    buf_wipe(&answer);
}

/* --- the applications ---------------------------------------------------------------------------------------------- */

/* Offsets from the start of the file, two bytes each, to the objects behind the table. */
static void put_offsets(struct buf *file, unsigned outer_tag, unsigned table_tag, const struct buf *objects)
{
    struct cursor cursor = cursor_of(buf_bytes(objects));
    struct buf table = { 0 }, probe = { 0 };
    struct tlv tlv;
    unsigned count = 0;
    while (tlv_next(&cursor, &tlv) == RC_OK)
        count++;
    size_t inner = 3 + 2 * count + objects->len; /* two bytes of tag, one of length: a short table */
    uint8_t *at;
    assert_int_equal(buf_extend(&probe, inner, &at), RC_OK);
    memset(at, 0, inner);
    wrap(&probe, outer_tag);
    size_t offset = probe.len - inner + 3 + 2 * count;
    cursor = cursor_of(buf_bytes(objects));
    while (tlv_next(&cursor, &tlv) == RC_OK) {
        assert_int_equal(buf_append_u16(&table, (unsigned)offset), RC_OK);
        offset += tlv.whole.len;
    }
    put(file, table_tag, buf_bytes(&table));
    assert_int_equal(buf_append_bytes(file, buf_bytes(objects)), RC_OK);
    wrap(file, outer_tag);
    buf_wipe(&table);
    buf_wipe(&probe);
}

static void put_text_application(struct testcard *card, const struct hierarchy *h)
{
    struct buf file = { 0 }, attributes = { 0 }, number = { 0 };
    uint8_t hash[32], basic[128];
    testcard_open_channel_to(card, SELECT_TEXT);
    EVP_PKEY_free(generate(card, APPLET_TEXT_SESSION_KEY));
    EVP_PKEY *own = generate(card, APPLET_TEXT_KEY);
    put_text(&number, 0xFF10, TESTFACE_NUMBER);
    assert_int_equal(buf_append(&number, "\xFF\xFF", 2), RC_OK); /* the hash is of the whole file */
    put_text(&attributes, 0xDF22, TESTFACE_NAME);
    put_text(&attributes, 0xDF23, TESTFACE_ADDRESS);
    put_text(&attributes, 0xDF24, "19850401");
    put_text(&attributes, 0xDF25, "2");
    hash_of(buf_bytes(&number), hash);
    put(&file, 0xDF31, bytes_of(hash, sizeof hash));
    hash_of(buf_bytes(&attributes), hash); /* not of the offsets */
    put(&file, 0xDF32, bytes_of(hash, sizeof hash));
    put_signed(&file, 0xDF33, h->municipality, buf_bytes(&file));
    wrap(&file, 0xFF30);
    update(card, APPLET_TEXT_SIGNATURE, &file);
    put_offsets(&file, 0xFF20, 0xDF21, &attributes);
    update(card, APPLET_TEXT_ATTRIBUTES, &file);
    update(card, APPLET_TEXT_MY_NUMBER, &number);
    make_cvc(&file, "6000023\b20260101", h->root, "6046201\b20260101", h->municipality);
    update(card, APPLET_TEXT_CERT, &file);
    memset(basic, 0xFF, sizeof basic);
    put(&file, 0xDF41, bytes_of("\x01\x03\x0E\x01", 4));
    put_text(&file, 0xDF42, "6000034\b20260101");
    put(&file, 0xDF43, bytes_of(basic, sizeof basic));
    wrap(&file, 0xFF40);
    update(card, APPLET_TEXT_BASIC, &file);
    put_public(&file, 0xDF51, own);
    put_signed(&file, 0xDF52, h->municipality, buf_bytes(&file));
    wrap(&file, 0xFF50);
    update(card, APPLET_TEXT_PUBLIC_KEY, &file);
    put_pin(card, APPLET_TEXT_PIN, TESTFACE_PIN);
    put_pin(card, APPLET_TEXT_PIN_A, TESTFACE_NUMBER);
    put_pin(card, APPLET_TEXT_PIN_B, TESTFACE_B);
    put_objects(card, h);
    EVP_PKEY_free(own);
    buf_wipe(&attributes);
}

/* The face: three groups of objects are hashed apart, the three hashes stand in one DigestInfo. */
static void put_face(struct testcard *card, const struct hierarchy *h, const EVP_PKEY *own)
{
    static const uint8_t info[] = { 0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
                                    0x05, 0x00, 0x04, 0x60 };
    struct buf file = { 0 }, objects = { 0 };
    uint8_t digest[sizeof info + 96];
    memcpy(digest, info, sizeof info);
    put_text(&objects, 0xDF22, "19850401");
    put_text(&objects, 0xDF23, "2");
    put_public(&objects, 0xDF24, own);
    size_t first = objects.len;
    hash_of(buf_bytes(&objects), digest + sizeof info);
    put(&objects, 0xDF25, IMAGE(png_line));
    put(&objects, 0xDF26, IMAGE(png_line));
    size_t second = objects.len;
    hash_of(bytes_of(objects.data + first, second - first), digest + sizeof info + 32);
    put(&objects, 0xDF27, IMAGE(photo));
    hash_of(bytes_of(objects.data + second, objects.len - second), digest + sizeof info + 64);
    put_signature(&objects, 0xDF28, h->municipality, NULL, bytes_of(digest, sizeof digest));
    put_text(&objects, 0xDF29, "20350401");
    put(&objects, 0xDF2A, IMAGE(png_code));
    put_offsets(&file, 0xFF20, 0xDF21, &objects);
    update(card, APPLET_VISUAL_FACE, &file);
    buf_wipe(&objects);
}

static void put_visual_application(struct testcard *card, const struct hierarchy *h)
{
    struct buf file = { 0 };
    uint8_t opaque[272] = "6000099\b20260101";
    testcard_open_channel_to(card, SELECT_VISUAL);
    EVP_PKEY *own = generate(card, APPLET_VISUAL_KEY);
    put_face(card, h, own);
    put_text(&file, 0xDF11, "19850401");
    put_public(&file, 0xDF12, own);
    put_signed(&file, 0xDF13, h->municipality, buf_bytes(&file));
    wrap(&file, 0xFF10);
    update(card, APPLET_VISUAL_BIRTH, &file);
    put(&file, 0xDF31, bytes_of("\x06\x03\x0E\x01", 4));
    put_text(&file, 0xDF32, "6000024\b20260101");
    put(&file, 0xDF33, bytes_of("\x01", 1));
    put_text(&file, 0xDF34, "46201");
    put(&file, 0xDF35, bytes_of(opaque, sizeof opaque));
    wrap(&file, 0xFF30);
    update(card, APPLET_VISUAL_BASIC, &file);
    make_cvc(&file, "6000023\b20260101", h->root, "6046201\b20260101", h->municipality);
    update(card, APPLET_VISUAL_CERT, &file);
    put(&file, 0xDF41, IMAGE(png_number));
    put_public(&file, 0xDF42, own);
    put_signed(&file, 0xDF43, h->municipality, buf_bytes(&file));
    wrap(&file, 0xFF40);
    update(card, APPLET_VISUAL_NUMBER, &file);
    put_pin(card, APPLET_VISUAL_PIN_BIRTH, TESTFACE_BIRTH);
    put_pin(card, APPLET_VISUAL_PIN_B, TESTFACE_B);
    put_pin(card, APPLET_VISUAL_PIN_A, TESTFACE_NUMBER);
    EVP_PKEY_free(own);
}

static void put_records(struct testcard *card, unsigned ef, const char *record)
{
    struct buf file = { 0 };
    assert_int_equal(buf_append_u8(&file, 0x01), RC_OK);
    assert_int_equal(buf_append_u8(&file, (unsigned)strlen(record)), RC_OK);
    assert_int_equal(buf_append_text(&file, record), RC_OK);
    update(card, ef, &file);
}

EVP_PKEY *testface_put(struct testcard *card)
{
    struct hierarchy h = { EVP_RSA_gen(2048), EVP_RSA_gen(2048), EVP_RSA_gen(2048) };
    assert_true(h.root && h.intermediate && h.municipality);
    put_text_application(card, &h);
    put_visual_application(card, &h);
    testcard_open_channel_to(card, SELECT_RESIDENT);
    put_records(card, 0x0002, "6000034\b20260101");
    put_pin(card, APPLET_RESIDENT_PIN, TESTFACE_PIN);
    testcard_open_channel_to(card, SELECT_COMMON);
    put_records(card, APPLET_COMMON_CARD, "400000099000001" "46201" "20350401");
    put_records(card, 0x0002, "6000034\b20260101");
    EVP_PKEY_free(generate(card, APPLET_COMMON_KEY));
    put_pin(card, APPLET_COMMON_PIN, TESTFACE_PIN);
    EVP_PKEY_free(h.intermediate);
    EVP_PKEY_free(h.municipality);
    return h.root;
}

struct testcard *testface_new(EVP_PKEY **root)
{
    struct testcard *card = testcard_new_blank();
    EVP_PKEY *key = testface_put(card);
    testcard_personalise(card);
    if (root)
        *root = key;
    else
        EVP_PKEY_free(key);
    return card;
}
