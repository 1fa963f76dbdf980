/* test_consent.c — consents signed with the signature certificate, over the national store: who may, with what, for how
 * long; and linked serial numbers. Certificates and signatures are made here with OpenSSL. */
#include "registry/asked.h"
#include "registry/cards.h"
#include "registry/consent.h"
#include "testsigner.h"
#include "townpair.h"

#include "base/clock.h"
#include "base/hex.h"
#include "net/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HERE "462012"
#define HANAKO "24727059608"
#define TARO "24846016224"
#define CARD "9000000000000003"
#define ADDRESS "鹿児島県鹿児島市山下町１１番１号"

static struct townpair w;
static EVP_PKEY *key;
static X509 *authority, *stranger, *hanako, *taro, *unlinked, *forged, *ended;
static STACK_OF(X509) * authorities;
static const struct peer bank = {.role = ROLE_VERIFIER, .municipality = "000000", .name = "bank", .serial = "01"};
static const struct peer shop = {.role = ROLE_VERIFIER, .municipality = "000000", .name = "shop", .serial = "02"};
static const struct peer desk = {.role = ROLE_DESK_OFFICER, .municipality = HERE, .name = "desk", .serial = "03"};

static int setup_keys(void **state)
{
    (void)state;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    key = EVP_EC_gen("P-256");
    assert_true(key && other);
    authority = testsigner_issue(key, "sign", 1, NULL, key, "20600101000000Z");
    stranger = testsigner_issue(key, "sign", 1, NULL, other, "20600101000000Z"); /* of the authority's name */
    hanako = testsigner_issue(key, "hanako", 0x0A01, authority, key, "20600101000000Z");
    taro = testsigner_issue(key, "taro", 0x0A02, authority, key, "20600101000000Z");
    unlinked = testsigner_issue(key, "nobody", 0x0A99, authority, key, "20600101000000Z");
    forged = testsigner_issue(key, "hanako", 0x0A01, stranger, other, "20600101000000Z");
    ended = testsigner_issue(key, "hanako", 0x0A01, authority, key, "20200101000000Z");
    authorities = sk_X509_new_null();
    sk_X509_push(authorities, authority);
    EVP_PKEY_free(other);
    return 0;
}

static int teardown_keys(void **state)
{
    (void)state;
    X509 *all[] = {stranger, hanako, taro, unlinked, forged, ended};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        X509_free(all[i]);
    sk_X509_pop_free(authorities, X509_free);
    EVP_PKEY_free(key);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    townpair_on("2024-04-01");
    townpair_open(&w, HERE);
    townpair_enter(&w, HANAKO, "公的　花子", "319800229", ADDRESS);
    townpair_enter(&w, TARO, "公的　太郎", "319751103", ADDRESS);
    townpair_link(&w, HANAKO, "0A01", "0B01");
    townpair_link(&w, TARO, "0A02", "0B02");
    townpair_carry(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    townpair_close(&w);
    return 0;
}

/* The signature in hex; caller frees. */
static char *sign(X509 *cert, const char *text, unsigned flags, const EVP_MD *digest)
{
    size_t len;
    unsigned char *der = testsigner_sign(key, cert, text, flags, digest, &len);
    char *hex = malloc(len * 2 + 1);
    hex_encode(bytes_of(der, len), hex);
    OPENSSL_free(der);
    return hex;
}

static enum rc send(const struct peer *peer, const char *text, const char *hex, bool withdrawal)
{
    json_t *body = json_pack("{s:s, s:s}", "document", text, "signature", hex), *answer = NULL;
    struct err err = {0};
    enum rc rc = consent_take(w.nation, authorities, peer, body, withdrawal, &answer, &err);
    if (rc && rc != err.rc)
        fail_msg("%s without words", rc_name(rc));
    json_decref(answer);
    json_decref(body);
    return rc;
}

static enum rc bring(const struct peer *peer, X509 *cert, const char *text, bool withdrawal)
{
    char *hex = sign(cert, text, CMS_DETACHED, EVP_sha256());
    enum rc rc = send(peer, text, hex, withdrawal);
    free(hex);
    return rc;
}

#define TEXT(word, service, signed) "{\"consent\":\"" word "\",\"service\":\"" service "\",\"signed\":\"" signed "\"}"
#define NOW "2024-04-01T03:00:00Z"
#define YES TEXT("attributes", "bank", NOW)

static void test_refused(void **state)
{
    (void)state;
    const struct {
        const char *flaw;
        const struct peer *peer;
        X509 *cert;
        const char *text;
        enum rc want;
    } rows[] = {
        {"another service's", &shop, hanako, YES, RC_DENIED},
        {"brought by an officer", &desk, hanako, YES, RC_DENIED},
        {"a withdrawal", &bank, hanako, TEXT("withdrawn", "bank", NOW), RC_FORMAT},
        {"an unknown word", &bank, hanako, TEXT("everything", "bank", NOW), RC_FORMAT},
        {"no service", &bank, hanako, TEXT("attributes", "", NOW), RC_FORMAT},
        {"no time", &bank, hanako, TEXT("attributes", "bank", "today"), RC_FORMAT},
        {"something more", &bank, hanako,
         "{\"consent\":\"attributes\",\"service\":\"bank\",\"signed\":\"" NOW "\",\"years\":\"99\"}", RC_FORMAT},
        {"no JSON", &bank, hanako, "I agree", RC_FORMAT},
        {"signed 31 days ago", &bank, hanako, TEXT("attributes", "bank", "2024-03-01T02:59:59Z"), RC_RANGE},
        {"signed tomorrow", &bank, hanako, TEXT("attributes", "bank", "2024-04-02T03:00:00Z"), RC_RANGE},
        {"a certificate of nobody", &bank, unlinked, YES, RC_STATE},
        {"another authority of this name", &bank, forged, YES, RC_DENIED},
        {"a certificate that has ended", &bank, ended, YES, RC_DENIED},
        {"the authority's own", &bank, authority, YES, RC_STATE},
        {"signed 30 days ago", &bank, hanako, TEXT("attributes", "bank", "2024-03-02T03:00:00Z"), RC_OK},
        {"as it should be", &bank, hanako, YES, RC_OK},
        {"again", &bank, hanako, YES, RC_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc rc = bring(rows[i].peer, rows[i].cert, rows[i].text, false);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), rc ? RC_DENIED : RC_OK);
    }
    assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM consent"), 2);
    assert_int_equal(consent_want(w.nation, HANAKO, "shop", NULL), RC_DENIED);
    assert_int_equal(consent_want(w.nation, TARO, "bank", NULL), RC_DENIED);
}

