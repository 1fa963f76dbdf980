/* deskworld.c — a counter for tests. */
#include "deskworld.h"

#include "desk/abandon.h"

#include "base/file.h"
#include "pki/cert.h"
#include "support/keypool.h"
#include "support/scratch.h"

#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the card: the simulator in process, behind the host's transport face ---------------------------------------------- */

struct testlink {
    struct transport_link link;
    struct deskworld *world;
    struct sim *sim;
};

struct testtransport {
    struct transport transport;
    struct deskworld *world;
    struct sim *sim;
};

static enum rc card_save(void *context, struct bytes image)
{
    struct deskworld *world = context;
    assert_true(image.len <= DESKWORLD_IMAGE_MAX);
    memcpy(world->memory->image, image.data, image.len);
    world->memory->image_len = image.len;
    return RC_OK;
}

static enum rc test_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                         struct err *err)
{
    (void)transport;
    (void)err;
    assert_true(max > 0);
    readers[0] = (struct transport_reader) { .name = "test", .card_present = true };
    *count = 1;
    return RC_OK;
}

static const struct transport_ops test_ops;

static enum rc test_connect(struct transport *transport, const char *reader, struct transport_link **link,
                            struct err *err)
{
    (void)reader;
    (void)err;
    struct testtransport *t = (struct testtransport *)transport;
    struct testlink *made = calloc(1, sizeof *made);
    *made = (struct testlink) { { &test_ops }, t->world, t->sim };
    sim_power_on(t->sim);
    *link = &made->link;
    return RC_OK;
}

static enum rc test_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    (void)link;
    (void)err;
    *was_reset = false;
    return RC_OK;
}

static void test_end(struct transport_link *link, enum transport_disposition disposition)
{
    if (disposition == TRANSPORT_UNPOWER)
        sim_power_off(((struct testlink *)link)->sim);
}

static enum rc test_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    struct testlink *l = (struct testlink *)link;
    struct deskworld_trouble *trouble = &l->world->trouble;
    bool fails = ++l->world->apdus == trouble->apdu;
    if (!fails)
        return sim_transmit(l->sim, command, response);
    struct buf lost = { 0 };
    if (trouble->apdu_was_done)
        assert_int_equal(sim_transmit(l->sim, command, &lost), RC_OK);
    buf_wipe(&lost);
    return err_set(err, RC_CARD_GONE, "the card was pulled out");
}

static struct bytes test_atr(const struct transport_link *link)
{
    const struct testlink *l = (const struct testlink *)link;
    return sim_atr(l->sim);
}

static void test_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    test_end(link, disposition);
    free(link);
}

static void test_close(struct transport *transport, bool forked)
{
    (void)forked;
    free(transport);
}

static const struct transport_ops test_ops = {
    .kind = "test",
    .list = test_list,
    .connect = test_connect,
    .begin = test_begin,
    .end = test_end,
    .transmit = test_transmit,
    .atr = test_atr,
    .disconnect = test_disconnect,
    .close = test_close,
};

void deskworld_open_card(struct deskworld *world, struct deskworld_card *card)
{
    struct sim_config config = { .seal_key = &world->seal, .save = card_save, .context = world };
    struct testtransport *transport = calloc(1, sizeof *transport);
    assert_int_equal(sim_open(&config, bytes_of(world->memory->image, world->memory->image_len), &card->sim), RC_OK);
    *transport = (struct testtransport) { { &test_ops }, world, card->sim };
    card->transport = &transport->transport;
    card->card = NULL;
}

void deskworld_close_card(struct deskworld_card *card)
{
    card_close(card->card, TRANSPORT_UNPOWER);
    transport_close(card->transport);
    sim_free(card->sim);
}

/* --- the others ---------------------------------------------------------------------------------------------------------- */

/* Counts a call; true when it is the one that goes wrong. */
static bool call_fails(struct deskworld *world)
{
    return ++world->calls == world->trouble.call;
}

static enum rc fake_find(void *context, const char *code, struct resident *resident, struct err *err)
{
    struct deskworld *world = context;
    (void)code;
    world->memory->found++;
    if (call_fails(world))
        return err_set(err, world->trouble.call_rc, "trouble");
    *resident = (struct resident) { .municipality = "462012",
                                    .attributes = { .name = "公的　花子",
                                                    .birth = "319800217",
                                                    .sex = "2",
                                                    .address = "鹿児島県鹿児島市山下町１番１号" } };
    attributes_no_substitutes(&resident->attributes);
    return RC_OK;
}

static enum rc fake_agree(void *context, const struct resident *resident, struct err *err)
{
    struct deskworld *world = context;
    assert_string_equal(resident->attributes.name, "公的　花子");
    world->memory->agreed++;
    return world->trouble.disagree ? err_set(err, RC_REFUSED, "another person") : RC_OK;
}

