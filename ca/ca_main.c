/* ca_main.c — jpki-ca: the command line of the authorities, by who types what. */
#include "base/log.h"
#include "base/opt.h"
#include "ca/auditor.h"
#include "ca/bookmove.h"
#include "ca/caservices.h"
#include "ca/custodian.h"
#include "ca/lint.h"
#include "ca/officer.h"
#include "ca/operator.h"
#include "ca/opsanchors.h"

static const struct command commands[] = {
    { "ceremony", "", "found the authorities or give one a new key, as persons confirm", custodian_ceremony },
    { "found", "", "found the authorities at once, for tests and demonstrations", custodian_found },
    { "identity", "", "issue an operations certificate", custodian_identity },
    { "anchors", "IDENTITY…", "make identity folders trust a new operations key", opsanchors_main },
    { "serve", "", "serve CMP, events and status", caservices_serve },
    { "ocsp", "", "answer OCSP requests", caservices_ocsp },
    { "status", "", "what the book holds", operator_status },
    { "certificate", "", "one certificate and its state", operator_certificate },
    { "revoke", "", "revoke a certificate", operator_revoke },
    { "compromise", "", "an authority's key is lost to others: revoke all that it signed", custodian_compromise },
    { "clock", "", "the clock against the last record", custodian_clock },
    { "crl", "", "issue every revocation list now", operator_crl },
    { "store", "COMMAND", "the book: backup, restore, copy to another engine, check, use", bookmove_main },
    { "settings", "[NAME=VALUE…]", "print or change the settings", officer_settings },
    { "requests", "", "what waits for a second officer", officer_requests },
    { "decide", "", "approve or refuse a request", officer_decide },
    { "lint", "FILE…", "what is wrong with a certificate, list or OCSP response", lint_main },
    { "audit-verify", "", "check the audit trail", auditor_verify },
    { "audit-seal", "", "sign the audit trail's head now", auditor_seal },
    { "audit-stamp", "", "keep a time-stamp over the audit trail's head", auditor_stamp },
    { "publisher", "", "publish the lists that are handed over", caservices_publisher },
    { "signer", "", "the key-holding process (started by the others)", caservices_signer },
    { 0 },
};

int main(int argc, char **argv)
{
    log_open("jpki-ca", LOG_WARNING);
    return opt_dispatch("jpki-ca", "The two certification authorities of JPKI and the operations authority.", commands,
                        argc, argv);
}