static void test_signatures(void **state)
{
    (void)state;
    char *whole = sign(hanako, YES, 0, EVP_sha256()), *weak = sign(hanako, YES, CMS_DETACHED, EVP_sha1()),
         *other = sign(hanako, TEXT("attributes", "shop", NOW), CMS_DETACHED, EVP_sha256()),
         *bare = sign(hanako, YES, CMS_DETACHED | CMS_NOCERTS, EVP_sha256()),
         *good = sign(hanako, YES, CMS_DETACHED, EVP_sha384());
    char *longer = malloc(strlen(good) + 3);
    sprintf(longer, "%s00", good);
    const struct {
        const char *flaw, *hex;
        enum rc want;
    } rows[] = {
        {"not hex", "xyz", RC_FORMAT},
        {"nothing", "", RC_FORMAT},
        {"not CMS", "30030201", RC_FORMAT},
        {"more behind it", longer, RC_FORMAT},
        {"not detached", whole, RC_FORMAT},
        {"SHA-1", weak, RC_DENIED},
        {"over another text", other, RC_DENIED},
        {"without its certificate", bare, RC_DENIED},
        {"SHA-384", good, RC_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc rc = send(&bank, YES, rows[i].hex, false);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    STACK_OF(X509) *kept = authorities;
    authorities = NULL;
    assert_int_equal(send(&bank, YES, good, false), RC_UNSUPPORTED);
    authorities = kept;
    char *all[] = {whole, weak, other, bare, good, longer};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void change(const char *sql)
{
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(store_exec(w.nation, sql, NULL), RC_OK);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
}

/* Something of a card at the counter, carried to the nation. */
static void deed(const char *kind, asked_do_fn run, json_t *body)
{
    static char here[] = HERE;
    json_t *answer = NULL;
    struct err err = {0};
    enum rc rc = asked_once(w.town, kind, body, run, here, &answer, &err);
    if (rc)
        fail_msg("%s: %s", kind, err_text(&err, rc));
    json_decref(answer);
    json_decref(body);
    townpair_carry(&w);
}

static void test_life(void **state)
{
    (void)state;
    static const char no[] = TEXT("withdrawn", "bank", "2024-05-01T03:00:00Z");
    assert_int_equal(bring(&bank, hanako, TEXT("withdrawn", "bank", NOW), true), RC_NOT_FOUND);
    assert_int_equal(bring(&bank, hanako, YES, false), RC_OK);
    townpair_on("2034-04-01");
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_OK); /* the last day of ten years */
    townpair_on("2034-04-02");
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_DENIED);
    townpair_on("2024-05-01");
    assert_int_equal(bring(&shop, hanako, no, true), RC_DENIED);
    assert_int_equal(bring(&bank, taro, no, true), RC_NOT_FOUND); /* another's */
    assert_int_equal(bring(&bank, hanako, no, false), RC_FORMAT);
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_OK);
    assert_int_equal(bring(&desk, hanako, no, true), RC_OK); /* the service does not stand in between */
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_DENIED);
    assert_int_equal(bring(&bank, hanako, no, true), RC_OK);
    assert_int_equal(bring(&bank, hanako, YES, false), RC_STATE); /* played again */
    assert_int_equal(bring(&bank, hanako, TEXT("attributes", "bank", "2024-04-30T03:00:00Z"), false),
                     RC_STATE); /* kept back */
    townpair_on("2024-05-02");
    assert_int_equal(bring(&bank, hanako, TEXT("attributes", "bank", "2024-05-02T03:00:00Z"), false), RC_OK);
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_OK);
    /* a certificate that is no longer so signs nothing more; what was signed stays, and follows a change of code */
    change("UPDATE link SET changed = 1714600000 WHERE serial = '0A01'");
    assert_int_equal(bring(&bank, hanako, TEXT("attributes", "bank", "2024-05-02T03:00:01Z"), false), RC_STATE);
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_OK);
    assert_int_equal(bring(&bank, hanako, TEXT("withdrawn", "bank", "2024-05-02T02:59:59Z"), true),
                     RC_OK); /* of the one before */
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_OK);
    change("UPDATE link SET code = '" TARO "' WHERE serial = '0A01'");
    assert_int_equal(consent_want(w.nation, TARO, "bank", NULL), RC_OK);
    assert_int_equal(consent_want(w.nation, HANAKO, "bank", NULL), RC_DENIED);
    /* a card that is lost, as its municipality tells; its certificates are never taken back into use */
    static const char later[] = TEXT("attributes", "bank", "2024-05-02T03:00:00Z");
    deed("card_issue", cards_issue, json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", TARO, "card", CARD, "type", "number", "date",
                                              "2024-05-02", "request", "issue"));
    assert_int_equal(bring(&bank, taro, later, false), RC_OK);
    deed("card_event", cards_event, json_pack("{s:s, s:s, s:s, s:s}", "card", CARD, "event", "lost", "date", "2024-05-02",
                                              "request", "lost"));
    assert_int_equal(bring(&bank, taro, later, false), RC_STATE);
    deed("card_event", cards_event, json_pack("{s:s, s:s, s:s, s:s}", "card", CARD, "event", "found", "date", "2024-05-02",
                                              "request", "found"));
    assert_int_equal(bring(&bank, taro, later, false), RC_STATE);
}