static enum rc fake_state(void *context, enum authority which, const char *serial, enum peers_state *state,
                          struct err *err)
{
    struct deskworld *world = context;
    const struct deskworld_authority *authority = &world->memory->authority[which];
    if (call_fails(world))
        return err_set(err, world->trouble.call_rc, "trouble");
    assert_string_equal(serial, which == AUTHORITY_SIGN ? "64" : "65");
    *state = authority->revoked ? PEERS_REVOKED : authority->active ? PEERS_ACTIVE : PEERS_PENDING;
    return RC_OK;
}

/* A digest over all that an order says but whether it confirms. */
static void order_digest(const struct peers_order *order, uint8_t digest[32])
{
    struct buf text = { 0 };
    unsigned char *key = NULL;
    int len = i2d_PUBKEY(order->key, &key);
    assert_true(len > 0);
    const struct registration *r = &order->registration;
    assert_int_equal(buf_printf(&text, "%d %s %s %s %lld %lld %s %s", (int)order->authority, r->request, r->municipality,
                                r->card, (long long)r->card_expiry, (long long)r->auth_not_after, order->attributes->name,
                                order->attributes->address), RC_OK);
    assert_int_equal(buf_append(&text, key, (size_t)len), RC_OK);
    OPENSSL_free(key);
    assert_int_equal(EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL), 1);
    buf_wipe(&text);
}

/* Proof of possession over the digest; what the card said when it would not. */
static enum rc order_prove(const struct peers_order *order, const uint8_t digest[32])
{
    uint8_t signature[512];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, order->key) == 1
                && EVP_DigestSign(ctx, signature, &len, digest, 32) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        return RC_CARD_GONE;
    unsigned char *der = NULL;
    int der_len = i2d_PUBKEY(order->key, &der);
    const unsigned char *at = der;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, der_len);
    ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, signature, len, digest, 32), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
    return RC_OK;
}

static X509 *make_cert(struct deskworld *world, unsigned which, EVP_PKEY *key, long serial)
{
    X509 *cert = X509_new();
    X509_NAME *name = NULL;
    assert_int_equal(authority_dn((enum authority)which, "JPKI-TEST", &name), RC_OK);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_set_issuer_name(cert, name);
    X509_NAME_free(name);
    name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"holder", -1, -1, 0);
    X509_set_subject_name(cert, serial == 1 ? X509_get_issuer_name(cert) : name);
    X509_NAME_free(name);
    ASN1_TIME_set_string(X509_getm_notBefore(cert), "20260101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(cert), "20310101000000Z");
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, world->key[which], EVP_sha256()) > 0);
    return cert;
}

static size_t put_der(X509 *cert, uint8_t *out)
{
    unsigned char *at = out;
    int len = i2d_X509(cert, NULL);
    assert_true(len > 0 && len <= (int)DESKWORLD_CERT_MAX);
    i2d_X509(cert, &at);
    return (size_t)len;
}

static void authority_issue(struct deskworld *world, const struct peers_order *order, const uint8_t digest[32])
{
    struct deskworld_authority *authority = &world->memory->authority[order->authority];
    if (authority->revoked) { /* another enrolment */
        authority->revoked = false;
        authority->issued = 0;
    }
    if (authority->issued) { /* the same request gets the same certificate; another one would be a doubled one */
        assert_memory_equal(authority->order, digest, 32);
        return;
    }
    X509 *cert = make_cert(world, order->authority, order->key, 100 + (long)order->authority);
    authority->cert_len = put_der(cert, authority->cert);
    memcpy(authority->order, digest, 32);
    authority->issued++;
    X509_free(cert);
}

static enum rc fake_certify(void *context, const struct peers_order *order, struct peers_answer *answer, struct err *err)
{
    struct deskworld *world = context;
    struct deskworld_authority *authority = &world->memory->authority[order->authority];
    uint8_t digest[32];
    bool fails = call_fails(world);
    if (fails && !world->trouble.call_was_done)
        return err_set(err, world->trouble.call_rc, "trouble");
    order_digest(order, digest);
    enum rc rc = order_prove(order, digest);
    if (rc)
        return rc;
    if (authority->revoked && memcmp(authority->order, digest, 32) == 0)
        return err_set(err, RC_STATE, "revoked");
    authority_issue(world, order, digest);
    if (order->reject) {
        assert_false(authority->active);
        authority->revoked = !world->trouble.deaf;
    } else if (order->confirm.len) {
        assert_true(world->memory->linked > 0); /* never before the registry knows */
        if (world->trouble.other_cert)
            return err_set(err, RC_CONFLICT, "another certificate");
        assert_true(bytes_equal(order->confirm, bytes_of(authority->cert, authority->cert_len)));
        authority->confirmed++;
        authority->active = true;
    }
    if (fails)
        return err_set(err, world->trouble.call_rc, "trouble");
    uint8_t ca[DESKWORLD_CERT_MAX];
    size_t ca_len = put_der(world->ca[order->authority], ca);
    assert_int_equal(buf_append(&answer->cert, authority->cert, authority->cert_len), RC_OK);
    assert_int_equal(buf_append(&answer->ca, ca, ca_len), RC_OK);
    return RC_OK;
}

