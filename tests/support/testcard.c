/* testcard.c — making, personalising and serving a card for tests. */
#include "support/testcard.h"

#include "applet-sim/sim_reader.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/proc.h"
#include "base/random.h"
#include "pki/scp03.h"
#include "wire/apdu.h"
#include "wire/tlv.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

struct testcard {
    struct sim *sim;
    struct secret seal_key, master;
    struct buf image;
    unsigned saves, fail_after;
    bool failing;
    struct scp03_session session;
    struct sim_specimen made; /* all NULL: blank */
};

/* --- the card ------------------------------------------------------------------------------------------------------ */

static enum rc testcard_save(void *context, struct bytes image)
{
    struct testcard *card = context;
    if (card->failing && card->fail_after == 0)
        return RC_IO;
    if (card->failing)
        card->fail_after--;
    buf_truncate(&card->image, 0);
    card->saves++;
    return buf_append_bytes(&card->image, image);
}

static void testcard_random(struct secret *secret, size_t len)
{
    uint8_t bytes[64];
    assert_int_equal(random_bytes(bytes, len), RC_OK);
    assert_int_equal(secret_dup(secret, bytes, len), RC_OK);
}

struct testcard *testcard_new_profile(const char *profile, bool contactless, const char *switches)
{
    struct err err = { 0 };
    struct testcard *card = calloc(1, sizeof *card);
    assert_non_null(card);
    testcard_random(&card->seal_key, SIM_SEAL_KEY_LEN);
    testcard_random(&card->master, APPLET_ISSUER_KEY_LEN);
    const struct sim_config config = { &card->seal_key, testcard_save, card };
    struct sim_birth birth = { .serial = TESTCARD_SERIAL, .contactless = contactless, .profile = sim_profile_find(profile) };
    assert_non_null(birth.profile);
    if (switches && sim_switch_parse(&birth.switches, switches, &err))
        fail_msg("%s", err.text);
    assert_int_equal(sim_create(&config, &birth, &card->master, &card->sim), RC_OK);
    sim_power_on(card->sim);
    return card;
}

struct testcard *testcard_new_blank(void)
{
    return testcard_new_profile("mynumber", false, NULL);
}

struct testcard *testcard_new(void)
{
    struct testcard *card = testcard_new_blank();
    testcard_personalise(card);
    return card;
}

static X509 *testcard_dup(X509 *cert)
{
    return cert ? X509_dup(cert) : NULL;
}

struct testcard *testcard_copy(struct testcard *card)
{
    struct testcard *copy = calloc(1, sizeof *copy);
    assert_non_null(copy);
    assert_int_equal(secret_dup(&copy->seal_key, card->seal_key.data, card->seal_key.len), RC_OK);
    assert_int_equal(secret_dup(&copy->master, card->master.data, card->master.len), RC_OK);
    assert_int_equal(buf_append_bytes(&copy->image, buf_bytes(&card->image)), RC_OK);
    copy->made = (struct sim_specimen) { testcard_dup(card->made.auth), testcard_dup(card->made.auth_ca),
                                         testcard_dup(card->made.sign), testcard_dup(card->made.sign_ca) };
    testcard_cut(copy);
    return copy;
}

void testcard_switch(struct testcard *card, const char *switches)
{
    struct sim_summary summary;
    struct err err = { 0 };
    sim_summarise(card->sim, &summary);
    if (sim_switch_parse(&summary.switches, switches, &err))
        fail_msg("%s", err.text);
    assert_int_equal(sim_set_switches(card->sim, &summary.switches), RC_OK);
}

struct testcard *testcard_copy_switched(struct testcard *card, const char *switches)
{
    struct testcard *copy = testcard_copy(card);
    testcard_switch(copy, switches);
    testcard_cut(copy); /* as if it had always been so: the next power on is its first */
    return copy;
}

void testcard_free(struct testcard *card)
{
    if (!card)
        return;
    sim_free(card->sim);
    secret_wipe(&card->seal_key);
    secret_wipe(&card->master);
    buf_wipe(&card->image);
    scp03_wipe(&card->session);
    sim_specimen_wipe(&card->made);
    free(card);
}

struct sim *testcard_sim(struct testcard *card)
{
    return card->sim;
}

const struct secret *testcard_master(const struct testcard *card)
{
    return &card->master;
}

X509 *testcard_cert(const struct testcard *card, enum applet_ef ef)
{
    return ef == APPLET_EF_AUTH_CERT      ? card->made.auth
           : ef == APPLET_EF_AUTH_CA_CERT ? card->made.auth_ca
           : ef == APPLET_EF_SIGN_CERT    ? card->made.sign
           : ef == APPLET_EF_SIGN_CA_CERT ? card->made.sign_ca
                                          : NULL;
}

unsigned testcard_transmit(struct testcard *card, struct bytes command, struct buf *answer)
{
    struct apdu_response response;
    buf_truncate(answer, 0);
    assert_int_equal(sim_transmit(card->sim, command, answer), RC_OK);
    assert_int_equal(apdu_parse_response(buf_bytes(answer), &response), RC_OK);
    buf_truncate(answer, answer->len - 2);
    return response.sw;
}

