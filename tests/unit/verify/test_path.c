/* test_path.c — paths and revocation lists: one flaw a row. */
#include "verify_test.h"

#include "base/clock.h"
#include "verify/crlstatus.h"
#include "verify/path.h"

#include <stdio.h>
#include <time.h>

static struct test_ca ca, twin, login; /* twin: the same name, another key */
static STACK_OF(X509) *anchors;

static const struct {
    const char *flaw;
    struct test_leaf leaf;
    enum path_state expected;
} leaves[] = {
    { "none", { 0 }, PATH_GOOD },
    { "expired (time is the judge's)", { .from = -9 * DAY, .to = -DAY }, PATH_GOOD },
    { "not yet valid (the same)", { .from = DAY, .to = 9 * DAY }, PATH_GOOD },
    { "digitalSignature only", { .key_usage = "critical,digitalSignature" }, PATH_PURPOSE_WRONG },
    { "nonRepudiation only", { .key_usage = "critical,nonRepudiation" }, PATH_PURPOSE_WRONG },
    { "one usage too many", { .key_usage = "critical,digitalSignature,nonRepudiation,keyAgreement" }, PATH_PURPOSE_WRONG },
    { "usage not critical", { .key_usage = "digitalSignature,nonRepudiation" }, PATH_PURPOSE_WRONG },
    { "no usage", { .key_usage = "" }, PATH_PURPOSE_WRONG },
    { "clientAuth", { .ext_usage = "clientAuth" }, PATH_PURPOSE_WRONG },
    { "an authority's", { .is_ca = true, .key_usage = "critical,digitalSignature,nonRepudiation,keyCertSign" },
      PATH_PURPOSE_WRONG },
    { "no policy", { .policy = "" }, PATH_POLICY_WRONG },
    { "authentication policy", { .policy = "critical,1.2.392.200149.8.5.1.3.30" }, PATH_POLICY_WRONG },
    { "the real hierarchy's policy under a test anchor", { .policy = "critical,1.2.392.200149.8.5.1.1.20" },
      PATH_POLICY_WRONG },
    { "any policy", { .policy = "critical,2.5.29.32.0" }, PATH_GOOD },
    { "an unknown critical extension", { .extra = "1.3.6.1.4.1.99999.3" }, PATH_BROKEN },
    { "signed with SHA-1", { .digest = "SHA1" }, PATH_WEAK },
    { "RSA 1024", { .bits = 1024 }, PATH_WEAK },
};

static enum path_state check_path(X509 *cert, const STACK_OF(X509) *with, enum path_purpose purpose,
                                  struct evidence_path *evidence, X509 **anchor)
{
    memset(evidence, 0xFF, sizeof *evidence);
    *anchor = NULL;
    assert_int_equal(path_check(cert, with, purpose, evidence, anchor), RC_OK);
    assert_int_equal(evidence->state == PATH_GOOD, evidence->reason[0] == '\0');
    return evidence->state;
}

static void each_leaf_has_its_state(void **state)
{
    (void)state;
    struct evidence_path evidence;
    X509 *anchor;
    EVP_PKEY *small = test_key_of(1024);
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        X509 *cert = test_leaf_new(&ca, leaves[i].leaf.bits ? small : test_key(), &leaves[i].leaf);
        if (check_path(cert, anchors, PATH_FOR_DOCUMENTS, &evidence, &anchor) != leaves[i].expected)
            fail_msg("%s: state %d, %s", leaves[i].flaw, (int)evidence.state, evidence.reason);
        assert_string_equal(evidence.serial, "0132C4AB");
        assert_ptr_equal(anchor, ca.cert);
        assert_int_equal(evidence.anchors, 3);
        assert_non_null(strstr(evidence.issuer, "JPKI for digital signature"));
        X509_free(cert);
    }
    EVP_PKEY_free(small);
}

static void generations_are_told_apart_by_key(void **state)
{
    (void)state;
    struct evidence_path evidence;
    X509 *anchor, *old = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    X509 *young = test_leaf_new(&twin, test_key(), &(struct test_leaf) { 0 });
    assert_int_equal(check_path(old, anchors, PATH_FOR_DOCUMENTS, &evidence, &anchor), PATH_GOOD);
    assert_ptr_equal(anchor, ca.cert);
    assert_int_equal(check_path(young, anchors, PATH_FOR_DOCUMENTS, &evidence, &anchor), PATH_GOOD);
    assert_ptr_equal(anchor, twin.cert);
    X509_free(old);
    X509_free(young);
}