static enum rc fake_link(void *context, const struct resident *resident, const struct certificate_link *links,
                         size_t count, struct err *err)
{
    struct deskworld *world = context;
    bool fails = call_fails(world);
    if (fails && !world->trouble.call_was_done)
        return err_set(err, world->trouble.call_rc, "trouble");
    assert_int_equal(count, 2);
    assert_string_equal(resident->code, DESKWORLD_CODE);
    assert_string_equal(resident->attributes.birth, "319800217");
    for (size_t i = 0; i < count; i++)
        assert_string_equal(links[i].serial, links[i].authority == AUTHORITY_SIGN ? "64" : "65");
    world->memory->linked++;
    return fails ? err_set(err, world->trouble.call_rc, "trouble") : RC_OK;
}

static enum rc fake_ask_pin(void *context, enum card_pin pin, struct secret *value, struct err *err)
{
    struct deskworld *world = context;
    world->memory->pins_asked++;
    if (call_fails(world))
        return err_set(err, world->trouble.call_rc, "trouble");
    const char *text = pin == CARD_PIN_SIGN      ? DESKWORLD_SIGN_PIN
                       : world->trouble.auth_pin ? world->trouble.auth_pin
                                                 : DESKWORLD_AUTH_PIN;
    return secret_dup(value, text, strlen(text));
}

static void fake_tell(void *context, const char *keyword, const char *words)
{
    struct deskworld *world = context;
    assert_null(strstr(words, "花子"));
    assert_null(strstr(words, DESKWORLD_CODE));
    world->memory->told++;
    snprintf(world->memory->last_told, sizeof world->memory->last_told, "%s", keyword);
}

/* --- the world ------------------------------------------------------------------------------------------------------------ */

void deskworld_fill_secrets(struct deskworld *world)
{
    secret_wipe(&world->master);
    secret_wipe(&world->seal);
    assert_int_equal(secret_dup(&world->master, "0123456789abcdef", 16), RC_OK);
    assert_int_equal(secret_dup(&world->seal, "0123456789abcdef0123456789abcdef", SIM_SEAL_KEY_LEN), RC_OK);
}

