/* sign_xml.c — libxml2 parses, canonicalises and writes; the digests are OpenSSL's and the signature value the card's.
 * A library for XML signatures would want the private key in a form of its own, which a card's key is not. */
#include "sign/sign_xml.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/uri.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

static const char sign_xml_ns[] = "http://www.w3.org/2000/09/xmldsig#";
static const char sign_xml_c14n[] = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
static const char sign_xml_enveloped[] = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
static const char sign_xml_rsa_sha256[] = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
static const char sign_xml_sha256[] = "http://www.w3.org/2001/04/xmlenc#sha256";

enum { SIGN_XML_DIGEST = 32, SIGN_XML_SIGNATURE_MAX = 512 };

/* What is to be signed in a parsed document. */
struct sign_xml_plan {
    xmlDoc *doc;
    xmlNode *target; /* the element referred to; the root for the whole document */
    xmlNode *place;  /* the signature becomes its last child */
    bool whole;      /* Reference URI="" */
    bool enveloped;  /* the signature stands inside the target */
};

static const xmlChar *sign_xml_text(const char *text)
{
    return (const xmlChar *)text;
}

static enum rc sign_xml_parse(struct bytes document, xmlDoc **doc, struct err *err)
{
    if (document.len > SIGN_XML_MAX)
        return err_set(err, RC_RANGE, "the document is larger than %u MiB", SIGN_XML_MAX >> 20);
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    if (!ctxt)
        return RC_NOMEM;
    enum rc rc = RC_OK;
    const char *data = document.len ? (const char *)document.data : "";
    xmlDoc *read = xmlCtxtReadMemory(ctxt, data, (int)document.len, NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!read || !ctxt->wellFormed || !ctxt->nsWellFormed || !xmlDocGetRootElement(read)) {
        const xmlError *error = xmlCtxtGetLastError(ctxt);
        rc = err_set(err, RC_FORMAT, "not well-formed XML (line %d)", error ? error->line : 0);
    } else if (read->intSubset || read->extSubset) {
        rc = err_set(err, RC_UNSUPPORTED, "the document has a document type declaration, which is not signed here");
    }
    xmlFreeParserCtxt(ctxt);
    if (rc) {
        xmlFreeDoc(read);
        return rc;
    }
    *doc = read;
    return RC_OK;
}

/* ---- what is to be signed ---- */

static xmlNode *sign_xml_next(const xmlNode *node, const xmlNode *root)
{
    if (node->children)
        return node->children;
    while (node != root && !node->next)
        node = node->parent;
    return node == root ? NULL : node->next;
}

static bool sign_xml_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, sign_xml_text(name)) && node->ns &&
           xmlStrEqual(node->ns->href, sign_xml_text(sign_xml_ns));
}

/* Without a document type no attribute is declared an ID: these four names are what signing programs go by. */
static bool sign_xml_has_id(const xmlNode *node, const char *id)
{
    static const char *const names[] = {"Id", "ID", "id"};
    bool has = false;
    for (size_t i = 0; i <= sizeof names / sizeof *names && !has; i++) {
        xmlChar *value = i < sizeof names / sizeof *names ? xmlGetNoNsProp(node, sign_xml_text(names[i]))
                                                          : xmlGetNsProp(node, sign_xml_text("id"), XML_XML_NAMESPACE);
        has = value && strcmp((const char *)value, id) == 0;
        xmlFree(value);
    }
    return has;
}

static bool sign_xml_is_inside(const xmlNode *node, const xmlNode *ancestor)
{
    while (node && node != ancestor)
        node = node->parent;
    return node;
}

/* e-Gov keeps signatures in an element of their own behind the signed one. */
static xmlNode *sign_xml_egov_place(const xmlNode *target)
{
    for (xmlNode *node = target->next; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, sign_xml_text("署名情報")))
            return node;
    return NULL;
}

