/* test_sim_face.c — the applications with what is printed on the card: every signature verifies under the root that is on no
 * card, the card proves its presence, and the text application's secure messaging, command by command and broken in every
 * way. */
#include "../../support/scratch.h"
#include "base/file.h"
#include "base/hex.h"
#include "support/testface.h"
#include "wire/apdu.h"
#include "wire/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#define SELECT_TEXT "00A4040C0AD3921000310001010408"
#define SELECT_VISUAL "00A4040C0AD3921000310001010402"
#define SELECT_COMMON "00A4040C0AD3921000310001010100"
#define SELECT_JPKI "00A4040C0AD392F000260100000001"
#define PIN_HEX "0432353830"
#define NUMBER_HEX "0C313233343536373839303138"
#define B_HEX "0E3630303430313230333534353637"

struct world {
    struct testcard *card; /* each test has a copy */
    EVP_PKEY *root;
};

/* --- signatures ---------------------------------------------------------------------------------------------------- */

static void read_file(struct testcard *card, unsigned ef, struct buf *content)
{
    const uint8_t command[] = { 0x00, 0xB0, APPLET_P_SFI(ef), 0x00, 0x00, 0x00, 0x00 };
    assert_int_equal(testcard_transmit(card, bytes_of(command, sizeof command), content), 0x9000);
}

static struct bytes object(struct bytes in, unsigned tag)
{
    struct tlv tlv;
    assert_int_equal(tlv_find(in, tag, &tlv), RC_OK);
    return tlv.value;
}

/* md NULL: what was signed is the content of the PKCS#1 block itself. */
static bool verifies(EVP_PKEY *key, const EVP_MD *md, struct bytes what, struct bytes signature)
{
    uint8_t hash[32];
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    if (md) {
        assert_true(EVP_Digest(what.data, what.len, hash, NULL, md, NULL));
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
        what = bytes_of(hash, sizeof hash);
    }
    int rc = EVP_PKEY_verify(ctx, signature.data, signature.len, what.data, what.len);
    EVP_PKEY_CTX_free(ctx);
    return rc == 1;
}

/* The key that a card-verifiable certificate certifies, when the issuer's key signed it. */
static EVP_PKEY *certified(EVP_PKEY *issuer, struct bytes cvc)
{
    struct bytes outer = object(cvc, 0x7F21), body = object(outer, 0x5F4E);
    assert_int_equal(body.len, 297);
    assert_true(verifies(issuer, EVP_sha256(), body, object(outer, 0x5F37)));
    return testface_key(bytes_of(body.data + 32, body.len - 32));
}

/* Of a file { objects, signature }: the signature object's tag; the signed bytes are all before it. */
static void check_file(EVP_PKEY *signer, struct bytes file, unsigned outer_tag, unsigned signature_tag)
{
    struct tlv outer, signature;
    assert_int_equal(tlv_find(file, outer_tag, &outer), RC_OK);
    assert_int_equal(tlv_find(outer.value, signature_tag, &signature), RC_OK);
    struct bytes before = bytes_of(outer.value.data, (size_t)(signature.whole.data - outer.value.data));
    assert_true(verifies(signer, EVP_sha256(), before, signature.value));
}

