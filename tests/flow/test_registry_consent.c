/* test_registry_consent.c — the newest attributes under a signed consent, and linked serial numbers, by the program and
 * over the wire. */
#include "registryworld.h"
#include "testsigner.h"

#include "base/clock.h"
#include "base/file.h"
#include "registry/consent.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEW_ADDRESS "鹿児島県鹿児島市荒田二丁目７番７号"

struct scene {
    struct world w;
    struct resident resident;
    EVP_PKEY *key;
    X509 *authority, *cert;
    char document[128], signature[128];
};

static void scene_new(struct scene *scene)
{
    struct world *w = &scene->w;
    world_new(w, "20");
    scene->key = EVP_EC_gen("P-256");
    scene->authority = testsigner_issue(scene->key, "sign", 1, NULL, scene->key, "20600101000000Z");
    scene->cert = testsigner_issue(scene->key, "resident", 0x0A01, scene->authority, scene->key, "20600101000000Z");
    snprintf(w->sign_ca, sizeof w->sign_ca, "%s/sign-ca.pem", w->ops.folder);
    snprintf(scene->document, sizeof scene->document, "%s/consent.json", w->ops.folder);
    snprintf(scene->signature, sizeof scene->signature, "%s/consent.p7s", w->ops.folder);
    FILE *file = fopen(w->sign_ca, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, scene->authority), 1);
    assert_int_equal(fclose(file), 0);
    pick(w, &scene->resident);
    start(w, NATIONAL, NULL);
    start(w, MUNICIPAL, NULL);
    same_world(w);
    assert_int_equal(find(w, ID_OFFICER, scene->resident.code, &scene->resident), RC_OK);
    assert_int_equal(link_cards(w, ID_OFFICER, &scene->resident), RC_OK);
}

static void scene_free(struct scene *scene)
{
    world_free(&scene->w);
    X509_free(scene->cert);
    X509_free(scene->authority);
    EVP_PKEY_free(scene->key);
}

/* The text of now and its signature, as files. */
static void write_consent(struct scene *scene, bool withdrawn)
{
    const struct consent_text text = {.withdrawn = withdrawn, .service = "verifier", .signed_at = clock_now()};
    json_t *json = consent_text_write(&text);
    char *words = json_dumps(json, JSON_COMPACT);
    size_t len;
    unsigned char *der = testsigner_sign(scene->key, scene->cert, words, CMS_DETACHED, EVP_sha256(), &len);
    assert_int_equal(file_write_atomic(scene->document, bytes_of(words, strlen(words)), 0600, NULL), RC_OK);
    assert_int_equal(file_write_atomic(scene->signature, bytes_of(der, len), 0600, NULL), RC_OK);
    OPENSSL_free(der);
    free(words);
    json_decref(json);
}

static int bring(struct scene *scene, int id, bool withdraw)
{
    const char *args[] = {"consent",
                          "send",
                          "--node",
                          scene->w.nodes[NATIONAL].url,
                          "--identity",
                          scene->w.paths[id],
                          "--document",
                          scene->document,
                          "--signature",
                          scene->signature,
                          withdraw ? "--withdraw" : NULL,
                          NULL};
    return run_wait(args);
}

static enum rc ask(struct scene *scene, int id, struct confirmation *confirmation, struct attributes *attributes)
{
    struct registry_client *client = NULL;
    enum rc rc = registry_open(scene->w.nodes[NATIONAL].url, &scene->w.ids[id], &client, NULL);
    if (!rc)
        rc = registry_confirm_attributes(client, AUTHORITY_AUTH, "0B01", confirmation, attributes, NULL);
    registry_close(client);
    return rc;
}

#define GIVEN "SELECT count(*) FROM usage WHERE action = 'attributes' AND record = 'auth/0B01' AND fields <> ''"

