/* xmlform.c — reading a signed XML document strictly. A walk over the signature accepts exactly the elements of a plain
 * XML-DSig signature and the algorithms of algorithm.h; whatever else could change what is digested (XSLT, XPath, external
 * references, base64, HMAC, manifests, entities, an ID that stands twice) has no row and is refused. */
#include "verify/xmlform.h"

#include "pki/cert.h"
#include "verify/algorithm.h"
#include "verify/signature.h"

#include <libxml/hash.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define ENVELOPED DSIG "enveloped-signature"
#define EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"

static const char *const canonicalisations[] = { "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
                                                 "http://www.w3.org/2006/12/xml-c14n11", EXCLUSIVE };

static bool is_named(const xmlNode *node, const char *space, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
           strcmp((const char *)node->ns->href, space) == 0 && strcmp((const char *)node->name, name) == 0;
}

bool xmlform_is(const xmlNode *node, const char *name)
{
    return is_named(node, DSIG, name);
}

bool xmlform_is_inside(const xmlNode *node, const xmlNode *top)
{
    for (; node; node = node->parent)
        if (node == top)
            return true;
    return false;
}

/* --- the document ----------------------------------------------------------------------------------------------------- */

/* A document type is the door of entity bombs, of external files and of IDs that only a DTD knows: closed. */
static void xmlform_refuse_dtd(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    xmlParserCtxtPtr parser = context;
    *(bool *)parser->_private = true;
    xmlStopParser(parser);
}

static bool xmlform_parse(struct bytes document, struct xmlform *form, struct evidence_signature *evidence)
{
    if (document.len > SIGNATURE_XML_MAX)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "the document is larger than %u bytes", SIGNATURE_XML_MAX);
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (!parser)
        return signature_say(evidence, SIGNATURE_NOT_CHECKED, "out of memory");
    bool dtd = false;
    parser->_private = &dtd;
    parser->sax->internalSubset = xmlform_refuse_dtd;
    form->document = xmlCtxtReadMemory(parser, (const char *)document.data, (int)document.len, NULL, NULL,
                                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlFreeParserCtxt(parser);
    if (dtd)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "a document with a document type (DTD) is not accepted");
    if (!form->document || !xmlDocGetRootElement(form->document))
        return signature_say(evidence, SIGNATURE_MALFORMED, "this is not well-formed XML");
    return true;
}

/* The next node in document order below top. */
static xmlNodePtr xmlform_next(xmlNodePtr node, const xmlNode *top)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}

static bool xmlform_take_id(struct xmlform *form, xmlAttrPtr attribute, xmlHashTablePtr seen,
                            struct evidence_signature *evidence)
{
    static const char *const names[] = { "Id", "ID", "id" };
    bool is_id = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        is_id |= strcmp((const char *)attribute->name, names[i]) == 0;
    if (!is_id)
        return true;
    xmlChar *value = xmlNodeListGetString(form->document, attribute->children, 1);
    bool good = true;
    if (value && *value) {
        good = xmlHashAddEntry(seen, value, attribute) == 0 &&
               (attribute->atype == XML_ATTRIBUTE_ID || xmlAddID(NULL, form->document, value, attribute));
        if (!good)
            signature_say(evidence, SIGNATURE_NOT_ALLOWED, "an ID stands twice in the document");
    }
    xmlFree(value);
    return good;
}

/* One walk: IDs made known and found unique, the signatures counted. */
static bool xmlform_scan(struct xmlform *form, struct evidence_signature *evidence)
{
    xmlNodePtr root = xmlDocGetRootElement(form->document);
    xmlHashTablePtr seen = xmlHashCreate(64);
    bool good = seen || signature_say(evidence, SIGNATURE_NOT_CHECKED, "out of memory");
    unsigned signatures = 0;
    for (xmlNodePtr node = root; good && node; node = xmlform_next(node, root)) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (xmlform_is(node, "Signature") && signatures++ == 0)
            form->signature = node;
        for (xmlAttrPtr attribute = node->properties; good && attribute; attribute = attribute->next)
            good = xmlform_take_id(form, attribute, seen, evidence);
    }
    xmlHashFree(seen, NULL);
    if (!good)
        return false;
    if (signatures == 0)
        return signature_say(evidence, SIGNATURE_MALFORMED, "there is no signature in this document");
    if (signatures > 1)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "%u signatures: exactly one is accepted", signatures);
    return true;
}

xmlNodePtr xmlform_find(const struct xmlform *form, const char *id)
{
    xmlAttrPtr attribute = xmlGetID(form->document, (const xmlChar *)id);
    return attribute ? attribute->parent : NULL;
}

/* --- the signature's form --------------------------------------------------------------------------------------------- */

static bool xmlform_shape(struct evidence_signature *evidence, const char *where)
{
    return signature_say(evidence, SIGNATURE_MALFORMED, "the XML signature is malformed at %s", where);
}