static void test_text(void **state)
{
    const struct world *world = *state;
    struct testcard *card = testcard_copy(world->card);
    struct buf file = { 0 }, number = { 0 }, attributes = { 0 }, own = { 0 }, answer = { 0 };
    uint8_t hash[32];
    assert_int_equal(testcard_send(card, SELECT_TEXT), 0x9000);
    assert_int_equal(testcard_send(card, "00200091" PIN_HEX), 0x9000);
    read_file(card, APPLET_TEXT_CERT, &file);
    assert_int_equal(file.len, 568);
    EVP_PKEY *municipality = certified(world->root, buf_bytes(&file));
    read_file(card, APPLET_TEXT_MY_NUMBER, &number);
    assert_int_equal(number.len, 17);
    assert_memory_equal(object(buf_bytes(&number), 0xFF10).data, TESTFACE_NUMBER, 12);
    read_file(card, APPLET_TEXT_ATTRIBUTES, &attributes);
    struct bytes inner = object(buf_bytes(&attributes), 0xFF20), table = object(inner, 0xDF21);
    assert_true(bytes_equal(object(inner, 0xDF22), bytes_of(TESTFACE_NAME, strlen(TESTFACE_NAME))));
    assert_int_equal(table.len, 8);
    for (unsigned i = 0; i < 4; i++) { /* where the table points, the object stands */
        size_t at = (size_t)table.data[2 * i] << 8 | table.data[2 * i + 1];
        assert_int_equal((unsigned)attributes.data[at] << 8 | attributes.data[at + 1], 0xDF22 + i);
    }
    read_file(card, APPLET_TEXT_SIGNATURE, &file);
    assert_int_equal(file.len, 336);
    check_file(municipality, buf_bytes(&file), 0xFF30, 0xDF33);
    struct bytes record = object(buf_bytes(&file), 0xFF30);
    assert_true(EVP_Digest(number.data, number.len, hash, NULL, EVP_sha256(), NULL));
    assert_memory_equal(object(record, 0xDF31).data, hash, 32);
    size_t skip = (size_t)(table.data + table.len - inner.data);
    assert_true(EVP_Digest(inner.data + skip, inner.len - skip, hash, NULL, EVP_sha256(), NULL));
    assert_memory_equal(object(record, 0xDF32).data, hash, 32);
    /* The card's own key, without a PIN: it is here, and no copy of its files. */
    read_file(card, APPLET_TEXT_PUBLIC_KEY, &own);
    check_file(municipality, buf_bytes(&own), 0xFF50, 0xDF52);
    EVP_PKEY *key = testface_key(object(object(buf_bytes(&own), 0xFF50), 0xDF51));
    testcard_cut(card);
    assert_int_equal(testcard_send(card, SELECT_TEXT), 0x9000);
    const uint8_t sign[] = { 0x80, 0x2A, 0x03, 0x00, 0x03, 'a', 'b', 'c', 0x00 };
    assert_int_equal(testcard_transmit(card, bytes_of(sign, sizeof sign), &answer), 0x9000);
    assert_true(verifies(key, EVP_sha256(), bytes_of("abc", 3), buf_bytes(&answer)));
    EVP_PKEY_free(key);
    EVP_PKEY_free(municipality);
    buf_wipe(&file);
    buf_wipe(&number);
    buf_wipe(&attributes);
    buf_wipe(&own);
    buf_wipe(&answer);
    testcard_free(card);
}

static void test_visual(void **state)
{
    const struct world *world = *state;
    struct testcard *card = testcard_copy(world->card);
    struct buf file = { 0 };
    uint8_t block[19 + 96] = { 0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
                               0x04, 0x60 };
    static const unsigned groups[3][2] = { { 0xDF22, 0xDF24 }, { 0xDF25, 0xDF26 }, { 0xDF27, 0xDF27 } };
    assert_int_equal(testcard_send(card, SELECT_VISUAL), 0x9000);
    read_file(card, APPLET_VISUAL_CERT, &file);
    EVP_PKEY *municipality = certified(world->root, buf_bytes(&file));
    assert_int_equal(testcard_send(card, "0020009106363030343031"), 0x9000);
    read_file(card, APPLET_VISUAL_BIRTH, &file);
    assert_int_equal(file.len, 547);
    check_file(municipality, buf_bytes(&file), 0xFF10, 0xDF13);
    assert_int_equal(testcard_send(card, "00200093" NUMBER_HEX), 0x9000);
    read_file(card, APPLET_VISUAL_NUMBER, &file);
    check_file(municipality, buf_bytes(&file), 0xFF40, 0xDF43);
    read_file(card, APPLET_VISUAL_FACE, &file);
    struct bytes face = object(buf_bytes(&file), 0xFF20);
    for (unsigned i = 0; i < 3; i++) {
        struct tlv first, last;
        assert_int_equal(tlv_find(face, groups[i][0], &first), RC_OK);
        assert_int_equal(tlv_find(face, groups[i][1], &last), RC_OK);
        size_t len = (size_t)(last.whole.data + last.whole.len - first.whole.data);
        assert_true(EVP_Digest(first.whole.data, len, block + 19 + 32 * i, NULL, EVP_sha256(), NULL));
    }
    assert_true(verifies(municipality, NULL, bytes_of(block, sizeof block), object(face, 0xDF28)));
    EVP_PKEY_free(municipality);
    buf_wipe(&file);
    testcard_free(card);
}