void deskworld_new(struct deskworld *world)
{
    *world = (struct deskworld) { 0 };
    world->memory = mmap(NULL, sizeof *world->memory, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(world->memory, MAP_FAILED);
    deskworld_fill_secrets(world);
    keypool_fill();
    for (unsigned i = 0; i < 2; i++) {
        world->key[i] = EVP_EC_gen("P-256");
        world->ca[i] = make_cert(world, i, world->key[i], 1);
    }
}

void deskworld_free(struct deskworld *world)
{
    if (world->folder[0])
        assert_int_equal(scratch_remove(world->folder), 0);
    for (unsigned i = 0; i < 2; i++) {
        EVP_PKEY_free(world->key[i]);
        X509_free(world->ca[i]);
    }
    keypool_free();
    secret_wipe(&world->master);
    secret_wipe(&world->seal);
    munmap(world->memory, sizeof *world->memory);
}

void deskworld_new_card(struct deskworld *world, const char *serial)
{
    struct sim_config config = { .seal_key = &world->seal, .save = card_save, .context = world };
    struct sim_birth birth = { 0 };
    struct sim *sim = NULL;
    snprintf(birth.serial, sizeof birth.serial, "%s", serial);
    snprintf(world->memory->card, sizeof world->memory->card, "%s", serial);
    assert_int_equal(sim_create(&config, &birth, &world->master, &sim), RC_OK);
    sim_free(sim);
}

void deskworld_reset(struct deskworld *world)
{
    if (world->folder[0])
        assert_int_equal(scratch_remove(world->folder), 0);
    snprintf(world->folder, sizeof world->folder, "/tmp/jpki-desk-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    memset(world->memory, 0, sizeof *world->memory);
    deskworld_new_card(world, DESKWORLD_CARD);
}

enum rc deskworld_run(struct deskworld *world, struct deskworld_trouble trouble, struct err *err)
{
    struct deskworld_card card;
    struct enrolment_book *book = NULL;
    world->trouble = trouble;
    world->apdus = world->calls = 0;
    deskworld_open_card(world, &card);
    enum rc rc = enrolment_open(world->folder, &book, err);
    if (rc == RC_OK)
        rc = enrolment_lock(book, err);
    if (rc == RC_OK)
        rc = card_find(card.transport, &card.card, err);
    if (rc == RC_OK) {
        struct peers peers = { world, fake_find, fake_agree, fake_certify, fake_state, fake_link, fake_ask_pin, fake_tell };
        struct steps_settings settings = { .code = trouble.code ? trouble.code : DESKWORLD_CODE,
                                           .master = &world->master,
                                           .card_expiry = 2000000000 };
        rc = steps_run(book, card.card, &peers, &settings, err);
    }
    enrolment_close(book);
    deskworld_close_card(&card);
    world->trouble = (struct deskworld_trouble) { 0 };
    return rc;
}

enum rc deskworld_abandon(struct deskworld *world, struct deskworld_trouble trouble, const char *card,
                          const char *municipality, struct err *err)
{
    struct peers peers = { world, fake_find, fake_agree, fake_certify, fake_state, fake_link, fake_ask_pin, fake_tell };
    struct enrolment_book *book = NULL;
    world->trouble = trouble;
    world->calls = 0;
    enum rc rc = enrolment_open(world->folder, &book, err);
    if (rc == RC_OK)
        rc = enrolment_lock(book, err);
    if (rc == RC_OK)
        rc = abandon_run(book, &peers, card, municipality, err);
    enrolment_close(book);
    world->trouble = (struct deskworld_trouble) { 0 };
    return rc;
}

static void assert_signs(struct card *card, enum card_key key, const struct buf *der)
{
    static const uint8_t message[] = "signed by the holder";
    struct buf signature = { 0 };
    X509 *cert = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(cert_parse(buf_bytes(der), &cert), RC_OK);
    assert_int_equal(card_sign(card, key, APPLET_SCHEME_MESSAGE, bytes_of(message, sizeof message), &signature, NULL), RC_OK);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(cert)), 1);
    assert_int_equal(EVP_DigestVerify(ctx, signature.data, signature.len, message, sizeof message), 1);
    EVP_MD_CTX_free(ctx);
    X509_free(cert);
    buf_wipe(&signature);
}

static void assert_card(struct deskworld *world)
{
    static const struct {
        enum card_pin pin;
        enum card_key key;
        enum card_cert cert;
        unsigned authority, tries;
        const char *value;
    } rows[] = { { CARD_PIN_AUTH, CARD_KEY_AUTH, CARD_CERT_AUTH, AUTHORITY_AUTH, 3, DESKWORLD_AUTH_PIN },
                 { CARD_PIN_SIGN, CARD_KEY_SIGN, CARD_CERT_SIGN, AUTHORITY_SIGN, 5, DESKWORLD_SIGN_PIN } };
    struct deskworld_card card;
    deskworld_open_card(world, &card);
    assert_int_equal(card_find(card.transport, &card.card, NULL), RC_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct deskworld_authority *authority = &world->memory->authority[rows[i].authority];
        struct secret pin = { 0 };
        struct buf der = { 0 };
        unsigned tries = 0;
        assert_int_equal(card_pin_tries(card.card, rows[i].pin, &tries, NULL), RC_OK);
        assert_int_equal(tries, rows[i].tries);
        assert_int_equal(secret_dup(&pin, rows[i].value, strlen(rows[i].value)), RC_OK);
        assert_int_equal(card_verify_pin(card.card, rows[i].pin, &pin, NULL, NULL), RC_OK);
        secret_wipe(&pin);
        assert_int_equal(card_read_cert(card.card, rows[i].cert, &der, NULL), RC_OK);
        assert_true(bytes_equal(buf_bytes(&der), bytes_of(authority->cert, authority->cert_len)));
        assert_signs(card.card, rows[i].key, &der);
        buf_wipe(&der);
    }
    deskworld_close_card(&card);
}

void deskworld_assert_done(struct deskworld *world)
{
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(world->memory->authority[i].issued, 1);
        assert_true(world->memory->authority[i].active);
    }
    assert_true(world->memory->linked > 0);
    struct enrolment_book *book = NULL;
    struct enrolment enrolment = { 0 };
    assert_int_equal(enrolment_open(world->folder, &book, NULL), RC_OK);
    assert_int_equal(enrolment_find(book, world->memory->card, &enrolment, NULL), RC_OK);
    assert_int_equal(enrolment.step, ENROLMENT_DONE);
    assert_string_equal(enrolment.attributes.name, "");
    assert_string_equal(enrolment.attributes.address, "");
    enrolment_wipe(&enrolment);
    enrolment_close(book);
    assert_card(world);
}
