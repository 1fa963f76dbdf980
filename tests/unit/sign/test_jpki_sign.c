/* test_jpki_sign.c — jpki sign as it is typed, against the software card behind a socket: what it writes, judged by the
 * openssl and xmlsec1 programs, what it never overwrites, and what it spends of the card's tries. */
#include "../../support/scratch.h"
#include "sign_test.h"

#include "support/testcard.h"

static struct sign_test test; /* only its folder */
static struct testcard *card;
static struct testcard_server *server;

static int setup(void **state)
{
    (void)state;
    test = (struct sign_test){.folder = "/tmp/jpki-sign-XXXXXX"};
    if (!mkdtemp(test.folder))
        return -1;
    card = testcard_new();
    server = testcard_serve(card);
    sign_test_write_pem(&test, "sign-ca.pem", testcard_cert(card, APPLET_EF_SIGN_CA_CERT));
    sign_test_write_pem(&test, "auth-ca.pem", testcard_cert(card, APPLET_EF_AUTH_CA_CERT));
    sign_test_write(&test, "sign.pin", bytes_of(TESTCARD_SIGN_PIN "\n", strlen(TESTCARD_SIGN_PIN) + 1));
    sign_test_write(&test, "auth.pin", bytes_of(TESTCARD_AUTH_PIN "\n", strlen(TESTCARD_AUTH_PIN) + 1));
    sign_test_write(&test, "wrong.pin", bytes_of("WRONG99\n", 8));
    sign_test_write(&test, "form", bytes_of("a form\n", 7));
    sign_test_write(&test, "form.xml",
                    bytes_of("<DataRoot><構成情報 Id='k'>a</構成情報></DataRoot>",
                             strlen("<DataRoot><構成情報 Id='k'>a</構成情報></DataRoot>")));
    setenv("JPKI_READER", testcard_server_reader(server), 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    testcard_server_stop(server);
    testcard_free(card);
    return scratch_remove(test.folder);
}

static void expect(int status, const char *words)
{
    int got = sign_test_run(&test, "%s", words);
    if (got != status) {
        sign_test_run(&test, "cat said >&2");
        fail_msg("%s: exit status %d", words, got);
    }
}

static void test_cms(void **state)
{
    (void)state;
    expect(0, "$JPKI_EXE sign --format cms --pin-fd 3 form 3<sign.pin | grep -qx form.p7s");
    expect(0, "openssl cms -verify -cades -binary -inform DER -in form.p7s -content form -CAfile sign-ca.pem -out out "
              "&& cmp out form");
    expect(0, "stat -c %a form.p7s | grep -qx 600");
    expect(0, "$JPKI_EXE sign --format cms --key auth --out by-auth.p7s --pin-fd 3 form 3<auth.pin");
    expect(0, "openssl cms -verify -purpose any -binary -inform DER -in by-auth.p7s -content form -CAfile auth-ca.pem "
              "-out out");
    expect(0, "! openssl cms -verify -purpose any -binary -inform DER -in by-auth.p7s -content form -CAfile "
              "sign-ca.pem -out out");
}

static void test_xml(void **state)
{
    (void)state;
    expect(0, "$JPKI_EXE sign --format xml --pin-fd 3 form.xml 3<sign.pin | grep -qx form-signed.xml");
    expect(0, "xmlsec1 --verify --enabled-key-data x509 --trusted-pem sign-ca.pem form-signed.xml");
    expect(0, "$JPKI_EXE sign --format xml --reference k --out egov.xml --pin-fd 3 form.xml 3<sign.pin");
    expect(0, "xmlsec1 --verify --enabled-key-data x509 --trusted-pem sign-ca.pem --id-attr:Id 構成情報 egov.xml");
    expect(0, "! xmlsec1 --verify --enabled-key-data x509 --trusted-pem auth-ca.pem --id-attr:Id 構成情報 egov.xml");
}

static void test_never_overwrites(void **state)
{
    (void)state;
    expect(0, "echo precious >precious");
    expect(1, "$JPKI_EXE sign --format cms --out precious --pin-fd 3 form 3<sign.pin");
    expect(0, "grep -qx precious precious");
    expect(0, "$JPKI_EXE sign --format cms --out precious --force --pin-fd 3 form 3<sign.pin");
    expect(0, "openssl cms -verify -binary -inform DER -in precious -content form -CAfile sign-ca.pem -out out");
}

/* Nothing below presents a PIN: the counter stays full. */
static void test_no_try_is_spent_in_vain(void **state)
{
    (void)state;
    expect(2, "$JPKI_EXE sign --pin-fd 3 form 3<wrong.pin");
    expect(2, "$JPKI_EXE sign --format pdf --pin-fd 3 form 3<wrong.pin");
    expect(2, "$JPKI_EXE sign --format cms --key other --pin-fd 3 form 3<wrong.pin");
    expect(2, "$JPKI_EXE sign --format cms --reference k --pin-fd 3 form 3<wrong.pin");
    expect(2, "$JPKI_EXE sign --format cms --pin-fd 3 3<wrong.pin");
    expect(1, "$JPKI_EXE sign --format cms --pin-fd 3 missing 3<wrong.pin");
    expect(1, "$JPKI_EXE sign --format xml --pin-fd 3 form 3<wrong.pin");
    expect(1, "$JPKI_EXE sign --format xml --reference none --out new.xml --pin-fd 3 form.xml 3<wrong.pin");
    expect(1, "$JPKI_EXE sign --format cms --out new --pin-fd 3 form 3</dev/null");
    expect(0, "test ! -e new && test ! -e new.xml");
    expect(0, "$JPKI_EXE sign --format cms --out full --pin-fd 3 form 3<sign.pin 2>tries && grep -q '5 of 5 tries "
              "left' tries");
}

/* The last part: it wears the card down. */
static void test_the_last_try_is_kept(void **state)
{
    (void)state;
    for (int left = 5; left > 1; left--) {
        char words[200];
        snprintf(words, sizeof words,
                 "! $JPKI_EXE sign --format cms --out bad --pin-fd 3 form 3<wrong.pin 2>tries && grep -q '%d of 5 "
                 "tries left' tries && test ! -e bad",
                 left);
        expect(0, words);
    }
    for (int i = 0; i < 3; i++)
        expect(0, "! $JPKI_EXE sign --format cms --out bad --pin-fd 3 form 3<wrong.pin 2>tries && grep -q -e "
                  "--last-try tries");
    expect(0, "$JPKI_EXE sign --format cms --last-try --out saved --pin-fd 3 form 3<sign.pin 2>tries && grep -q '1 of "
              "5 tries left' tries");
    expect(0, "$JPKI_EXE sign --format cms --out again --pin-fd 3 form 3<sign.pin 2>tries && grep -q '5 of 5 tries "
              "left' tries");
    /* and the PIN was in no output */
    expect(0, "! grep -l ABC123 tries said");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cms),
        cmocka_unit_test(test_xml),
        cmocka_unit_test(test_never_overwrites),
        cmocka_unit_test(test_no_try_is_spent_in_vain),
        cmocka_unit_test(test_the_last_try_is_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
