/* test_registry_faults.c — a node dies at each of its named points; whoever repeats the step ends in the world of a story
 * without a death. Needs a build with -Dfaults=true. With the argument "short": at one point for each step. */
#include "registryworld.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* With the pause in revive, patience of seconds: under a sanitizer a killed process takes its time to go. */
enum { TRIES = 40 };
#define CARD "A000000000000001"

/* Until it is done, a node that died is started again: what an operator and a retrying desk do. A process that was killed
 * refuses connections a moment before it can be seen to be dead: then a pause, and whoever asked asks again. */
static void revive(struct world *w)
{
    bool any = false;
    for (int who = NATIONAL; who >= MUNICIPAL; who--)
        if (died(&w->nodes[who])) {
            any = true;
            start(w, (enum who)who, NULL);
        }
    if (!any)
        pause_ms(50);
}

/* A story in which one node dies at a named point; the end must be that of a story without. */
static bool faulty_story(enum who who, const char *fault)
{
    struct world w;
    struct resident resident, found;
    struct confirmation confirmation = { 0 };
    const char *at = "鹿児島県鹿児島市荒田二丁目７番７号";
    world_new(&w, "20");
    bool fired = false;
    for (int i = NATIONAL; i >= MUNICIPAL; i--)
        if (!start(&w, (enum who)i, i == (int)who ? fault : NULL)) {
            fired = true;
            start(&w, (enum who)i, NULL);
        }
    pid_t first = w.nodes[who].pid;
    pick(&w, &resident);
    enum rc rc = RC_BUG;
    for (int i = 0; i < TRIES && (rc = find(&w, ID_OFFICER, resident.code, &found)); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < TRIES; i++) {
        pid_t before = w.nodes[NATIONAL].pid;
        for (int k = 0; k < 40 && count(&w, MUNICIPAL, TOLD) != 0 && w.nodes[NATIONAL].pid == before; k++) {
            revive(&w);
            pause_ms(50);
        }
        if (!(rc = link_cards(&w, ID_OFFICER, &found)))
            break;
        revive(&w);
    }
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < TRIES && (rc = confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation)); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CURRENT);
    for (int i = 0; i < TRIES && (rc = move(&w, ID_REGISTRAR, resident.code, at, "move")); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < TRIES && (rc = post(&w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/issue",
                                            card_issue(resident.code, CARD, "2015-12-01", "card"))); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < TRIES && (rc = post(&w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/event",
                                            card_event(CARD, "lost", "2015-12-02", "lost"))); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < 200 && (count(&w, MUNICIPAL, TOLD) || count(&w, NATIONAL, HEARD) != 2 || w.applied < 2); i++) {
        revive(&w);
        pause_ms(50);
    }
    revive(&w);
    same_world(&w);
    await(&w, NATIONAL, "SELECT last - acknowledged FROM outbox WHERE peer = 'ca'", 0);
    assert_int_equal(w.applied, 2); /* the move and the lost card, each once */
    assert_int_equal(w.revoked, 4);
    assert_string_equal(w.last_event, "card-lost");
    assert_int_equal(count(&w, MUNICIPAL, "SELECT count(*) FROM card_event"), 2);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM card_event"), 2);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM history"), 21);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM link"), 2);
    for (int i = 0; i < TRIES && (rc = confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation)); i++)
        revive(&w);
    assert_int_equal(confirmation.status, CONFIRM_CHANGED);
    fired = fired || w.nodes[who].pid != first;
    world_free(&w);
    return fired;
}

/* One death for each thing that is taken up again: after its step, and not once more at the second passing. The code is the same before. */
static bool is_short(const char *fault)
{
    return strstr(fault, ".after_") && !strchr(fault, ':');
}

static bool short_way;

static void test_faults(void **state)
{
    (void)state;
    size_t told = 0;
    static const struct {
        enum who who;
        const char *fault;
    } rows[] = {
        { MUNICIPAL, "registry.before_link" },        { MUNICIPAL, "registry.before_move" },
        { MUNICIPAL, "registry.before_card_issue" },  { MUNICIPAL, "registry.after_card_issue" },
        { MUNICIPAL, "registry.before_card_event" },  { MUNICIPAL, "registry.after_card_event" },
        { MUNICIPAL, "registry.before_supply" },      { MUNICIPAL, "registry.after_supply" },
        { MUNICIPAL, "registry.before_send" },        { MUNICIPAL, "registry.after_send" },
        { MUNICIPAL, "registry.after_send:2" },       { MUNICIPAL, "registry.before_acknowledge" },
        { MUNICIPAL, "registry.after_acknowledge" },  { MUNICIPAL, "registry.before_acknowledge:2" },
        { MUNICIPAL, "registry.after_acknowledge:3" },{ MUNICIPAL, "store.before_commit" },
        { MUNICIPAL, "store.after_commit" },          { MUNICIPAL, "store.before_commit:2" },
        { MUNICIPAL, "store.after_commit:2" },        { MUNICIPAL, "store.before_commit:3" },
        { MUNICIPAL, "store.after_commit:3" },        { NATIONAL, "store.before_commit" },
        { NATIONAL, "store.after_commit" },           { NATIONAL, "store.before_commit:2" },
        { NATIONAL, "store.after_commit:2" },         { NATIONAL, "registry.before_intake" },
        { NATIONAL, "registry.after_intake" },        { NATIONAL, "registry.before_intake:2" },
        { NATIONAL, "registry.after_intake:2" },      { NATIONAL, "registry.after_intake:3" },
        { NATIONAL, "store.before_commit:4" },        { NATIONAL, "store.after_commit:4" },
        { NATIONAL, "store.before_commit:5" },        { NATIONAL, "store.after_commit:5" },
        { NATIONAL, "store.before_commit:6" },        { NATIONAL, "store.after_commit:6" },
        { NATIONAL, "registry.before_event" },        { NATIONAL, "registry.after_event" },
        { NATIONAL, "registry.before_acknowledge" },  { NATIONAL, "registry.after_acknowledge" },
    };
    for (size_t i = (size_t)rows_part; i < sizeof rows / sizeof rows[0]; i += (size_t)rows_parts) {
        if (short_way && !is_short(rows[i].fault))
            continue;
        told++;
        print_message("          %s\n", rows[i].fault);
        if (!faulty_story(rows[i].who, rows[i].fault))
            fail_msg("%s was never passed", rows[i].fault);
    }
    assert_true(told >= 10);
}

static int group(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_faults) };
    return cmocka_run_group_tests_name("registry-faults", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return rows_apart(4, group);
}
