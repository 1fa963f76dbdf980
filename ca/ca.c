/* ca.c — what stands in an open pair of authorities: keys by generation, and the lock. */
#include "ca/ca.h"

#include "base/clock.h"
#include "pki/cert.h"

unsigned ca_newest(const struct ca *ca, enum authority authority)
{
    return ca->config.generations[authority];
}

X509 *ca_cert(const struct ca *ca, enum authority authority, unsigned generation)
{
    return generation >= 1 && generation <= ca_newest(ca, authority) ? ca->certs[authority][generation - 1] : NULL;
}

struct issuer ca_issuer(const struct ca *ca, enum authority authority, unsigned generation)
{
    return (struct issuer) { .suite = ca->config.suite[authority][generation - 1], .authority = authority,
                             .organisation = ca->config.organisation, .policy = ca->config.policy[authority],
                             .cps = ca->config.cps, .ocsp = ca->config.ocsp,
                             .cert = ca_cert(ca, authority, generation) };
}

bool ca_lives(const struct ca *ca, enum authority authority, unsigned generation)
{
    const X509 *cert = ca_cert(ca, authority, generation);
    return cert && cert_not_after(cert) > clock_now();
}

void ca_lock(struct ca *ca)
{
    pthread_mutex_lock(&ca->mutex);
}

void ca_unlock(struct ca *ca)
{
    pthread_mutex_unlock(&ca->mutex);
}