/* The pictures as files, read by programs that are not ours: what they say of each. */
static void test_pictures(void **state)
{
    const struct world *world = *state;
    static const struct {
        const char *what;
        unsigned file, outer, tag;
        const char *command, *says;
    } rows[] = {
        { "photograph", APPLET_VISUAL_FACE, 0xFF20, 0xDF27, "opj_dump -i picture.jp2", "x1=240, y1=320" },
        { "photograph, one component", APPLET_VISUAL_FACE, 0xFF20, 0xDF27, "opj_dump -i picture.jp2", "numcomps=1" },
        { "photograph, to pixels", APPLET_VISUAL_FACE, 0xFF20, 0xDF27,
          "opj_decompress -i picture.jp2 -o x.pgm >out && [ $(tail -c 76800 x.pgm | od -An -v -tu1 -w1 | sort -u | wc -l) -gt 60 ] "
          "&& echo many greys",
          "many greys" },
        { "name", APPLET_VISUAL_FACE, 0xFF20, 0xDF25, "pngcheck -v picture.png", "200 x 24 image, 1-bit" },
        { "address", APPLET_VISUAL_FACE, 0xFF20, 0xDF26, "pngcheck -v picture.png", "200 x 24 image, 1-bit" },
        { "security code", APPLET_VISUAL_FACE, 0xFF20, 0xDF2A, "pngcheck -v picture.png", "24 x 12 image, 1-bit" },
        { "My Number", APPLET_VISUAL_NUMBER, 0xFF40, 0xDF41, "pngcheck -v picture.png", "72 x 12 image, 1-bit" },
        { "no errors", APPLET_VISUAL_NUMBER, 0xFF40, 0xDF41, "pngcheck -q picture.png && echo clean", "clean" },
    };
    struct testcard *card = testcard_copy(world->card);
    char folder[] = "/tmp/simpictures.XXXXXX", path[64], command[640];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(testcard_send(card, SELECT_VISUAL), 0x9000);
    assert_int_equal(testcard_send(card, "00200093" NUMBER_HEX), 0x9000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf file = { 0 }, said = { 0 };
        print_message("  %s\n", rows[i].what);
        read_file(card, rows[i].file, &file);
        struct bytes picture = object(object(buf_bytes(&file), rows[i].outer), rows[i].tag);
        (void)snprintf(path, sizeof path, "%s/picture.%s", folder, strstr(rows[i].command, "jp2") ? "jp2" : "png");
        assert_int_equal(file_write_atomic(path, picture, 0600, NULL), RC_OK);
        (void)snprintf(command, sizeof command, "cd %s && { %s; } >said 2>&1", folder, rows[i].command);
        assert_int_equal(system(command), 0);
        (void)snprintf(path, sizeof path, "%s/said", folder);
        assert_int_equal(file_read(path, &said, NULL), RC_OK);
        const char *text = buf_string(&said);
        if (!text || !strstr(text, rows[i].says))
            fail_msg("'%s' is not in: %s", rows[i].says, text ? text : "");
        buf_wipe(&file);
        buf_wipe(&said);
    }
    assert_int_equal(scratch_remove(folder), 0);
    testcard_free(card);
}

static void get_data(struct testcard *card, unsigned tag, struct buf *value)
{
    const uint8_t command[] = { 0x00, 0xCA, (uint8_t)(tag >> 8), (uint8_t)tag, 0x00, 0x00, 0x00 };
    assert_int_equal(testcard_transmit(card, bytes_of(command, sizeof command), value), 0x9000);
}

/* Root, intermediate, municipality: two certificates that the card manager tells; the text application's names the last. */
static void test_chain(void **state)
{
    const struct world *world = *state;
    struct testcard *card = testcard_copy(world->card);
    struct buf value = { 0 };
    get_data(card, 0x00F8, &value);
    EVP_PKEY *intermediate = certified(world->root, buf_bytes(&value));
    get_data(card, 0x7F21, &value);
    EVP_PKEY *municipality = certified(intermediate, buf_bytes(&value));
    assert_int_equal(testcard_send(card, SELECT_TEXT), 0x9000);
    read_file(card, APPLET_TEXT_CERT, &value);
    EVP_PKEY *again = certified(world->root, buf_bytes(&value));
    assert_int_equal(EVP_PKEY_eq(municipality, again), 1);
    assert_int_equal(EVP_PKEY_eq(intermediate, again), 0);
    EVP_PKEY_free(intermediate);
    EVP_PKEY_free(municipality);
    EVP_PKEY_free(again);
    buf_wipe(&value);
    testcard_free(card);
}