unsigned testcard_send(struct testcard *card, const char *hex)
{
    struct buf command = { 0 }, answer = { 0 };
    assert_int_equal(hex_decode(hex, &command), RC_OK);
    unsigned sw = testcard_transmit(card, buf_bytes(&command), &answer);
    buf_wipe(&command);
    buf_wipe(&answer);
    return sw;
}

/* --- the issuer's side --------------------------------------------------------------------------------------------- */

static bool testcard_channel_to(struct testcard *card, const char *select)
{
    uint8_t challenge[SCP03_CHALLENGE_LEN];
    struct buf command = { 0 }, answer = { 0 }, secured = { 0 };
    struct scp03_keys keys = { 0 };
    assert_int_equal(testcard_send(card, select), 0x9000);
    assert_int_equal(random_bytes(challenge, sizeof challenge), RC_OK);
    const struct apdu_command initialize = { 0x80, APPLET_INS_INITIALIZE_UPDATE, 0, 0, bytes_of(challenge, 8), 256, false };
    assert_int_equal(apdu_encode(&initialize, &command), RC_OK);
    unsigned sw = testcard_transmit(card, buf_bytes(&command), &answer);
    if (sw == 0x6581)
        goto out;
    assert_int_equal(sw, 0x9000);
    assert_int_equal(answer.len, 32);
    assert_memory_equal(answer.data + 10, "\xFF\x03\x70", 3);
    assert_int_equal(scp03_diversify(&card->master, bytes_of(answer.data, 10), &keys), RC_OK);
    scp03_wipe(&card->session);
    assert_int_equal(scp03_open(&keys, bytes_of(challenge, 8), bytes_of(answer.data + 13, 8), &card->session), RC_OK);
    assert_memory_equal(answer.data + 21, card->session.card_cryptogram, 8);
    const struct apdu_command authenticate = {
        0x80, APPLET_INS_EXTERNAL_AUTHENTICATE, 0x33, 0, bytes_of(card->session.host_cryptogram, 8), 0, false
    };
    buf_truncate(&command, 0);
    assert_int_equal(apdu_encode(&authenticate, &command), RC_OK);
    assert_int_equal(scp03_wrap(&card->session, false, buf_bytes(&command), &secured), RC_OK);
    assert_int_equal(testcard_transmit(card, buf_bytes(&secured), &answer), 0x9000);
out:
    scp03_keys_wipe(&keys);
    buf_wipe(&command);
    buf_wipe(&secured);
    buf_wipe(&answer);
    return sw == 0x9000;
}

bool testcard_try_channel(struct testcard *card)
{
    return testcard_channel_to(card, "00A4040C0AD392F000260100000001");
}

void testcard_open_channel_to(struct testcard *card, const char *select)
{
    assert_true(testcard_channel_to(card, select));
}

void testcard_open_channel(struct testcard *card)
{
    assert_true(testcard_try_channel(card));
}

void testcard_wrap(struct testcard *card, struct bytes command, struct buf *secured)
{
    assert_int_equal(scp03_wrap(&card->session, true, command, secured), RC_OK);
}

unsigned testcard_secured(struct testcard *card, struct bytes command, struct buf *answer)
{
    struct buf secured = { 0 }, raw = { 0 };
    assert_int_equal(scp03_wrap(&card->session, true, command, &secured), RC_OK);
    assert_int_equal(sim_transmit(card->sim, buf_bytes(&secured), &raw), RC_OK);
    buf_truncate(answer, 0);
    assert_int_equal(scp03_unwrap_response(&card->session, buf_bytes(&raw), answer), RC_OK);
    unsigned sw = (unsigned)answer->data[answer->len - 2] << 8 | answer->data[answer->len - 1];
    buf_truncate(answer, answer->len - 2);
    buf_wipe(&secured);
    buf_wipe(&raw);
    return sw;
}

void testcard_issue(struct testcard *card, unsigned ins, unsigned p1, unsigned p2, struct bytes data, uint32_t le,
                    struct buf *answer)
{
    const struct apdu_command command = { 0x80, (uint8_t)ins, (uint8_t)p1, (uint8_t)p2, data, le, data.len > 200 };
    struct buf bytes = { 0 };
    assert_int_equal(apdu_encode(&command, &bytes), RC_OK);
    assert_int_equal(testcard_secured(card, buf_bytes(&bytes), answer), 0x9000);
    buf_wipe(&bytes);
}

