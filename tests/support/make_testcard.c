/* make_testcard.c — writes a personalised card for jpki-sim: make_testcard FILE [PROFILE [SWITCHES]]. PIN 1234 and
 * ABC123; without a profile the My Number card with a face (testface.h). */
#include "support/testface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *path, *profile, *switches;

static void write_card(void **state)
{
    (void)state;
    struct testcard *card = profile ? testcard_new_profile(profile, false, switches) : testface_new(NULL);
    if (profile)
        testcard_personalise(card);
    testcard_write(card, path);
    testcard_free(card);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: make_testcard FILE [PROFILE [SWITCHES]]\n");
        return 2;
    }
    path = argv[1];
    profile = argc > 2 ? argv[2] : NULL;
    switches = argc > 3 ? argv[3] : NULL;
    const struct CMUnitTest work[] = {cmocka_unit_test(write_card)}; /* testcard speaks cmocka */
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return cmocka_run_group_tests(work, NULL, NULL) ? 1 : 0;
}