static void a_name_is_no_anchor(void **state)
{
    (void)state;
    struct evidence_path evidence;
    X509 *anchor, *cert = test_leaf_new(&twin, test_key(), &(struct test_leaf) { 0 });
    STACK_OF(X509) *only = sk_X509_new_null();
    assert_int_equal(check_path(cert, only, PATH_FOR_DOCUMENTS, &evidence, &anchor), PATH_NO_ANCHOR);
    assert_string_equal(evidence.reason, "no trust anchor has the issuer's name");
    sk_X509_push(only, ca.cert);
    assert_int_equal(check_path(cert, only, PATH_FOR_DOCUMENTS, &evidence, &anchor), PATH_NO_ANCHOR);
    assert_non_null(strstr(evidence.reason, "its key did not sign"));
    assert_null(anchor);
    assert_string_equal(evidence.anchor, "");
    X509_free(cert);
    sk_X509_free(only);
}

static void an_authentication_certificate_signs_no_documents(void **state)
{
    (void)state;
    struct evidence_path evidence;
    X509 *anchor, *cert = test_leaf_new(&login, test_key(), &(struct test_leaf) { 0 });
    X509 *sign = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    assert_int_equal(check_path(cert, anchors, PATH_FOR_DOCUMENTS, &evidence, &anchor), PATH_PURPOSE_WRONG);
    assert_non_null(strstr(evidence.reason, "this is one for authentication"));
    assert_int_equal(check_path(cert, anchors, PATH_FOR_LOGIN, &evidence, &anchor), PATH_GOOD);
    assert_int_equal(check_path(sign, anchors, PATH_FOR_LOGIN, &evidence, &anchor), PATH_PURPOSE_WRONG);
    X509_free(cert);
    X509_free(sign);
}

static void anchors_are_read_from_files_and_folders(void **state)
{
    (void)state;
    struct err err = { 0 };
    char path[200];
    X509 *leaf = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    test_run("mkdir -p anchors empty leaves");
    test_write_cert("anchors/one.pem", ca.cert);
    test_write_cert("anchors/two.pem", twin.cert);
    test_write_cert("leaves/leaf.pem", leaf);
    test_run("cat anchors/one.pem anchors/two.pem >bundle && openssl x509 -in anchors/one.pem -outform DER -out one.cer && "
             "cp one.cer anchors/three.cer && echo note >anchors/note.txt && echo no >garbage.pem");
    static const struct {
        const char *name;
        int count;
        enum rc rc;
    } rows[] = { { "anchors", 3, RC_OK },     { "bundle", 2, RC_OK },           { "one.cer", 1, RC_OK },
                 { "empty", 0, RC_NOT_FOUND }, { "nothing", 0, RC_NOT_FOUND },   { "garbage.pem", 0, RC_FORMAT },
                 { "leaves", 0, RC_FORMAT } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        STACK_OF(X509) *read = sk_X509_new_null();
        snprintf(path, sizeof path, "%s/%s", test_folder(), rows[i].name);
        err_reset(&err);
        if (path_read_anchors(path, read, &err) != rows[i].rc)
            fail_msg("%s: %s %s", rows[i].name, rc_name(err.rc), err.text);
        assert_int_equal(sk_X509_num(read), rows[i].count);
        sk_X509_pop_free(read, X509_free);
    }
    X509_free(leaf);
}

/* --- lists ------------------------------------------------------------------------------------------------------------ */

#define SERIAL 0x0132C4AB

