/* opseal.c — signing and checking with operations keys (GnuTLS, which has the identities anyway). */
#include "net/opseal.h"

#include "base/clock.h"
#include "base/hex.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATE_MAX 8192
#define SIGNATURE_MAX 1024

struct opseal {
    gnutls_privkey_t key;
    gnutls_x509_trust_list_t trust;
    char *certificate; /* hex */
    /* the last certificate that was found good: a batch of statements has one */
    char *known;
    gnutls_pubkey_t known_key;
    struct peer known_peer;
    int64_t known_from, known_until;
};

static gnutls_datum_t opseal_datum(struct bytes bytes)
{
    union { /* GnuTLS wants a pointer that is not const, and does not write through it */
        const uint8_t *in;
        unsigned char *out;
    } cast = {.in = bytes.data};
    return (gnutls_datum_t){cast.out, (unsigned)bytes.len};
}

static enum rc opseal_read_certificate(struct opseal *seal, const gnutls_datum_t *pem)
{
    gnutls_x509_crt_t cert;
    gnutls_datum_t der = {0};
    if (gnutls_x509_crt_init(&cert))
        return RC_NOMEM;
    enum rc rc = RC_FORMAT;
    if (gnutls_x509_crt_import(cert, pem, GNUTLS_X509_FMT_PEM) == 0 &&
        gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der) == 0) {
        seal->certificate = malloc(2 * (size_t)der.size + 1);
        rc = seal->certificate ? RC_OK : RC_NOMEM;
        if (!rc)
            hex_encode(bytes_of(der.data, der.size), seal->certificate);
    }
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(cert);
    return rc;
}

enum rc opseal_open(const struct identity *identity, struct opseal **out, struct err *err)
{
    struct opseal *seal = calloc(1, sizeof *seal);
    if (!seal)
        return err_set(err, RC_NOMEM, "seal");
    const gnutls_datum_t key = opseal_datum(buf_bytes(&identity->key_pem)),
                         cert = opseal_datum(buf_bytes(&identity->cert_pem)),
                         ca = opseal_datum(buf_bytes(&identity->ca_pem));
    enum rc rc = RC_OK;
    if (gnutls_privkey_init(&seal->key) || gnutls_x509_trust_list_init(&seal->trust, 0))
        rc = RC_NOMEM;
    if (!rc && (gnutls_privkey_import_x509_raw(seal->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0) ||
                gnutls_x509_trust_list_add_trust_mem(seal->trust, &ca, NULL, GNUTLS_X509_FMT_PEM, 0, 0) < 1))
        rc = RC_FORMAT;
    if (!rc)
        rc = opseal_read_certificate(seal, &cert);
    if (rc) {
        opseal_close(seal);
        return err_set(err, rc, "%s: its key cannot sign", identity->folder);
    }
    *out = seal;
    return RC_OK;
}

void opseal_close(struct opseal *seal)
{
    if (!seal)
        return;
    if (seal->key)
        gnutls_privkey_deinit(seal->key);
    if (seal->known_key)
        gnutls_pubkey_deinit(seal->known_key);
    if (seal->trust)
        gnutls_x509_trust_list_deinit(seal->trust, 1);
    free(seal->certificate);
    free(seal->known);
    free(seal);
}

const char *opseal_certificate(const struct opseal *seal)
{
    return seal->certificate;
}

enum rc opseal_sign(const struct opseal *seal, struct bytes text, struct buf *signature, struct err *err)
{
    const gnutls_datum_t data = opseal_datum(text);
    gnutls_datum_t made = {0};
    if (gnutls_privkey_sign_data(seal->key, GNUTLS_DIG_SHA256, 0, &data, &made))
        return err_set(err, RC_BUG, "the operations key did not sign");
    char hex[2 * SIGNATURE_MAX + 1];
    enum rc rc = made.size > SIGNATURE_MAX ? RC_BUG : RC_OK;
    if (!rc) {
        hex_encode(bytes_of(made.data, made.size), hex);
        rc = buf_printf(signature, "%s", hex);
    }
    gnutls_free(made.data);
    return rc;
}

