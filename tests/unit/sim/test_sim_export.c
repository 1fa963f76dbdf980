/* test_sim_export.c — the public part of a card: what comes out without a PIN, what with one, and what a wrong one costs; in
 * process and by jpki-sim export and draw. */
#include "../../support/scratch.h"
#include "applet-sim/sim_export.h"
#include "base/file.h"
#include "support/testcard.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *program;

enum { AUTH, AUTH_CA, SIGN, SIGN_CA };
static const enum applet_ef files[4] = { APPLET_EF_AUTH_CERT, APPLET_EF_AUTH_CA_CERT, APPLET_EF_SIGN_CERT,
                                         APPLET_EF_SIGN_CA_CERT };

static void assert_cert(struct testcard *card, int which, struct bytes der)
{
    uint8_t *want = NULL;
    int len = i2d_X509(testcard_cert(card, files[which]), &want);
    assert_int_equal(der.len, len);
    assert_memory_equal(der.data, want, (size_t)len);
    OPENSSL_free(want);
}

static void test_read(void **state)
{
    struct testcard *card = testcard_copy(*state);
    struct sim *sim = testcard_sim(card);
    struct sim_export part = { 0 };
    struct secret pin = { 0 };
    assert_int_equal(sim_export_read(sim, NULL, &part, NULL), RC_OK);
    assert_cert(card, AUTH, buf_bytes(&part.certs[AUTH]));
    assert_cert(card, AUTH_CA, buf_bytes(&part.certs[AUTH_CA]));
    assert_cert(card, SIGN_CA, buf_bytes(&part.certs[SIGN_CA]));
    assert_int_equal(part.certs[SIGN].len, 0); /* it stands behind the PIN */
    assert_true(part.token.len >= APPLET_TOKEN_INFO_LEN);
    sim_export_wipe(&part);
    assert_int_equal(secret_dup(&pin, "WRONG1", 6), RC_OK);
    struct err err = { 0 };
    assert_int_equal(sim_export_read(sim, &pin, &part, &err), RC_PIN_WRONG);
    assert_non_null(strstr(err.text, "4 tries left"));
    assert_int_equal(secret_set(&pin, TESTCARD_SIGN_PIN, strlen(TESTCARD_SIGN_PIN)), RC_OK);
    assert_int_equal(sim_export_read(sim, &pin, &part, NULL), RC_OK);
    assert_cert(card, SIGN, buf_bytes(&part.certs[SIGN]));
    sim_export_wipe(&part);
    assert_int_equal(sim_export_read(sim, NULL, &part, NULL), RC_OK); /* the PIN is not presented any more */
    assert_int_equal(part.certs[SIGN].len, 0);
    sim_export_wipe(&part);
    assert_int_equal(secret_set(&pin, "WRONG1", 6), RC_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sim_export_read(sim, &pin, &part, NULL), RC_PIN_WRONG);
    assert_int_equal(sim_export_read(sim, &pin, &part, NULL), RC_PIN_BLOCKED);
    assert_int_equal(sim_export_read(sim, &pin, &part, NULL), RC_PIN_BLOCKED);
    secret_wipe(&pin);
    testcard_free(card);
}

static void test_blank(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_blank();
    struct sim_export part = { 0 };
    struct buf text = { 0 };
    struct secret pin = { 0 };
    assert_int_equal(sim_export_read(testcard_sim(card), NULL, &part, NULL), RC_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(part.certs[i].len, 0);
    assert_int_equal(sim_export_token(buf_bytes(&part.token), &text), RC_OK);
    assert_non_null(strstr(buf_string(&text), "label: JPKIAPICCTOKEN2\n"));
    assert_non_null(strstr(buf_string(&text), "serial number: " TESTCARD_SERIAL "\n"));
    assert_int_equal(sim_export_token(bytes_of(part.token.data, APPLET_TOKEN_INFO_LEN - 1), &text), RC_FORMAT);
    assert_int_equal(secret_dup(&pin, "ABC123", 6), RC_OK);
    assert_int_equal(sim_export_read(testcard_sim(card), &pin, &part, NULL), RC_CARD_REFUSED);
    secret_wipe(&pin);
    buf_wipe(&text);
    sim_export_wipe(&part);
    testcard_free(card);
}

/* PEM of every length about a line's end, read back by OpenSSL's own decoder. */
static void test_pem(void **state)
{
    (void)state;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t len = 1; len <= sizeof bytes; len++) {
        struct buf pem = { 0 };
        char *name, *header;
        unsigned char *data;
        long got;
        assert_int_equal(sim_export_pem(bytes_of(bytes, len), &pem), RC_OK);
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
        assert_int_equal(PEM_read_bio(bio, &name, &header, &data, &got), 1);
        assert_string_equal(name, "CERTIFICATE");
        assert_int_equal(got, len);
        assert_memory_equal(data, bytes, len);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
        BIO_free(bio);
        buf_wipe(&pem);
    }
}

