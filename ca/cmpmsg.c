/* cmpmsg.c — a forward reader over the structures of RFC 9810 and RFC 4211. */
#include "ca/cmpmsg.h"

#include "base/hex.h"
#include "pki/der.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { TAG_INTEGER = 0x02, TAG_OCTETS = 0x04, TAG_SEQUENCE = 0x30 };

static bool octets_to_text(struct bytes explicit_octets, char out[129])
{
    struct bytes octets;
    if (der_expect(&explicit_octets, TAG_OCTETS, &octets, NULL) || explicit_octets.len || octets.len > 64)
        return false;
    hex_encode(octets, out);
    return true;
}

static bool protection_is_signature(struct bytes algorithm)
{
    struct bytes body, oid, whole;
    if (der_expect(&algorithm, TAG_SEQUENCE, &body, NULL) || der_expect(&body, 0x06, &oid, &whole))
        return false;
    const unsigned char *at = whole.data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)whole.len);
    int digest, key;
    bool is = object && OBJ_find_sigid_algs(OBJ_obj2nid(object), &digest, &key) && key != NID_undef;
    ASN1_OBJECT_free(object);
    return is;
}

/* PKIHeader: pvno, sender, recipient, then optional fields by tag. */
static enum rc header_parse(struct bytes header, struct cmpmsg *msg, struct err *err)
{
    struct bytes content;
    unsigned tag;
    if (der_expect(&header, TAG_INTEGER, &content, NULL) || der_next(&header, &tag, &content, NULL) ||
        der_next(&header, &tag, &content, NULL))
        return err_set(err, RC_FORMAT, "CMP: no header");
    enum rc rc;
    while ((rc = der_next(&header, &tag, &content, NULL)) == RC_OK) {
        bool fine = true;
        if (tag == 0xA1)
            msg->signed_protection = protection_is_signature(content);
        else if (tag == 0xA4)
            fine = octets_to_text(content, msg->transaction);
        else if (tag == 0xA5)
            fine = octets_to_text(content, msg->sender_nonce);
        if (!fine)
            return err_set(err, RC_FORMAT, "CMP: transactionID or senderNonce");
    }
    return rc == RC_NOT_FOUND ? RC_OK : err_set(err, RC_FORMAT, "CMP: header");
}

static enum rc extra_certs_count(struct bytes list, size_t *count, struct err *err)
{
    struct bytes certs, cert;
    enum rc rc = der_expect(&list, TAG_SEQUENCE, &certs, NULL);
    while (!rc && (rc = der_expect(&certs, TAG_SEQUENCE, &cert, NULL)) == RC_OK)
        *count += 1;
    return rc == RC_NOT_FOUND ? RC_OK : err_set(err, RC_FORMAT, "CMP: extraCerts");
}

enum rc cmpmsg_parse(struct bytes der, struct cmpmsg *out, struct err *err)
{
    struct cmpmsg msg = { 0 };
    struct bytes message, header, content;
    unsigned tag;
    if (der_expect(&der, TAG_SEQUENCE, &message, NULL) || der.len ||
        der_expect(&message, TAG_SEQUENCE, &header, NULL) || der_next(&message, &tag, &msg.content, NULL) ||
        (tag & 0xE0) != 0xA0)
        return err_set(err, RC_FORMAT, "not a CMP message");
    msg.body = tag & 0x1F;
    enum rc rc = header_parse(header, &msg, err);
    while (!rc && (rc = der_next(&message, &tag, &content, NULL)) == RC_OK)
        if (tag == 0xA1)
            rc = extra_certs_count(content, &msg.extra_certs, err);
    if (rc == RC_NOT_FOUND) {
        *out = msg;
        return RC_OK;
    }
    return err_set(err, rc, "CMP: behind the body");
}

/* The one element of the body's SEQUENCE OF. RC_NOT_FOUND: none. */
static enum rc body_only(const struct cmpmsg *msg, struct bytes *only, struct err *err)
{
    struct bytes content = msg->content, list;
    if (der_expect(&content, TAG_SEQUENCE, &list, NULL) || content.len)
        return err_set(err, RC_FORMAT, "CMP: body");
    if (!list.len)
        return RC_NOT_FOUND;
    if (der_expect(&list, TAG_SEQUENCE, only, NULL))
        return err_set(err, RC_FORMAT, "CMP: body");
    return list.len ? err_set(err, RC_UNSUPPORTED, "CMP: more than one request in a message") : RC_OK;
}

