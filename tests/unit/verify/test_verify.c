/* test_verify.c — the whole way from files to the verdict: through verify_run with an answering registry, and through the
 * program `jpki verify`. */
#include "verify_test.h"

#include "verify/path.h"
#include "verify/verify.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct test_ca ca, login;
static const char *program;

/* --- verify_run with a registry that answers as told ------------------------------------------------------------------ */

struct answer {
    struct confirmation confirmation;
    enum rc rc;
    unsigned asked;
};

static enum rc answer(void *context, const char *serial, struct confirmation *confirmation, struct err *err)
{
    struct answer *given = context;
    given->asked++;
    assert_string_equal(serial, "0132C4AB");
    *confirmation = given->confirmation; /* also on failure: the caller must not believe it */
    return given->rc ? err_set(err, given->rc, "no answer today") : RC_OK;
}

static void the_registry_has_a_say(void **state)
{
    (void)state;
    int64_t now = (int64_t)time(NULL);
    const struct {
        const char *flaw;
        struct answer answer;
        enum verdict_word word;
        enum sub_indication sub;
    } rows[] = {
        { "current", { { CONFIRM_CURRENT, 0, now, "n" }, RC_OK, 0 }, WORD_VALID, SUB_NONE },
        { "changed", { { CONFIRM_CHANGED, now - 5, now, "n" }, RC_OK, 0 }, WORD_INDETERMINATE, SUB_NO_POE },
        { "removed", { { CONFIRM_REMOVED, now - 5, now, "n" }, RC_OK, 0 }, WORD_INDETERMINATE, SUB_NO_POE },
        { "unknown", { { CONFIRM_UNKNOWN, 0, now, "n" }, RC_OK, 0 }, WORD_INDETERMINATE, SUB_CHAIN_CONSTRAINTS_FAILURE },
        { "an old answer", { { CONFIRM_CURRENT, 0, now - DAY, "n" }, RC_OK, 0 }, WORD_INDETERMINATE, SUB_TRY_LATER },
        { "unreachable", { { CONFIRM_CURRENT, 0, now, "n" }, RC_UNREACHABLE, 0 }, WORD_INDETERMINATE, SUB_TRY_LATER },
        { "out of memory", { { CONFIRM_CURRENT, 0, now, "n" }, RC_NOMEM, 0 }, WORD_INDETERMINATE, SUB_TRY_LATER },
    };
    struct buf signature = test_slurp("text.p7s"), content = test_slurp("text");
    STACK_OF(X509) *anchors = sk_X509_new_null();
    char publication[200];
    snprintf(publication, sizeof publication, "%s/publication", test_folder());
    sk_X509_push(anchors, ca.cert);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer given = rows[i].answer;
        struct evidence evidence;
        struct verdict verdict;
        struct err err = { 0 };
        struct verify_request request = { .signature = buf_bytes(&signature), .content = buf_bytes(&content),
                                          .has_content = true, .anchors = anchors, .crl_folder = publication,
                                          .confirm = answer, .confirm_context = &given, .at = now };
        assert_int_equal(verify_run(&request, &evidence, &verdict, &err), RC_OK);
        if (verdict.word != rows[i].word || verdict.sub != rows[i].sub)
            fail_msg("%s: %s %s: %s", rows[i].flaw, verdict_word_name(verdict.word), sub_indication_name(verdict.sub),
                     verdict.reason);
        assert_int_equal(given.asked, 1);
        assert_string_equal(evidence.signer.sex, "2");
        /* With other content nobody is asked: the registry learns nothing of forged signatures. */
        request.content.len--;
        assert_int_equal(verify_run(&request, &evidence, &verdict, &err), RC_OK);
        assert_int_equal(verdict.word, WORD_INVALID);
        assert_int_equal(given.asked, 1);
        assert_false(evidence.has_signer && verdict.word == WORD_VALID);
    }
    sk_X509_free(anchors);
    buf_wipe(&signature);
    buf_wipe(&content);
}

static void an_empty_request_is_indeterminate(void **state)
{
    (void)state;
    struct verify_request request = { 0 };
    struct evidence evidence;
    struct verdict verdict;
    struct buf signature = test_slurp("text.p7s");
    assert_int_equal(verify_run(&request, &evidence, &verdict, NULL), RC_OK);
    assert_int_equal(verdict.sub, SUB_FORMAT_FAILURE); /* nothing is not a signature */
    request.signature = buf_bytes(&signature);
    assert_int_equal(verify_run(&request, &evidence, &verdict, NULL), RC_OK);
    assert_int_equal(verdict.word, WORD_INDETERMINATE);
    assert_int_equal(verdict.sub, SUB_SIGNED_DATA_NOT_FOUND);
    buf_wipe(&signature);
}

