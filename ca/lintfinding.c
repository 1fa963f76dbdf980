/* lintfinding.c — findings and their sections, for the parts of the linter. */
#include "ca/lint.h"

#include "pki/suite.h"

#include <stdio.h>
#include <string.h>

/* Where each field is ruled. */
static const struct {
    const char *field, *section;
} sections[] = {
    { "version", "RFC 5280 §4.1.2.1" },
    { "serialNumber", "RFC 5280 §4.1.2.2" },
    { "signature", "RFC 5280 §4.1.2.3, docs/PROFILE.md Suites" },
    { "signatureAlgorithm", "RFC 5280 §4.1.1.2" },
    { "issuer", "RFC 5280 §4.1.2.4, docs/PROFILE.md Names" },
    { "validity", "RFC 5280 §4.1.2.5, docs/PROFILE.md Validity" },
    { "subject", "RFC 5280 §4.1.2.6, docs/PROFILE.md Names" },
    { "subjectPublicKeyInfo", "RFC 5280 §4.1.2.7, docs/PROFILE.md Suites" },
    { "uniqueID", "RFC 5280 §4.1.2.8" },
    { "keyUsage", "RFC 5280 §4.2.1.3" },
    { "extKeyUsage", "RFC 5280 §4.2.1.12" },
    { "subjectAltName", "RFC 5280 §4.2.1.6" },
    { "issuerAltName", "RFC 5280 §4.2.1.7" },
    { "basicConstraints", "RFC 5280 §4.2.1.9" },
    { "certificatePolicies", "RFC 5280 §4.2.1.4" },
    { "cRLDistributionPoints", "RFC 5280 §4.2.1.13, docs/PROFILE.md Distribution points" },
    { "authorityInfoAccess", "RFC 5280 §4.2.2.1" },
    { "subjectKeyIdentifier", "RFC 5280 §4.2.1.2" },
    { "ocspNoCheck", "RFC 6960 §4.2.2.2.1" },
    { "authorityKeyIdentifier", "RFC 5280 §4.2.1.1" },
    { "crl version", "RFC 5280 §5.1.2.1" },
    { "crl signature", "RFC 5280 §5.1.2.2, docs/PROFILE.md Suites" },
    { "crl issuer", "RFC 5280 §5.1.2.3, docs/PROFILE.md Names" },
    { "thisUpdate", "RFC 5280 §5.1.2.4" },
    { "nextUpdate", "RFC 5280 §5.1.2.5, docs/PROFILE.md Revocation lists" },
    { "revokedCertificates", "RFC 5280 §5.1.2.6" },
    { "userCertificate", "RFC 5280 §5.1.2.6" },
    { "revocationDate", "RFC 5280 §5.1.2.6" },
    { "reasonCode", "RFC 5280 §5.3.1, docs/PROFILE.md Revocation lists" },
    { "crlEntryExtensions", "RFC 5280 §5.3" },
    { "cRLNumber", "RFC 5280 §5.2.3" },
    { "issuingDistributionPoint", "RFC 5280 §5.2.5, docs/PROFILE.md Distribution points" },
    { "crlExtensions", "RFC 5280 §5.2, docs/PROFILE.md Revocation lists" },
    { "responseStatus", "RFC 6960 §4.2.1" },
    { "responseType", "RFC 6960 §4.2.1" },
    { "responseData", "RFC 6960 §4.2.1" },
    { "responderID", "RFC 6960 §4.2.2.3, docs/PROFILE.md OCSP responses" },
    { "producedAt", "RFC 6960 §4.2.2.1" },
    { "certID", "RFC 6960 §4.1.1" },
    { "certStatus", "RFC 6960 §4.2.1" },
    { "revocationTime", "RFC 6960 §4.2.1" },
    { "ocsp thisUpdate", "RFC 6960 §4.2.2.1" },
    { "ocsp nextUpdate", "RFC 6960 §4.2.2.1, RFC 5019 §2.2.4" },
    { "nonce", "RFC 9654 §2.1" },
    { "responseExtensions", "RFC 6960 §4.4" },
    { "singleExtensions", "RFC 6960 §4.4" },
    { "certs", "RFC 6960 §4.2.2.2, docs/PROFILE.md OCSP responses" },
};

void lint_add(struct lint *lint, const char *field, const char *rule)
{
    const char *section = "docs/PROFILE.md Extensions"; /* of an extension that no profile has, by its number */
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strcmp(sections[i].field, field) == 0)
            section = sections[i].section;
    if (lint->count < LINT_MAX) {
        struct lint_finding *finding = &lint->findings[lint->count];
        snprintf(finding->field, sizeof finding->field, "%s", field);
        snprintf(finding->rule, sizeof finding->rule, "%s", rule);
        finding->section = section;
    }
    lint->count++;
}

void lint_tell(void *context, const char *field, const char *rule)
{
    lint_add(context, field, rule);
}

void lint_algorithm(struct lint *lint, struct bytes inside, struct bytes outside)
{
    enum suite suite;
    if (!bytes_equal(inside, outside))
        lint_add(lint, "signatureAlgorithm", "not the algorithm that the signed part names");
    else if (suite_of_algorithm(outside, &suite))
        lint_add(lint, "signatureAlgorithm", "of no suite of the house");
}