static const struct {
    const char *flaw;
    struct test_crl crl;
    enum status_state expected;
} lists[] = {
    { "none", { 0 }, STATUS_GOOD },
    { "revoked", { .serial = SERIAL, .revoked = -3600, .reason = 3 }, STATUS_REVOKED },
    { "revoked without a reason", { .serial = SERIAL, .revoked = -3600, .reason = -1 }, STATUS_REVOKED },
    { "on hold", { .serial = SERIAL, .revoked = -3600, .reason = 6 }, STATUS_REVOKED },
    { "removed from the list, says a whole list", { .serial = SERIAL, .revoked = -3600, .reason = 8 }, STATUS_REVOKED },
    { "invalid since before", { .serial = SERIAL, .revoked = -3600, .reason = 1, .invalid = -7200 }, STATUS_REVOKED },
    { "a reason that nobody knows", { .serial = SERIAL, .revoked = -3600, .reason = 77 }, STATUS_NOT_TRUSTED },
    { "an entry with an unknown critical extension",
      { .serial = SERIAL, .revoked = -3600, .reason = 3, .entry_unknown = true }, STATUS_NOT_TRUSTED },
    { "expired", { .from = -2 * DAY, .to = -1 }, STATUS_NOT_IN_FORCE },
    { "expired and names it", { .from = -2 * DAY, .to = -1, .serial = SERIAL, .reason = 3 }, STATUS_NOT_IN_FORCE },
    { "not yet in force", { .from = 60, .to = DAY }, STATUS_NOT_IN_FORCE },
    { "no end", { .no_next = true }, STATUS_NOT_TRUSTED },
    { "no number", { .no_number = true }, STATUS_NOT_TRUSTED },
    { "version 1", { .version_1 = true }, STATUS_NOT_TRUSTED },
    { "delta", { .delta = true }, STATUS_NOT_TRUSTED },
    { "unknown critical extension", { .critical_unknown = true }, STATUS_NOT_TRUSTED },
    { "no scope", { .no_scope = true }, STATUS_NOT_TRUSTED },
    { "scope not critical", { .uncritical_scope = true }, STATUS_NOT_TRUSTED },
    { "another town's", { .scope_town = "131016" }, STATUS_NOT_TRUSTED },
    { "the other authority's point", { .scope_authority_plus_1 = AUTHORITY_AUTH + 1 }, STATUS_NOT_TRUSTED },
    { "authorities' certificates only", { .scope_ca_only = true }, STATUS_NOT_TRUSTED },
    { "indirect", { .indirect = true }, STATUS_NOT_TRUSTED },
    { "some reasons only", { .some_reasons = true }, STATUS_NOT_TRUSTED },
    { "signed with SHA-1", { .digest = "SHA1" }, STATUS_NOT_TRUSTED },
};

static enum status_state check_crl(X509 *cert, X509 *anchor, struct bytes crl, int64_t at,
                                   struct evidence_status *evidence)
{
    uint8_t *copy = exact_copy(crl);
    memset(evidence, 0xFF, sizeof *evidence);
    assert_int_equal(crlstatus_check_crl(cert, anchor, bytes_of(copy, crl.len), at, evidence), RC_OK);
    free(copy);
    return evidence->state;
}

static void each_list_has_its_state(void **state)
{
    (void)state;
    int64_t now = (int64_t)time(NULL);
    X509 *cert = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct evidence_status evidence;
        struct buf crl = test_crl_new(&ca, &lists[i].crl);
        if (check_crl(cert, ca.cert, buf_bytes(&crl), now, &evidence) != lists[i].expected)
            fail_msg("%s: state %d, %s", lists[i].flaw, (int)evidence.state, evidence.reason);
        if (evidence.state == STATUS_REVOKED) {
            assert_int_equal(evidence.reason_code, lists[i].crl.reason);
            assert_in_range(evidence.revoked_at - (now - 3600), 0, 5);
            assert_int_equal(evidence.invalid_since != 0, lists[i].crl.invalid != 0);
        }
        if (evidence.state == STATUS_GOOD) {
            assert_string_equal(evidence.number, "2A");
            assert_in_range(now - evidence.this_update, 55, 65);
        }
        /* A good list is good from its first second to the one before its end. */
        if (i == 0) {
            struct evidence_status edge;
            assert_int_equal(check_crl(cert, ca.cert, buf_bytes(&crl), evidence.this_update, &edge), STATUS_GOOD);
            assert_int_equal(check_crl(cert, ca.cert, buf_bytes(&crl), evidence.next_update - 1, &edge), STATUS_GOOD);
            assert_int_equal(check_crl(cert, ca.cert, buf_bytes(&crl), evidence.this_update - 1, &edge),
                             STATUS_NOT_IN_FORCE);
            assert_int_equal(check_crl(cert, ca.cert, buf_bytes(&crl), evidence.next_update, &edge), STATUS_NOT_IN_FORCE);
        }
        buf_wipe(&crl);
    }
    X509_free(cert);
}

