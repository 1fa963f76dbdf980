/* signature_xml.c — XML signatures. xmlform.c has let the shape pass; here xmlsec checks digests and signature with the
 * certificate's key and nothing else enabled, and what was signed is compared with what had to be signed: a good
 * signature over some other part of the document is no signature over the document. */
#include "verify/signature.h"

#include "verify/algorithm.h"
#include "verify/xmlform.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/evp.h>

static pthread_once_t xml_once = PTHREAD_ONCE_INIT;
static bool xml_ready;

static void xml_say_nothing(const char *file, int line, const char *function, const char *object, const char *subject,
                            int reason, const char *message)
{
    (void)file, (void)line, (void)function, (void)object, (void)subject, (void)reason, (void)message;
}

static void xml_print_nothing(void *context, const char *format, ...)
{
    (void)context, (void)format;
}

static void xml_start(void)
{
    xmlInitParser();
    xmlSecErrorsSetCallback(xml_say_nothing); /* documents are hostile: their words do not belong on a terminal */
    xml_ready = xmlSecInit() == 0 && xmlSecCheckVersion() == 1 && xmlSecOpenSSLInit() == 0;
}

/* --- what was signed -------------------------------------------------------------------------------------------------- */

static bool xml_covers(const struct xmlform *form, const xmlNode *wanted)
{
    for (size_t i = 0; i < form->reference_count; i++) {
        const struct xmlform_reference *reference = &form->references[i];
        bool taken_out = reference->enveloped && xmlform_is_inside(wanted, form->signature);
        if (xmlform_is_inside(wanted, reference->target) && !taken_out)
            return true;
    }
    return false;
}

/* An instruction beside the root (a style sheet) is covered by URI="" only. */
static bool xml_has_uncovered_instruction(const struct xmlform *form)
{
    for (size_t i = 0; i < form->reference_count; i++)
        if (form->references[i].whole)
            return false;
    for (xmlNodePtr node = form->document->children; node; node = node->next)
        if (node->type == XML_PI_NODE)
            return true;
    return false;
}

/* Every ds:Object must be signed or hold something that is: what no reference reaches could say anything. Inside an
 * enveloping signature (the root) the objects are the document, so each must be covered itself. */
static bool xml_check_objects(const struct xmlform *form, bool enveloping, unsigned *objects)
{
    for (xmlNodePtr node = xmlFirstElementChild(form->signature); node; node = xmlNextElementSibling(node)) {
        if (!xmlform_is(node, "Object"))
            continue;
        ++*objects;
        bool reached = xml_covers(form, node);
        for (size_t i = 0; !enveloping && i < form->reference_count; i++)
            reached |= xmlform_is_inside(form->references[i].target, node);
        if (!reached)
            return false;
    }
    return true;
}

static bool xml_check_cover(const struct xmlform *form, const char *element, struct evidence_signature *evidence)
{
    xmlNodePtr root = xmlDocGetRootElement(form->document);
    xmlNodePtr wanted = element ? xmlform_find(form, element) : root;
    bool enveloping = !element && root == form->signature;
    unsigned objects = 0;
    if (!wanted)
        return signature_say(evidence, SIGNATURE_NO_CONTENT, "there is no element with the ID that was asked for");
    if (!xml_check_objects(form, enveloping, &objects))
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "the signature holds an object that is not signed");
    if (enveloping ? objects == 0 : !xml_covers(form, wanted))
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "the signature does not cover the %s",
                             element ? "element that was asked for" : "whole document");
    if (!element && xml_has_uncovered_instruction(form))
        return signature_say(evidence, SIGNATURE_NOT_ALLOWED, "an instruction outside the root is not signed");
    if (element)
        snprintf(evidence->covers, sizeof evidence->covers, "element %.60s with ID %.60s", (const char *)wanted->name,
                 element);
    else
        snprintf(evidence->covers, sizeof evidence->covers, "the whole document, root element %.60s",
                 (const char *)root->name);
    return true;
}

/* --- the cryptography ------------------------------------------------------------------------------------------------- */

static bool xml_enable(xmlSecDSigCtxPtr context)
{
    const xmlSecTransformId both[] = { xmlSecTransformInclC14NId, xmlSecTransformInclC14N11Id, xmlSecTransformExclC14NId };
    const xmlSecTransformId references[] = { xmlSecTransformEnvelopedId, xmlSecTransformSha256Id, xmlSecTransformSha384Id,
                                             xmlSecTransformSha512Id };
    const xmlSecTransformId signatures[] = { xmlSecTransformRsaSha256Id,   xmlSecTransformRsaSha384Id,
                                             xmlSecTransformRsaSha512Id,   xmlSecTransformEcdsaSha256Id,
                                             xmlSecTransformEcdsaSha384Id, xmlSecTransformEcdsaSha512Id };
    int failed = 0;
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        failed |= xmlSecDSigCtxEnableReferenceTransform(context, both[i]);
        failed |= xmlSecDSigCtxEnableSignatureTransform(context, both[i]);
    }
    for (size_t i = 0; i < sizeof references / sizeof *references; i++)
        failed |= xmlSecDSigCtxEnableReferenceTransform(context, references[i]);
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        failed |= xmlSecDSigCtxEnableSignatureTransform(context, signatures[i]);
    context->enabledReferenceUris = xmlSecTransformUriTypeEmpty | xmlSecTransformUriTypeSameDocument;
    context->flags |= XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
    return !failed;
}

