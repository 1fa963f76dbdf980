/* verify_command.c — jpki verify: a signature file in, a verdict and its evidence out. Files and options only; what is
 * checked is in middleware/verify. */
#include "jpki/commands.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/opt.h"
#include "registry/confirm.h"
#include "verify/path.h"
#include "verify/signature.h"
#include "verify/verdict_report.h"
#include "verify/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_MAX (512u * 1024u * 1024u)

struct verify_options {
    const char *content, *trust, *crl_folder, *kept, *registry, *identity, *timestamp, *timestamp_trust, *at, *element, *file;
    bool no_registry, json;
};

/* What the request borrows. */
struct verify_inputs {
    struct buf signature, content, timestamp;
    bool has_content;
    STACK_OF(X509) *anchors, *timestamp_anchors;
    int64_t at;
    struct identity identity;
    struct registry_client *registry;
    bool registry_failed; /* asked for, but not even the client could be made: counts as unreachable */
    struct err registry_err;
};

static enum rc verify_ask_registry(void *context, const char *serial, struct confirmation *confirmation, struct err *err)
{
    struct verify_inputs *inputs = context;
    if (inputs->registry_failed)
        return err_set(err, inputs->registry_err.rc, "%s", inputs->registry_err.text);
    return registry_confirm(inputs->registry, AUTHORITY_SIGN, serial, confirmation, err);
}

/* The content: what --content names, or the file without ".p7s". Only the guess may fail. */
static enum rc verify_read_content(const struct verify_options *options, struct verify_inputs *inputs, struct err *err)
{
    static const char ending[] = ".p7s";
    size_t len = strlen(options->file), end = sizeof ending - 1;
    if (options->content) {
        inputs->has_content = true;
        return file_read(options->content, &inputs->content, err);
    }
    if (len <= end || strcmp(options->file + len - end, ending) != 0)
        return RC_OK;
    char *guess = strndup(options->file, len - end);
    if (!guess)
        return RC_NOMEM;
    enum rc rc = file_read(guess, &inputs->content, NULL);
    inputs->has_content = rc == RC_OK;
    free(guess);
    return rc == RC_NOMEM ? rc : RC_OK;
}

static void verify_open_registry(const struct verify_options *options, struct verify_inputs *inputs)
{
    enum rc rc = identity_open(options->identity, &inputs->identity, &inputs->registry_err);
    if (rc == RC_OK)
        rc = registry_open(options->registry, &inputs->identity, &inputs->registry, &inputs->registry_err);
    inputs->registry_failed = rc != RC_OK;
    if (rc) /* the words may be missing, the rc must not be */
        err_set(&inputs->registry_err, rc, "%s", rc_text(rc));
}

static enum rc verify_read(const struct verify_options *options, struct verify_inputs *inputs, struct err *err)
{
    buf_init(&inputs->signature, SIGNATURE_XML_MAX);
    buf_init(&inputs->content, CONTENT_MAX);
    inputs->anchors = sk_X509_new_null();
    inputs->timestamp_anchors = sk_X509_new_null();
    if (!inputs->anchors || !inputs->timestamp_anchors)
        return RC_NOMEM;
    enum rc rc = path_read_anchors(options->trust, inputs->anchors, err);
    if (rc == RC_OK)
        rc = file_read(options->file, &inputs->signature, err);
    if (rc == RC_OK)
        rc = verify_read_content(options, inputs, err);
    if (rc == RC_OK && options->timestamp)
        rc = file_read(options->timestamp, &inputs->timestamp, err);
    if (rc == RC_OK && options->timestamp && inputs->timestamp.len == 0)
        rc = err_set(err, RC_FORMAT, "%s: an empty time-stamp", options->timestamp);
    if (rc == RC_OK && options->timestamp)
        rc = path_read_anchors(options->timestamp_trust, inputs->timestamp_anchors, err);
    if (rc == RC_OK && options->registry)
        verify_open_registry(options, inputs);
    return rc;
}

static void verify_inputs_wipe(struct verify_inputs *inputs)
{
    registry_close(inputs->registry);
    identity_close(&inputs->identity);
    sk_X509_pop_free(inputs->anchors, X509_free);
    sk_X509_pop_free(inputs->timestamp_anchors, X509_free);
    buf_wipe(&inputs->signature);
    buf_wipe(&inputs->content);
    buf_wipe(&inputs->timestamp);
}

