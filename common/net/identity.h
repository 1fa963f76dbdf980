/* identity.h — who a computer or an officer is on a TLS connection: a folder with key.pem (0600), cert.pem and ca.pem,
 * and the role that the certificate's subject names.
 *
 * Subject of an operations certificate: C=JP, O=…, OU=<role>, L=<6-digit municipality code, 000000 for none>, CN=<name>.
 * Issued by the operations authority (AUTHORITY_OPS); ca.pem holds its certificate. */
#ifndef JPKI_NET_IDENTITY_H
#define JPKI_NET_IDENTITY_H

#include "base/buf.h"
#include "base/err.h"

enum role {
    ROLE_NONE,
    ROLE_NODE_MUNICIPAL, /* "node-municipal" */
    ROLE_NODE_NATIONAL,  /* "node-national" */
    ROLE_NODE_PREFECTURAL, /* "node-prefectural" */
    ROLE_CA,             /* "ca" */
    ROLE_DESK_OFFICER,   /* "desk-officer": 受付窓口 */
    ROLE_REGISTRAR,      /* "registrar": records moves, births, deaths at a municipal node */
    ROLE_VERIFIER,       /* "verifier": 署名検証者 */
    ROLE_TIME_STAMP,     /* "time-stamp": a time-stamping authority (extendedKeyUsage timeStamping only; no TLS) */
    ROLE_CARD_OFFICER,   /* "card-officer": keeps the card ledger of a municipality (カード発行管理) */
    ROLE_COUNTER,        /* "counter": hands out copies and services at a municipality's counter */
    ROLE_KIOSK,          /* "kiosk": a machine that prints copies, a municipality's own or a shop's */
    ROLE_APPROVER,       /* "approver": agrees to what another officer asked of the authorities */
    ROLE_REVOKER,        /* "revoker": ends certificates: holders' requests, the loss hotline */
    ROLE_AUDITOR,        /* "auditor": reads the trail and the reports */
    ROLE_ADMINISTRATOR,  /* "administrator": officers' own certificates, reports, metrics */
    ROLE_AGENCY,         /* "agency": 行政機関 that get 本人確認情報 for tasks of the law; known by the name */
    ROLE_DOCUMENT_SEAL,  /* "document-seal": a municipality's signature on copies and certificates (no TLS) */
    ROLE_COUNT
};

/* Roles as a bit set: who may call a route, whom a client expects. */
#define ROLE_BIT(role) (1u << (role))

const char *role_name(enum role role);
enum rc role_parse(const char *name, enum role *role) MUST_CHECK;

/* The other end of a connection, as its verified certificate says. */
struct peer {
    enum role role;
    char municipality[7]; /* "462012"; "000000" for none */
    char name[65];        /* CN */
    char serial[41];      /* hex, as pki/cert.h writes serials */
};

/* From a certificate that was verified by the TLS layer. RC_FORMAT. */
enum rc peer_from_cert(struct bytes der, struct peer *peer, struct err *err) MUST_CHECK;

/* One's own identity. */
struct identity {
    char *folder;
    char *key_path, *cert_path, *ca_path; /* PEM files */
    struct buf key_pem, cert_pem, ca_pem; /* their contents; wiped with the identity */
};

/* Reads and checks the folder: all three files there, key private (0600). Names what is missing. */
enum rc identity_open(const char *folder, struct identity *identity, struct err *err) MUST_CHECK;
void identity_close(struct identity *identity);

#endif
