/* test_registry_services.c — services by ordinance and kiosk issue by the program and over the wire: who may, what comes out, and that a
 * node which dies in between gives one sheet and one record. */
#include "registryworld.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/proc.h"
#include "net/json.h"
#include "pki/cert.h"
#include "registry/ledger.h"
#include "testsigner.h"

#include <openssl/pem.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CARD "A000000000000001"

struct scene {
    struct world w;
    struct resident resident;
    char pdf[128], key[128], ocsp_port[8];
    pid_t responder;
};

static void pem_write(const char *path, X509 *cert, EVP_PKEY *key)
{
    BIO *out = BIO_new_file(path, "w");
    assert_non_null(out);
    assert_int_equal(cert ? PEM_write_bio_X509(out, cert) : PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    BIO_free(out);
}

/* The authority of authentication certificates, and openssl's responder: its index is the scene's to write. */
static void authority_new(struct scene *scene)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = testsigner_issue(ca_key, "authority", 1, NULL, ca_key, "20400101000000Z");
    static const struct {
        const char *name;
        long serial;
        const char *until;
    } rows[] = { { "0B01", 0x0B01, "20400101000000Z" }, { "0B02", 0x0B02, "20210101000000Z" }, { "0B99", 0x0B99, "20400101000000Z" } };
    snprintf(scene->w.auth_ca, sizeof scene->w.auth_ca, "%s/auth-ca.pem", scene->w.ops.folder);
    pem_write(scene->w.auth_ca, ca, NULL);
    snprintf(scene->key, sizeof scene->key, "%s/auth-ca.key", scene->w.ops.folder);
    pem_write(scene->key, NULL, ca_key);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[128];
        X509 *cert = testsigner_issue(key, "holder", rows[i].serial, ca, ca_key, rows[i].until);
        X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,digitalSignature"),
                       *extended = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "clientAuth");
        X509_add_ext(cert, usage, -1);
        X509_add_ext(cert, extended, -1);
        assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
        snprintf(path, sizeof path, "%s/%s.pem", scene->w.ops.folder, rows[i].name);
        pem_write(path, cert, NULL);
        X509_EXTENSION_free(usage);
        X509_EXTENSION_free(extended);
        X509_free(cert);
    }
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

/* The responder's knowledge: openssl reads its index when it starts. words: the rest of the line of 0B01; NULL: it stops. */
static void responder(struct scene *scene, const char *words)
{
    char index[128], text[300], log[128];
    snprintf(log, sizeof log, "%s/ocsp.log", scene->w.ops.folder);
    if (scene->responder) {
        kill(scene->responder, SIGKILL);
        waitpid(scene->responder, NULL, 0);
        scene->responder = 0;
        unlink(log);
    }
    if (!words)
        return;
    snprintf(index, sizeof index, "%s/index.txt", scene->w.ops.folder);
    snprintf(text, sizeof text, "%s\t0B01\tunknown\t/CN=holder\n", words);
    assert_int_equal(file_write_atomic(index, bytes_of(text, strlen(text)), 0600, NULL), RC_OK);
    scene->responder = fork();
    if (scene->responder == 0) {
        proc_die_with_parent();
        assert_non_null(freopen(log, "w", stdout));
        assert_non_null(freopen(log, "w", stderr));
        execlp("openssl", "openssl", "ocsp", "-index", index, "-port", scene->ocsp_port, "-CA", scene->w.auth_ca, "-rsigner", scene->w.auth_ca,
               "-rkey", scene->key, NULL);
        _exit(127);
    }
    for (int i = 0; i < 400; i++) { /* asked by its log: a connection without a request holds it up for ever */
        struct buf said = { 0 };
        bool listens = file_read(log, &said, NULL) == RC_OK && buf_string(&said) && strstr(buf_string(&said), "waiting for OCSP");
        buf_wipe(&said);
        if (listens)
            return;
        pause_ms(10);
    }
    fail_msg("openssl ocsp does not listen; see %s", log);
}

/* An address that is free. */
static void responder_place(struct scene *scene)
{
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof place;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&place, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&place, &len), 0);
    close(fd);
    snprintf(scene->ocsp_port, sizeof scene->ocsp_port, "%u", ntohs(place.sin_port));
    snprintf(scene->w.auth_ocsp, sizeof scene->w.auth_ocsp, "http://127.0.0.1:%s/", scene->ocsp_port);
}

