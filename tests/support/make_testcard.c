/* make_testcard.c — writes a personalised card for jpki-sim: make_testcard FILE. PIN 1234 and ABC123. */
#include "support/testface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *path;

static void write_card(void **state)
{
    (void)state;
    struct testcard *card = testface_new(NULL);
    testcard_write(card, path);
    testcard_free(card);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_testcard FILE\n");
        return 2;
    }
    path = argv[1];
    const struct CMUnitTest work[] = { cmocka_unit_test(write_card) }; /* testcard speaks cmocka */
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return cmocka_run_group_tests(work, NULL, NULL) ? 1 : 0;
}
