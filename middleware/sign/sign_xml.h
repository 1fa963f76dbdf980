/* sign_xml.h — XML signatures (W3C XML-Signature Syntax and Processing) put into the document that they sign. */
#ifndef JPKI_SIGN_SIGN_XML_H
#define JPKI_SIGN_SIGN_XML_H

#include "base/buf.h"
#include "sign/signatory.h"

#define SIGN_XML_MAX (64u * 1024u * 1024u)

/* Whether sign_xml could sign this, before a PIN is asked for: RC_RANGE (above SIGN_XML_MAX), RC_FORMAT (no well-formed
 * XML: err names the line), RC_UNSUPPORTED (it has a document type declaration), RC_NOT_FOUND, RC_CONFLICT as below. */
enum rc sign_xml_check(struct bytes document, const char *reference, struct err *err) MUST_CHECK;

/* Appends the signed document.
 *
 * reference NULL: the whole document, by an enveloped signature (Reference URI="" with the enveloped-signature
 * transform) at the end of the root element.
 * reference "ID": the element whose Id, ID, id or xml:id is that (RC_NOT_FOUND; RC_CONFLICT when two are), by a
 * Reference to it, as e-Gov wants: the signature goes into the sibling 署名情報 behind it, else to the end of the root
 * element. The ID's characters outside URIs are percent-encoded.
 * RC_CONFLICT also when what is added would break a signature that is there already.
 *
 * Canonical XML 1.0 inclusive without comments, SHA-256, RSA PKCS#1 v1.5; KeyInfo holds the signer's certificate.
 * Nothing is fetched: no network, no external entities. And what signatory_check gives, and what the card said. */
enum rc sign_xml(const struct signatory *signer, struct bytes document, const char *reference, int64_t now,
                 struct buf *out, struct err *err) MUST_CHECK;

#endif