/* A town with a resident whose card holds both certificates, and kiosks that are always open. */
static void scene_new(struct scene *scene)
{
    struct world *w = &scene->w;
    world_new(w, "20");
    const char *late[] = { "settings", "--store", w->nodes[MUNICIPAL].store, "juki-card-end=2026-12-31", NULL };
    const char *hours[] = { "kiosk", "hours", "--store", w->nodes[MUNICIPAL].store, "--open", "00:00", "--close", "24:00", "--rest-from", "none", NULL };
    assert_int_equal(run_wait(late), 0);
    assert_int_equal(run_wait(hours), 0);
    pick(w, &scene->resident);
    scene->responder = 0;
    authority_new(scene);
    responder_place(scene);
    start(w, NATIONAL, NULL);
    start(w, MUNICIPAL, NULL);
    same_world(w);
    assert_int_equal(post(w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/issue", card_issue(scene->resident.code, CARD, "2020-02-03", "card")), RC_OK);
    assert_int_equal(find(w, ID_OFFICER, scene->resident.code, &scene->resident), RC_OK);
    assert_int_equal(link_cards(w, ID_OFFICER, &scene->resident), RC_OK);
    snprintf(scene->pdf, sizeof scene->pdf, "%s/sheet.pdf", w->ops.folder);
}

static int offer(struct scene *scene, const char *service, const char *request)
{
    const char *args[] = { "service", "offer", "--node", scene->w.nodes[MUNICIPAL].url, "--identity", scene->w.paths[ID_REGISTRAR], "--request",
                           request, service, NULL };
    return run_wait(args);
}

static int choose(struct scene *scene, const char *service, const char *request)
{
    const char *args[] = { "service", "choose", "--node", scene->w.nodes[MUNICIPAL].url, "--identity", scene->w.paths[ID_COUNTER], "--card", CARD,
                           "--date", "2020-03-01", "--request", request, service, NULL };
    return run_wait(args);
}

static int use(struct scene *scene, const char *service, const char *request, bool sheet)
{
    const char *args[] = { "service", "use", "--node", scene->w.nodes[MUNICIPAL].url, "--identity", scene->w.paths[ID_COUNTER], "--card", CARD,
                           "--place", "本庁", "--request", request, sheet ? "--out" : service, sheet ? scene->pdf : NULL, service, NULL };
    return run_wait(args);
}

static int kiosk(struct scene *scene, const char *serial, const char *request)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.pem", scene->w.ops.folder, serial);
    const char *args[] = { "kiosk", "copy", "--national", scene->w.nodes[NATIONAL].url, "--node", scene->w.nodes[MUNICIPAL].url, "--identity",
                           scene->w.paths[ID_KIOSK], "--certificate", path, "--request", request, "--out", scene->pdf, NULL };
    return run_wait(args);
}

/* What pdfsig and pdftotext say of the sheet. */
static void check_sheet(struct scene *scene, const char *words)
{
    char command[500], path[140];
    struct buf out = { 0 };
    snprintf(path, sizeof path, "%s/out.txt", scene->w.ops.folder);
    snprintf(command, sizeof command, "(pdfsig %s; pdftotext -layout %s -) >%s 2>&1", scene->pdf, scene->pdf, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(file_read(path, &out, NULL), RC_OK);
    const char *text = buf_string(&out);
    if (!strstr(text, "Signature is Valid") || !strstr(text, words) || !strstr(text, scene->resident.attributes.address))
        fail_msg("no signature, no '%s' or no address in:\n%s", words, text);
    buf_wipe(&out);
}

/* The four services of the page: offered, chosen, used. */
static void test_services(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    assert_int_equal(choose(&scene, "vending", "c-0"), 1); /* not offered yet */
    static const char *const services[] = { "vending", "forms", "seal", "video" };
    for (size_t i = 0; i < 4; i++) {
        char request[3][16];
        bool sheet = i < 2;
        for (int k = 0; k < 3; k++)
            snprintf(request[k], sizeof request[k], "%s-%d", services[i], k);
        assert_int_equal(offer(&scene, services[i], request[0]), 0);
        assert_int_equal(use(&scene, services[i], request[2], sheet), 1); /* not chosen yet */
        assert_int_equal(choose(&scene, services[i], request[1]), 0);
        assert_int_equal(choose(&scene, services[i], request[1]), 0); /* the same again */
        assert_int_equal(use(&scene, services[i], request[2], sheet), 0);
        assert_int_equal(use(&scene, services[i], request[2], sheet), 0);
        if (sheet)
            check_sheet(&scene, i == 0 ? "住民票の写し" : "住民票の写し等交付申請書");
    }
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM service_use"), 4);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(DISTINCT service) FROM service_use WHERE place = '本庁'"), 4);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM copy"), 2);
    const struct {
        const char *flaw, *args[16];
        int want;
    } rows[] = {
        { "help", { "service", "--help" }, 0 },
        { "help of a command", { "service", "use", "--help" }, 0 },
        { "no such command", { "service", "dance" }, 2 },
        { "no service", { "service", "offer", "--node", "https://127.0.0.1:1", "--identity", "x", "--request", "r" }, 2 },
        { "a sheet without a file", { "service", "use", "--node", "https://127.0.0.1:1", "--identity", "x", "--request", "r", "--card", CARD,
                                      "--place", "p", "vending" }, 2 },
        { "help of kiosks", { "kiosk", "copy", "--help" }, 0 },
        { "no hours", { "kiosk", "hours", "--store", w->nodes[MUNICIPAL].store, "--open", "soon" }, 1 },
        { "a paper one beside the card", { "service", "paper", "--node", w->nodes[MUNICIPAL].url, "--identity", w->paths[ID_COUNTER], "--request",
                                           "paper", "--code", scene.resident.code }, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (run_wait(rows[i].args) != rows[i].want)
            fail_msg("%s: not exit status %d", rows[i].flaw, rows[i].want);
    /* each route has its roles */
    static const struct {
        const char *path;
        int id;
    } denied[] = {
        { "/v1/services/offer", ID_COUNTER },     { "/v1/services/choose", ID_REGISTRAR }, { "/v1/services/choose", ID_OTHER_COUNTER },
        { "/v1/services/use", ID_VERIFIER },      { "/v1/services/use", ID_KIOSK }, /* of no municipality */
        { "/v1/services/sheet", ID_OTHER_COUNTER }, { "/v1/services/paper", ID_CARD_OFFICER }, { "/v1/copies/kiosk", ID_COUNTER },
        { "/v1/copies/kiosk", ID_OTHER_NODE },    { "/v1/services/leave", ID_OFFICER },
    };
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++)
        if (post(w, MUNICIPAL, denied[i].id, denied[i].path, json_object()) != RC_DENIED)
            fail_msg("%s: not denied to %d", denied[i].path, denied[i].id);
    /* each of them on the record, with the four uses that nobody had chosen: by its role and by the handler, and nothing else is */
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'denied'"), 4 + sizeof denied / sizeof denied[0]);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'denied' AND record = 'POST /v1/services/choose' AND "
                                         "((role = 'registrar' AND name = 'registrar') OR (municipality = '" THERE "' AND role = 'counter'))"), 2);
    for (int i = 0; i < NODES; i++)
        not_in_log(&w->nodes[i], scene.resident.code);
    world_free(w);
}

