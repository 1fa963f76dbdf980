/* identity.c — operations certificates as identities: the folder of one's own, and what a peer's certificate says. GnuTLS
 * reads the certificates here since the server side has it anyway. */
#include "net/identity.h"

#include "base/file.h"
#include "base/hex.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_MAX (256u * 1024u)

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_NONE] = "none",
    [ROLE_NODE_MUNICIPAL] = "node-municipal",
    [ROLE_NODE_NATIONAL] = "node-national",
    [ROLE_NODE_PREFECTURAL] = "node-prefectural",
    [ROLE_CA] = "ca",
    [ROLE_DESK_OFFICER] = "desk-officer",
    [ROLE_REGISTRAR] = "registrar",
    [ROLE_VERIFIER] = "verifier",
    [ROLE_TIME_STAMP] = "time-stamp",
    [ROLE_CARD_OFFICER] = "card-officer",
    [ROLE_COUNTER] = "counter",
    [ROLE_KIOSK] = "kiosk",
    [ROLE_APPROVER] = "approver",
    [ROLE_REVOKER] = "revoker",
    [ROLE_AUDITOR] = "auditor",
    [ROLE_ADMINISTRATOR] = "administrator",
    [ROLE_AGENCY] = "agency",
    [ROLE_DOCUMENT_SEAL] = "document-seal",
};

const char *role_name(enum role role)
{
    return (unsigned)role < ROLE_COUNT ? role_names[role] : "?";
}

enum rc role_parse(const char *name, enum role *role)
{
    for (unsigned i = ROLE_NONE + 1; i < ROLE_COUNT; i++)
        if (strcmp(role_names[i], name) == 0) {
            *role = (enum role)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

/* The one attribute of that kind in the subject: none, two of them, or one that does not fit, is no identity. */
static enum rc peer_attribute(gnutls_x509_crt_t cert, const char *oid, const char *what, char *out, size_t size,
                              struct err *err)
{
    char value[512];
    size_t len = sizeof value;
    if (gnutls_x509_crt_get_dn_by_oid(cert, oid, 0, 0, value, &len) != 0 || len == 0 || len >= size
        || memchr(value, '\0', len))
        return err_set(err, RC_FORMAT, "the certificate's subject has no usable %s", what);
    size_t second = 0;
    if (gnutls_x509_crt_get_dn_by_oid(cert, oid, 1, 0, NULL, &second) != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return err_set(err, RC_FORMAT, "the certificate's subject has more than one %s", what);
    memcpy(out, value, len);
    out[len] = '\0';
    return RC_OK;
}

static enum rc peer_serial(gnutls_x509_crt_t cert, struct peer *peer, struct err *err)
{
    uint8_t serial[64];
    size_t len = sizeof serial, skip = 0;
    if (gnutls_x509_crt_get_serial(cert, serial, &len) != 0)
        return err_set(err, RC_FORMAT, "the certificate's serial number is unreadable");
    while (skip < len && serial[skip] == 0)
        skip++;
    if (skip == len || len - skip > (sizeof peer->serial - 1) / 2)
        return err_set(err, RC_FORMAT, "the certificate's serial number is zero or too long");
    hex_encode(bytes_of(serial + skip, len - skip), peer->serial);
    return RC_OK;
}

static enum rc peer_read(gnutls_x509_crt_t cert, struct peer *out, struct err *err)
{
    struct peer peer = { 0 };
    char role[32];
    enum rc rc = peer_attribute(cert, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, "OU (role)", role, sizeof role, err);
    if (rc == RC_OK && role_parse(role, &peer.role) != RC_OK)
        rc = err_set(err, RC_FORMAT, "the certificate's OU names no role");
    if (rc == RC_OK)
        rc = peer_attribute(cert, GNUTLS_OID_X520_LOCALITY_NAME, "L (municipality)", peer.municipality,
                            sizeof peer.municipality, err);
    if (rc == RC_OK && (strlen(peer.municipality) != 6 || strspn(peer.municipality, "0123456789") != 6))
        rc = err_set(err, RC_FORMAT, "the certificate's L is not a municipality code of 6 digits");
    if (rc == RC_OK)
        rc = peer_attribute(cert, GNUTLS_OID_X520_COMMON_NAME, "CN (name)", peer.name, sizeof peer.name, err);
    if (rc == RC_OK)
        rc = peer_serial(cert, &peer, err);
    if (rc == RC_OK)
        *out = peer;
    return rc;
}

enum rc peer_from_cert(struct bytes der, struct peer *peer, struct err *err)
{
    if (der.len > PEM_MAX)
        return err_set(err, RC_FORMAT, "the certificate is too large");
    union { /* GnuTLS wants a pointer that is not const, and does not write through it */
        const uint8_t *in;
        unsigned char *out;
    } cast = { .in = der.data };
    gnutls_datum_t datum = { cast.out, (unsigned)der.len };
    gnutls_x509_crt_t cert;
    if (gnutls_x509_crt_init(&cert) != 0)
        return RC_NOMEM;
    enum rc rc = RC_FORMAT;
    if (gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_DER) == 0)
        rc = peer_read(cert, peer, err);
    else
        err_set(err, rc, "not a certificate");
    gnutls_x509_crt_deinit(cert);
    return rc;
}

static enum rc identity_read(const char *folder, const char *name, bool is_private, char **path, struct buf *pem,
                             struct err *err)
{
    *path = file_join(folder, name);
    if (!*path)
        return RC_NOMEM;
    struct stat st;
    if (stat(*path, &st) != 0)
        return err_set_errno(err, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", *path);
    if (is_private && (st.st_mode & 077))
        return err_set(err, RC_DENIED, "%s: others may read the private key (its mode must be 0600)", *path);
    buf_init(pem, PEM_MAX);
    enum rc rc = file_read(*path, pem, err);
    if (rc == RC_OK && !buf_string(pem)) /* the TLS libraries want strings */
        rc = RC_NOMEM;
    if (rc == RC_OK && (memchr(pem->data, '\0', pem->len) || !strstr((const char *)pem->data, "-----BEGIN ")))
        rc = err_set(err, RC_FORMAT, "%s: not a PEM file", *path);
    return rc;
}

enum rc identity_open(const char *folder, struct identity *identity, struct err *err)
{
    struct identity made = { .folder = strdup(folder) };
    enum rc rc = made.folder ? RC_OK : RC_NOMEM;
    if (rc == RC_OK)
        rc = identity_read(folder, "key.pem", true, &made.key_path, &made.key_pem, err);
    if (rc == RC_OK)
        rc = identity_read(folder, "cert.pem", false, &made.cert_path, &made.cert_pem, err);
    if (rc == RC_OK)
        rc = identity_read(folder, "ca.pem", false, &made.ca_path, &made.ca_pem, err);
    if (rc)
        identity_close(&made);
    else
        *identity = made;
    return rc;
}

void identity_close(struct identity *identity)
{
    free(identity->folder);
    free(identity->key_path);
    free(identity->cert_path);
    free(identity->ca_path);
    buf_wipe(&identity->key_pem);
    buf_wipe(&identity->cert_pem);
    buf_wipe(&identity->ca_pem);
    *identity = (struct identity) { 0 };
}
