/* xmlform.h — the shape of a signed XML document: parsed without DTD, entities and network, its IDs unique, its one
 * ds:Signature of a form from which nothing can be smuggled. Here the document is hostile; what passes is given to
 * xmlsec. */
#ifndef JPKI_VERIFY_XMLFORM_H
#define JPKI_VERIFY_XMLFORM_H

#include "base/buf.h"
#include "verify/verdict.h"

#include <libxml/tree.h>
#include <openssl/x509.h>

#define XMLFORM_REFERENCES_MAX 32

struct xmlform_reference {
    xmlNodePtr target; /* the element that is digested with all below it */
    bool whole;        /* URI="": the document, with what stands outside its root */
    bool enveloped;    /* the signature itself is taken out */
};

struct xmlform {
    xmlDocPtr document;
    xmlNodePtr signature; /* the one ds:Signature */
    int key_type;         /* EVP_PKEY_RSA or EVP_PKEY_EC */
    struct xmlform_reference references[XMLFORM_REFERENCES_MAX];
    size_t reference_count;
    X509 *cert;           /* of KeyInfo */
};

/* Parses and checks. False: evidence says why, form is to be wiped all the same. IDs are the attributes Id, ID, id and
 * xml:id. Fills digest and algorithm of the evidence. */
bool xmlform_read(struct bytes document, struct xmlform *form, struct evidence_signature *evidence);
void xmlform_wipe(struct xmlform *form);

/* The element that carries this ID, or NULL. */
xmlNodePtr xmlform_find(const struct xmlform *form, const char *id);

/* Is node in the subtree of top (top included)? */
bool xmlform_is_inside(const xmlNode *node, const xmlNode *top);

bool xmlform_is(const xmlNode *node, const char *name); /* an element of the XML-DSig namespace */

#endif