/* The wire's answer to a kiosk that asks nobody else. */
static enum rc kiosk_alone(struct scene *scene, const char *name, const char *request)
{
    char path[128], hex[8192];
    struct buf der = { 0 };
    X509 *cert = NULL;
    snprintf(path, sizeof path, "%s/%s.pem", scene->w.ops.folder, name);
    assert_int_equal(cert_read(path, &cert, NULL), RC_OK);
    assert_int_equal(cert_encode(cert, &der), RC_OK);
    hex_encode(buf_bytes(&der), hex);
    buf_wipe(&der);
    X509_free(cert);
    return post(&scene->w, MUNICIPAL, ID_KIOSK, "/v1/copies/kiosk",
                json_pack("{s:s, s:b, s:b, s:b, s:s}", "certificate", hex, "relation", 0, "number", 0, "show_code", 0, "request", request));
}

/* コンビニ交付: the nation's word, the authority's, the town's own judgement, its hours. */
static void test_kiosk(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    const char *store = w->nodes[MUNICIPAL].store;
    responder(&scene, "V\t400101000000Z\t");
    assert_int_equal(kiosk(&scene, "0B01", "k-1"), 1); /* this municipality takes no part yet */
    assert_int_equal(offer(&scene, "kiosk", "offer"), 0);
    assert_int_equal(kiosk(&scene, "0B99", "k-1"), 1); /* the nation knows none */
    assert_int_equal(kiosk(&scene, "0B01", "k-1"), 0);
    check_sheet(&scene, "住民票の写し");
    assert_int_equal(kiosk(&scene, "0B01", "k-1"), 0);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM copy WHERE action = 'copy-kiosk'"), 1);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-kiosk' AND role = 'kiosk' AND result = 'RC_OK'"), 1);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'confirm' AND role = 'kiosk'"), 4);
    /* a kiosk that does not ask the nation is refused all the same */
    int64_t refused = count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-kiosk' AND result <> 'RC_OK'");
    assert_int_equal(kiosk_alone(&scene, "0B02", "k-2"), RC_STATE);  /* ended */
    assert_int_equal(kiosk_alone(&scene, "0B99", "k-2"), RC_DENIED); /* the authority knows none */
    responder(&scene, "R\t400101000000Z\t200101000000Z,keyCompromise");
    assert_int_equal(kiosk_alone(&scene, "0B01", "k-2"), RC_STATE); /* revoked, though the register knows of nothing */
    assert_int_equal(kiosk(&scene, "0B01", "k-2"), 1);
    responder(&scene, NULL);
    assert_int_equal(kiosk_alone(&scene, "0B01", "k-2"), RC_UNREACHABLE); /* not known is not good */
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-kiosk' AND result <> 'RC_OK'"), refused + 5);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-kiosk' AND record = 'auth/0B01' AND result = 'RC_STATE'"), 2);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM copy"), 1);
    responder(&scene, "V\t400101000000Z\t");
    const char *closed[] = { "kiosk", "hours", "--store", store, "--open", "00:00", "--close", "00:00", NULL };
    const char *open[] = { "kiosk", "hours", "--store", store, "--close", "24:00", NULL };
    assert_int_equal(run_wait(closed), 0);
    assert_int_equal(kiosk(&scene, "0B01", "k-3"), 1);
    assert_int_equal(run_wait(open), 0);
    /* a move within the town leaves the authentication certificate alive; a lost card does not */
    assert_int_equal(move(w, ID_REGISTRAR, scene.resident.code, "鹿児島県鹿児島市荒田二丁目７番７号", "move"), RC_OK);
    same_world(w);
    strcpy(scene.resident.attributes.address, "鹿児島県鹿児島市荒田二丁目７番７号");
    assert_int_equal(kiosk(&scene, "0B01", "k-4"), 0);
    check_sheet(&scene, "住民票の写し");
    assert_int_equal(post(w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/event", card_event(CARD, "lost", "2020-03-01", "lost")), RC_OK);
    assert_int_equal(kiosk(&scene, "0B01", "k-5"), 1);
    assert_int_equal(kiosk_alone(&scene, "0B01", "k-5"), RC_STATE);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM copy"), 2);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM service_use WHERE service = 'kiosk'"), 2);
    responder(&scene, NULL);
    world_free(w);
}