/* A shell's line, in the folder, with the program as $P. */
static int sh(const char *line, const char *folder)
{
    char command[512];
    (void)snprintf(command, sizeof command, "cd %s && { %s; }", folder, line);
    assert_int_equal(setenv("P", program, 1), 0);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_there(const char *folder, const char *name, bool there)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(access(path, F_OK), there ? 0 : -1);
}

static void test_program(void **state)
{
    char folder[] = "/tmp/simexport.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/card", folder);
    testcard_write(*state, path);
    assert_int_equal(sh("$P export --card card --out out >said && grep -c . said | grep -qx 4", folder), 0);
    assert_there(folder, "out/auth.pem", true);
    assert_there(folder, "out/sign-ca.pem", true);
    assert_there(folder, "out/token-info.txt", true);
    assert_there(folder, "out/sign.pem", false);
    (void)snprintf(path, sizeof path, "%s/out/auth.pem", folder);
    FILE *file = fopen(path, "r");
    X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
    assert_non_null(cert);
    assert_int_equal(X509_cmp(cert, testcard_cert(*state, APPLET_EF_AUTH_CERT)), 0);
    X509_free(cert);
    (void)fclose(file);
    assert_int_equal(sh("echo ABC123 | $P export --card card --out out --sign-pin-fd 0 >said", folder), 0);
    assert_there(folder, "out/sign.pem", true);
    assert_int_equal(sh("echo NOTIT1 | $P export --card card --out out --sign-pin-fd 0 2>said; "
                        "[ $? = 1 ] && grep -q '4 tries left' said && ! grep -q NOTIT1 said", folder), 0);
    assert_int_equal(sh("$P export --card none --out out 2>said; [ $? = 1 ]", folder), 0);
    assert_int_equal(sh("$P export --card card 2>said; [ $? = 2 ]", folder), 0);
    static const char face[] = "{\"layout\":\"juki-a\",\"name\":\"見本 太郎\",\"expires\":\"2025\",\"issuer\":\"見本市\"}";
    (void)snprintf(path, sizeof path, "%s/face.json", folder);
    assert_int_equal(file_write_atomic(path, bytes_of(face, strlen(face)), 0600, NULL), RC_OK);
    assert_int_equal(sh("$P draw --face face.json --out face.svg && $P draw --face face.json --dpi 72 --out face.png "
                        "&& [ \"$(head -c 8 face.png | od -An -tx1 | tr -d ' ')\" = 89504e470d0a1a0a ] && grep -q '</svg>' face.svg",
                        folder), 0);
    assert_int_equal(sh("$P draw --face face.json --out face.jpg 2>said; [ $? = 2 ]", folder), 0);
    assert_int_equal(sh("$P draw --face face.json --out x.png --dpi 5 2>said; [ $? = 2 ]", folder), 0);
    assert_int_equal(sh("$P draw --face card --out x.png 2>said; [ $? = 1 ] && [ ! -e x.png ]", folder), 0);
    assert_int_equal(scratch_remove(folder), 0);
}

static int setup(void **state)
{
    *state = testcard_new();
    return 0;
}

static int teardown(void **state)
{
    testcard_free(*state);
    return 0;
}

int main(int argc, char **argv)
{
    char absolute[4096];
    if (argc < 2 || !realpath(argv[1], absolute))
        return 2;
    program = absolute;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_read), cmocka_unit_test(test_blank), cmocka_unit_test(test_pem),
                                        cmocka_unit_test(test_program) };
    return cmocka_run_group_tests_name("sim-export", tests, setup, teardown);
}
