/* test_steps_kill.c — the desk killed at each of its fault points, as by kill -9, and started again: the world is the same as
 * without. Built only with -Dfaults=true. */
#include "deskworld.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct deskworld world;

/* A run in a child of its own. True when the fault point killed it. */
static bool run_until(const char *fault, int nth)
{
    char name[80];
    snprintf(name, sizeof name, "%s:%d", fault, nth);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct deskworld_trouble none = { 0 };
        struct err err = { 0 };
        deskworld_fill_secrets(&world);
        if (strcmp(fault, "none") != 0)
            setenv("JPKI_FAULT", name, 1);
        enum rc rc = deskworld_run(&world, none, &err);
        if (rc)
            fprintf(stderr, "%s: %s\n", name, err_text(&err, rc));
        _exit(rc ? 1 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void test_killed_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *point;
        int passes; /* at least so often in one run: a point that is never passed proves nothing */
    } rows[] = {
        { "desk.before_record", 12 },       { "desk.after_record", 12 },
        { "desk.before_personalise", 1 },   { "desk.after_personalise", 1 },
        { "desk.before_keys", 1 },          { "desk.between_keys", 1 },
        { "desk.after_keys", 1 },           { "desk.before_keep_proof", 2 },
        { "desk.after_keep_proof", 2 },     { "desk.between_certificates", 1 },
        { "desk.after_certify", 1 },        { "desk.between_files", 2 },
        { "desk.after_write", 1 },          { "desk.between_pins", 2 },
        { "desk.after_pins", 1 },           { "desk.before_activate", 1 },
        { "desk.after_activate", 1 },       { "desk.before_compare", 1 },
        { "desk.after_compare", 1 },        { "desk.before_link", 1 },
        { "desk.after_link", 1 },           { "desk.before_confirm", 1 },
        { "desk.between_confirmations", 2 },{ "desk.after_confirm", 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int nth = 1;
        for (;; nth++) {
            deskworld_reset(&world);
            bool killed = run_until(rows[i].point, nth);
            if (killed && run_until("none", 1))
                fail_msg("%s:%d: killed without a fault point", rows[i].point, nth);
            deskworld_assert_done(&world);
            if (!killed)
                break;
        }
        if (nth <= rows[i].passes)
            fail_msg("%s: passed only %d times", rows[i].point, nth - 1);
    }
}

/* Killed again and again, a few steps further every time. (Fewer than four would never get past the PINs, which live only in
 * the run that asked for them.) */
static void test_killed_at_each_step_in_turn(void **state)
{
    (void)state;
    deskworld_reset(&world);
    int kills = 0;
    while (run_until("desk.after_record", 4)) {
        kills++;
        assert_true(kills < 10);
    }
    assert_true(kills >= 3);
    deskworld_assert_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_everywhere),
        cmocka_unit_test(test_killed_at_each_step_in_turn),
    };
    deskworld_new(&world);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    deskworld_free(&world);
    return failed;
}
