/* consent_main.c — `jpki-registry consent`, `serials` and `verifiers`. */
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/opt.h"
#include "base/proc.h"
#include "registry/confirm.h"
#include "registry/consent.h"
#include "registry/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_json(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return opt_fail("%s", rc_text(RC_NOMEM));
    puts(text);
    free(text);
    return EXIT_DONE;
}

static int draft_main(int argc, char **argv)
{
    const char *service = NULL;
    bool withdraw = false;
    const struct opt opts[] = {
        {"--service", "NAME", "the name in the service's certificate", OPT_TEXT, &service, true},
        {"--withdraw", NULL, "a withdrawal instead", OPT_FLAG, &withdraw, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry consent draft [OPTIONS]",
                  "Prints the text with which a resident consents: to be signed as it is, detached (CMS), with the key "
                  "of the\n"
                  "signature certificate.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    struct consent_text text = {.withdrawn = withdraw, .signed_at = clock_now()};
    if (!*service || strlen(service) >= sizeof text.service)
        return opt_misuse("--service takes 1 to 64 bytes");
    snprintf(text.service, sizeof text.service, "%s", service);
    return print_json(consent_text_write(&text));
}

static enum rc send_read(const char *document_path, const char *signature_path, struct buf *document, char **hex,
                         struct err *err)
{
    struct buf der = {.max = 1 << 20};
    enum rc rc = file_read(document_path, document, err);
    if (!rc && !buf_string(document))
        rc = RC_NOMEM;
    if (!rc)
        rc = file_read(signature_path, &der, err);
    if (!rc && !(*hex = malloc(2 * der.len + 1)))
        rc = RC_NOMEM;
    if (!rc)
        hex_encode(buf_bytes(&der), *hex);
    buf_wipe(&der);
    return rc;
}

static int send_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *document_path = NULL, *signature_path = NULL;
    bool withdraw = false;
    const struct opt opts[] = {
        {"--node", "URL", "the national node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "the verifier that is the service; for a withdrawal also a desk officer", OPT_TEXT,
         &folder, true},
        {"--document", "FILE", "the text, byte for byte as it was signed", OPT_TEXT, &document_path, true},
        {"--signature", "FILE", "the detached CMS signature, DER", OPT_TEXT, &signature_path, true},
        {"--withdraw", NULL, "it is a withdrawal", OPT_FLAG, &withdraw, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry consent send [OPTIONS]",
                  "Brings a signed consent, or a withdrawal, to the national node.", opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    proc_harden();
    struct identity identity = {0};
    struct registry_client *client = NULL;
    struct buf document = {.max = 1 << 16};
    struct err err = {0};
    char *hex = NULL;
    enum rc rc = send_read(document_path, signature_path, &document, &hex, &err);
    if (!rc)
        rc = identity_open(folder, &identity, &err);
    if (!rc)
        rc = registry_open(node, &identity, &client, &err);
    if (!rc)
        rc = registry_consent(client, buf_string(&document), hex, withdraw, &err);
    registry_close(client);
    identity_close(&identity);
    buf_wipe(&document);
    free(hex);
    return rc ? opt_fail("%s: %s", rc_name(rc), err_text(&err, rc)) : EXIT_DONE;
}

int consent_main(int argc, char **argv)
{
    static const struct command commands[] = {
        {"draft", NULL, "the text that a resident signs", draft_main},
        {"send", NULL, "bring the signed text to the national node", send_main},
        {0},
    };
    return opt_dispatch(
        "jpki-registry consent",
        "A resident's consent that a service gets the newest four attributes: for ten years, until it is withdrawn.",
        commands, argc, argv);
}

int serials_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *name = NULL, *serial = NULL;
    const struct opt opts[] = {
        {"--node", "URL", "the national node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "a verifier that may have serial numbers linked", OPT_TEXT, &folder, true},
        {"--authority", "A", "sign or auth", OPT_TEXT, &name, true},
        {"--serial", "HEX", "the certificate's serial number", OPT_TEXT, &serial, true},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry serials [OPTIONS]",
                  "The other certificates of this certificate's person, old and new.", opts, argc, argv, &rest,
                  &status))
        return status;
    enum authority authority;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    if (authority_parse(name, &authority) || authority == AUTHORITY_OPS)
        return opt_misuse("--authority takes sign or auth, not '%s'", name);
    proc_harden();
    struct identity identity = {0};
    struct registry_client *client = NULL;
    struct err err = {0};
    json_t *certificates = NULL;
    enum rc rc = identity_open(folder, &identity, &err);
    if (!rc)
        rc = registry_open(node, &identity, &client, &err);
    if (!rc)
        rc = registry_serials(client, authority, serial, &certificates, &err);
    registry_close(client);
    identity_close(&identity);
    return rc ? opt_fail("%s: %s", rc_name(rc), err_text(&err, rc)) : print_json(certificates);
}

static enum rc verifiers_print(struct store *store, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT verifier FROM linker ORDER BY verifier", &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err)))
        puts(column_text(s, 0));
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

int verifiers_main(int argc, char **argv)
{
    const char *url = NULL, *allow = NULL, *forbid = NULL;
    const struct opt opts[] = {
        {"--store", "URL", "the national node's store", OPT_TEXT, &url, true},
        {"--allow", "NAME", "this verifier may have serial numbers linked", OPT_TEXT, &allow, false},
        {"--forbid", "NAME", "and this one no longer", OPT_TEXT, &forbid, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry verifiers [OPTIONS]",
                  "Which verifiers may have serial numbers linked, by the names in their certificates.", opts, argc,
                  argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = {0};
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = store_begin(store, &err);
    if (!rc && allow)
        rc = consent_allow_linked(store, allow, true, &err);
    if (!rc && forbid)
        rc = consent_allow_linked(store, forbid, false, &err);
    if (!rc)
        rc = store_commit(store, &err);
    if (!rc)
        rc = verifiers_print(store, &err);
    if (store)
        store_rollback(store);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}
