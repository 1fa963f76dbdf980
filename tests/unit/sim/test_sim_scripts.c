/* test_sim_scripts.c — conversations as text (tests/vectors/applet): those named blank-*.txt with a card as it leaves the
 * factory, juki-*.txt and next-*.txt with one of that profile, all others with a card that is its holder's. Each script has a card of its own. */
#include "applet-sim/sim_script.h"
#include "base/file.h"
#include "support/testface.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *folder;

static struct testcard *scripts_card(const char *name, struct testcard *issued)
{
    if (strncmp(name, "blank-", 6) == 0)
        return testcard_new_blank();
    bool juki = strncmp(name, "juki-", 5) == 0;
    if (!juki && strncmp(name, "next-", 5) != 0)
        return testcard_copy(issued);
    struct testcard *card = testcard_new_profile(juki ? "juki" : "next", false, NULL);
    testcard_personalise(card);
    return card;
}

static void test_scripts(void **state)
{
    (void)state;
    glob_t found;
    char pattern[512];
    (void)snprintf(pattern, sizeof pattern, "%s/*.txt", folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    struct testcard *issued = testface_new(NULL);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *name = strrchr(found.gl_pathv[i], '/') + 1;
        struct buf text = { 0 };
        struct err err = { 0 };
        struct testcard *card = scripts_card(name, issued);
        print_message("  %s\n", name);
        assert_int_equal(file_read(found.gl_pathv[i], &text, &err), RC_OK);
        assert_non_null(buf_string(&text));
        assert_true(strstr((char *)text.data, "\n<") != NULL);
        enum rc rc = sim_script_run(testcard_sim(card), (char *)text.data, &err);
        if (rc)
            fail_msg("%s: %s", name, err_text(&err, rc));
        testcard_free(card);
        buf_wipe(&text);
    }
    assert_true(found.gl_pathc >= 5);
    testcard_free(issued);
    globfree(&found);
}

/* The runner itself: it must say so when an answer is another one. */
static void test_runner(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text;
        enum rc rc;
    } rows[] = {
        { "the answer is as written", "> 00200080\n< 6986\n", RC_OK },
        { "comments and blank lines", "# one\n\n> 00200080 # two\n< 6986 # three\n", RC_OK },
        { "a star stands for any bytes", "> 0084000008\n< *9000\n", RC_OK },
        { "another status word", "> 00200080\n< 9000\n", RC_CONFLICT },
        { "an answer that is only begun", "> 0084000008\n< 9000\n", RC_CONFLICT },
        { "a star with another end", "> 0084000008\n< *6982\n", RC_CONFLICT },
        { "an unknown word", "resett\n", RC_FORMAT },
        { "half a byte", "> 002\n", RC_FORMAT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        struct testcard *card = testcard_new_blank();
        print_message("  %s\n", rows[i].what);
        memcpy(text, rows[i].text, strlen(rows[i].text) + 1);
        assert_int_equal(sim_script_run(testcard_sim(card), text, NULL), rows[i].rc);
        testcard_free(card);
    }
}

int main(int argc, char **argv)
{
    folder = argc > 1 ? argv[1] : ".";
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_scripts), cmocka_unit_test(test_runner) };
    return cmocka_run_group_tests_name("sim-scripts", tests, NULL, NULL);
}
