/* bookmove.c — which book the authorities keep. */
#include "ca/bookmove.h"

#include "base/file.h"
#include "ca/ahead.h"
#include "ca/book.h"
#include "ca/caconfig.h"
#include "ca/ceremony.h"
#include "ca/forget.h"
#include "ca/trail.h"
#include "store/storecmd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The trail of the new book has the head of the old one's, as that row. */
static enum rc move_compare(struct store *old, struct store *new, struct err *err)
{
    uint8_t hash[32];
    int64_t sequence;
    struct statement *s = NULL;
    enum rc rc = trail_head(old, &sequence, hash, err);
    if (rc || sequence == 0)
        return rc;
    rc = store_row(new, "SELECT hash FROM audit WHERE sequence = ?1", BINDS(BIND_INTEGER(sequence)), &s, err);
    if (rc == RC_NOT_FOUND || (!rc && !bytes_equal(column_blob(s, 0), bytes_of(hash, sizeof hash))))
        rc = err_set(err, RC_CONFLICT, "row %lld of the trail is not in that book: it is an older copy, or another book",
                     (long long)sequence);
    statement_done(s);
    return rc;
}

/* A file by its whole path: the configuration is read from anywhere. */
static enum rc move_place(const char *named, char place[PATH_MAX], struct err *err)
{
    if (store_is_remote(named)) {
        snprintf(place, PATH_MAX, "%s", named);
        return RC_OK;
    }
    const char *path = strncmp(named, "sqlite:", 7) == 0 ? named + 7 : named;
    return realpath(path, place) ? RC_OK : err_set_errno(err, RC_NOT_FOUND, "%s", path);
}

enum rc bookmove_use(const char *folder, const char *named, bool lost, struct err *err)
{
    static struct caconfig config;
    char url[PATH_MAX];
    struct store *old = NULL, *new = NULL;
    int64_t rows;
    int lock = -1;
    enum rc rc = move_place(named, url, err);
    if (!rc)
        rc = caconfig_read(folder, CACONFIG_FILE, &config, err);
    if (!rc && strlen(url) >= sizeof config.store)
        rc = err_set(err, RC_RANGE, "the URL is too long");
    if (!rc)
        rc = ceremony_lock(folder, &lock, err);
    char *present = rc ? NULL : caconfig_store(folder, &config);
    if (!rc && !present)
        rc = RC_NOMEM;
    if (!rc)
        rc = book_open_reader(url, &new, err);
    if (!rc)
        rc = trail_verify(new, &rows, err);
    if (!rc && !lost)
        rc = book_open_reader(present, &old, err);
    if (!rc && !lost)
        rc = move_compare(old, new, err);
    if (!rc) {
        snprintf(config.store, sizeof config.store, "%s", url);
        rc = caconfig_write(folder, CACONFIG_FILE, &config, err);
    }
    store_close(old);
    store_close(new);
    free(present);
    if (lock >= 0)
        close(lock);
    return rc;
}

static enum rc move_url(const char *folder, char **url, struct err *err)
{
    static struct caconfig config;
    enum rc rc = caconfig_read(folder, CACONFIG_FILE, &config, err);
    if (!rc && !(*url = caconfig_store(folder, &config)))
        rc = RC_NOMEM;
    return rc;
}

static int move_use_main(int argc, char **argv)
{
    const char *state = NULL, *url = NULL;
    bool lost = false;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--store", "URL", "the book from now on: postgresql://… or sqlite:PATH", OPT_TEXT, &url, true },
        { "--lost", NULL, "the present book cannot be read any more: do not compare with it", OPT_FLAG, &lost, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    if (opt_only("jpki-ca store use [OPTIONS]",
                 "From now on the book is kept there. Its audit trail must be whole, and hold all that the present one tells.\n"
                 "'jpki-ca serve' is stopped before, 'jpki-ca ocsp' is started again behind it.",
                 opts, argc, argv, &status))
        return status;
    enum rc rc = bookmove_use(state, url, lost, &err);
    return opt_end(rc, &err);
}

int bookmove_main(int argc, char **argv)
{
    static const struct command more[] = {
        { "ahead", "[SERIAL=FILE…]", "skip numbers, after an old copy was restored", ahead_main },
        { "forget", NULL, "forget what was kept as long as it has to be", forget_main },
        { "use", NULL, "keep the book in another place from now on", move_use_main },
        { 0 },
    };
    const struct storecmd cmd = { "jpki-ca", book_migrations, book_migration_count, "--state", "DIR",
                                  "folder of the authorities, whose book it is", move_url, more, NULL };
    return storecmd_run(&cmd, argc, argv);
}