#ifdef JPKI_FAULTS
static void test_torn(void **state)
{
    (void)state;
    static const char *const faults[] = { "registry.before_copy", "registry.copy_drawn", "registry.after_copy", "registry.after_service_use" };
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    assert_int_equal(offer(&scene, "vending", "o-1"), 0);
    assert_int_equal(offer(&scene, "video", "o-2"), 0);
    assert_int_equal(choose(&scene, "vending", "c-1"), 0);
    assert_int_equal(choose(&scene, "video", "c-2"), 0);
    for (int i = 0; i < 4; i++) {
        char request[16];
        snprintf(request, sizeof request, "torn-%d", i);
        stop(&w->nodes[MUNICIPAL], SIGTERM);
        start(w, MUNICIPAL, faults[i]);
        assert_int_equal(use(&scene, i < 3 ? "vending" : "video", request, i < 3), 1);
        for (int k = 0; k < 100 && !died(&w->nodes[MUNICIPAL]); k++)
            pause_ms(20);
        if (w->nodes[MUNICIPAL].pid)
            fail_msg("%s was never passed", faults[i]);
        start(w, MUNICIPAL, NULL);
        assert_int_equal(use(&scene, i < 3 ? "vending" : "video", request, i < 3), 0);
        assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM service_use"), i + 1);
    }
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM copy"), 3);
    world_free(w);
}
#endif

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_services), cmocka_unit_test(test_kiosk) };
    int failed = cmocka_run_group_tests_name("registry-services", tests, NULL, NULL);
#ifdef JPKI_FAULTS
    const struct CMUnitTest torn[] = { cmocka_unit_test(test_torn) };
    if (argc > 2) /* "torn": not under sanitizers, which see the same code above */
        failed += cmocka_run_group_tests_name("registry-services torn", torn, NULL, NULL);
#endif
    return failed;
}