static void test_linked(void **state)
{
    (void)state;
    json_t *certificates = NULL;
    struct err err = {0};
    assert_int_equal(consent_want_linked(w.nation, "bank", &err), RC_DENIED);
    assert_int_equal(consent_allow_linked(w.nation, "", true, &err), RC_FORMAT);
    assert_int_equal(consent_allow_linked(w.nation, "bank", false, &err), RC_NOT_FOUND);
    change("UPDATE link SET recorded = recorded - 1 WHERE serial = '0A01'");
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(consent_allow_linked(w.nation, "bank", true, &err), RC_OK);
    assert_int_equal(consent_allow_linked(w.nation, "bank", true, &err), RC_OK);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    assert_int_equal(consent_want_linked(w.nation, "bank", &err), RC_OK);
    assert_int_equal(consent_want_linked(w.nation, "shop", &err), RC_DENIED);
    assert_int_equal(consent_linked(w.nation, AUTHORITY_AUTH, "0B99", &certificates, &err), RC_NOT_FOUND);
    assert_int_equal(consent_linked(w.nation, AUTHORITY_AUTH, "0B01", &certificates, &err), RC_OK);
    assert_int_equal(json_array_size(certificates), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(certificates, 0), "serial")), "0A01");
    json_decref(certificates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_linked, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-consent", tests, setup_keys, teardown_keys);
}