/* --- the program ------------------------------------------------------------------------------------------------------ */

/* Runs "jpki verify <options>" in the folder and returns the exit status; what it printed is in *out. */
static int jpki_verify(const char *environment, const char *options, char *out, size_t size)
{
    char command[1500];
    snprintf(command, sizeof command, "cd '%s' && env %s %s verify %s 2>errors", test_folder(), environment, program, options);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(out, 1, size - 1, pipe);
    out[len] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define TRUST "--trust ca.pem --crl-folder publication "
#define REVOKED "--trust ca.pem --crl-folder revoked "
#define STAMP "--time-stamp text.p7s.tsr --time-stamp-trust tsaca.pem "
#define LATER "JPKI_CLOCK=+60"

static const struct {
    const char *flaw, *environment, *options;
    int status;
    const char *first, *also; /* how the output begins; a line in it */
} rows[] = {
    { "none", "", TRUST "--no-registry text.p7s", 0, "VALID  TOTAL_PASSED\n", "\nregistry      waived" },
    { "none, content named", "", TRUST "--no-registry --content text text.p7s", 0, "VALID  TOTAL_PASSED\n",
      "\naddress       鹿児島県鹿児島市山下町１１番１号\n" },
    { "none, XML", "", TRUST "--no-registry signed.xml", 0, "VALID  TOTAL_PASSED\n", "\ncovers        the whole document" },
    { "anchors in a folder", "", "--trust anchors --crl-folder publication --no-registry text.p7s", 0, "VALID ",
      "good, 2 trust anchors given" },
    { "with a time-stamp", LATER, TRUST STAMP "--no-registry text.p7s", 0, "VALID  TOTAL_PASSED as of ",
      "\ntoday         VALID  TOTAL_PASSED" },
    { "registry forgotten", "", TRUST "text.p7s", 1, "INDETERMINATE  INDETERMINATE/TRY_LATER\n",
      "\nreason        the registry was not asked\n" },
    { "registry unreachable", "", TRUST "--registry https://127.0.0.1:1 --identity nobody text.p7s", 1,
      "INDETERMINATE  INDETERMINATE/TRY_LATER\n", "\nregistry      unreachable: " },
    { "other content", "", TRUST "--no-registry --content ca.pem text.p7s", 1, "INVALID  TOTAL_FAILED/HASH_FAILURE\n", NULL },
    { "content not there", "", TRUST "--no-registry lonely.p7s", 1, "INDETERMINATE  INDETERMINATE/SIGNED_DATA_NOT_FOUND\n",
      NULL },
    { "XML with another income", "", TRUST "--no-registry tampered.xml", 1, "INVALID  TOTAL_FAILED/HASH_FAILURE\n", NULL },
    { "no signature", "", TRUST "--no-registry text", 1, "INVALID  TOTAL_FAILED/FORMAT_FAILURE\n", NULL },
    { "authentication certificate", "", "--trust anchors --crl-folder publication --no-registry login.p7s", 1,
      "INDETERMINATE  INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE\n", "this is one for authentication" },
    { "no four attributes", "", TRUST "--no-registry nobody.p7s", 1,
      "INDETERMINATE  INDETERMINATE/CERTIFICATE_CHAIN_GENERAL_FAILURE\n", "four attributes" },
    { "the other authority as anchor", "", "--trust login.pem --crl-folder publication --no-registry text.p7s", 1,
      "INDETERMINATE  INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND\n", NULL },
    { "no list", "", "--trust ca.pem --crl-folder anchors --no-registry text.p7s", 1,
      "INDETERMINATE  INDETERMINATE/TRY_LATER\n", "\nrevocation    unavailable: " },
    { "list of yesterday", "JPKI_CLOCK=+172800", TRUST "--no-registry text.p7s", 1,
      "INDETERMINATE  INDETERMINATE/TRY_LATER\n", "\nrevocation    not in force: the list was in force until 20" },
    { "before the certificate", "", TRUST "--no-registry --at 2020-01-01T00:00:00Z text.p7s", 1,
      "INDETERMINATE  INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND_NO_POE\n", "\nvalidated at  2020-01-01T00:00:00Z\n" },
    { "revoked", LATER, REVOKED "--no-registry text.p7s", 1, "REVOKED  INDETERMINATE/REVOKED_NO_POE revoked 20",
      "Z affiliationChanged\n" },
    { "revoked, registry forgotten", LATER, REVOKED "text.p7s", 1, "REVOKED  INDETERMINATE/REVOKED_NO_POE revoked 20", NULL },
    { "revoked after the time-stamp", LATER, REVOKED STAMP "--no-registry text.p7s", 0, "VALID  TOTAL_PASSED as of 20",
      "\ntoday         REVOKED  INDETERMINATE/REVOKED_NO_POE revoked 20" },
    { "revoked before the time-stamp", LATER, "--trust ca.pem --crl-folder before " STAMP "--no-registry text.p7s", 1,
      "REVOKED  INDETERMINATE/REVOKED_NO_POE revoked 20", "\ntime-stamp    good" },
    { "a time-stamp over another file", LATER, REVOKED "--content text --time-stamp text.p7s.tsr --time-stamp-trust tsaca.pem "
                                               "--no-registry lonely.p7s", 1, "REVOKED  ", "\ntime-stamp    bad: " },
    { "a bad time-stamp", "", TRUST "--time-stamp ca.pem --time-stamp-trust tsaca.pem --no-registry text.p7s", 1,
      "INDETERMINATE  INDETERMINATE/SIG_CONSTRAINTS_FAILURE\n", "\ntime-stamp    bad: this is not a time-stamp\n" },
    { "no trust", "", "--crl-folder publication text.p7s", 2, "", NULL },
    { "no folder", "", "--trust ca.pem text.p7s", 2, "", NULL },
    { "no file", "", TRUST, 2, "", NULL },
    { "two files", "", TRUST "a b", 2, "", NULL },
    { "registry without identity", "", TRUST "--registry https://127.0.0.1:1 text.p7s", 2, "", NULL },
    { "registry and no registry", "", TRUST "--registry https://127.0.0.1:1 --identity x --no-registry text.p7s", 2, "", NULL },
    { "time-stamp without trust", "", TRUST "--time-stamp text.p7s.tsr text.p7s", 2, "", NULL },
    { "a time that is none", "", TRUST "--at yesterday text.p7s", 2, "", NULL },
    { "the file is not there", "", TRUST "--no-registry nothing.p7s", 1, "", NULL },
    { "the content that was named is not there", "", TRUST "--no-registry --content nothing text.p7s", 1, "", NULL },
    { "a leaf as anchor", "", "--trust leaf.pem --crl-folder publication --no-registry text.p7s", 1, "", NULL },
};

static void each_command_has_its_verdict(void **state)
{
    (void)state;
    char out[8000];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = jpki_verify(rows[i].environment, rows[i].options, out, sizeof out);
        if (status != rows[i].status || strncmp(out, rows[i].first, strlen(rows[i].first)) != 0 ||
            (rows[i].also && !strstr(out, rows[i].also)))
            fail_msg("%s: exit %d\n%s", rows[i].flaw, status, out);
        assert_int_equal(status == 0, strncmp(out, "VALID ", 6) == 0);
    }
}

