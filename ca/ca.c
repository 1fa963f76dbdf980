/* ca.c — opening and closing. */
#include "ca/ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        ca->issuers[a] = (struct issuer) { .authority = a, .organisation = ca->config.organisation,
                                           .policy = ca->config.policy[a], .cps = ca->config.cps,
                                           .ocsp = ca->config.ocsp };
        rc = caconfig_read_cert(folder, a, &ca->issuers[a].cert, err);
        if (!rc && suite_of_key(X509_get0_pubkey(ca->issuers[a].cert), &ca->issuers[a].suite))
            rc = err_set(err, RC_UNSUPPORTED, "the key of authority %s is of no suite", authority_name(a));
    }
    char *url = rc ? NULL : caconfig_store(folder, &ca->config);
    if (!rc && !url)
        rc = RC_NOMEM;
    if (!rc)
        rc = want == CA_READ ? book_open_reader(url, &ca->store, err) : book_open(url, &ca->store, err);
    free(url);
    if (!rc && want == CA_SIGN)
        rc = signing_open(program, folder, file, &ca->signing, err);
    if (rc)
        ca_close(ca);
    else
        *out = ca;
    return rc;
}

void ca_close(struct ca *ca)
{
    if (!ca)
        return;
    signing_close(ca->signing);
    if (ca->store)
        store_close(ca->store);
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++)
        X509_free(ca->issuers[a].cert);
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

void ca_lock(struct ca *ca)
{
    pthread_mutex_lock(&ca->mutex);
}

void ca_unlock(struct ca *ca)
{
    pthread_mutex_unlock(&ca->mutex);
}
