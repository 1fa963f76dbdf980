/* pdfseal.c — reading as much of a PDF as is needed to append to it, and the signature. */
#include "registry/pdfseal.h"

#include "base/clock.h"
#include "base/hex.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENTS 8192 /* bytes kept for the CMS */
#define CMS_FLAGS (CMS_DETACHED | CMS_BINARY | CMS_CADES | CMS_NOSMIMECAP)
#define RANGE_PLACE "[0 0000000000 0000000000 0000000000]"

/* What is known of the document: where its table stands, how many objects it has, its catalogue and first page. */
struct pdf {
    const char *text; /* NUL behind it */
    size_t len;
    long table, size, root, info;
};

static const char *pdf_last(const struct pdf *pdf, const char *word)
{
    const char *found = NULL;
    for (const char *at = pdf->text; (at = memmem(at, pdf->len - (size_t)(at - pdf->text), word, strlen(word))); at++)
        found = at;
    return found;
}

/* The number behind a name ("/Root 12 0 R") in a piece of text; -1: none. */
static long pdf_number(const char *from, const char *to, const char *name)
{
    size_t len = strlen(name);
    const char *at = memmem(from, (size_t)(to - from), name, len);
    return at ? strtol(at + len, NULL, 10) : -1;
}

static enum rc pdf_open(struct bytes bytes, struct pdf *pdf, struct err *err)
{
    *pdf = (struct pdf){.text = (const char *)bytes.data, .len = bytes.len};
    const char *end = pdf->text + pdf->len, *start = pdf_last(pdf, "startxref"), *trailer = pdf_last(pdf, "trailer");
    if (start && trailer && trailer < start) {
        pdf->table = strtol(start + strlen("startxref"), NULL, 10);
        pdf->size = pdf_number(trailer, end, "/Size ");
        pdf->root = pdf_number(trailer, end, "/Root ");
        pdf->info = pdf_number(trailer, end, "/Info ");
    }
    if (pdf->table <= 0 || (size_t)pdf->table + 9 > pdf->len || memcmp(pdf->text + pdf->table, "xref\n0 ", 7) != 0 ||
        pdf->size <= 0 || pdf->root <= 0)
        return err_set(err, RC_FORMAT, "the document has no plain cross-reference table");
    return RC_OK;
}

/* The inside of an object, between "obj" and "endobj", by the table's entry of 20 bytes. */
static enum rc pdf_object(const struct pdf *pdf, long number, const char **from, const char **to, struct err *err)
{
    const char *entries = memchr(pdf->text + pdf->table + 5, '\n', pdf->len - (size_t)pdf->table - 5),
               *end = pdf->text + pdf->len;
    if (!entries || number <= 0 || number >= pdf->size || (size_t)(end - entries) < 1 + 20 * (size_t)pdf->size)
        return err_set(err, RC_FORMAT, "the document's table is too short");
    long at = strtol(entries + 1 + 20 * number, NULL, 10);
    char head[32];
    snprintf(head, sizeof head, "%ld 0 obj", number);
    if (at <= 0 || (size_t)at + strlen(head) > pdf->len || memcmp(pdf->text + at, head, strlen(head)) != 0)
        return err_set(err, RC_FORMAT, "object %ld is not where the document's table says", number);
    *from = pdf->text + at + strlen(head);
    *to = memmem(*from, (size_t)(end - *from), "endobj", 6);
    return *to ? RC_OK : err_set(err, RC_FORMAT, "object %ld does not end", number);
}

static enum rc pdf_first_page(const struct pdf *pdf, long *page, struct err *err)
{
    const char *from, *to;
    enum rc rc = pdf_object(pdf, pdf->root, &from, &to, err);
    if (!rc)
        rc = pdf_object(pdf, pdf_number(from, to, "/Pages "), &from, &to, err);
    if (!rc)
        *page = pdf_number(from, to, "/Kids [ ");
    if (!rc && *page <= 0)
        rc = err_set(err, RC_FORMAT, "the document has no page");
    return rc;
}