static const char *text_of(const json_t *json, const char *part, const char *member)
{
    const char *text = json_string_value(json_object_get(part ? json_object_get(json, part) : json, member));
    return text ? text : "(null)";
}

static void json_holds_everything(void **state)
{
    (void)state;
    char out[8000];
    assert_int_equal(jpki_verify(LATER, REVOKED STAMP "--no-registry --json text.p7s", out, sizeof out), 0);
    json_t *json = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(text_of(json, NULL, "word"), "VALID");
    assert_string_equal(text_of(json, NULL, "indication"), "TOTAL_PASSED");
    assert_true(json_is_true(json_object_get(json, "proven")));
    assert_string_equal(text_of(json, "today", "word"), "REVOKED");
    assert_string_equal(text_of(json, "today", "sub_indication"), "REVOKED_NO_POE");
    assert_string_equal(text_of(json, "signature", "format"), "CMS");
    assert_string_equal(text_of(json, "signature", "digest"), "SHA-256");
    assert_string_equal(text_of(json, "certificate", "serial"), "0132C4AB");
    assert_int_equal(strlen(text_of(json, "certificate", "anchor_sha256")), 64);
    assert_string_equal(text_of(json, "revocation", "crl_reason"), "affiliationChanged");
    assert_string_equal(text_of(json, "revocation", "number"), "2A");
    assert_string_equal(text_of(json, "revocation", "list"), "sign/Kagoshima-ken/Kagoshima-shi.crl");
    assert_string_equal(text_of(json, "registry", "state"), "waived");
    assert_string_equal(text_of(json, "time_stamp", "state"), "good");
    assert_string_equal(text_of(json, "time_stamp", "time"), text_of(json, NULL, "as_of"));
    assert_string_equal(text_of(json, "signer", "birth"), "419800217");
    json_decref(json);
}

