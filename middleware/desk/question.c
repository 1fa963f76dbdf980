/* question.c — the officer's terminal. */
#include "desk/question.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum rc question_ask(const char *words, struct err *err)
{
    char answer[16] = "";
    FILE *tty = fopen("/dev/tty", "r+e");
    if (!tty)
        return err_set(err, RC_UNSUPPORTED, "there is no terminal to ask on; --yes answers for a script");
    bool said = fprintf(tty, "%s [y/N] ", words) > 0 && fflush(tty) == 0
                && fgets(answer, sizeof answer, tty) != NULL;
    fclose(tty);
    answer[strcspn(answer, "\n")] = '\0';
    if (!said || (strcmp(answer, "y") != 0 && strcmp(answer, "yes") != 0))
        return err_set(err, RC_REFUSED, "the officer did not say yes");
    return RC_OK;
}
