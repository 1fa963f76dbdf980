/* consent_main.c — `jpki-registry consent`, `serials` and `verifiers`. */
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "registry/consent.h"
#include "registry/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int draft_main(int argc, char **argv)
{
    const char *service = NULL;
    bool withdraw = false;
    const struct opt opts[] = {
        {"--service", "NAME", "the name in the service's certificate", OPT_TEXT, &service, true},
        {"--withdraw", NULL, "a withdrawal instead", OPT_FLAG, &withdraw, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry consent draft [OPTIONS]",
                 "Prints the text with which a resident consents: to be signed as it is, detached (CMS), with the key "
                 "of the\n"
                 "signature certificate.",
                     opts, argc, argv, &status))
        return status;
    struct consent_text text = {.withdrawn = withdraw, .signed_at = clock_now()};
    if (!*service || strlen(service) >= sizeof text.service)
        return opt_misuse("--service takes 1 to 64 bytes");
    snprintf(text.service, sizeof text.service, "%s", service);
    return program_print(consent_text_write(&text));
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

struct send_wish {
    const char *document, *signature;
    bool withdraw;
};

static enum rc send_ask(const void *context, struct registry_client *client, json_t **answer, struct err *err)
{
    const struct send_wish *wish = context;
    struct buf document = {.max = 1 << 16};
    char *hex = NULL;
    (void)answer;
    enum rc rc = send_read(wish->document, wish->signature, &document, &hex, err);
    if (!rc)
        rc = registry_consent(client, buf_string(&document), hex, wish->withdraw, err);
    buf_wipe(&document);
    free(hex);
    return rc;
}

static int send_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL;
    struct send_wish wish = {0};
    const struct opt opts[] = {
        {"--node", "URL", "the national node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "the verifier that is the service; for a withdrawal also a desk officer", OPT_TEXT,
         &folder, true},
        {"--document", "FILE", "the text, byte for byte as it was signed", OPT_TEXT, &wish.document, true},
        {"--signature", "FILE", "the detached CMS signature, DER", OPT_TEXT, &wish.signature, true},
        {"--withdraw", NULL, "it is a withdrawal", OPT_FLAG, &wish.withdraw, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry consent send [OPTIONS]",
                 "Brings a signed consent, or a withdrawal, to the national node.", opts, argc, argv, &status))
        return status;
    return program_at_node(node, folder, send_ask, &wish);
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

struct serials_wish {
    enum authority authority;
    const char *serial;
};

static enum rc serials_ask(const void *context, struct registry_client *client, json_t **answer, struct err *err)
{
    const struct serials_wish *wish = context;
    return registry_serials(client, wish->authority, wish->serial, answer, err);
}

int serials_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *name = NULL;
    struct serials_wish wish = {0};
    const struct opt opts[] = {
        {"--node", "URL", "the national node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "a verifier that may have serial numbers linked", OPT_TEXT, &folder, true},
        {"--authority", "A", "sign or auth", OPT_TEXT, &name, true},
        {"--serial", "HEX", "the certificate's serial number", OPT_TEXT, &wish.serial, true},
        {0},
    };
    int status;
    if (opt_only("jpki-registry serials [OPTIONS]",
                 "The other certificates of this certificate's person, old and new.", opts, argc, argv, &status) ||
        (status = program_authority(name, &wish.authority)) != EXIT_DONE)
        return status;
    return program_at_node(node, folder, serials_ask, &wish);
}

struct verifiers_wish {
    const char *allow, *forbid;
};

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

static enum rc verifiers_run(void *context, const struct program_store *it, struct err *err)
{
    const struct verifiers_wish *wish = context;
    enum rc rc = store_begin(it->store, err);
    if (!rc && wish->allow)
        rc = consent_allow_linked(it->store, wish->allow, true, err);
    if (!rc && wish->forbid)
        rc = consent_allow_linked(it->store, wish->forbid, false, err);
    if (!rc)
        rc = store_commit(it->store, err);
    if (!rc)
        rc = verifiers_print(it->store, err);
    store_rollback(it->store);
    return rc;
}

int verifiers_main(int argc, char **argv)
{
    const char *url = NULL;
    struct verifiers_wish wish = {0};
    const struct opt opts[] = {
        {"--store", "URL", "the national node's store", OPT_TEXT, &url, true},
        {"--allow", "NAME", "this verifier may have serial numbers linked", OPT_TEXT, &wish.allow, false},
        {"--forbid", "NAME", "and this one no longer", OPT_TEXT, &wish.forbid, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry verifiers [OPTIONS]",
                 "Which verifiers may have serial numbers linked, by the names in their certificates.", opts, argc,
                 argv, &status))
        return status;
    return program_in_store(url, verifiers_run, &wish);
}