static void test_attributes(void **state)
{
    (void)state;
    struct scene scene;
    struct confirmation confirmation;
    struct attributes attributes;
    scene_new(&scene);
    struct world *w = &scene.w;
    const char *node = w->nodes[NATIONAL].url;
    const char *help[] = {"consent", "--help", NULL}, *nonsense[] = {"consent", "forget", NULL};
    const char *draft[] = {"consent", "draft", "--service", "verifier", NULL};
    const char *confirmed[] = {"confirm",     "--node", node,       "--identity", w->paths[ID_VERIFIER],
                               "--authority", "auth",   "--serial", "0B01",       "--attributes",
                               NULL};
    assert_int_equal(run_wait(help), 0);
    assert_int_equal(run_wait(nonsense), 2);
    assert_int_equal(run_wait(draft), 0);
    assert_int_equal(run_wait(confirmed), 1);
    assert_int_equal(ask(&scene, ID_VERIFIER, &confirmation, &attributes), RC_DENIED);
    assert_int_equal(confirmation.status, CONFIRM_NOT_ASKED);
    write_consent(&scene, false);
    assert_int_equal(bring(&scene, ID_KIOSK, false), 1);
    assert_int_equal(bring(&scene, ID_OFFICER, false), 1);
    assert_int_equal(bring(&scene, ID_VERIFIER, true), 1);
    assert_int_equal(bring(&scene, ID_VERIFIER, false), 0);
    assert_int_equal(bring(&scene, ID_VERIFIER, false), 0);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM consent"), 1);
    assert_int_equal(count(w, NATIONAL, GIVEN), 0);
    assert_int_equal(run_wait(confirmed), 0);
    assert_int_equal(ask(&scene, ID_VERIFIER, &confirmation, &attributes), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CURRENT);
    assert_true(attributes_equal(&attributes, &scene.resident.attributes));
    assert_int_equal(ask(&scene, ID_KIOSK, &confirmation, &attributes), RC_DENIED);
    assert_int_equal(count(w, NATIONAL, GIVEN), 2);
    assert_int_equal(
        count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'denied' AND record = 'POST /v1/confirm'"), 3);
    /* after a move the newest ones */
    assert_int_equal(move(w, ID_REGISTRAR, scene.resident.code, NEW_ADDRESS, "move"), RC_OK);
    same_world(w);
    assert_int_equal(ask(&scene, ID_VERIFIER, &confirmation, &attributes), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CHANGED);
    assert_string_equal(attributes.address, NEW_ADDRESS);
    /* withdrawn at a counter */
    write_consent(&scene, true);
    assert_int_equal(bring(&scene, ID_OFFICER, true), 0);
    assert_int_equal(ask(&scene, ID_VERIFIER, &confirmation, &attributes), RC_DENIED);
    assert_int_equal(count(w, NATIONAL, GIVEN), 3);
    not_in_log(&w->nodes[NATIONAL], scene.resident.attributes.name);
    scene_free(&scene);
}

static void test_serials(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    const char *node = w->nodes[NATIONAL].url, *store = w->nodes[NATIONAL].store, *verifier = w->paths[ID_VERIFIER];
    const struct {
        const char *flaw, *args[20];
        int want, linked, denied;
    } rows[] = {
        {"not in the list",
         {"serials", "--node", node, "--identity", verifier, "--authority", "auth", "--serial", "0B01"},
         1,
         0,
         1},
        {"help", {"verifiers", "--help"}, 0, 0, 1},
        {"nobody to forbid", {"verifiers", "--store", store, "--forbid", "verifier"}, 1, 0, 1},
        {"allowed", {"verifiers", "--store", store, "--allow", "verifier"}, 0, 0, 1},
        {"linked",
         {"serials", "--node", node, "--identity", verifier, "--authority", "auth", "--serial", "0B01"},
         0,
         1,
         1},
        {"no such certificate",
         {"serials", "--node", node, "--identity", verifier, "--authority", "sign", "--serial", "0B01"},
         1,
         1,
         1},
        {"no such authority",
         {"serials", "--node", node, "--identity", verifier, "--authority", "ops", "--serial", "0B01"},
         2,
         1,
         1},
        {"a kiosk",
         {"serials", "--node", node, "--identity", w->paths[ID_KIOSK], "--authority", "auth", "--serial", "0B01"},
         1,
         1,
         2},
        {"forbidden", {"verifiers", "--store", store, "--forbid", "verifier"}, 0, 1, 2},
        {"no longer",
         {"serials", "--node", node, "--identity", verifier, "--authority", "auth", "--serial", "0B01"},
         1,
         1,
         3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (run_wait(rows[i].args) != rows[i].want)
            fail_msg("%s: not exit status %d", rows[i].flaw, rows[i].want);
        if (count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'serials' AND result = 'RC_OK'") !=
                rows[i].linked ||
            count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'denied' AND record = 'POST /v1/serials'") !=
                rows[i].denied)
            fail_msg("%s: the record of use says otherwise", rows[i].flaw);
    }
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'serials'"),
                     2); /* also what was not found */
    scene_free(&scene);
}

#ifdef JPKI_FAULTS
/* A node that dies has the consent or has it not, and no attributes leave without a record. */
static void test_torn(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        bool consent;
        int consents, given;
    } rows[] = {
        {"registry.before_consent", true, 0, 0},
        {"registry.after_consent", true, 1, 0},
        {"registry.before_confirm", false, 1, 0},
        {"registry.after_confirm", false, 1, 1},
    };
    struct scene scene;
    struct confirmation confirmation;
    struct attributes attributes;
    scene_new(&scene);
    struct world *w = &scene.w;
    write_consent(&scene, false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stop(&w->nodes[NATIONAL], SIGTERM);
        start(w, NATIONAL, rows[i].fault);
        if (rows[i].consent)
            assert_int_equal(bring(&scene, ID_VERIFIER, false), 1);
        else
            assert_int_not_equal(ask(&scene, ID_VERIFIER, &confirmation, &attributes), RC_OK);
        for (int k = 0; k < 100 && !died(&w->nodes[NATIONAL]); k++)
            pause_ms(20);
        if (w->nodes[NATIONAL].pid)
            fail_msg("%s was never passed", rows[i].fault);
        if (count(w, NATIONAL, "SELECT count(*) FROM consent") != rows[i].consents ||
            count(w, NATIONAL, GIVEN) != rows[i].given)
            fail_msg("%s: half a deed", rows[i].fault);
        start(w, NATIONAL, NULL);
    }
    assert_int_equal(bring(&scene, ID_VERIFIER, false), 0);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM consent"), 1);
    assert_int_equal(ask(&scene, ID_VERIFIER, &confirmation, &attributes), RC_OK);
    scene_free(&scene);
}
#endif

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_serials),
#ifdef JPKI_FAULTS
        cmocka_unit_test(test_torn),
#endif
    };
    return cmocka_run_group_tests_name("registry-consent-nodes", tests, NULL, NULL);
}