/* --- the world -------------------------------------------------------------------------------------------------------- */

static void publish(const char *folder, const struct test_crl *crl)
{
    char path[200];
    test_run("mkdir -p %s/sign/Kagoshima-ken", folder);
    struct buf list = test_crl_new(&ca, crl);
    snprintf(path, sizeof path, "%s/sign/Kagoshima-ken/Kagoshima-shi.crl", folder);
    test_file(path, buf_bytes(&list));
    buf_wipe(&list);
}

static void sign_cms(const char *cert, const char *out)
{
    test_run("openssl cms -sign -binary -in text -signer %s -inkey leaf.key -outform DER -md sha256 -out %s", cert, out);
}

static const char template[] =
    "<r><income>4123000</income><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo><CanonicalizationMethod "
    "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><SignatureMethod "
    "Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><Reference URI=\"\"><Transforms><Transform "
    "Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></Transforms><DigestMethod "
    "Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><DigestValue/></Reference></SignedInfo><SignatureValue/><KeyInfo>"
    "<X509Data><X509Certificate/></X509Data></KeyInfo></Signature></r>";

static void make_time_stamp(void)
{
    test_text("tsa.cnf", "[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nCN=TSA\n[ca]\nbasicConstraints=critical,CA:TRUE\n"
                         "[leaf]\nextendedKeyUsage=critical,timeStamping\n"
                         "[tsa]\nserial=serial\ndefault_policy=1.2.3.4\nsigner_digest=sha256\ndigests=sha256\n");
    test_text("serial", "01");
    test_run("openssl req -x509 -newkey rsa:2048 -nodes -config tsa.cnf -extensions ca -subj /CN=Root -keyout tsaca.key "
             "-out tsaca.pem -days 9 && openssl req -new -newkey rsa:2048 -nodes -config tsa.cnf -keyout tsa.key -out tsa.csr && "
             "openssl x509 -req -in tsa.csr -CA tsaca.pem -CAkey tsaca.key -set_serial 7 -days 9 -extfile tsa.cnf "
             "-extensions leaf -out tsa.pem");
    test_run("openssl ts -query -data text.p7s -sha256 -cert -out q && openssl ts -reply -config tsa.cnf -section tsa "
             "-queryfile q -signer tsa.pem -inkey tsa.key -out text.p7s.tsr");
}

static int set_up(void **state)
{
    (void)state;
    program = getenv("JPKI");
    assert_non_null(program);
    test_ca_new(&ca, AUTHORITY_SIGN, -DAY, 3000 * DAY);
    test_ca_new(&login, AUTHORITY_AUTH, -DAY, 3000 * DAY);
    X509 *leaf = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    X509 *auth = test_leaf_new(&login, test_key(), &(struct test_leaf) { 0 });
    X509 *nobody = test_leaf_new(&ca, test_key(), &(struct test_leaf) { .no_attributes = true, .serial = 5 });
    test_text("text", "納税証明書の交付を申請します。\n");
    test_write_cert("ca.pem", ca.cert);
    test_write_cert("login.pem", login.cert);
    test_write_cert("leaf.pem", leaf);
    test_write_cert("auth.pem", auth);
    test_write_cert("nobody.pem", nobody);
    test_write_key("leaf.key", test_key());
    test_run("mkdir anchors && cp ca.pem login.pem anchors");
    sign_cms("leaf.pem", "text.p7s");
    sign_cms("auth.pem", "login.p7s");
    sign_cms("nobody.pem", "nobody.p7s");
    test_run("cp text login; cp text nobody; openssl cms -sign -binary -in text -signer leaf.pem -inkey leaf.key "
             "-outform DER -md sha384 -out lonely.p7s");
    test_text("template.xml", template);
    test_run("xmlsec1 --sign --privkey-pem leaf.key,leaf.pem --output signed.xml template.xml && "
             "sed s/4123000/1123000/ signed.xml >tampered.xml");
    make_time_stamp();
    publish("publication", &(struct test_crl) { 0 });
    publish("revoked", &(struct test_crl) { .serial = 0x0132C4AB, .revoked = 30, .reason = 3, .from = 30, .to = DAY });
    publish("before", &(struct test_crl) { .serial = 0x0132C4AB, .revoked = -30, .reason = 3 });
    X509_free(leaf);
    X509_free(auth);
    X509_free(nobody);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_ca_free(&ca);
    test_ca_free(&login);
    EVP_PKEY_free(test_key());
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registry_has_a_say),
        cmocka_unit_test(an_empty_request_is_indeterminate),
        cmocka_unit_test(each_command_has_its_verdict),
        cmocka_unit_test(json_holds_everything),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