/* An object again, with entries more at the front of its dictionary; where[number] is where it stands now. */
static enum rc pdf_extend(const struct pdf *pdf, long number, const char *entries, struct buf *out, size_t *where,
                          struct err *err)
{
    const char *from, *to;
    enum rc rc = pdf_object(pdf, number, &from, &to, err);
    const char *dictionary = rc ? NULL : memmem(from, (size_t)(to - from), "<<", 2);
    if (!rc && !dictionary)
        rc = err_set(err, RC_FORMAT, "object %ld is no dictionary", number);
    *where = pdf->len + out->len;
    if (!rc)
        rc = buf_printf(out, "%ld 0 obj\n<< %s", number, entries);
    if (!rc)
        rc = buf_append(out, dictionary + 2, (size_t)(to - dictionary - 2));
    return rc ? rc : buf_append_text(out, "endobj\n");
}

/* The update without the numbers of the ByteRange and without the signature. *contents: where "<" stands in the whole.
 */
static enum rc pdf_update(const struct pdf *pdf, const struct pdfseal *seal, struct buf *out, size_t *range,
                          size_t *contents, struct err *err)
{
    char entries[96], when[CLOCK_TEXT_SIZE];
    size_t root, page_at, dictionary, field;
    long page;
    clock_format(seal->time, when);
    enum rc rc = pdf_first_page(pdf, &page, err);
    if (!rc)
        rc = buf_append_text(out, "\n");
    snprintf(entries, sizeof entries, "/AcroForm << /Fields [ %ld 0 R ] /SigFlags 3 >>", pdf->size + 1);
    if (!rc)
        rc = pdf_extend(pdf, pdf->root, entries, out, &root, err);
    snprintf(entries, sizeof entries, "/Annots [ %ld 0 R ]", pdf->size + 1);
    if (!rc)
        rc = pdf_extend(pdf, page, entries, out, &page_at, err);
    if (rc)
        return rc;
    dictionary = pdf->len + out->len;
    rc = buf_printf(out,
                    "%ld 0 obj\n<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /Name (%s) "
                    "/Reason (%s) /M (D:%.4s%.2s%.2s%.2s%.2s%.2sZ)\n/ByteRange ",
                    pdf->size, seal->name, seal->reason, when, when + 5, when + 8, when + 11, when + 14, when + 17);
    *range = pdf->len + out->len;
    if (!rc)
        rc = buf_printf(out, "%s\n/Contents ", RANGE_PLACE);
    *contents = pdf->len + out->len;
    if (!rc)
        rc = buf_printf(out, "<%0*d>\n>>\nendobj\n", 2 * CONTENTS, 0);
    field = pdf->len + out->len;
    if (!rc)
        rc = buf_printf(out,
                        "%ld 0 obj\n<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature1) /F 132 /Rect [ 0 0 0 0 ] "
                        "/P %ld 0 R /V %ld 0 R >>\nendobj\n",
                        pdf->size + 1, page, pdf->size);
    size_t table = pdf->len + out->len;
    if (!rc)
        rc = buf_printf(
            out, "xref\n%ld 1\n%010zu 00000 n \n%ld 1\n%010zu 00000 n \n%ld 2\n%010zu 00000 n \n%010zu 00000 n \n",
            pdf->root, root, page, page_at, pdf->size, dictionary, field);
    if (!rc)
        rc = buf_printf(out, "trailer\n<< /Size %ld /Root %ld 0 R /Prev %ld", pdf->size + 2, pdf->root, pdf->table);
    if (!rc && pdf->info > 0)
        rc = buf_printf(out, " /Info %ld 0 R", pdf->info);
    return rc ? rc : buf_printf(out, " >>\nstartxref\n%zu\n%%%%EOF\n", table);
}

struct signer {
    EVP_PKEY *key;
    X509 *cert;
    STACK_OF(X509) * above;
};

static BIO *pdfseal_bio(struct bytes bytes)
{
    return bytes.len <= INT_MAX ? BIO_new_mem_buf(bytes.data, (int)bytes.len) : NULL;
}