/* The Algorithm attribute, borrowed: an attribute of one text node is the only kind without a DTD. "" when absent. */
static const char *xmlform_algorithm(xmlNodePtr node)
{
    xmlAttrPtr attribute = xmlHasNsProp(node, (const xmlChar *)"Algorithm", NULL);
    bool text = attribute && attribute->children && attribute->children->type == XML_TEXT_NODE &&
                !attribute->children->next && attribute->children->content;
    return text ? (const char *)attribute->children->content : "";
}

static bool xmlform_is_canonicalisation(const char *uri)
{
    for (size_t i = 0; i < sizeof canonicalisations / sizeof *canonicalisations; i++)
        if (strcmp(canonicalisations[i], uri) == 0)
            return true;
    return false;
}

/* The only child that an accepted canonicalisation may have: the prefix list of exclusive C14N. */
static bool xmlform_check_children(xmlNodePtr node, const char *algorithm)
{
    xmlNodePtr child = xmlFirstElementChild(node);
    return !child || (strcmp(algorithm, EXCLUSIVE) == 0 && is_named(child, EXCLUSIVE, "InclusiveNamespaces") &&
                      !xmlNextElementSibling(child) && !xmlFirstElementChild(child));
}

static bool xmlform_check_transforms(xmlNodePtr transforms, struct xmlform_reference *reference,
                                     struct evidence_signature *evidence)
{
    unsigned count = 0;
    for (xmlNodePtr node = xmlFirstElementChild(transforms); node; node = xmlNextElementSibling(node)) {
        const char *algorithm = xmlform_algorithm(node);
        if (!xmlform_is(node, "Transform") || ++count > 4)
            return xmlform_shape(evidence, "Transforms");
        if (strcmp(algorithm, ENVELOPED) == 0)
            reference->enveloped = true;
        else if (!xmlform_is_canonicalisation(algorithm))
            return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "transform %.120s is not accepted", algorithm);
        if (!xmlform_check_children(node, algorithm))
            return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "a transform with parameters is not accepted");
    }
    return true;
}

/* "" or "#ID" with an ID of letters, digits, '.', '-', '_' and non-ASCII characters: no XPointer, no other document. */
static bool xmlform_check_uri(struct xmlform *form, xmlNodePtr node, struct xmlform_reference *reference,
                              struct evidence_signature *evidence)
{
    xmlAttrPtr attribute = xmlHasNsProp(node, (const xmlChar *)"URI", NULL);
    if (!attribute)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "a reference without a URI is not accepted");
    xmlChar *owned = xmlNodeListGetString(form->document, attribute->children, 1);
    const char *uri = owned ? (const char *)owned : "";
    bool good = true;
    if (!*uri) {
        reference->whole = true;
        reference->target = xmlDocGetRootElement(form->document);
    } else {
        bool plain = uri[0] == '#' && uri[1];
        for (const char *c = uri + 1; plain && *c; c++)
            plain = (unsigned char)*c >= 0x80 || strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_",
                                                        *c);
        if (!plain)
            good = signature_say(evidence, SIGNATURE_NOT_ALLOWED, "a reference outside this document is not accepted");
        else if (!(reference->target = xmlform_find(form, uri + 1)))
            good = signature_say(evidence, SIGNATURE_NO_CONTENT, "an element that was signed is not in the document");
    }
    xmlFree(owned);
    return good;
}

static bool xmlform_check_reference(struct xmlform *form, xmlNodePtr node, struct evidence_signature *evidence)
{
    struct xmlform_reference reference = { 0 };
    if (form->reference_count >= XMLFORM_REFERENCES_MAX)
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "more than %d references", XMLFORM_REFERENCES_MAX);
    xmlNodePtr child = xmlFirstElementChild(node);
    if (xmlform_is(child, "Transforms")) {
        if (!xmlform_check_transforms(child, &reference, evidence))
            return false;
        child = xmlNextElementSibling(child);
    }
    if (!xmlform_is(child, "DigestMethod") || xmlFirstElementChild(child))
        return xmlform_shape(evidence, "DigestMethod");
    const char *digest = algorithm_digest_of_uri(xmlform_algorithm(child));
    if (!digest)
        return signature_say(evidence, SIGNATURE_WEAK, "digest algorithm %.120s is not accepted", xmlform_algorithm(child));
    snprintf(evidence->digest, sizeof evidence->digest, "%s", digest);
    child = xmlNextElementSibling(child);
    if (!xmlform_is(child, "DigestValue") || xmlNextElementSibling(child) || xmlFirstElementChild(child))
        return xmlform_shape(evidence, "DigestValue");
    if (!xmlform_check_uri(form, node, &reference, evidence))
        return false;
    form->references[form->reference_count++] = reference;
    return true;
}