/* PKCS #10 (RFC 2986 §4.1): version, subject, then the key. */
static enum rc p10_public_key(struct bytes content, struct buf *spki, struct err *err)
{
    struct bytes request, info, version, name, key;
    if (der_expect(&content, TAG_SEQUENCE, &request, NULL) || content.len ||
        der_expect(&request, TAG_SEQUENCE, &info, NULL) || der_expect(&info, TAG_INTEGER, &version, NULL) ||
        der_expect(&info, TAG_SEQUENCE, &name, NULL) || der_expect(&info, TAG_SEQUENCE, &key, NULL))
        return err_set(err, RC_FORMAT, "PKCS #10: no public key");
    return der_append(spki, TAG_SEQUENCE, key);
}

enum rc cmpmsg_public_key(const struct cmpmsg *msg, struct buf *spki, struct err *err)
{
    if (msg->body == CMPMSG_P10CR)
        return p10_public_key(msg->content, spki, err);
    struct bytes request, cert_request, id, template, content;
    unsigned tag;
    enum rc rc = body_only(msg, &request, err);
    if (rc)
        return err_set(err, rc == RC_NOT_FOUND ? RC_UNSUPPORTED : rc, "CMP: no request");
    if (der_expect(&request, TAG_SEQUENCE, &cert_request, NULL) || der_expect(&cert_request, TAG_INTEGER, &id, NULL) ||
        der_expect(&cert_request, TAG_SEQUENCE, &template, NULL))
        return err_set(err, RC_FORMAT, "CRMF: request");
    while ((rc = der_next(&template, &tag, &content, NULL)) == RC_OK)
        if (tag == 0xA6) /* [6] IMPLICIT: the tag stands in place of the SEQUENCE's */
            return der_append(spki, TAG_SEQUENCE, content);
    return err_set(err, RC_FORMAT, "CRMF: no public key");
}

enum rc cmpmsg_confirmed(const struct cmpmsg *msg, bool *accepted, struct err *err)
{
    struct bytes status, content, info;
    enum rc rc = body_only(msg, &status, err);
    if (rc == RC_NOT_FOUND) {
        *accepted = false; /* RFC 9810 §5.3.18: an empty list rejects all */
        return RC_OK;
    }
    if (rc)
        return rc;
    if (der_expect(&status, TAG_OCTETS, &content, NULL) || der_expect(&status, TAG_INTEGER, &content, NULL))
        return err_set(err, RC_FORMAT, "CMP: certConf");
    bool said = true;
    unsigned tag;
    while ((rc = der_next(&status, &tag, &content, NULL)) == RC_OK)
        if (tag == TAG_SEQUENCE) {
            if (der_expect(&content, TAG_INTEGER, &info, NULL) || info.len != 1)
                return err_set(err, RC_FORMAT, "CMP: certConf status");
            said = info.data[0] == 0 || info.data[0] == 1; /* accepted, grantedWithMods */
        }
    if (rc != RC_NOT_FOUND)
        return err_set(err, RC_FORMAT, "CMP: certConf");
    *accepted = said;
    return RC_OK;
}

enum rc cmpmsg_reason(const struct cmpmsg *msg, int *reason, struct err *err)
{
    struct bytes details, template, content, whole;
    enum rc rc = body_only(msg, &details, err);
    if (rc)
        return err_set(err, rc == RC_NOT_FOUND ? RC_UNSUPPORTED : rc, "CMP: no revocation request");
    if (der_expect(&details, TAG_SEQUENCE, &template, NULL))
        return err_set(err, RC_FORMAT, "CMP: rr");
    if (!details.len) {
        *reason = 0;
        return RC_OK;
    }
    if (der_expect(&details, TAG_SEQUENCE, &content, &whole) || details.len)
        return err_set(err, RC_FORMAT, "CMP: rr details");
    const unsigned char *at = whole.data;
    X509_EXTENSIONS *extensions = d2i_X509_EXTENSIONS(NULL, &at, (long)whole.len);
    int critical = -1;
    ASN1_ENUMERATED *value = extensions ? X509V3_get_d2i(extensions, NID_crl_reason, &critical, NULL) : NULL;
    long number = value ? ASN1_ENUMERATED_get(value) : 0;
    bool fine = extensions && (value || critical == -1); /* -1: absent; -2: twice; else unreadable */
    ASN1_ENUMERATED_free(value);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    if (!fine || number < 0 || number > 10)
        return err_set(err, RC_FORMAT, "CMP: rr reason");
    *reason = (int)number;
    return RC_OK;
}