static enum rc pdfseal_open(const struct pdfseal *seal, struct signer *signer, struct err *err)
{
    BIO *key = pdfseal_bio(seal->key_pem), *cert = pdfseal_bio(seal->cert_pem), *ca = pdfseal_bio(seal->ca_pem);
    X509 *above = ca ? PEM_read_bio_X509(ca, NULL, NULL, NULL) : NULL;
    signer->key = key ? PEM_read_bio_PrivateKey(key, NULL, NULL, NULL) : NULL;
    signer->cert = cert ? PEM_read_bio_X509(cert, NULL, NULL, NULL) : NULL;
    signer->above = sk_X509_new_null();
    BIO_free(key);
    BIO_free(cert);
    BIO_free(ca);
    if (!signer->above || !above || sk_X509_push(signer->above, above) <= 0) {
        X509_free(above);
        return err_set(err, RC_CRYPTO, "sealing: the authority's certificate cannot be used");
    }
    return signer->key && signer->cert ? RC_OK
                                       : err_set(err, RC_CRYPTO, "sealing: the key or its certificate cannot be used");
}

static void pdfseal_close(struct signer *signer)
{
    EVP_PKEY_free(signer->key);
    X509_free(signer->cert);
    sk_X509_pop_free(signer->above, X509_free);
}

/* The CMS over the bytes, at the house's time. */
static enum rc pdfseal_cms(const struct signer *signer, struct bytes content, int64_t now, struct buf *out,
                           struct err *err)
{
    BIO *data = pdfseal_bio(content);
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)now);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, signer->above, NULL, CMS_FLAGS | CMS_PARTIAL);
    CMS_SignerInfo *info = cms ? CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(), CMS_FLAGS) : NULL;
    unsigned char *der = NULL;
    int len = 0;
    if (data && time && info &&
        CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, ASN1_STRING_type(time), time, -1) == 1 &&
        CMS_final(cms, data, NULL, CMS_FLAGS) == 1)
        len = i2d_CMS_ContentInfo(cms, &der);
    enum rc rc =
        len > 0 ? buf_append(out, der, (size_t)len) : err_set(err, RC_CRYPTO, "sealing: no signature was made");
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    ASN1_TIME_free(time);
    BIO_free(data);
    return rc;
}

/* Writes the ranges into their place and the signature between them. */
static enum rc pdfseal_fill(const struct signer *signer, int64_t now, struct buf *whole, size_t range, size_t contents,
                            struct err *err)
{
    struct buf signed_bytes = {0}, cms = {0};
    char text[sizeof RANGE_PLACE];
    size_t second = contents + 2 * CONTENTS + 2;
    int len = snprintf(text, sizeof text, "[0 %zu %zu %zu]", contents, second, whole->len - second);
    memset(whole->data + range, ' ', strlen(RANGE_PLACE));
    memcpy(whole->data + range, text, (size_t)len);
    enum rc rc = buf_append(&signed_bytes, whole->data, contents);
    if (!rc)
        rc = buf_append(&signed_bytes, whole->data + second, whole->len - second);
    if (!rc)
        rc = pdfseal_cms(signer, buf_bytes(&signed_bytes), now, &cms, err);
    if (!rc && cms.len > CONTENTS)
        rc = err_set(err, RC_CRYPTO, "sealing: the signature is larger than its place");
    for (size_t i = 0; !rc && i < cms.len; i++) {
        char hex[3];
        hex_encode(bytes_of(cms.data + i, 1), hex);
        memcpy(whole->data + contents + 1 + 2 * i, hex, 2);
    }
    buf_wipe(&signed_bytes);
    buf_wipe(&cms);
    return rc;
}

enum rc pdfseal_sign(const struct pdfseal *seal, struct buf *document, struct err *err)
{
    struct pdf pdf;
    struct signer signer = {0};
    struct buf update = {0}, whole = {0};
    size_t range = 0, contents = 0;
    if (!buf_string(document))
        return RC_NOMEM;
    enum rc rc = pdf_open(buf_bytes(document), &pdf, err);
    if (!rc)
        rc = pdf_update(&pdf, seal, &update, &range, &contents, err);
    if (!rc)
        rc = pdfseal_open(seal, &signer, err);
    if (!rc)
        rc = buf_append_bytes(&whole, buf_bytes(document));
    if (!rc)
        rc = buf_append_bytes(&whole, buf_bytes(&update));
    if (!rc)
        rc = pdfseal_fill(&signer, seal->time, &whole, range, contents, err);
    pdfseal_close(&signer);
    buf_wipe(&update);
    if (rc) {
        buf_wipe(&whole);
        return rc;
    }
    buf_wipe(document);
    *document = whole;
    return RC_OK;
}