static enum rc sign_xml_find(struct sign_xml_plan *plan, const char *id, struct err *err)
{
    xmlNode *root = xmlDocGetRootElement(plan->doc);
    xmlNode *found = NULL;
    for (xmlNode *node = root; node; node = sign_xml_next(node, root)) {
        if (node->type != XML_ELEMENT_NODE || !sign_xml_has_id(node, id))
            continue;
        if (found)
            return err_set(err, RC_CONFLICT, "two elements have the Id \"%.60s\"", id);
        found = node;
    }
    if (!found)
        return err_set(err, RC_NOT_FOUND, "no element has the Id \"%.60s\"", id);
    plan->target = found;
    xmlNode *place = sign_xml_egov_place(found);
    plan->place = place ? place : root;
    plan->enveloped = sign_xml_is_inside(plan->place, found);
    return RC_OK;
}

/* Whether the node is the Reference of an older signature over something that the new one would be put into. */
static bool sign_xml_covers(xmlNode *node, const xmlNode *place)
{
    if (!sign_xml_is(node, "Reference"))
        return false;
    xmlChar *uri = xmlGetNoNsProp(node, sign_xml_text("URI"));
    char *id = uri && uri[0] == '#' ? xmlURIUnescapeString((const char *)uri + 1, 0, NULL) : NULL;
    bool covers = !uri || !*uri || (uri[0] == '#' && !id);
    for (; id && !covers && place && place->type == XML_ELEMENT_NODE; place = place->parent)
        covers = sign_xml_has_id(place, id);
    xmlFree(id);
    xmlFree(uri);
    return covers;
}

static enum rc sign_xml_plan(xmlDoc *doc, const char *reference, struct sign_xml_plan *plan, struct err *err)
{
    xmlNode *root = xmlDocGetRootElement(doc);
    *plan = (struct sign_xml_plan){.doc = doc, .target = root, .place = root, .whole = !reference, .enveloped = true};
    if (reference) {
        if (!*reference)
            return err_set(err, RC_NOT_FOUND, "an empty Id names no element");
        enum rc rc = sign_xml_find(plan, reference, err);
        if (rc)
            return rc;
    }
    for (xmlNode *node = root; node; node = sign_xml_next(node, root))
        if (sign_xml_covers(node, plan->place))
            return err_set(err, RC_CONFLICT, "it is signed already, and what is added would break that signature");
    return RC_OK;
}

enum rc sign_xml_check(struct bytes document, const char *reference, struct err *err)
{
    xmlDoc *doc;
    struct sign_xml_plan plan;
    enum rc rc = sign_xml_parse(document, &doc, err);
    if (rc)
        return rc;
    rc = sign_xml_plan(doc, reference, &plan, err);
    xmlFreeDoc(doc);
    return rc;
}

/* ---- canonical form ---- */

/* Attributes and namespaces belong to their element, which is given as their parent. */
static int sign_xml_visible(void *target, xmlNode *node, xmlNode *parent)
{
    bool of_parent = !node || node->type == XML_ATTRIBUTE_NODE || node->type == XML_NAMESPACE_DECL;
    return sign_xml_is_inside(of_parent ? parent : node, target);
}

/* Of the subtree, with the namespaces of its ancestors as Canonical XML wants; of the document when it is NULL. */
static enum rc sign_xml_canonicalise(xmlDoc *doc, xmlNode *subtree, struct buf *out, struct err *err)
{
    xmlBuffer *text = xmlBufferCreate();
    xmlOutputBuffer *output = text ? xmlOutputBufferCreateBuffer(text, NULL) : NULL;
    enum rc rc = RC_NOMEM;
    if (!output)
        goto out;
    if (xmlC14NExecute(doc, subtree ? sign_xml_visible : NULL, subtree, XML_C14N_1_0, NULL, 0, output) < 0) {
        rc = err_set(err, RC_FORMAT, "the document has no canonical form (relative namespace names?)");
        goto out;
    }
    if (xmlOutputBufferFlush(output) < 0)
        goto out;
    rc = buf_append(out, xmlBufferContent(text), (size_t)xmlBufferLength(text));
out:
    if (output)
        (void)xmlOutputBufferClose(output);
    xmlBufferFree(text);
    return rc;
}