/* INTERNAL AUTHENTICATE: sha256WithRSA over the challenge, the same every time. */
static void test_internal(void **state)
{
    const struct world *world = *state;
    struct testcard *card = testcard_copy(world->card);
    struct buf a = { 0 }, b = { 0 }, public = { 0 };
    const uint8_t command[] = { 0x00, 0x88, 0x00, 0x99, 0x04, 1, 2, 3, 4, 0x00 };
    const uint8_t read[] = { 0x80, 0x47, 0x81, 0x19, 0x00, 0x00, 0x00 };
    testcard_open_channel_to(card, SELECT_COMMON);
    assert_int_equal(testcard_secured(card, bytes_of(read, sizeof read), &public), 0x9000);
    EVP_PKEY *key = testcard_public_key(buf_bytes(&public));
    assert_int_equal(testcard_transmit(card, bytes_of(command, sizeof command), &a), 0x9000);
    assert_int_equal(testcard_transmit(card, bytes_of(command, sizeof command), &b), 0x9000);
    assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    assert_true(verifies(key, EVP_sha256(), bytes_of(command + 5, 4), buf_bytes(&a)));
    EVP_PKEY_free(key);
    buf_wipe(&a);
    buf_wipe(&b);
    buf_wipe(&public);
    testcard_free(card);
}

/* --- secure messaging ---------------------------------------------------------------------------------------------- */

struct host {
    struct testcard *card;
    uint8_t seed[32];
    uint32_t counter;
};

static void aes(const uint8_t *key, const uint8_t *iv, bool encrypt, const uint8_t *in, size_t len, uint8_t *out)
{
    int done = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_CipherInit_ex2(ctx, EVP_aes_128_cbc(), key, iv, encrypt, NULL), 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    assert_int_equal(EVP_CipherUpdate(ctx, out, &done, in, (int)len), 1);
    assert_int_equal(done, len);
    EVP_CIPHER_CTX_free(ctx);
}

static void host_iv(const struct host *host, uint8_t iv[16])
{
    uint8_t block[16] = { 0 }, zero[16] = { 0 };
    for (unsigned i = 0; i < 4; i++)
        block[15 - i] = (uint8_t)(host->counter >> 8 * i);
    aes(host->seed, zero, true, block, 16, iv);
}

static unsigned deliver(struct testcard *card, struct bytes message)
{
    struct buf file = { 0 }, command = { 0 }, answer = { 0 };
    uint8_t cipher[256];
    size_t len = sizeof cipher;
    read_file(card, APPLET_TEXT_SESSION_KEY, &file);
    EVP_PKEY *key = testface_key(object(buf_bytes(&file), 0xA1));
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, cipher, &len, message.data, message.len), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    const struct apdu_command set = { 0x80, APPLET_INS_SET_SESSION_KEY, 0, 0, bytes_of(cipher, len), 0, true };
    assert_int_equal(apdu_encode(&set, &command), RC_OK);
    unsigned sw = testcard_transmit(card, buf_bytes(&command), &answer);
    buf_wipe(&file);
    buf_wipe(&command);
    buf_wipe(&answer);
    return sw;
}

static void host_begin(struct host *host, struct testcard *card)
{
    uint8_t message[4 + 32] = { 0xA0, 0x22, 0x80, 0x20 };
    *host = (struct host) { .card = card, .counter = 1 };
    for (unsigned i = 0; i < 32; i++)
        message[4 + i] = host->seed[i] = (uint8_t)(7 * i + 1);
    assert_int_equal(testcard_send(card, SELECT_TEXT), 0x9000);
    assert_int_equal(testcard_send(card, "00200091" PIN_HEX), 0x9000);
    assert_int_equal(deliver(card, bytes_of(message, sizeof message)), 0x9000);
}

/* A command with enciphered data under the host's counter, which goes on. */
static unsigned host_send(struct host *host, unsigned ins, unsigned p1, unsigned p2, struct bytes data)
{
    uint8_t iv[16], block[32] = { 0 }, object[3 + 32] = { 0x86, 0x11, 0x01 };
    struct buf command = { 0 }, answer = { 0 };
    assert_true(data.len < 16);
    memcpy(block, data.data, data.len);
    block[data.len] = 0x80;
    host_iv(host, iv);
    aes(host->seed, iv, true, block, 16, object + 3);
    host->counter++;
    const struct apdu_command apdu = { 0x08, (uint8_t)ins, (uint8_t)p1, (uint8_t)p2, bytes_of(object, 19), 0, false };
    assert_int_equal(apdu_encode(&apdu, &command), RC_OK);
    unsigned sw = testcard_transmit(host->card, buf_bytes(&command), &answer);
    buf_wipe(&command);
    buf_wipe(&answer);
    return sw;
}