static int verify_and_print(const struct verify_options *options, struct verify_inputs *inputs)
{
    struct err err = { 0 };
    struct evidence evidence;
    struct verdict verdict;
    struct buf report = { 0 };
    enum rc rc = verify_read(options, inputs, &err);
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    struct verify_request request = {
        .signature = buf_bytes(&inputs->signature),
        .content = buf_bytes(&inputs->content),
        .has_content = inputs->has_content,
        .element = options->element,
        .anchors = inputs->anchors,
        .crl_folder = options->crl_folder,
        .kept_folder = options->kept,
        .no_registry = options->no_registry,
        .confirm = options->registry ? verify_ask_registry : NULL,
        .confirm_context = inputs,
        .timestamp = buf_bytes(&inputs->timestamp),
        .timestamp_anchors = inputs->timestamp_anchors,
        .at = inputs->at,
    };
    rc = verify_run(&request, &evidence, &verdict, &err);
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    rc = options->json ? verdict_report_json(&evidence, &verdict, &report)
                       : verdict_report_text(&evidence, &verdict, &report);
    bool valid = rc == RC_OK && verdict.word == WORD_VALID;
    if (rc == RC_OK && (fwrite(report.data, 1, report.len, stdout) != report.len || (options->json && putchar('\n') < 0) ||
                        fflush(stdout) != 0))
        rc = RC_IO;
    buf_wipe(&report);
    if (rc)
        return opt_fail("%s", rc_text(rc));
    return valid ? EXIT_DONE : EXIT_FAILED;
}

/* What options say together; EXIT_DONE when they make sense. */
static int verify_check_options(const struct verify_options *options, struct verify_inputs *inputs)
{
    if (options->registry && options->no_registry)
        return opt_misuse("--registry and --no-registry exclude each other");
    if (options->registry && !options->identity)
        return opt_misuse("--registry needs --identity");
    if (options->timestamp && !options->timestamp_trust)
        return opt_misuse("--time-stamp needs --time-stamp-trust");
    if (options->kept && !options->timestamp)
        return opt_misuse("--kept needs --time-stamp: without it nothing proves that the signature is older than the list");
    inputs->at = clock_now();
    if (options->at && clock_parse(options->at, &inputs->at) != RC_OK)
        return opt_misuse("--at takes a time like 2026-11-23T09:30:00Z, not '%s'", options->at);
    return EXIT_DONE;
}

int verify_command(int argc, char **argv)
{
    struct verify_options options = { 0 };
    struct verify_inputs inputs = { 0 };
    const struct opt opts[] = {
        { "--content", "FILE", "what a detached signature is over; default FILE without .p7s", OPT_TEXT, &options.content,
          false },
        { "--trust", "FILE", "trust anchors: PEM (many), DER, or a folder of both", OPT_TEXT, &options.trust, true },
        { "--crl-folder", "DIR", "the authorities' publication folder", OPT_TEXT, &options.crl_folder, true },
        { "--kept", "DIR", "lists that were kept beside the document, placed as in the publication: for a time-stamped signature whose\n"
                           "                           certificate the lists of today do not tell of any more", OPT_TEXT, &options.kept, false },
        { "--registry", "URL", "the national node that confirms the signer", OPT_TEXT, &options.registry, false },
        { "--identity", "FOLDER", "who asks the registry: key.pem, cert.pem, ca.pem", OPT_TEXT, &options.identity, false },
        { "--no-registry", NULL, "do without the registry's word", OPT_FLAG, &options.no_registry, false },
        { "--time-stamp", "FILE", "RFC 3161 time-stamp over FILE", OPT_TEXT, &options.timestamp, false },
        { "--time-stamp-trust", "FILE", "its trust anchors", OPT_TEXT, &options.timestamp_trust, false },
        { "--element", "ID", "XML: the element that must be signed; default the whole document", OPT_TEXT,
          &options.element, false },
        { "--at", "TIME", "validate as if at this time; default now", OPT_TEXT, &options.at, false },
        { "--json", NULL, "the verdict and all evidence as JSON", OPT_FLAG, &options.json, false },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki verify [OPTIONS] FILE",
                  "Checks a signature (detached CMS, or an XML document signed inside) and prints the verdict of\n"
                  "ETSI EN 319 102-1 and the evidence. Exit 0 only for VALID.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest != argc - 1)
        return opt_misuse(rest == argc ? "verify: the signature's file is missing" : "verify: one file at a time");
    options.file = argv[rest];
    status = verify_check_options(&options, &inputs);
    if (status == EXIT_DONE)
        status = verify_and_print(&options, &inputs);
    verify_inputs_wipe(&inputs);
    return status;
}