static EVP_PKEY *testcard_ec_key(struct bytes point)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    assert_true(OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-384", 0));
    assert_true(OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

EVP_PKEY *testcard_public_key(struct bytes template)
{
    struct tlv outer, n, e, point;
    EVP_PKEY *key = NULL;
    assert_int_equal(tlv_find(template, 0x7F49, &outer), RC_OK);
    if (tlv_find(outer.value, 0x86, &point) == RC_OK)
        return testcard_ec_key(point.value);
    assert_int_equal(tlv_find(outer.value, 0x81, &n), RC_OK);
    assert_int_equal(tlv_find(outer.value, 0x82, &e), RC_OK);
    BIGNUM *modulus = BN_bin2bn(n.value.data, (int)n.value.len, NULL);
    BIGNUM *exponent = BN_bin2bn(e.value.data, (int)e.value.len, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_true(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus));
    assert_true(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(ctx);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

void testcard_personalise(struct testcard *card)
{
    struct sim_specimen made = { 0 };
    assert_int_equal(sim_specimen_fill(card->sim, &made), RC_OK);
    sim_specimen_wipe(&card->made);
    card->made = made;
    sim_power_off(card->sim);
    sim_power_on(card->sim);
}

/* --- power cuts ---------------------------------------------------------------------------------------------------- */

unsigned testcard_saves(const struct testcard *card)
{
    return card->saves;
}

void testcard_fail_save(struct testcard *card, unsigned after)
{
    card->failing = after != 0;
    card->fail_after = after ? after - 1 : 0;
}

const struct secret *testcard_seal_key(const struct testcard *card)
{
    return &card->seal_key;
}

struct bytes testcard_image(const struct testcard *card)
{
    return buf_bytes(&card->image);
}

void testcard_cut(struct testcard *card)
{
    const struct sim_config config = { &card->seal_key, testcard_save, card };
    sim_free(card->sim);
    assert_int_equal(sim_open(&config, buf_bytes(&card->image), &card->sim), RC_OK);
    sim_power_on(card->sim);
}

/* In hex: a raw key that ends like a line would be read one byte short. */
static void testcard_write_key(const char *path, const char *suffix, const struct secret *key)
{
    char *name = NULL, hex[2 * SIM_SEAL_KEY_LEN + 1];
    assert_true(asprintf(&name, "%s%s", path, suffix) > 0);
    hex_encode(secret_bytes(key), hex);
    assert_int_equal(file_write_atomic(name, bytes_of(hex, 2 * key->len), 0600, NULL), RC_OK);
    free(name);
}

void testcard_write(const struct testcard *card, const char *path)
{
    testcard_write_key(path, ".key", &card->seal_key);
    testcard_write_key(path, ".issuer", &card->master);
    assert_int_equal(file_write_atomic(path, buf_bytes(&card->image), 0600, NULL), RC_OK);
}

/* --- a process with a socket --------------------------------------------------------------------------------------- */

struct testcard_server {
    pid_t pid;
    char folder[32], reader[80];
};

/* In the child: struct secret does not survive a fork, so the seal key comes as bytes. */
static void testcard_serve_child(struct testcard *card, uint8_t *seal_key, const char *path)
{
    struct secret key = { 0 };
    struct sim *sim = NULL;
    struct err err = { 0 };
    const struct sim_config config = { &key, testcard_save, card };
    proc_die_with_parent();
    enum rc rc = secret_dup(&key, seal_key, SIM_SEAL_KEY_LEN);
    if (rc == RC_OK)
        rc = proc_catch_stop(&err);
    if (rc == RC_OK)
        rc = sim_open(&config, buf_bytes(&card->image), &sim);
    const struct sim_reader reader = { .slots = { { .sim = sim, .socket = path } }, .count = 1 };
    if (rc == RC_OK)
        rc = sim_reader_run(&reader, &err);
    if (rc)
        (void)fprintf(stderr, "testcard: %s\n", err_text(&err, rc));
    _exit(rc != RC_OK);
}

static bool testcard_answers(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answers;
}

struct testcard_server *testcard_serve(struct testcard *card)
{
    struct testcard_server *server = calloc(1, sizeof *server);
    uint8_t seal_key[SIM_SEAL_KEY_LEN];
    assert_non_null(server);
    memcpy(server->folder, "/tmp/testcard.XXXXXX", 21);
    assert_non_null(mkdtemp(server->folder));
    (void)snprintf(server->reader, sizeof server->reader, "sim:%s/socket", server->folder);
    memcpy(seal_key, card->seal_key.data, sizeof seal_key);
    (void)fflush(NULL);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        testcard_serve_child(card, seal_key, testcard_server_path(server));
    for (int i = 0; i < 500; i++) {
        if (testcard_answers(testcard_server_path(server)))
            return server;
        usleep(10000);
    }
    fail_msg("the card's process does not answer");
    return NULL;
}

const char *testcard_server_reader(const struct testcard_server *server)
{
    return server->reader;
}

const char *testcard_server_path(const struct testcard_server *server)
{
    return server->reader + 4;
}

void testcard_server_kill(struct testcard_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

void testcard_server_stop(struct testcard_server *server)
{
    int status = 0;
    if (!server)
        return;
    if (server->pid > 0) {
        kill(server->pid, SIGTERM);
        waitpid(server->pid, &status, 0);
    }
    unlink(testcard_server_path(server));
    rmdir(server->folder);
    free(server);
    assert_int_equal(status, 0);
}