static unsigned host_read(struct host *host, unsigned p1, unsigned p2, unsigned le, struct buf *plain)
{
    uint8_t iv[16];
    const uint8_t command[] = { 0x08, 0xB0, (uint8_t)p1, (uint8_t)p2, 0x00, 0x00, 0x05, 0x96, 0x03, 0x00, (uint8_t)(le >> 8),
                                (uint8_t)le, 0x00, 0x00 };
    struct buf answer = { 0 };
    host_iv(host, iv);
    host->counter++;
    unsigned sw = testcard_transmit(host->card, bytes_of(command, sizeof command), &answer);
    buf_truncate(plain, 0);
    if (sw == 0x9000) {
        uint8_t *at;
        struct bytes value = object(buf_bytes(&answer), 0x86);
        assert_int_equal(value.data[0], 0x01);
        assert_int_equal(buf_extend(plain, value.len - 1, &at), RC_OK);
        aes(host->seed, iv, false, value.data + 1, value.len - 1, at);
        size_t len = value.len - 1;
        while (len && at[len - 1] == 0x00)
            len--;
        assert_true(len && at[len - 1] == 0x80);
        buf_truncate(plain, len - 1);
    }
    buf_wipe(&answer);
    return sw;
}

static void test_messaging(void **state)
{
    const struct world *world = *state;
    struct testcard *card = testcard_copy(world->card);
    struct host host;
    struct buf plain = { 0 };
    host_begin(&host, card);
    assert_int_equal(host_send(&host, 0x20, 0x00, 0x94, bytes_of(TESTFACE_NUMBER, 12)), 0x9000);
    assert_int_equal(host_send(&host, 0x20, 0x00, 0x95, bytes_of("60040120354568", 14)), 0x63C9); /* a try as in clear */
    assert_int_equal(host_send(&host, 0x20, 0x00, 0x92, bytes_of("1", 1)), 0x6984);              /* counts as a command */
    assert_int_equal(host_send(&host, 0xA4, 0x02, 0x0C, bytes_of("\x00\x01", 2)), 0x9000);
    assert_int_equal(host_read(&host, 0x00, 0x00, 0, &plain), 0x9000); /* 0: the whole file */
    assert_int_equal(plain.len, 17);
    assert_memory_equal(plain.data + 3, TESTFACE_NUMBER, 12);
    assert_int_equal(host_read(&host, 0x00, 0x03, 4, &plain), 0x9000);
    assert_int_equal(plain.len, 4);
    assert_int_equal(testcard_send(card, "0020009115"), 0x6700); /* plain commands between them do not count */
    assert_int_equal(host_read(&host, 0x82, 0x00, 16, &plain), 0x9000);
    assert_int_equal(plain.len, 16);
    assert_int_equal(host_read(&host, 0x00, 0xFF, 16, &plain), 0x9000);
    assert_int_equal(host_read(&host, 0x7F, 0xFF, 16, &plain), 0x6B00);
    assert_int_equal(host_read(&host, 0x82, 0x00, 16, &plain), 0x9000);
    host.counter++; /* out of step: over */
    assert_int_equal(host_send(&host, 0x20, 0x00, 0x94, bytes_of(TESTFACE_NUMBER, 12)), 0x6988);
    assert_int_equal(host_read(&host, 0x82, 0x00, 16, &plain), 0x69FC);
    assert_int_equal(host_send(&host, 0xA4, 0x02, 0x0C, bytes_of("\x00\x01", 2)), 0x6882);
    host_begin(&host, card); /* a new one may begin */
    assert_int_equal(host_read(&host, 0x82, 0x00, 16, &plain), 0x9000);
    buf_wipe(&plain);
    testcard_free(card);
}