/* The certificate's key, so that xmlsec looks for none in KeyInfo. */
static xmlSecKeyPtr xml_key(X509 *cert)
{
    EVP_PKEY *public = X509_get_pubkey(cert);
    xmlSecKeyDataPtr value = public ? xmlSecOpenSSLEvpKeyAdopt(public) : NULL;
    xmlSecKeyPtr key = value ? xmlSecKeyCreate() : NULL;
    if (!value)
        EVP_PKEY_free(public);
    if (key && xmlSecKeySetValue(key, value) == 0)
        return key;
    if (value)
        xmlSecKeyDataDestroy(value);
    if (key)
        xmlSecKeyDestroy(key);
    return NULL;
}

static bool xml_all_digests_fit(xmlSecDSigCtxPtr context, size_t expected)
{
    xmlSecPtrListPtr list = &context->signedInfoReferences;
    for (unsigned i = 0; i < xmlSecPtrListGetSize(list); i++) {
        xmlSecDSigReferenceCtxPtr reference = xmlSecPtrListGetItem(list, i);
        if (!reference || reference->status != xmlSecDSigStatusSucceeded)
            return false;
    }
    return xmlSecPtrListGetSize(list) == expected;
}

static enum rc xml_check_signature(const struct xmlform *form, struct evidence_signature *evidence)
{
    enum rc rc = RC_NOMEM;
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    if (!context || !xml_enable(context) || !(context->signKey = xml_key(form->cert)))
        goto out;
    rc = RC_OK;
    int done = xmlSecDSigCtxVerify(context, form->signature);
    bool digests = xml_all_digests_fit(context, form->reference_count);
    if (done == 0 && context->status == xmlSecDSigStatusSucceeded && digests)
        evidence->state = SIGNATURE_GOOD;
    else if (done == 0 && !digests)
        signature_say(evidence, SIGNATURE_HASH_WRONG, "the content is not the one that was signed");
    else if (digests)
        signature_say(evidence, SIGNATURE_CRYPTO_WRONG, "the signature is not the one of the certificate's key");
    else
        signature_say(evidence, SIGNATURE_MALFORMED, "the XML signature cannot be processed");
out:
    if (context)
        xmlSecDSigCtxDestroy(context);
    return rc;
}

static bool xml_check_key(const struct xmlform *form, struct evidence_signature *evidence)
{
    EVP_PKEY *key = X509_get0_pubkey(form->cert);
    char words[24], name[16];
    enum rc rc = algorithm_check_key(key, words, sizeof words);
    snprintf(name, sizeof name, "%.15s", evidence->algorithm);
    snprintf(evidence->algorithm, sizeof evidence->algorithm, "%s %s", words, name);
    if (rc)
        return signature_say(evidence, SIGNATURE_WEAK, "a key of type and size %s is not accepted", words);
    if (EVP_PKEY_get_base_id(key) != form->key_type)
        return signature_say(evidence, SIGNATURE_CRYPTO_WRONG, "the signature method is not of the key's type");
    return true;
}

enum rc signature_xml_check(struct bytes document, const char *element, struct evidence_signature *evidence,
                            X509 **cert)
{
    struct evidence_signature found = { .format = SIGNATURE_FORMAT_XML };
    struct xmlform form = { 0 };
    enum rc rc = RC_OK;
    pthread_once(&xml_once, xml_start);
    if (!xml_ready)
        return RC_CRYPTO;
    xmlSetGenericErrorFunc(NULL, xml_print_nothing); /* libxml2 keeps it per thread */
    ERR_set_mark();
    if (xmlform_read(document, &form, &found) && xml_check_key(&form, &found)) {
        rc = xml_check_signature(&form, &found);
        /* After the cryptography: that the signature itself is wrong is the graver news. */
        if (rc == RC_OK && found.state == SIGNATURE_GOOD)
            xml_check_cover(&form, element, &found);
    }
    ERR_pop_to_mark();
    if (rc == RC_OK) {
        *evidence = found;
        *cert = form.cert;
        form.cert = NULL;
    }
    xmlform_wipe(&form);
    return rc;
}
