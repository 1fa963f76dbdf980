/* caopen.c — opening and closing, reading a new configuration, and calling the publisher. */
#include "ca/ca.h"

#include "ca/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void certs_free(X509 *certs[AUTHORITY_COUNT][CACONFIG_GENERATIONS])
{
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++)
        for (unsigned i = 0; i < CACONFIG_GENERATIONS; i++) {
            X509_free(certs[a][i]);
            certs[a][i] = NULL;
        }
}

static enum rc certs_read(const char *folder, const struct caconfig *config,
                          X509 *certs[AUTHORITY_COUNT][CACONFIG_GENERATIONS], struct err *err)
{
    enum suite suite;
    enum rc rc = RC_OK;
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        for (unsigned g = 1; !rc && g <= config->generations[a]; g++) {
            rc = caconfig_read_cert(folder, a, g, &certs[a][g - 1], err);
            if (!rc && suite_of_key(X509_get0_pubkey(certs[a][g - 1]), &suite))
                rc = err_set(err, RC_UNSUPPORTED, "key %u of authority %s is of no suite", g, authority_name(a));
        }
    if (rc)
        certs_free(certs);
    return rc;
}

static void ca_set_issuers(struct ca *ca)
{
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++)
        ca->issuers[a] = ca_issuer(ca, a, ca_newest(ca, a));
}

enum rc ca_open(const char *program, const char *folder, const char *file, enum ca_want want, struct ca **out,
                struct err *err)
{
    struct ca *ca = calloc(1, sizeof *ca);
    if (!ca)
        return RC_NOMEM;
    pthread_mutex_init(&ca->mutex, NULL);
    issuequeue_init(&ca->queue);
    ca->folder = strdup(folder);
    enum rc rc = ca->folder ? caconfig_read(folder, file, &ca->config, err) : RC_NOMEM;
    if (!rc)
        rc = certs_read(folder, &ca->config, ca->certs, err);
    if (!rc)
        ca_set_issuers(ca);
    char *url = rc ? NULL : caconfig_store(folder, &ca->config);
    if (!rc && !url)
        rc = RC_NOMEM;
    if (!rc)
        rc = want == CA_READ ? book_open_reader(url, &ca->store, err) : book_open(url, &ca->store, err);
    free(url);
    if (!rc && want == CA_SIGN)
        rc = signing_open(program, folder, file, NULL, &ca->signing, err);
    if (rc)
        ca_close(ca);
    else
        *out = ca;
    return rc;
}

enum rc ca_reload(struct ca *ca, struct err *err)
{
    X509 *certs[AUTHORITY_COUNT][CACONFIG_GENERATIONS] = { 0 };
    struct caconfig *config = malloc(sizeof *config);
    enum rc rc = config ? caconfig_read(ca->folder, CACONFIG_FILE, config, err) : RC_NOMEM;
    if (!rc)
        rc = certs_read(ca->folder, config, certs, err);
    if (!rc) {
        certs_free(ca->certs);
        memcpy(ca->certs, certs, sizeof certs);
        memcpy(config->publication, ca->config.publication, sizeof config->publication); /* as the process was told */
        ca->config = *config;
        ca_set_issuers(ca);
    }
    free(config);
    return rc;
}

enum rc ca_open_serving(const char *program, const char *folder, const char *publication, bool publish, struct ca **out,
                        struct err *err)
{
    struct ca *ca = NULL;
    enum rc rc = ca_open(program, folder, CACONFIG_FILE, CA_LOOK, &ca, err);
    if (!rc)
        rc = ca_set_publication(ca, publication, err);
    if (!rc)
        rc = signing_open(program, folder, CACONFIG_FILE, publish ? ca->config.publication : NULL, &ca->signing, err);
    if (rc) {
        ca_close(ca);
        return rc;
    }
    ca->published = true;
    *out = ca;
    return RC_OK;
}

enum rc ca_open_beside(const struct ca *ca, struct ca **out, struct err *err)
{
    struct ca *beside = malloc(sizeof *beside);
    if (!beside)
        return RC_NOMEM;
    *beside = *ca;
    beside->beside = true;
    beside->store = NULL;
    pthread_mutex_init(&beside->mutex, NULL);
    issuequeue_init(&beside->queue);
    beside->folder = strdup(ca->folder);
    char *url = beside->folder ? caconfig_store(ca->folder, &ca->config) : NULL;
    enum rc rc = url ? book_open(url, &beside->store, err) : RC_NOMEM;
    free(url);
    if (rc)
        ca_close(beside);
    else
        *out = beside;
    return rc;
}

void ca_close(struct ca *ca)
{
    if (!ca)
        return;
    if (!ca->beside)
        signing_close(ca->signing);
    if (ca->store)
        store_close(ca->store);
    if (!ca->beside)
        certs_free(ca->certs);
    pthread_mutex_destroy(&ca->mutex);
    issuequeue_wipe(&ca->queue);
    free(ca->folder);
    free(ca);
}

enum rc ca_set_publication(struct ca *ca, const char *folder, struct err *err)
{
    if (!folder)
        return RC_OK;
    if (!folder[0] || strlen(folder) >= sizeof ca->config.publication)
        return err_set(err, RC_RANGE, "the publication folder's path is empty or too long");
    snprintf(ca->config.publication, sizeof ca->config.publication, "%s", folder);
    return RC_OK;
}

enum rc ca_publish(const struct ca *ca, const char *program, const char *file, struct err *err)
{
    const struct publisher publisher = { .state = ca->folder, .config = file, .publication = ca->config.publication };
    return publisher_call(&publisher, program, err);
}