/* Reads and judges a certificate that is not the last one. */
static enum rc opseal_meet(struct opseal *seal, const char *hex, struct err *err)
{
    struct buf der = {.max = CERTIFICATE_MAX};
    gnutls_x509_crt_t cert = NULL;
    gnutls_pubkey_t key = NULL;
    struct peer peer;
    unsigned verdict = GNUTLS_CERT_INVALID;
    char *known = NULL;
    enum rc rc = hex_decode(hex, &der);
    if (!rc)
        rc = peer_from_cert(buf_bytes(&der), &peer, err);
    if (rc) {
        buf_wipe(&der);
        return err_set(err, RC_FORMAT, "certificate: not one of an operations identity");
    }
    const gnutls_datum_t data = opseal_datum(buf_bytes(&der));
    if (gnutls_x509_crt_init(&cert) || gnutls_pubkey_init(&key) || !(known = strdup(hex)))
        rc = RC_NOMEM;
    else if (gnutls_x509_crt_import(cert, &data, GNUTLS_X509_FMT_DER) || gnutls_pubkey_import_x509(key, cert, 0))
        rc = err_set(err, RC_FORMAT, "certificate: unreadable");
    else if (gnutls_x509_trust_list_verify_crt2(seal->trust, &cert, 1, NULL, 0, GNUTLS_VERIFY_DISABLE_TIME_CHECKS,
                                                &verdict, NULL) ||
             verdict)
        rc = err_set(err, RC_DENIED, "certificate: not of this operations authority");
    if (!rc) {
        if (seal->known_key)
            gnutls_pubkey_deinit(seal->known_key);
        free(seal->known);
        seal->known = known;
        seal->known_key = key;
        seal->known_peer = peer;
        seal->known_from = gnutls_x509_crt_get_activation_time(cert);
        seal->known_until = gnutls_x509_crt_get_expiration_time(cert);
    } else {
        if (key)
            gnutls_pubkey_deinit(key);
        free(known);
    }
    if (cert)
        gnutls_x509_crt_deinit(cert);
    buf_wipe(&der);
    return rc;
}

enum rc opseal_check(struct opseal *seal, const char *certificate, struct bytes text, const char *signature,
                     struct peer *signer, struct err *err)
{
    return opseal_check_at(seal, clock_now(), certificate, text, signature, signer, err);
}

enum rc opseal_check_at(struct opseal *seal, int64_t when, const char *certificate, struct bytes text,
                        const char *signature, struct peer *signer, struct err *err)
{
    struct buf raw = {.max = SIGNATURE_MAX};
    if (strlen(certificate) > 2 * CERTIFICATE_MAX)
        return err_set(err, RC_FORMAT, "certificate: too large");
    enum rc rc = seal->known && strcmp(seal->known, certificate) == 0 ? RC_OK : opseal_meet(seal, certificate, err);
    if (rc)
        return rc;
    if (when < seal->known_from || when > seal->known_until)
        return err_set(err, RC_DENIED, "certificate: not valid then");
    if (hex_decode(signature, &raw))
        rc = err_set(err, RC_FORMAT, "signature: not hex");
    const gnutls_datum_t data = opseal_datum(text), made = opseal_datum(buf_bytes(&raw));
    gnutls_sign_algorithm_t algorithm = gnutls_pk_to_sign(
        (gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(seal->known_key, NULL), GNUTLS_DIG_SHA256);
    if (!rc && gnutls_pubkey_verify_data2(seal->known_key, algorithm, 0, &data, &made) < 0)
        rc = err_set(err, RC_DENIED, "signature: not made by the certificate's key over this");
    buf_wipe(&raw);
    if (!rc)
        *signer = seal->known_peer;
    return rc;
}