/* What this layer refuses, and that the session is over then. */
static void test_messaging_refusals(void **state)
{
    const struct world *world = *state;
    static const struct {
        const char *what, *command;
        unsigned sw, after; /* of a right READ BINARY */
    } rows[] = {
        { "a checksum is asked for", "0CB08200059603000010" "00", 0x6987, 0x69FC },
        { "a cryptogram where a length belongs", "08B08200138611010000000000000000000000000000000000", 0x6988, 0x69FC },
        { "a length where a cryptogram belongs", "0820009405960300001000", 0x6988, 0x69FC },
        { "two lengths", "08B082000A96030000109603000010" "00", 0x6988, 0x69FC },
        { "a length of two bytes", "08B0820004960200" "1000", 0x6988, 0x69FC },
        { "no data object", "08B0820010", 0x6988, 0x69FC },
        { "another padding indicator", "0820009413861102" "00000000000000000000000000000000", 0x6988, 0x69FC },
        { "half a block", "082000940B8609010000000000000000", 0x6988, 0x69FC },
        { "SELECT of an application ends it", SELECT_TEXT, 0x9000, 0x69FC },
        { "reset ends it", "reset", 0, 0x69FC },
        { "another class leaves it alone", "04B08200059603000010" "00", 0x6882, 0x9000 },
        { "another instruction leaves it alone", "0884000008", 0x6882, 0x9000 },
        { "a plain command leaves it alone", "00B0850010", 0x9000, 0x9000 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct testcard *card = testcard_copy(world->card);
        struct host host;
        struct buf plain = { 0 };
        print_message("  %s\n", rows[i].what);
        host_begin(&host, card);
        if (strcmp(rows[i].command, "reset") == 0) {
            sim_reset(testcard_sim(card));
            assert_int_equal(testcard_send(card, SELECT_TEXT), 0x9000);
        } else {
            assert_int_equal(testcard_send(card, rows[i].command), rows[i].sw);
        }
        assert_int_equal(host_read(&host, 0x82, 0x00, 16, &plain), rows[i].after);
        buf_wipe(&plain);
        testcard_free(card);
    }
}

/* SET SESSION KEY: who may, where, and what must be in it. */
static void test_session_key(void **state)
{
    const struct world *world = *state;
    static const struct {
        const char *what;
        size_t len;
        uint8_t message[8];
        unsigned sw;
    } forms[] = {
        { "key", 36, { 0xA0, 0x22, 0x80, 0x20 }, 0x9000 },
        { "integrity key", 36, { 0xA0, 0x22, 0x81, 0x20 }, 0x6A80 },
        { "another template", 36, { 0xA1, 0x22, 0x80, 0x20 }, 0x6A80 },
        { "a short seed", 20, { 0xA0, 0x12, 0x80, 0x10 }, 0x6A80 },
        { "a byte too many", 37, { 0xA0, 0x22, 0x80, 0x20 }, 0x6A80 },
        { "nothing", 0, { 0 }, 0x6A80 },
    };
    struct testcard *card = testcard_copy(world->card);
    char zeroes[2 * 7 + 2 * 256 + 1] = "80AE0000000100";
    struct buf session_key = { 0 };
    memset(zeroes + 14, 'F', 512); /* no number below the modulus */
    static const char *const elsewhere[][2] = { { SELECT_COMMON, "66" }, { SELECT_VISUAL, "66" }, { SELECT_JPKI, "69" },
                                                { "00A4040C0AD3921000310001010401", "69" } };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(testcard_send(card, elsewhere[i][0]), 0x9000);
        assert_int_equal(testcard_send(card, zeroes), elsewhere[i][1][0] == '6' && elsewhere[i][1][1] == '6' ? 0x66F1 : 0x6982);
    }
    assert_int_equal(testcard_send(card, SELECT_TEXT), 0x9000);
    assert_int_equal(testcard_send(card, zeroes), 0x6982);
    assert_int_equal(testcard_send(card, "00200094" NUMBER_HEX), 0x9000); /* 照合番号A is not enough */
    assert_int_equal(testcard_send(card, zeroes), 0x6982);
    assert_int_equal(testcard_send(card, "00200091" PIN_HEX), 0x9000);
    assert_int_equal(testcard_send(card, zeroes), 0x6F00);
    assert_int_equal(testcard_send(card, "80AE00000411223344"), 0x6700);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uint8_t message[40] = { 0 };
        print_message("  %s\n", forms[i].what);
        memcpy(message, forms[i].message, sizeof forms[i].message);
        assert_int_equal(deliver(card, bytes_of(message, forms[i].len)), forms[i].sw);
    }
    buf_wipe(&session_key);
    testcard_free(card);
}

static int setup(void **state)
{
    static struct world world;
    world.card = testface_new(&world.root);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    testcard_free(world->card);
    EVP_PKEY_free(world->root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_text),      cmocka_unit_test(test_visual),    cmocka_unit_test(test_pictures),
                                        cmocka_unit_test(test_chain),     cmocka_unit_test(test_internal),
                                        cmocka_unit_test(test_messaging), cmocka_unit_test(test_messaging_refusals),
                                        cmocka_unit_test(test_session_key) };
    return cmocka_run_group_tests_name("sim-face", tests, setup, teardown);
}