static void only_the_issuers_own_list_counts(void **state)
{
    (void)state;
    struct evidence_status evidence;
    int64_t now = (int64_t)time(NULL);
    X509 *cert = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    struct buf of_twin = test_crl_new(&twin, &(struct test_crl) { 0 });
    struct buf of_login = test_crl_new(&login, &(struct test_crl) { .scope_authority_plus_1 = AUTHORITY_SIGN + 1 });
    assert_int_equal(check_crl(cert, ca.cert, buf_bytes(&of_twin), now, &evidence), STATUS_NOT_TRUSTED);
    assert_non_null(strstr(evidence.reason, "signature is not the authority's"));
    assert_int_equal(check_crl(cert, ca.cert, buf_bytes(&of_login), now, &evidence), STATUS_NOT_TRUSTED);
    assert_non_null(strstr(evidence.reason, "another issuer"));
    X509 *no_point = test_leaf_new(&ca, test_key(), &(struct test_leaf) { .no_point = true });
    assert_int_equal(check_crl(no_point, ca.cert, buf_bytes(&of_twin), now, &evidence), STATUS_UNAVAILABLE);
    X509_free(no_point);
    X509_free(cert);
    buf_wipe(&of_twin);
    buf_wipe(&of_login);
}

/* Every flip of the list is noticed: none may make a revoked certificate good. */
static void every_byte_of_a_list_counts(void **state)
{
    (void)state;
    struct evidence_status evidence;
    int64_t now = (int64_t)time(NULL);
    X509 *cert = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    struct buf crl = test_crl_new(&ca, &lists[1].crl);
    unsigned unharmed = 0;
    for (size_t i = 0; i < crl.len; i++) {
        assert_int_equal(check_crl(cert, ca.cert, bytes_of(crl.data, i), now, &evidence), STATUS_UNAVAILABLE);
        crl.data[i] ^= (uint8_t)(1u << (i % 8));
        enum status_state found = check_crl(cert, ca.cert, buf_bytes(&crl), now, &evidence);
        assert_int_not_equal(found, STATUS_GOOD);
        unharmed += found == STATUS_REVOKED;
        crl.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_in_range(unharmed, 0, 4); /* the outer algorithm's NULL parameter, say */
    X509_free(cert);
    buf_wipe(&crl);
}

static void the_list_is_found_in_the_folder(void **state)
{
    (void)state;
    struct evidence_status evidence;
    int64_t now = (int64_t)time(NULL);
    char folder[200];
    snprintf(folder, sizeof folder, "%s/publication", test_folder());
    X509 *cert = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    assert_int_equal(crlstatus_check(cert, ca.cert, folder, now, &evidence), RC_OK);
    assert_int_equal(evidence.state, STATUS_UNAVAILABLE);
    assert_string_equal(evidence.path, "sign/Kagoshima-ken/Kagoshima-shi.crl");
    test_run("mkdir -p publication/sign/Kagoshima-ken");
    struct buf crl = test_crl_new(&ca, &lists[1].crl);
    test_file("publication/sign/Kagoshima-ken/Kagoshima-shi.crl", buf_bytes(&crl));
    assert_int_equal(crlstatus_check(cert, ca.cert, folder, now, &evidence), RC_OK);
    assert_int_equal(evidence.state, STATUS_REVOKED);
    assert_string_equal(evidence.path, "sign/Kagoshima-ken/Kagoshima-shi.crl");
    test_text("publication/sign/Kagoshima-ken/Kagoshima-shi.crl", "");
    assert_int_equal(crlstatus_check(cert, ca.cert, folder, now, &evidence), RC_OK);
    assert_int_equal(evidence.state, STATUS_UNAVAILABLE);
    buf_wipe(&crl);
    X509_free(cert);
}

static int set_up(void **state)
{
    (void)state;
    test_ca_new(&ca, AUTHORITY_SIGN, -DAY, 3000 * DAY);
    test_ca_new(&twin, AUTHORITY_SIGN, -DAY, 3000 * DAY);
    test_ca_new(&login, AUTHORITY_AUTH, -DAY, 3000 * DAY);
    anchors = sk_X509_new_null();
    sk_X509_push(anchors, twin.cert); /* first, so that choosing by name would be wrong */
    sk_X509_push(anchors, login.cert);
    sk_X509_push(anchors, ca.cert);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sk_X509_free(anchors);
    test_ca_free(&ca);
    test_ca_free(&twin);
    test_ca_free(&login);
    EVP_PKEY_free(test_key());
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_leaf_has_its_state),
        cmocka_unit_test(generations_are_told_apart_by_key),
        cmocka_unit_test(a_name_is_no_anchor),
        cmocka_unit_test(an_authentication_certificate_signs_no_documents),
        cmocka_unit_test(anchors_are_read_from_files_and_folders),
        cmocka_unit_test(each_list_has_its_state),
        cmocka_unit_test(only_the_issuers_own_list_counts),
        cmocka_unit_test(every_byte_of_a_list_counts),
        cmocka_unit_test(the_list_is_found_in_the_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