static bool xmlform_check_signed_info(struct xmlform *form, xmlNodePtr info, struct evidence_signature *evidence)
{
    xmlNodePtr node = xmlFirstElementChild(info);
    if (!xmlform_is(node, "CanonicalizationMethod"))
        return xmlform_shape(evidence, "CanonicalizationMethod");
    const char *algorithm = xmlform_algorithm(node);
    if (!xmlform_is_canonicalisation(algorithm) || !xmlform_check_children(node, algorithm))
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "canonicalisation %.120s is not accepted", algorithm);
    node = xmlNextElementSibling(node);
    if (!xmlform_is(node, "SignatureMethod") || xmlFirstElementChild(node))
        return xmlform_shape(evidence, "SignatureMethod");
    algorithm = xmlform_algorithm(node);
    const char *name = algorithm_signature_of_uri(algorithm, &form->key_type);
    if (!name)
        return signature_say(evidence, SIGNATURE_WEAK, "signature algorithm %.120s is not accepted", algorithm);
    snprintf(evidence->algorithm, sizeof evidence->algorithm, "%s", name);
    while ((node = xmlNextElementSibling(node))) {
        if (!xmlform_is(node, "Reference"))
            return xmlform_shape(evidence, "Reference");
        if (!xmlform_check_reference(form, node, evidence))
            return false;
    }
    return form->reference_count > 0 || xmlform_shape(evidence, "Reference");
}

/* --- the certificate -------------------------------------------------------------------------------------------------- */

static X509 *xmlform_parse_cert(xmlNodePtr node)
{
    X509 *cert = NULL;
    xmlChar *text = xmlNodeGetContent(node);
    size_t len = text ? strlen((const char *)text) : 0;
    EVP_ENCODE_CTX *base64 = EVP_ENCODE_CTX_new();
    uint8_t *der = len && len < 65536 ? OPENSSL_malloc(len) : NULL;
    int first = 0, last = 0;
    if (base64 && der) {
        EVP_DecodeInit(base64);
        if (EVP_DecodeUpdate(base64, der, &first, text, (int)len) >= 0 && EVP_DecodeFinal(base64, der + first, &last) == 1 &&
            cert_parse(bytes_of(der, (size_t)(first + last)), &cert) != RC_OK)
            cert = NULL;
    }
    OPENSSL_free(der);
    EVP_ENCODE_CTX_free(base64);
    xmlFree(text);
    return cert;
}

/* The signer's certificate: the one of X509Data that is not an authority's. Two such would leave the choice to whoever
 * ordered them. */
static bool xmlform_check_key_info(struct xmlform *form, xmlNodePtr info, struct evidence_signature *evidence)
{
    for (xmlNodePtr data = info ? xmlFirstElementChild(info) : NULL; data; data = xmlNextElementSibling(data)) {
        if (!xmlform_is(data, "X509Data"))
            continue;
        for (xmlNodePtr node = xmlFirstElementChild(data); node; node = xmlNextElementSibling(node)) {
            if (!xmlform_is(node, "X509Certificate"))
                continue;
            X509 *cert = xmlform_parse_cert(node);
            if (!cert)
                return signature_say(evidence, SIGNATURE_MALFORMED, "the certificate in the signature cannot be read");
            if (X509_check_ca(cert) == 1) {
                X509_free(cert);
            } else if (form->cert) {
                X509_free(cert);
                return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "the signature holds two signers' certificates");
            } else {
                form->cert = cert;
            }
        }
    }
    return form->cert ||
           signature_say(evidence, SIGNATURE_NO_CERTIFICATE, "the signer's certificate is not in the signature");
}

static bool xmlform_check_signature(struct xmlform *form, struct evidence_signature *evidence)
{
    xmlNodePtr info = xmlFirstElementChild(form->signature);
    xmlNodePtr value = info ? xmlNextElementSibling(info) : NULL;
    xmlNodePtr key = value ? xmlNextElementSibling(value) : NULL;
    if (!xmlform_is(info, "SignedInfo"))
        return xmlform_shape(evidence, "SignedInfo");
    if (!xmlform_is(value, "SignatureValue") || xmlFirstElementChild(value))
        return xmlform_shape(evidence, "SignatureValue");
    xmlNodePtr object = xmlform_is(key, "KeyInfo") ? xmlNextElementSibling(key) : key;
    for (; object; object = xmlNextElementSibling(object))
        if (!xmlform_is(object, "Object"))
            return xmlform_shape(evidence, "Object");
    /* The certificate first: a verdict on weak algorithms may still name the signer. */
    return xmlform_check_key_info(form, xmlform_is(key, "KeyInfo") ? key : NULL, evidence) &&
           xmlform_check_signed_info(form, info, evidence);
}

bool xmlform_read(struct bytes document, struct xmlform *form, struct evidence_signature *evidence)
{
    return xmlform_parse(document, form, evidence) && xmlform_scan(form, evidence) &&
           xmlform_check_signature(form, evidence);
}

void xmlform_wipe(struct xmlform *form)
{
    xmlFreeDoc(form->document);
    X509_free(form->cert);
    memset(form, 0, sizeof *form);
}
