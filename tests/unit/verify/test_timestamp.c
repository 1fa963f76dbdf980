/* test_timestamp.c — time-stamps made by `openssl ts`: good ones, the wrong bytes, anchors and digests, and every byte. */
#include "verify_test.h"

#include "verify/path.h"
#include "verify/timestamp.h"

#include <stdio.h>
#include <time.h>

static STACK_OF(X509) *anchors, *others, *none;
static struct buf stamped;

static enum timestamp_state check_at(struct bytes file, struct bytes over, const STACK_OF(X509) *with, int64_t at,
                                     struct evidence_timestamp *evidence)
{
    uint8_t *copy = exact_copy(file);
    memset(evidence, 0xFF, sizeof *evidence);
    assert_int_equal(timestamp_check(bytes_of(copy, file.len), over, with, at, evidence), RC_OK);
    free(copy);
    assert_int_equal(evidence->state == TIMESTAMP_GOOD, evidence->reason[0] == '\0');
    return evidence->state;
}

static enum timestamp_state check(struct bytes file, struct bytes over, const STACK_OF(X509) *with,
                                  struct evidence_timestamp *evidence)
{
    return check_at(file, over, with, (int64_t)time(NULL), evidence);
}

static struct buf stamp(const char *section, const char *digest, const char *options)
{
    test_run("openssl ts -query -data stamped -%s -cert -out q.tsq && openssl ts -reply -config tsa.cnf -section %s "
             "-queryfile q.tsq -signer tsa.pem -inkey tsa.key -out q.tsr %s",
             digest, section, options);
    return test_slurp("q.tsr");
}

static void rows_of_openssl(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *section, *digest, *options;
        enum timestamp_state expected;
        int accuracy;
    } rows[] = {
        { "none", "plain", "sha256", "", TIMESTAMP_GOOD, 0 },
        { "none, bare token", "plain", "sha256", "-token_out", TIMESTAMP_GOOD, 0 },
        { "none, SHA-512", "plain", "sha512", "", TIMESTAMP_GOOD, 0 },
        { "accuracy of 2.5 seconds", "vague", "sha256", "", TIMESTAMP_GOOD, 3 },
        { "accuracy of a day", "useless", "sha256", "", TIMESTAMP_BAD, 0 },
        { "imprint SHA-1", "plain", "sha1", "", TIMESTAMP_BAD, 0 },
        { "signature SHA-1", "weak", "sha256", "", TIMESTAMP_BAD, 0 },
        { "refused by the authority", "plain", "md5", "", TIMESTAMP_BAD, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct evidence_timestamp evidence;
        int64_t before = (int64_t)time(NULL);
        struct buf file = stamp(rows[i].section, rows[i].digest, rows[i].options);
        if (check(buf_bytes(&file), buf_bytes(&stamped), anchors, &evidence) != rows[i].expected)
            fail_msg("%s: state %d, %s", rows[i].flaw, (int)evidence.state, evidence.reason);
        if (evidence.state == TIMESTAMP_GOOD) {
            assert_in_range(evidence.time - rows[i].accuracy, before, (int64_t)time(NULL));
            assert_non_null(strstr(evidence.authority, "Test Time-Stamping"));
            assert_true(evidence.serial[0] != '\0');
        }
        buf_wipe(&file);
    }
}

static void it_speaks_of_these_bytes_and_this_authority(void **state)
{
    (void)state;
    struct evidence_timestamp evidence;
    struct buf file = stamp("plain", "sha256", "");
    int64_t now = (int64_t)time(NULL);
    assert_int_equal(check(buf_bytes(&file), buf_bytes(&stamped), anchors, &evidence), TIMESTAMP_GOOD);
    assert_int_equal(check(buf_bytes(&file), bytes_of(stamped.data, stamped.len - 1), anchors, &evidence), TIMESTAMP_BAD);
    assert_int_equal(check(buf_bytes(&file), bytes_of(NULL, 0), anchors, &evidence), TIMESTAMP_BAD);
    assert_int_equal(check(buf_bytes(&file), buf_bytes(&stamped), others, &evidence), TIMESTAMP_BAD);
    assert_int_equal(check(buf_bytes(&file), buf_bytes(&stamped), none, &evidence), TIMESTAMP_BAD);
    assert_int_equal(check_at(buf_bytes(&file), buf_bytes(&stamped), anchors, now + 20 * DAY, &evidence), TIMESTAMP_BAD);
    assert_int_equal(check_at(buf_bytes(&file), buf_bytes(&stamped), anchors, now - DAY, &evidence), TIMESTAMP_BAD);
    buf_wipe(&file);
}

/* A certificate of the same authority that is not for time-stamps: openssl's program will not use it, but a forger
 * would. */