static enum rc sign_xml_base64(struct bytes bytes, struct buf *out)
{
    uint8_t *at;
    if (bytes.len > INT_MAX / 2)
        return RC_RANGE;
    size_t len = (bytes.len + 2) / 3 * 4;
    enum rc rc = buf_extend(out, len + 1, &at);
    if (rc)
        return rc;
    EVP_EncodeBlock(at, bytes.data, (int)bytes.len);
    return RC_OK; /* NUL-terminated */
}

static enum rc sign_xml_digest(const struct sign_xml_plan *plan, struct buf *base64, struct err *err)
{
    struct buf canonical = {0};
    uint8_t digest[SIGN_XML_DIGEST];
    enum rc rc = sign_xml_canonicalise(plan->doc, plan->whole ? NULL : plan->target, &canonical, err);
    if (rc == RC_OK && EVP_Digest(canonical.data, canonical.len, digest, NULL, EVP_sha256(), NULL) != 1)
        rc = RC_CRYPTO;
    if (rc == RC_OK)
        rc = sign_xml_base64(bytes_of(digest, sizeof digest), base64);
    buf_wipe(&canonical);
    return rc;
}

/* ---- the signature element ---- */

/* A child in the signature's namespace; NULL out of memory, also when the parent is NULL, so that a chain is checked
 * at its end. */
static xmlNode *sign_xml_add(xmlNode *parent, const char *name, const char *content)
{
    return parent ? xmlNewTextChild(parent, parent->ns, sign_xml_text(name), content ? sign_xml_text(content) : NULL)
                  : NULL;
}

static bool sign_xml_add_method(xmlNode *parent, const char *name, const char *algorithm)
{
    xmlNode *node = sign_xml_add(parent, name, NULL);
    return node && xmlNewProp(node, sign_xml_text("Algorithm"), sign_xml_text(algorithm));
}

static bool sign_xml_add_uri(xmlNode *node, const char *id)
{
    if (!id)
        return xmlNewProp(node, sign_xml_text("URI"), sign_xml_text(""));
    xmlChar *escaped = xmlURIEscapeStr(sign_xml_text(id), sign_xml_text(""));
    xmlChar *uri = escaped ? xmlStrncatNew(sign_xml_text("#"), escaped, -1) : NULL;
    bool added = uri && xmlNewProp(node, sign_xml_text("URI"), uri);
    xmlFree(uri);
    xmlFree(escaped);
    return added;
}

static bool sign_xml_add_signed_info(xmlNode *signature, const struct sign_xml_plan *plan, const char *reference_id,
                                     const char *digest)
{
    xmlNode *info = sign_xml_add(signature, "SignedInfo", NULL);
    if (!sign_xml_add_method(info, "CanonicalizationMethod", sign_xml_c14n) ||
        !sign_xml_add_method(info, "SignatureMethod", sign_xml_rsa_sha256))
        return false;
    xmlNode *reference = sign_xml_add(info, "Reference", NULL);
    if (!reference || !sign_xml_add_uri(reference, reference_id))
        return false;
    xmlNode *transforms = sign_xml_add(reference, "Transforms", NULL);
    if (plan->enveloped && !sign_xml_add_method(transforms, "Transform", sign_xml_enveloped))
        return false;
    return sign_xml_add_method(transforms, "Transform", sign_xml_c14n) &&
           sign_xml_add_method(reference, "DigestMethod", sign_xml_sha256) &&
           sign_xml_add(reference, "DigestValue", digest);
}

/* The element without a signature value, in its place in the document: SignedInfo's canonical form depends on where it
 * stands. */
