/* sign_command.c — jpki sign: a file is signed with the card, and the result put beside it. All that can fail without
 * the card is tried before the PIN is asked for. */
#include "jpki/commands.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/opt.h"
#include "jpki/card_command.h"
#include "jpki/holder.h"
#include "sign/card_signer.h"
#include "sign/sign_cms.h"
#include "sign/sign_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIGN_COMMAND_MAX = 512 * 1024 * 1024 };

enum sign_format { SIGN_FORMAT_CMS, SIGN_FORMAT_XML };

struct sign_job {
    enum sign_format format;
    enum card_key key;
    const char *reader, *reference, *in;
    char *out; /* owned */
    long pin_fd;
    bool force, last_try;
    struct buf content, result;
};

/* FILE.p7s; FILE without .xml and "-signed.xml". NULL out of memory. */
static char *sign_command_out(enum sign_format format, const char *in)
{
    size_t len = strlen(in);
    const char *suffix = format == SIGN_FORMAT_CMS ? ".p7s" : "-signed.xml";
    if (format == SIGN_FORMAT_XML && len > 4 && strcmp(in + len - 4, ".xml") == 0)
        len -= 4;
    char *out = malloc(len + strlen(suffix) + 1);
    if (!out)
        return NULL;
    memcpy(out, in, len);
    memcpy(out + len, suffix, strlen(suffix) + 1);
    return out;
}

/* Everything that needs no card. */
static enum rc sign_command_prepare(struct sign_job *job, struct err *err)
{
    if (!job->force && access(job->out, F_OK) == 0)
        return err_set(err, RC_EXISTS, "%s exists: give --force to replace it, or another --out", job->out);
    buf_init(&job->content, SIGN_COMMAND_MAX);
    buf_init(&job->result, SIGN_COMMAND_MAX);
    enum rc rc = file_read(job->in, &job->content, err);
    if (rc == RC_OK && job->format == SIGN_FORMAT_XML)
        rc = sign_xml_check(buf_bytes(&job->content), job->reference, err);
    return rc;
}

static enum rc sign_command_sign(struct sign_job *job, const struct signatory *signer, struct err *err)
{
    int64_t now = clock_now();
    if (job->format == SIGN_FORMAT_CMS)
        return sign_cms(signer, buf_bytes(&job->content), now, &job->result, err);
    return sign_xml(signer, buf_bytes(&job->content), job->reference, now, &job->result, err);
}

static enum rc sign_command_with_card(struct sign_job *job, struct err *err)
{
    struct holder holder = {0};
    struct card_signer *signer = NULL;
    enum rc rc = holder_open(&holder, job->reader, err);
    if (rc)
        return rc;
    rc = holder_present(&holder, card_key_pin(job->key), job->pin_fd, job->last_try, err);
    if (rc == RC_OK)
        rc = card_signer_open(holder.card, job->key, &signer, err);
    if (rc == RC_OK)
        rc = sign_command_sign(job, card_signer_get(signer), err);
    card_signer_close(signer);
    holder_close(&holder);
    return rc;
}

static enum rc sign_command_write(const struct sign_job *job, struct err *err)
{
    struct bytes result = buf_bytes(&job->result);
    return job->force ? file_write_atomic(job->out, result, 0600, err) : file_create(job->out, result, 0600, err);
}

static int sign_command_run(struct sign_job *job)
{
    struct err err = {0};
    enum rc rc = sign_command_prepare(job, &err);
    if (rc == RC_OK)
        rc = sign_command_with_card(job, &err);
    if (rc == RC_OK)
        rc = sign_command_write(job, &err);
    buf_wipe(&job->content);
    buf_wipe(&job->result);
    if (rc)
        return opt_fail("sign: %s", err_text(&err, rc));
    printf("%s\n", job->out);
    return EXIT_DONE;
}

/* The words of the command line; EXIT_DONE when they make sense. */
static int sign_command_words(struct sign_job *job, const char *format, const char *key, const char *out)
{
    if (strcmp(format, "cms") != 0 && strcmp(format, "xml") != 0)
        return opt_misuse("sign: --format is cms or xml, not '%s'", format);
    if (strcmp(key, "sign") != 0 && strcmp(key, "auth") != 0)
        return opt_misuse("sign: --key is sign or auth, not '%s'", key);
    job->format = strcmp(format, "cms") == 0 ? SIGN_FORMAT_CMS : SIGN_FORMAT_XML;
    job->key = strcmp(key, "sign") == 0 ? CARD_KEY_SIGN : CARD_KEY_AUTH;
    if (job->reference && job->format != SIGN_FORMAT_XML)
        return opt_misuse("sign: --reference is for --format xml");
    job->out = out ? strdup(out) : sign_command_out(job->format, job->in);
    return job->out ? EXIT_DONE : opt_fail("sign: %s", rc_text(RC_NOMEM));
}

int sign_command(int argc, char **argv)
{
    struct sign_job job = {.pin_fd = -1};
    const char *format = NULL, *key = "sign", *out = NULL;
    const struct opt opts[] = {
        {"--format", "cms|xml", "detached CMS (FILE.p7s), or an XML signature inside a copy of FILE", OPT_TEXT, &format,
         true},
        {"--key", "sign|auth", "the card's key; default sign", OPT_TEXT, &key, false},
        {"--reference", "ID", "xml: sign the element of that Id (e-Gov); default the whole document", OPT_TEXT,
         &job.reference, false},
        {"--out", "FILE", "default FILE.p7s, or FILE-signed.xml", OPT_TEXT, &out, false},
        {"--force", NULL, "replace an existing file", OPT_FLAG, &job.force, false},
        CARD_COMMAND_READER_OPT(&job.reader),
        CARD_COMMAND_PIN_FD_OPT(&job.pin_fd),
        CARD_COMMAND_LAST_TRY_OPT(&job.last_try),
        {0},
    };
    int rest, exit_status;
    if (opt_parse("jpki sign --format cms|xml [OPTIONS] FILE",
                  "Signs FILE with the card's key (SHA-256, RSA). Asks for the PIN once and says before how many tries "
                  "are left.",
                  opts, argc, argv, &rest, &exit_status))
        return exit_status;
    if (argc - rest != 1)
        return opt_misuse("sign: one FILE is wanted");
    job.in = argv[rest];
    exit_status = sign_command_words(&job, format, key, out);
    if (exit_status == EXIT_DONE)
        exit_status = sign_command_run(&job);
    free(job.out);
    return exit_status;
}