static void another_certificate_of_the_authority_stamps_nothing(void **state)
{
    (void)state;
    struct evidence_timestamp evidence;
    test_run("openssl ts -query -data stamped -sha256 -cert -out q.tsq && openssl ts -reply -config tsa.cnf -section plain "
             "-queryfile q.tsq -signer self.pem -inkey tsa.key -out q.tsr");
    struct buf file = test_slurp("q.tsr");
    assert_int_equal(check(buf_bytes(&file), buf_bytes(&stamped), anchors, &evidence), TIMESTAMP_BAD);
    buf_wipe(&file);
    /* The same TSTInfo signed again: good with the authority's certificate, and worth nothing with one whose extended key
     * usage also allows something else (RFC 3161 §2.3). */
    static const struct {
        const char *signer;
        enum timestamp_state expected;
    } signers[] = { { "tsa.pem", TIMESTAMP_GOOD }, { "both.pem", TIMESTAMP_BAD } };
    test_run("openssl ts -reply -config tsa.cnf -section plain -queryfile q.tsq -signer tsa.pem -inkey tsa.key -token_out "
             "-out token && openssl cms -verify -inform DER -in token -noverify -out tst.der");
    for (size_t i = 0; i < sizeof signers / sizeof *signers; i++) {
        test_run("openssl cms -sign -binary -nodetach -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -in tst.der "
                 "-signer %s -inkey tsa.key -outform DER -out again", signers[i].signer);
        file = test_slurp("again");
        assert_int_equal(check(buf_bytes(&file), buf_bytes(&stamped), anchors, &evidence), signers[i].expected);
        buf_wipe(&file);
    }
}

static void every_byte_counts(void **state)
{
    (void)state;
    struct evidence_timestamp evidence, first;
    struct buf file = stamp("plain", "sha256", "");
    assert_int_equal(check(buf_bytes(&file), buf_bytes(&stamped), anchors, &first), TIMESTAMP_GOOD);
    unsigned unharmed = 0;
    for (size_t i = 0; i < file.len; i++) {
        assert_int_equal(check(bytes_of(file.data, i), buf_bytes(&stamped), anchors, &evidence), TIMESTAMP_BAD);
        file.data[i] ^= (uint8_t)(1u << (i % 8));
        if (check(buf_bytes(&file), buf_bytes(&stamped), anchors, &evidence) == TIMESTAMP_GOOD) {
            unharmed++;
            assert_int_equal(evidence.time, first.time);
        }
        file.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    print_message("%u of %zu flips change nothing that is signed\n", unharmed, file.len);
    assert_in_range(unharmed, 0, 60);
    assert_int_equal(buf_append_u8(&file, 0), RC_OK);
    assert_int_equal(check(buf_bytes(&file), buf_bytes(&stamped), anchors, &evidence), TIMESTAMP_BAD);
    buf_wipe(&file);
}

static const char config[] =
    "[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nCN=Test Time-Stamping\n"
    "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
    "[leaf]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\n"
    "authorityKeyIdentifier=keyid\n"
    "[self]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
    "[both]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping,clientAuth\n";
static const char tsa_config[] =
    "[plain]\nserial=serial\ndefault_policy=1.3.6.1.4.1.4146.2.3\nsigner_digest=sha256\ndigests=sha1,sha256,sha512\n"
    "ess_cert_id_alg=sha256\n"
    "[vague]\nserial=serial\ndefault_policy=1.3.6.1.4.1.4146.2.3\nsigner_digest=sha256\ndigests=sha256\n"
    "accuracy=secs:2,millisecs:500\n"
    "[useless]\nserial=serial\ndefault_policy=1.3.6.1.4.1.4146.2.3\nsigner_digest=sha256\ndigests=sha256\naccuracy=secs:86400\n"
    "[weak]\nserial=serial\ndefault_policy=1.3.6.1.4.1.4146.2.3\nsigner_digest=sha1\ndigests=sha256\n";

static STACK_OF(X509) *read_anchors(const char *name)
{
    char path[200];
    struct err err = { 0 };
    STACK_OF(X509) *read = sk_X509_new_null();
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    assert_int_equal(path_read_anchors(path, read, &err), RC_OK);
    return read;
}

static int set_up(void **state)
{
    (void)state;
    test_text("req.cnf", config);
    test_text("tsa.cnf", tsa_config);
    test_text("stamped", "some bytes that were signed");
    test_text("serial", "0A01");
    test_run("for ca in ca other; do openssl req -x509 -newkey rsa:2048 -nodes -config req.cnf -extensions ca -subj '/CN=Root' "
             "-keyout $ca.key -out $ca.pem -days 15; done");
    test_run("openssl req -new -newkey rsa:2048 -nodes -config req.cnf -keyout tsa.key -out tsa.csr && "
             "openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 10 -extfile req.cnf -extensions leaf "
             "-out tsa.pem && openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 8 -days 10 -extfile req.cnf "
             "-extensions both -out both.pem && openssl req -x509 -new -key tsa.key -config req.cnf -extensions self "
             "-out self.pem -days 10");
    anchors = read_anchors("ca.pem");
    others = read_anchors("other.pem");
    none = sk_X509_new_null();
    stamped = test_slurp("stamped");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_wipe(&stamped);
    sk_X509_pop_free(anchors, X509_free);
    sk_X509_pop_free(others, X509_free);
    sk_X509_free(none);
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_openssl),
        cmocka_unit_test(it_speaks_of_these_bytes_and_this_authority),
        cmocka_unit_test(another_certificate_of_the_authority_stamps_nothing),
        cmocka_unit_test(every_byte_counts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
