/* card_certificate.c — jpki card certificate: one of the card's certificates, as it is, in DER or PEM. */
#include "jpki/card_command.h"

#include "base/file.h"
#include "base/opt.h"
#include "jpki/holder.h"
#include "pki/cert.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

static enum rc certificate_to_pem(struct bytes der, struct buf *pem, struct err *err)
{
    X509 *cert = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    enum rc rc = cert_parse(der, &cert);
    if (rc)
        err_set(err, rc, "the card's certificate is no X.509 certificate");
    else if (!bio || PEM_write_bio_X509(bio, cert) != 1)
        rc = RC_CRYPTO;
    else
        rc = buf_append(pem, text, (size_t)BIO_get_mem_data(bio, &text));
    X509_free(cert);
    BIO_free(bio);
    return rc;
}

static enum rc certificate_put(struct bytes content, const char *path, bool pem, struct err *err)
{
    if (path)
        return file_write_atomic(path, content, 0600, err); /* the signature certificate says who the holder is */
    if (!pem && isatty(STDOUT_FILENO))
        return err_set(err, RC_USAGE, "a certificate in DER is not for a terminal: give --pem or --out FILE");
    if (fwrite(content.data, 1, content.len, stdout) != content.len || fflush(stdout) != 0)
        return err_set_errno(err, RC_IO, "standard output");
    return RC_OK;
}

/* Reads it; where the card wants a PIN first, asks for that and reads again. */
static enum rc certificate_get(struct holder *holder, enum card_cert which, long pin_fd, bool last_try, struct buf *der,
                               struct err *err)
{
    struct err first = { 0 };
    enum rc rc = card_read_cert(holder->card, which, der, &first);
    bool sign = which == CARD_CERT_SIGN;
    if (rc != RC_PIN_NEEDED || (!sign && which != CARD_CERT_AUTH))
        return rc ? err_set(err, rc, "%s", err_text(&first, rc)) : RC_OK;
    rc = holder_present(holder, sign ? CARD_PIN_SIGN : CARD_PIN_AUTH, pin_fd, last_try, err);
    return rc ? rc : card_read_cert(holder->card, which, der, err);
}

int card_command_certificate(int argc, char **argv)
{
    const char *reader = NULL, *which_name = NULL, *out = NULL;
    long pin_fd = -1;
    bool last_try = false, pem = false;
    const struct opt opts[] = {
        { "--which", "auth|sign|auth-ca|sign-ca", "which certificate; 'sign' wants the signature PIN", OPT_TEXT, &which_name,
          true },
        { "--out", "FILE", "write it there; default standard output", OPT_TEXT, &out, false },
        { "--pem", NULL, "as PEM; default DER", OPT_FLAG, &pem, false },
        CARD_COMMAND_READER_OPT(&reader),
        CARD_COMMAND_PIN_FD_OPT(&pin_fd),
        CARD_COMMAND_LAST_TRY_OPT(&last_try),
        { 0 },
    };
    int status;
    if (opt_only("jpki card certificate --which WHICH [OPTIONS]", "Reads one of the card's certificates.", opts, argc, argv,
                 &status))
        return status;
    enum card_cert which;
    if (card_cert_parse(which_name, &which))
        return opt_misuse("card certificate: --which is auth, sign, auth-ca or sign-ca, not '%s'", which_name);
    struct err err = { 0 };
    struct holder holder;
    struct buf der = { 0 }, text = { 0 };
    enum rc rc = holder_open(&holder, reader, &err);
    if (!rc)
        rc = certificate_get(&holder, which, pin_fd, last_try, &der, &err);
    if (!rc && pem)
        rc = certificate_to_pem(buf_bytes(&der), &text, &err);
    if (!rc)
        rc = certificate_put(buf_bytes(pem ? &text : &der), out, pem, &err);
    holder_close(&holder);
    buf_wipe(&der);
    buf_wipe(&text);
    return rc ? card_command_failed(&err, rc) : EXIT_DONE;
}
