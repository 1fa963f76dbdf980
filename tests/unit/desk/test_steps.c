/* test_steps.c — the enrolment's steps: done once without trouble, refused where they must be, and taken up again after every
 * command of the card and every call to the others that fails or whose answer is lost. */
#include "deskworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct deskworld world;

static int set_up(void **state)
{
    (void)state;
    deskworld_new(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    deskworld_free(&world);
    return 0;
}

#define NO_TROUBLE ((struct deskworld_trouble) { 0 })

static void run_well(void)
{
    struct err err = { 0 };
    if (deskworld_run(&world, NO_TROUBLE, &err) != RC_OK)
        fail_msg("%s", err.text);
}

static void test_undisturbed(void **state)
{
    (void)state;
    deskworld_reset(&world);
    run_well();
    deskworld_assert_done(&world);
    assert_int_equal(world.memory->pins_asked, 2);
    assert_int_equal(world.memory->found, 1);
    assert_int_equal(world.memory->linked, 1);
    assert_string_equal(world.memory->last_told, "done");
    /* a second time: nothing is done, nobody is asked */
    struct deskworld_memory before = *world.memory;
    run_well();
    assert_int_equal(world.calls, 0);
    assert_int_equal(world.memory->image_len, before.image_len);
    assert_memory_equal(world.memory->image, before.image, before.image_len);
}

static void test_refusals(void **state)
{
    (void)state;
    struct deskworld_trouble stranger = { .code = "98765432109" };
    struct deskworld_trouble bad_pin = { .auth_pin = "12a4" };
    struct err err = { 0 };
    deskworld_reset(&world);
    /* a PIN of the wrong form is not sent, and the enrolment can be gone on with */
    assert_int_equal(deskworld_run(&world, bad_pin, &err), RC_PIN_FORMAT);
    assert_string_equal(world.memory->last_told, "write");
    /* the card of a torn enrolment is not another person's, whoever asks for it */
    err_reset(&err);
    assert_int_equal(deskworld_run(&world, stranger, &err), RC_CONFLICT);
    assert_null(strstr(err.text, "98765432109"));
    run_well();
    deskworld_assert_done(&world);
    err_reset(&err);
    assert_int_equal(deskworld_run(&world, stranger, &err), RC_CONFLICT);
    /* a finished card at a desk that does not know it */
    char folder[64];
    memcpy(folder, world.folder, sizeof folder);
    snprintf(world.folder, sizeof world.folder, "%.40s/other", folder);
    err_reset(&err);
    assert_int_equal(deskworld_run(&world, NO_TROUBLE, &err), RC_CONFLICT);
    assert_non_null(strstr(err.text, "not blank"));
    memcpy(world.folder, folder, sizeof folder);
    /* a person in the middle of an enrolment does not get a second card */
    deskworld_reset(&world);
    assert_int_equal(deskworld_run(&world, bad_pin, NULL), RC_PIN_FORMAT);
    deskworld_new_card(&world, "1111222233334444");
    err_reset(&err);
    assert_int_equal(deskworld_run(&world, NO_TROUBLE, &err), RC_CONFLICT);
    assert_non_null(strstr(err.text, DESKWORLD_CARD));
    /* a blank card in the place of one that had gone further */
    deskworld_new_card(&world, DESKWORLD_CARD);
    err_reset(&err);
    assert_int_equal(deskworld_run(&world, NO_TROUBLE, &err), RC_CONFLICT);
    assert_non_null(strstr(err.text, "blank"));
}

static void test_other_certificate_at_confirmation(void **state)
{
    (void)state;
    deskworld_reset(&world);
    assert_int_equal(deskworld_run(&world, (struct deskworld_trouble) { .other_cert = true }, NULL), RC_CONFLICT);
    assert_string_equal(world.memory->last_told, "link");
    assert_false(world.memory->authority[AUTHORITY_AUTH].active);
    run_well();
    deskworld_assert_done(&world);
}

#define OTHER_CARD "1111222233334444"

/* The first card's enrolment is closed, nothing of it is active, and the person gets another card. */
static void assert_abandoned(void)
{
    for (size_t i = 0; i < 2; i++) {
        const struct deskworld_authority *authority = &world.memory->authority[i];
        assert_false(authority->active);
        assert_true(authority->issued == 0 || authority->revoked);
    }
    struct enrolment_book *book = NULL;
    struct enrolment enrolment = { 0 };
    assert_int_equal(enrolment_open(world.folder, &book, NULL), RC_OK);
    assert_int_equal(enrolment_find(book, DESKWORLD_CARD, &enrolment, NULL), RC_OK);
    assert_int_equal(enrolment.step, ENROLMENT_ABANDONED);
    assert_string_equal(enrolment.attributes.name, "");
    enrolment_wipe(&enrolment);
    enrolment_close(book);
    assert_int_equal(deskworld_run(&world, NO_TROUBLE, NULL), RC_CONFLICT); /* not with the same card */
    assert_int_equal(deskworld_abandon(&world, NO_TROUBLE, DESKWORLD_CARD, "462012", NULL), RC_OK); /* again: nothing to do */
    assert_int_equal(world.calls, 0);
    deskworld_new_card(&world, OTHER_CARD);
    world.memory->linked = 0;
    run_well();
    deskworld_assert_done(&world);
}

/* Torn at the n-th call, then given up. Before the first confirmation that is always right. */
static void test_abandoned_everywhere(void **state)
{
    (void)state;
    unsigned stopped_by_active = 0;
    deskworld_reset(&world);
    run_well();
    unsigned calls = world.calls;
    for (unsigned n = 2; n <= calls; n++) /* before the first there is no enrolment yet */
        for (int was_done = 0; was_done < 2; was_done++) {
            struct deskworld_trouble trouble = { .call = n, .call_rc = RC_TIMEOUT, .call_was_done = was_done };
            struct err err = { 0 };
            deskworld_reset(&world);
            assert_int_equal(deskworld_run(&world, trouble, NULL), RC_TIMEOUT);
            bool active = world.memory->authority[AUTHORITY_AUTH].active || world.memory->authority[AUTHORITY_SIGN].active;
            enum rc rc = deskworld_abandon(&world, NO_TROUBLE, DESKWORLD_CARD, "462012", &err);
            if (rc != (active ? RC_STATE : RC_OK))
                fail_msg("call %u: %s %s", n, rc_name(rc), err.text);
            if (!active) {
                assert_abandoned();
                continue;
            }
            stopped_by_active++;
            assert_non_null(strstr(err.text, "active"));
            assert_false(world.memory->authority[AUTHORITY_AUTH].revoked || world.memory->authority[AUTHORITY_SIGN].revoked);
            run_well(); /* and the enrolment can still be finished */
            deskworld_assert_done(&world);
        }
    assert_int_equal(stopped_by_active, 3);
}

/* Giving up is itself torn at each call, and taken up again. */
static void test_abandon_torn(void **state)
{
    (void)state;
    struct deskworld_trouble bad_pin = { .auth_pin = "12a4" };
    unsigned calls = 4;
    for (unsigned n = 1; n <= calls; n++)
        for (int was_done = 0; was_done < 2; was_done++) {
            struct deskworld_trouble trouble = { .call = n, .call_rc = RC_TIMEOUT, .call_was_done = was_done };
            deskworld_reset(&world);
            assert_int_equal(deskworld_run(&world, bad_pin, NULL), RC_PIN_FORMAT);
            assert_int_equal(deskworld_abandon(&world, trouble, DESKWORLD_CARD, "462012", NULL), RC_TIMEOUT);
            if (world.memory->authority[AUTHORITY_AUTH].revoked) /* there is no way back any more */
                assert_int_equal(deskworld_run(&world, NO_TROUBLE, NULL), RC_CONFLICT);
            assert_int_equal(deskworld_abandon(&world, NO_TROUBLE, DESKWORLD_CARD, "462012", NULL), RC_OK);
            assert_abandoned();
        }
}

static void test_abandon_refused(void **state)
{
    (void)state;
    struct deskworld_trouble bad_pin = { .auth_pin = "12a4" };
    struct deskworld_trouble deaf = { .deaf = true };
    struct deskworld_trouble disagree = { .disagree = true };
    deskworld_reset(&world);
    assert_int_equal(deskworld_abandon(&world, NO_TROUBLE, DESKWORLD_CARD, "462012", NULL), RC_NOT_FOUND);
    /* the officer sees another person: there is no enrolment at all */
    assert_int_equal(deskworld_run(&world, disagree, NULL), RC_REFUSED);
    assert_int_equal(deskworld_abandon(&world, NO_TROUBLE, DESKWORLD_CARD, "462012", NULL), RC_NOT_FOUND);
    assert_int_equal(deskworld_run(&world, bad_pin, NULL), RC_PIN_FORMAT);
    assert_int_equal(world.memory->agreed, 2);
    assert_int_equal(deskworld_abandon(&world, NO_TROUBLE, DESKWORLD_CARD, "131016", NULL), RC_DENIED);
    assert_int_equal(deskworld_abandon(&world, deaf, DESKWORLD_CARD, "462012", NULL), RC_CONFLICT);
    assert_int_equal(deskworld_abandon(&world, NO_TROUBLE, DESKWORLD_CARD, "462012", NULL), RC_OK);
    assert_abandoned();
    assert_int_equal(deskworld_abandon(&world, NO_TROUBLE, OTHER_CARD, "462012", NULL), RC_STATE); /* done */
}

/* Registry, authorities and holder: each call in turn fails, before or after it was carried out. */
static void test_every_call_fails_once(void **state)
{
    (void)state;
    deskworld_reset(&world);
    run_well();
    unsigned calls = world.calls;
    assert_true(calls >= 8);
    for (unsigned n = 1; n <= calls; n++)
        for (int was_done = 0; was_done < 2; was_done++) {
            struct deskworld_trouble trouble = { .call = n, .call_rc = RC_TIMEOUT, .call_was_done = was_done };
            deskworld_reset(&world);
            assert_int_equal(deskworld_run(&world, trouble, NULL), RC_TIMEOUT);
            assert_string_not_equal(world.memory->last_told, "done");
            run_well();
            deskworld_assert_done(&world);
        }
}

/* The card: each command in turn is not done, or done and its answer lost; both in turn, to keep the number of generated
 * keys small. */
static void test_every_command_fails_once(void **state)
{
    (void)state;
    deskworld_reset(&world);
    run_well();
    unsigned apdus = world.apdus;
    for (unsigned n = 1; n <= apdus; n++) {
        struct deskworld_trouble trouble = { .apdu = n, .apdu_was_done = n & 1 };
        struct err err = { 0 };
        deskworld_reset(&world);
        enum rc rc = deskworld_run(&world, trouble, &err);
        if (rc == RC_OK)
            fail_msg("command %u of %u was lost and nobody saw it", n, apdus);
        assert_string_not_equal(world.memory->last_told, "done");
        run_well();
        deskworld_assert_done(&world);
    }
}

/* With the argument "torn" the long test of every command, else the short ones. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undisturbed),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_other_certificate_at_confirmation),
        cmocka_unit_test(test_every_call_fails_once),
        cmocka_unit_test(test_abandoned_everywhere),
        cmocka_unit_test(test_abandon_torn),
        cmocka_unit_test(test_abandon_refused),
    };
    const struct CMUnitTest torn[] = {
        cmocka_unit_test(test_every_command_fails_once),
    };
    if (argc > 1 && strcmp(argv[1], "torn") == 0)
        return cmocka_run_group_tests(torn, set_up, tear_down);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