static enum rc sign_xml_add_signature(const struct sign_xml_plan *plan, const char *reference, const char *digest,
                                      xmlNode **signature)
{
    xmlNode *node = xmlNewChild(plan->place, NULL, sign_xml_text("Signature"), NULL);
    xmlNs *ns = node ? xmlNewNs(node, sign_xml_text(sign_xml_ns), NULL) : NULL;
    if (!ns)
        return RC_NOMEM;
    xmlSetNs(node, ns);
    if (!sign_xml_add_signed_info(node, plan, reference, digest))
        return RC_NOMEM;
    *signature = node;
    return RC_OK;
}

static enum rc sign_xml_value(const struct signatory *signer, struct bytes signed_info, struct buf *base64,
                              struct err *err)
{
    uint8_t value[SIGN_XML_SIGNATURE_MAX];
    size_t len = sizeof value;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum rc rc = RC_NOMEM;
    if (!ctx)
        return rc;
    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer->key) == 1 &&
        EVP_DigestSign(ctx, value, &len, signed_info.data, signed_info.len) == 1)
        rc = sign_xml_base64(bytes_of(value, len), base64);
    else
        rc = signatory_failed(signer, "signing", err);
    EVP_MD_CTX_free(ctx);
    return rc;
}

static enum rc sign_xml_cert(X509 *cert, struct buf *base64)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len <= 0)
        return RC_CRYPTO;
    enum rc rc = sign_xml_base64(bytes_of(der, (size_t)len), base64);
    OPENSSL_free(der);
    return rc;
}

static enum rc sign_xml_complete(const struct signatory *signer, xmlNode *signature, struct err *err)
{
    struct buf canonical = {0}, value = {0}, cert = {0};
    enum rc rc = sign_xml_canonicalise(signature->doc, signature->children, &canonical, err);
    if (rc == RC_OK)
        rc = sign_xml_value(signer, buf_bytes(&canonical), &value, err);
    if (rc == RC_OK)
        rc = sign_xml_cert(signer->cert, &cert);
    if (rc)
        goto out;
    xmlNode *data = NULL;
    if (sign_xml_add(signature, "SignatureValue", (const char *)value.data))
        data = sign_xml_add(sign_xml_add(signature, "KeyInfo", NULL), "X509Data", NULL);
    if (!sign_xml_add(data, "X509Certificate", (const char *)cert.data))
        rc = RC_NOMEM;
out:
    buf_wipe(&cert);
    buf_wipe(&value);
    buf_wipe(&canonical);
    return rc;
}

static enum rc sign_xml_write(xmlDoc *doc, struct buf *out, struct err *err)
{
    xmlChar *text = NULL;
    int len = 0;
    xmlDocDumpMemoryEnc(doc, &text, &len, doc->encoding ? (const char *)doc->encoding : "UTF-8");
    if (!text)
        return err_set(err, RC_UNSUPPORTED, "the document cannot be written in its encoding");
    enum rc rc = buf_append(out, text, (size_t)len);
    xmlFree(text);
    return rc;
}

enum rc sign_xml(const struct signatory *signer, struct bytes document, const char *reference, int64_t now,
                 struct buf *out, struct err *err)
{
    struct sign_xml_plan plan;
    struct buf digest = {0};
    xmlDoc *doc = NULL;
    xmlNode *signature = NULL;
    enum rc rc = signatory_check(signer, now, err);
    if (rc == RC_OK)
        rc = sign_xml_parse(document, &doc, err);
    if (rc == RC_OK)
        rc = sign_xml_plan(doc, reference, &plan, err);
    if (rc == RC_OK)
        rc = sign_xml_digest(&plan, &digest, err);
    if (rc == RC_OK)
        rc = sign_xml_add_signature(&plan, reference, (const char *)digest.data, &signature);
    if (rc == RC_OK)
        rc = sign_xml_complete(signer, signature, err);
    if (rc == RC_OK)
        rc = sign_xml_write(doc, out, err);
    buf_wipe(&digest);
    xmlFreeDoc(doc);
    return rc;
}
