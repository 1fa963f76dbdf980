/* teststore.h — a fresh store's URL for a test: a SQLite file in the test's folder or, when JPKI_TEST_STORE names a
 * PostgreSQL (tests/support/postgres.sh), a schema of its own there. Header only, so that every test can have it. */
#ifndef JPKI_TESTS_SUPPORT_TESTSTORE_H
#define JPKI_TESTS_SUPPORT_TESTSTORE_H

#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTSTORE_URL_SIZE 256

static inline bool teststore_is_postgres(void)
{
    return getenv("JPKI_TEST_STORE") != NULL;
}

/* name: letters; the store is another one for each call. */
static inline void teststore_url(const char *folder, const char *name, char url[TESTSTORE_URL_SIZE])
{
    static int made;
    const char *server = getenv("JPKI_TEST_STORE");
    if (!server) {
        snprintf(url, TESTSTORE_URL_SIZE, "sqlite:%s/%s.db", folder, name);
        return;
    }
    char sql[80];
    struct store *store = NULL;
    struct err err = { 0 };
    snprintf(sql, sizeof sql, "CREATE SCHEMA t%d_%d_%s", (int)getpid(), ++made, name);
    enum rc rc = store_open(server, NULL, 0, &store, &err);
    if (!rc)
        rc = store_exec(store, sql, &err);
    if (rc) {
        fprintf(stderr, "teststore: %s\n", err_text(&err, rc));
        abort();
    }
    store_close(store);
    snprintf(url, TESTSTORE_URL_SIZE, "%s&options=-csearch_path%%3D%s", server, sql + 14);
}

/* "kill" or "start", and what else postgres.sh takes. */
static inline void teststore_server(const char *order)
{
    char line[512];
    snprintf(line, sizeof line, "\"$JPKI_TEST_POSTGRES_SH\" %s", order);
    int status = system(line); /* fixed words */
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "teststore: postgres.sh %s failed\n", order);
        abort();
    }
}

#endif
