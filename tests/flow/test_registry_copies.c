/* test_registry_copies.c — 住民票の写しの広域交付 between two municipal nodes as processes: the two messages, who may have what, the record of
 * use, and the sheet as poppler's programs see it; and a card that goes
 * with its holder from one to the other. Killed at each step and asked again. */
#include "registryworld.h"

#include "base/file.h"
#include "net/json.h"
#include "registry/municipal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CARD "A000000000000001"

/* The world with a family in HERE, whose first grown-up has a card, and the counter in THERE. */
struct scene {
    struct world w;
    struct resident requester, member, stranger;
    char pdf[128], text[128];
};

/* The first resident that a query finds. */
static void pick_by(struct world *w, const char *sql, const char *text, struct resident *resident)
{
    struct store *store = NULL;
    struct statement *s = NULL;
    struct ledger_row row;
    enum node_role role;
    char municipality[7];
    assert_int_equal(ledger_open_any(w->nodes[MUNICIPAL].store, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(store_prepare(store, sql, &s, NULL), RC_OK);
    if (text)
        bind_text(s, 1, text);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_int_equal(ledger_find_code(store, column_text(s, 0), &row, NULL), RC_OK);
    statement_done(s);
    store_close(store);
    *resident = row.resident;
}

static void scene_new(struct scene *scene)
{
    struct world *w = &scene->w;
    world_new(w, "60");
    const char *populate[] = { "populate", "--store", w->nodes[OTHER].store, "--municipality", THERE, "--residents", "5", NULL };
    const char *late[] = { "settings", "--store", w->nodes[MUNICIPAL].store, "juki-card-end=2026-12-31", NULL };
    assert_int_equal(run_wait(populate), 0);
    assert_int_equal(run_wait(late), 0);
    pick_by(w, "SELECT a.code FROM resident a JOIN resident b ON b.household = a.household AND b.code <> a.code "
               "WHERE a.relation = '世帯主' ORDER BY a.code LIMIT 1", NULL, &scene->requester);
    pick_by(w, "SELECT code FROM resident WHERE household = ?1 AND relation <> '世帯主' ORDER BY position LIMIT 1",
            scene->requester.household.number, &scene->member);
    pick_by(w, "SELECT code FROM resident WHERE household <> ?1 ORDER BY code LIMIT 1", scene->requester.household.number,
            &scene->stranger);
    start(w, NATIONAL, NULL);
    start(w, MUNICIPAL, NULL);
    start(w, OTHER, NULL);
    assert_int_equal(post(w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/issue", card_issue(scene->requester.code, CARD, "2020-02-03", "card")), RC_OK);
    snprintf(scene->pdf, sizeof scene->pdf, "%s/copy.pdf", w->ops.folder);
    snprintf(scene->text, sizeof scene->text, "%s/out.txt", w->ops.folder);
}

/* The counter's program in THERE. */
static int elsewhere(struct scene *scene, const char *request, const char *code, const char *name, const char *member, bool more)
{
    struct world *w = &scene->w;
    const char *args[28] = { "copy", "elsewhere", "--node", w->nodes[OTHER].url, "--identity", w->paths[ID_OTHER_COUNTER], "--home", HERE,
                             "--card", CARD, "--code", code, "--name", name, "--request", request, "--out", scene->pdf };
    size_t n = 18;
    if (member) {
        args[n++] = "--member";
        args[n++] = name;
        args[n++] = "--member";
        args[n++] = member;
    }
    if (more) {
        args[n++] = "--relation";
        args[n++] = "--show-code";
    }
    return run_wait(args);
}

/* Runs a foreign program; what it wrote. */
static void shell(struct scene *scene, const char *command, struct buf *out)
{
    char line[600];
    snprintf(line, sizeof line, "cd %s && %s >%s 2>&1", scene->w.ops.folder, command, scene->text);
    if (system(line) != 0)
        print_message("          %s: not exit status 0\n", command);
    buf_wipe(out);
    assert_int_equal(file_read(scene->text, out, NULL), RC_OK);
}

static void want(struct buf *text, const char *words, bool there)
{
    const char *all = buf_string(text);
    if ((strstr(all, words) != NULL) != there)
        fail_msg("'%s' is %s in:\n%s", words, there ? "not" : "", all);
}

/* The given name: the blank before it is another one in a text that was taken out of a page. */
static const char *given(const struct resident *resident)
{
    const char *blank = strstr(resident->attributes.name, "\xE3\x80\x80");
    return blank ? blank + 3 : resident->attributes.name;
}

/* openssl judges the same signature: the ranges that the document names, the CMS between them, the chain to the authority, the purpose. */
static void check_by_openssl(struct scene *scene, struct buf *out)
{
    static const char cut[] =
        "import re\n"
        "text = open('copy.pdf', 'rb').read()\n"
        "start, first, second, rest = (int(n) for n in re.search(rb'/ByteRange \\[(\\d+) (\\d+) (\\d+) (\\d+)\\]', text).groups())\n"
        "assert start == 0 and second + rest == len(text) and text[first:first + 1] == b'<' and text[second - 1:second] == b'>'\n"
        "open('signed.bytes', 'wb').write(text[:first] + text[second:])\n"
        "open('signed.cms', 'wb').write(bytes.fromhex(text[first + 1:second - 1].decode()))\n";
    char path[128], command[300];
    snprintf(path, sizeof path, "%s/cut.py", scene->w.ops.folder);
    assert_int_equal(file_write_atomic(path, bytes_of(cut, sizeof cut - 1), 0600, NULL), RC_OK);
    snprintf(command, sizeof command, "python3 cut.py && openssl cms -verify -inform DER -in signed.cms -content signed.bytes -binary "
                                      "-cades -CAfile %s/ca.pem -out verified", scene->w.paths[ID_OTHER_NODE]);
    shell(scene, command, out);
    want(out, "CAdES Verification successful", true);
}

/* NSS, which pdfsig asks: trusted when its database has the authority, and only then. */
static void check_by_nss(struct scene *scene, struct buf *out)
{
    char command[300];
    shell(scene, "mkdir nss && certutil -N -d sql:nss --empty-password && pdfsig -nssdir nss copy.pdf", out);
    want(out, "Signature is Valid", true);
    want(out, "Certificate is Trusted", false);
    snprintf(command, sizeof command, "certutil -A -d sql:nss -n operations -t ,C, -i %s/ca.pem && pdfsig -nssdir nss copy.pdf",
             scene->w.paths[ID_OTHER_NODE]);
    shell(scene, command, out);
    want(out, "Signature is Valid", true);
    want(out, "Certificate is Trusted", true);
}

/* Only a document seal of the very municipality seals: neither the node's own key nor a neighbour's. */
static void check_other_seals(struct world *w)
{
    static const int others[] = { ID_MUNICIPAL, ID_OTHER_SEAL };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *args[] = { "serve", "--role", "municipal", "--store", w->nodes[MUNICIPAL].store, "--identity", w->paths[ID_MUNICIPAL],
                               "--document-seal", w->paths[others[i]], "--port", "0", NULL };
        assert_int_equal(run_wait(args), 1);
    }
}

static void test_sheet(void **state)
{
    (void)state;
    struct scene scene;
    struct buf out = { 0 };
    scene_new(&scene);
    const struct attributes *self = &scene.requester.attributes, *other = &scene.member.attributes;
    check_other_seals(&scene.w);
    assert_int_equal(elsewhere(&scene, "c-1", scene.requester.code, self->name, other->name, true), 0);
    shell(&scene, "pdfsig copy.pdf", &out);
    want(&out, "Signature is Valid", true);
    want(&out, "L=" THERE, true);
    want(&out, "Total document signed", true);
    want(&out, "adbe.pkcs7.detached", true);
    want(&out, "chiyoda-seal", true);
    check_by_nss(&scene, &out);
    check_by_openssl(&scene, &out);
    shell(&scene, "pdftotext -layout copy.pdf -", &out);
    const char *there[] = { "住民票の写し", "（広域交付）", given(&scene.requester), given(&scene.member), self->address, "世帯主", "東京都千代田区長", "鹿児島県鹿児島市長",
                            "見本", "住所", "生年月日", scene.requester.code, scene.member.code };
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        want(&out, there[i], true);
    static const char *const never[] = { "本籍", "筆頭者", "国民健康保険", "個人番号" };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        want(&out, never[i], false);
    shell(&scene, "pdfinfo copy.pdf", &out);
    want(&out, "A4", true);
    shell(&scene, "pdffonts copy.pdf", &out);
    want(&out, "IPAexMincho", true);
    /* a byte changed: not valid any more */
    shell(&scene, "cp copy.pdf changed.pdf && printf X | dd of=changed.pdf bs=1 seek=200 conv=notrunc status=none && pdfsig changed.pdf", &out);
    want(&out, "Signature is Valid", false);
    /* the same request is the same copy, without asking again; another content is refused */
    struct buf first = { 0 }, second = { 0 };
    assert_int_equal(file_read(scene.pdf, &first, NULL), RC_OK);
    int64_t uses = count(&scene.w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-elsewhere'");
    assert_int_equal(elsewhere(&scene, "c-1", scene.requester.code, self->name, other->name, true), 0);
    assert_int_equal(file_read(scene.pdf, &second, NULL), RC_OK);
    assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    assert_int_equal(elsewhere(&scene, "c-1", scene.requester.code, self->name, NULL, false), 1);
    assert_int_equal(count(&scene.w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-elsewhere'"), uses);
    assert_int_equal(uses, 2); /* a row a person, with the municipality that asked */
    assert_int_equal(count(&scene.w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-elsewhere' AND municipality = '" THERE "' "
                                                "AND role = 'node-municipal' AND result = 'RC_OK'"), 2);
    assert_int_equal(count(&scene.w, OTHER, "SELECT count(*) FROM copy"), 1);
    /* left out unless asked for */
    assert_int_equal(elsewhere(&scene, "c-2", scene.requester.code, self->name, NULL, false), 0);
    shell(&scene, "pdftotext -layout copy.pdf -", &out);
    want(&out, given(&scene.requester), true);
    want(&out, given(&scene.member), false);
    want(&out, scene.requester.code, false);
    want(&out, "続柄", false);
    buf_wipe(&out);
    buf_wipe(&first);
    buf_wipe(&second);
    world_free(&scene.w);
}

static json_t *wish(const char *code, const char *name, const char *card, json_t *members)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:b, s:b}", "code", code, "name", name, "card", card, "members", members, "relation", 0,
                     "number", 0, "show_code", 0);
}

/* Asked of the municipality of residence as another node does. */
static void test_refusals(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    const struct resident *self = &scene.requester, *member = &scene.member, *stranger = &scene.stranger;
    const struct {
        const char *flaw;
        int id;
        const char *code, *name, *card, *member, *extra;
        enum rc want;
    } rows[] = {
        { "a counter is no node", ID_COUNTER, self->code, self->attributes.name, CARD, NULL, NULL, RC_DENIED },
        { "a verifier", ID_VERIFIER, self->code, self->attributes.name, CARD, NULL, NULL, RC_DENIED },
        { "the nation", ID_NATIONAL, self->code, self->attributes.name, CARD, NULL, NULL, RC_DENIED },
        { "mistyped code", ID_OTHER_NODE, "24727059609", self->attributes.name, CARD, NULL, NULL, RC_FORMAT },
        { "nobody's code", ID_OTHER_NODE, "00000000000", self->attributes.name, CARD, NULL, NULL, RC_NOT_FOUND },
        { "another name", ID_OTHER_NODE, self->code, stranger->attributes.name, CARD, NULL, NULL, RC_CONFLICT },
        { "no card", ID_OTHER_NODE, self->code, self->attributes.name, "B000000000000009", NULL, NULL, RC_NOT_FOUND },
        { "another's card", ID_OTHER_NODE, member->code, member->attributes.name, CARD, NULL, NULL, RC_CONFLICT },
        { "an agent", ID_OTHER_NODE, self->code, self->attributes.name, CARD, NULL, "agent", RC_DENIED },
        { "somebody outside of the household", ID_OTHER_NODE, self->code, self->attributes.name, CARD, stranger->attributes.name, NULL, RC_DENIED },
        { "a member of it", ID_OTHER_NODE, self->code, self->attributes.name, CARD, member->attributes.name, NULL, RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *body = wish(rows[i].code, rows[i].name, rows[i].card, rows[i].member ? json_pack("[s]", rows[i].member) : json_array());
        if (rows[i].extra)
            json_object_set_new(body, rows[i].extra, json_string("stand-in"));
        enum rc rc = post(w, MUNICIPAL, rows[i].id, "/v1/copies/request", body);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-elsewhere' AND result <> 'RC_OK'"), 4);
    /* 支援措置, until it ends */
    json_t *withheld = json_pack("{s:s, s:s, s:s}", "code", member->code, "until", "2099-12-31", "request", "w-1");
    assert_int_equal(post(w, MUNICIPAL, ID_COUNTER, "/v1/copies/withhold", json_copy(withheld)), RC_DENIED);
    assert_int_equal(post(w, MUNICIPAL, ID_REGISTRAR, "/v1/copies/withhold", withheld), RC_OK);
    json_t *both = wish(self->code, self->attributes.name, CARD, json_pack("[s]", member->attributes.name));
    assert_int_equal(post(w, MUNICIPAL, ID_OTHER_NODE, "/v1/copies/request", json_copy(both)), RC_DENIED);
    const char *lift[] = { "copy", "withhold", "--node", w->nodes[MUNICIPAL].url, "--identity", w->paths[ID_REGISTRAR], "--code", member->code,
                           "--request", "w-2", NULL };
    assert_int_equal(run_wait(lift), 0);
    assert_int_equal(post(w, MUNICIPAL, ID_OTHER_NODE, "/v1/copies/request", json_copy(both)), RC_OK);
    /* a lost card speaks for nobody */
    assert_int_equal(post(w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/event", card_event(CARD, "lost", "2020-02-04", "lost")), RC_OK);
    assert_int_equal(post(w, MUNICIPAL, ID_OTHER_NODE, "/v1/copies/request", both), RC_STATE);
    assert_int_equal(post(w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/event", card_event(CARD, "found", "2020-02-05", "found")), RC_OK);
    /* the day of the second service, and its own town */
    const char *later[] = { "settings", "--store", w->nodes[OTHER].store, "second-service=2090-01-01", NULL };
    const char *again[] = { "settings", "--store", w->nodes[OTHER].store, "second-service=2003-08-25", NULL };
    assert_int_equal(run_wait(later), 0);
    assert_int_equal(elsewhere(&scene, "c-3", self->code, self->attributes.name, NULL, false), 1);
    assert_int_equal(run_wait(again), 0);
    /* the other node is away: refused clearly, and afterwards the same request works */
    stop(&w->nodes[MUNICIPAL], SIGTERM);
    assert_int_equal(elsewhere(&scene, "c-3", self->code, self->attributes.name, NULL, false), 1);
    start(w, MUNICIPAL, NULL);
    assert_int_equal(elsewhere(&scene, "c-3", self->code, self->attributes.name, NULL, false), 0);
    /* a copy at the own counter; nobody else's to fetch */
    char own_pdf[140];
    snprintf(own_pdf, sizeof own_pdf, "%s/own.pdf", w->ops.folder);
    const char *own[] = { "copy", "own", "--node", w->nodes[MUNICIPAL].url, "--identity", w->paths[ID_COUNTER], "--card", CARD, "--code",
                          self->code, "--name", self->attributes.name, "--request", "o-1", "--out", own_pdf, NULL };
    assert_int_equal(run_wait(own), 0);
    const char *usage[] = { "copy", "own", "--node", w->nodes[MUNICIPAL].url, NULL }, *help[] = { "copy", "elsewhere", "--help", NULL };
    assert_int_equal(run_wait(usage), 2);
    assert_int_equal(run_wait(help), 0);
    for (int i = 0; i < ALL_NODES; i++)
        if (i == MUNICIPAL || i == OTHER) {
            not_in_log(&w->nodes[i], self->code);
            not_in_log(&w->nodes[i], self->attributes.name);
        }
    world_free(w);
}

/* The card goes with its holder, by the programs; a node of the two dies at the fault, or none does. */
static bool move_story(enum who who, const char *fault)
{
    struct scene scene;
    char today[11];
    scene_new(&scene);
    struct world *w = &scene.w;
    municipal_today(today);
    static const char there[] = "東京都千代田区千代田一番一号";
    const char *leaving[] = { "card", "leaving", "--node", w->nodes[MUNICIPAL].url, "--identity", w->paths[ID_REGISTRAR], "--code",
                              scene.requester.code, "--to", THERE, "--address", there, "--planned", today, "--channel", "online", "--date",
                              today, "--request", "leaving", NULL };
    const char *enter[] = { "arrive", "--node", w->nodes[OTHER].url, "--identity", w->paths[ID_OTHER_REGISTRAR], "--code",
                            scene.requester.code, "--address", there, "--date", today, "--request", "enter", "--from", HERE, NULL };
    const char *sweep[] = { "card", "sweep", "--node", w->nodes[MUNICIPAL].url, "--identity", w->paths[ID_CARD_OFFICER], NULL };
    const char *arrive[] = { "card", "arrive", "--node", w->nodes[OTHER].url, "--identity", w->paths[ID_OTHER_CARD_OFFICER], "--home", HERE,
                             "--card", CARD, "--code", scene.requester.code, "--moved", today, "--arrival", today, "--handed-in", today,
                             "--request", "arrive", NULL };
    assert_int_equal(run_wait(leaving), 0);
    assert_int_equal(run_wait(arrive), 1); /* not registered there yet */
    assert_int_equal(run_wait(sweep), 0);
    await(w, MUNICIPAL, TOLD, 0);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM resident WHERE removed <> 0"), 1);
    int entered = 1; /* the letter is on its way */
    for (int k = 0; k < 100 && (entered = run_wait(enter)) != 0; k++)
        pause_ms(100);
    assert_int_equal(entered, 0);
    if (fault) {
        stop(&w->nodes[who], SIGTERM);
        start(w, who, fault);
        assert_int_equal(run_wait(arrive), 1);
        for (int k = 0; k < 100 && !died(&w->nodes[who]); k++)
            pause_ms(20);
        bool fired = w->nodes[who].pid == 0;
        if (!fired)
            return false;
        start(w, who, NULL);
    }
    assert_int_equal(run_wait(arrive), 0);
    assert_int_equal(run_wait(arrive), 0); /* the same again is the same */
    await(w, NATIONAL, "SELECT count(*) FROM card WHERE state = 'valid' AND municipality = '" THERE "'", 1);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM card WHERE state = 'elsewhere'"), 1);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM card_event"), 2);
    assert_int_equal(count(w, OTHER, "SELECT count(*) FROM card WHERE state = 'valid'"), 1);
    assert_int_equal(count(w, OTHER, "SELECT count(*) FROM card_event"), 1);
    assert_int_equal(post(w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/claim", json_object()), RC_DENIED);
    world_free(w);
    return true;
}

static void test_moving(void **state)
{
    (void)state;
    assert_true(move_story(OTHER, NULL));
}

#ifdef JPKI_FAULTS
static void test_moving_torn(void **state)
{
    (void)state;
    static const struct {
        enum who who;
        const char *fault;
    } rows[] = { { MUNICIPAL, "registry.before_card_claim" }, { MUNICIPAL, "registry.after_card_claim" },
                 { OTHER, "registry.before_card_arrive" },    { OTHER, "registry.after_card_arrive" } };
    for (size_t i = (size_t)rows_part; i < sizeof rows / sizeof rows[0]; i += (size_t)rows_parts)
        if (!move_story(rows[i].who, rows[i].fault))
            fail_msg("%s was never passed", rows[i].fault);
}

/* The issuing node dies at each step; the counter asks again. */
static void test_torn(void **state)
{
    (void)state;
    static const char *const faults[] = { "registry.before_copy", "registry.copy_drawn", "registry.after_copy" };
    for (size_t i = (size_t)rows_part; i < sizeof faults / sizeof faults[0]; i += (size_t)rows_parts) {
        struct scene scene;
        struct buf out = { 0 };
        scene_new(&scene);
        stop(&scene.w.nodes[OTHER], SIGTERM);
        start(&scene.w, OTHER, faults[i]);
        assert_int_equal(elsewhere(&scene, "torn", scene.requester.code, scene.requester.attributes.name, NULL, false), 1);
        for (int k = 0; k < 100 && !died(&scene.w.nodes[OTHER]); k++)
            pause_ms(20);
        if (scene.w.nodes[OTHER].pid)
            fail_msg("%s was never passed", faults[i]);
        start(&scene.w, OTHER, NULL);
        assert_int_equal(elsewhere(&scene, "torn", scene.requester.code, scene.requester.attributes.name, NULL, false), 0);
        assert_int_equal(count(&scene.w, OTHER, "SELECT count(*) FROM copy"), 1);
        shell(&scene, "pdfsig copy.pdf", &out);
        want(&out, "Signature is Valid", true);
        buf_wipe(&out);
        world_free(&scene.w);
    }
}

static int group_torn(void)
{
    const struct CMUnitTest torn[] = { cmocka_unit_test(test_torn), cmocka_unit_test(test_moving_torn) };
    return cmocka_run_group_tests_name("registry-copies torn", torn, NULL, NULL);
}

#endif

/* The address book leads to a node of another municipality, or a node asks that is of none: nothing of the resident is said to the
 * one, and nothing told to the other. */
static void test_wrong_node(void **state)
{
    (void)state;
    struct scene scene;
    char line[120];
    scene_new(&scene);
    struct world *w = &scene.w;
    snprintf(line, sizeof line, HERE " %s\n", w->nodes[OTHER].url);
    assert_int_equal(file_write_atomic(w->directory, bytes_of(line, strlen(line)), 0600, NULL), RC_OK);
    assert_int_equal(elsewhere(&scene, "w-1", scene.requester.code, scene.requester.attributes.name, NULL, false), 1);
    assert_int_equal(count(w, OTHER, "SELECT count(*) FROM usage WHERE role <> 'counter'"), 0); /* nothing came from node to node */
    assert_int_equal(count(w, OTHER, "SELECT count(*) FROM copy"), 0);
    static const struct {
        const char *flaw, *municipality;
    } rows[] = { { "of this very municipality", HERE }, { "of none", "000000" }, { "of one that is not known", "999997" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "asker-%zu", i);
        char *path = testops_identity(&w->ops, ROLE_NODE_MUNICIPAL, rows[i].municipality, name);
        struct identity own = w->ids[ID_OTHER_NODE];
        assert_int_equal(identity_open(path, &w->ids[ID_OTHER_NODE], NULL), RC_OK);
        json_t *body = json_pack("{s:s, s:s, s:s, s:[], s:b, s:b, s:b}", "code", scene.requester.code, "name", scene.requester.attributes.name,
                                 "card", CARD, "members", "relation", 0, "number", 0, "show_code", 0);
        enum rc rc = post(w, MUNICIPAL, ID_OTHER_NODE, "/v1/copies/request", body);
        identity_close(&w->ids[ID_OTHER_NODE]);
        w->ids[ID_OTHER_NODE] = own;
        free(path);
        if (rc != RC_DENIED)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'copy-elsewhere'"), 0);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'denied' AND record = 'POST /v1/copies/request'"), 3);
    world_free(w);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sheet), cmocka_unit_test(test_refusals), cmocka_unit_test(test_moving),
                                        cmocka_unit_test(test_wrong_node) };
    int failed = cmocka_run_group_tests_name("registry-copies", tests, NULL, NULL);
#ifdef JPKI_FAULTS
    if (argc > 2) /* "torn": not under sanitizers, which see the same code above */
        failed += rows_apart(3, group_torn);
#endif
    return failed;
}
