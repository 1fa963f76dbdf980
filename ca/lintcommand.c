/* lintcommand.c — jpki-ca lint. */
#include "ca/lint.h"

#include "base/opt.h"

#include <stdio.h>

int lint_main(int argc, char **argv)
{
    const struct opt opts[] = { { 0 } };
    int rest, status;
    static struct lint lint;
    struct err err = { 0 };
    if (opt_parse("jpki-ca lint FILE…",
                  "Holds certificates, revocation lists and OCSP responses (DER or PEM) against the profiles, and names all that is\n"
                  "wrong with the section that says so. Judges no signature, trust or time of day. Exit 0: nothing is wrong.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest == argc)
        return opt_misuse("which file?");
    status = EXIT_DONE;
    for (int i = rest; i < argc; i++) {
        err_reset(&err);
        enum rc rc = lint_file(argv[i], &lint, &err);
        if (rc) {
            status = opt_fail("%s", err_text(&err, rc));
            continue;
        }
        printf("%s: %s: %u finding%s\n", argv[i], lint.what, lint.count, lint.count == 1 ? "" : "s");
        for (unsigned k = 0; k < lint.count && k < LINT_MAX; k++)
            printf("  %s: %s (%s)\n", lint.findings[k].field, lint.findings[k].rule, lint.findings[k].section);
        if (lint.count)
            status = EXIT_FAILED;
    }
    return status;
}
