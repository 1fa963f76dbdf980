/* test_signature_xml.c — XML signatures made by `xmlsec1 --sign`: good ones, every byte of one changed, and the shapes by
 * which a verifier is led to believe that something else was signed. */
#include "verify_test.h"

#include "verify/signature.h"

#include <stdio.h>

static struct test_ca ca;
static X509 *leaf;

#define C14N "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define EXC "http://www.w3.org/2001/10/xml-exc-c14n#"
#define SHA256 "http://www.w3.org/2001/04/xmlenc#sha256"
#define RSA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define ENV "<ds:Transform Algorithm=\"" DSIG "enveloped-signature\"/>"

/* One reference in template form. */
#define REF(uri, transforms, digest)                                                                                     \
    "<ds:Reference URI=\"" uri "\"><ds:Transforms>" transforms "</ds:Transforms><ds:DigestMethod Algorithm=\"" digest    \
    "\"/><ds:DigestValue/></ds:Reference>"

#define SIG(c14n, method, references, rest)                                                                              \
    "<ds:Signature xmlns:ds=\"" DSIG "\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"" c14n                    \
    "\"/><ds:SignatureMethod Algorithm=\"" method "\"/>" references                                                      \
    "</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>" rest \
    "</ds:Signature>"

#define DOC(signature) "<r xmlns=\"urn:t\" Id=\"top\"><income>4123000</income><part Id=\"p\">one</part>" signature "</r>"

static enum signature_state check(struct bytes document, const char *element, struct evidence_signature *evidence)
{
    X509 *cert = NULL;
    memset(evidence, 0xFF, sizeof *evidence);
    uint8_t *copy = exact_copy(document);
    assert_int_equal(signature_xml_check(bytes_of(copy, document.len), element, evidence, &cert), RC_OK);
    free(copy);
    if (evidence->state == SIGNATURE_GOOD) {
        /* The certificate stands outside what XML-DSig signs: a changed one is the path's to refuse. */
        assert_true(X509_cmp(cert, leaf) == 0 || X509_verify(cert, X509_get0_pubkey(ca.cert)) != 1);
        assert_string_equal(evidence->reason, "");
        assert_true(evidence->covers[0] != '\0');
    } else {
        assert_true(evidence->reason[0] != '\0');
    }
    X509_free(cert);
    return evidence->state;
}

/* Has xmlsec1 sign the template with leaf's key. */
static struct buf sign_with(const char *template, const char *key_and_cert)
{
    test_text("template.xml", template);
    test_run("xmlsec1 --sign --id-attr:Id urn:t:part --id-attr:Id urn:t:r --id-attr:Id " DSIG
             ":Object --privkey-pem %s --output signed.xml template.xml",
             key_and_cert);
    return test_slurp("signed.xml");
}

static struct buf sign(const char *template)
{
    return sign_with(template, "leaf.key,leaf.pem");
}

static const struct row {
    const char *flaw, *template, *element;
    enum signature_state expected;
    const char *covers;
} rows[] = {
    { "none", DOC(SIG(C14N, RSA256, REF("", ENV, SHA256), "")), NULL, SIGNATURE_GOOD, "the whole document, root element r" },
    { "none, exclusive", DOC(SIG(EXC, RSA256, REF("", ENV "<ds:Transform Algorithm=\"" EXC "\"/>", SHA256), "")), NULL,
      SIGNATURE_GOOD, NULL },
    { "none, exclusive with prefixes",
      DOC(SIG(EXC, RSA256,
              REF("", ENV "<ds:Transform Algorithm=\"" EXC "\"><e:InclusiveNamespaces xmlns:e=\"" EXC
                          "\" PrefixList=\"ds\"/></ds:Transform>", SHA256), "")),
      NULL, SIGNATURE_GOOD, NULL },
    { "none, C14N 1.1", DOC(SIG("http://www.w3.org/2006/12/xml-c14n11", RSA256, REF("", ENV, SHA256), "")), NULL,
      SIGNATURE_GOOD, NULL },
    { "none, the root by ID", DOC(SIG(C14N, RSA256, REF("#top", ENV, SHA256), "")), NULL, SIGNATURE_GOOD, NULL },
    { "none, two references", DOC(SIG(C14N, RSA256, REF("", ENV, SHA256) REF("#p", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256), "")),
      NULL, SIGNATURE_GOOD, NULL },
    { "none, SHA-512 and SHA-384",
      DOC(SIG(C14N, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
              REF("", ENV, "http://www.w3.org/2001/04/xmldsig-more#sha384"), "")),
      NULL, SIGNATURE_GOOD, NULL },
    { "none, enveloping",
      SIG(C14N, RSA256, REF("#o", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256), "<ds:Object Id=\"o\">text</ds:Object>"),
      NULL, SIGNATURE_GOOD, "the whole document, root element Signature" },
    { "an object beside, signed too",
      DOC(SIG(C14N, RSA256, REF("", ENV, SHA256) REF("#o", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256), "<ds:Object Id=\"o\">when</ds:Object>")),
      NULL, SIGNATURE_GOOD, NULL },
    { "the element that was asked for", DOC(SIG(C14N, RSA256, REF("#p", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256), "")),
      "p", SIGNATURE_GOOD, "element part with ID p" },
    { "the whole when an element was asked for", DOC(SIG(C14N, RSA256, REF("", ENV, SHA256), "")), "p", SIGNATURE_GOOD, NULL },
    { "only a part is signed", DOC(SIG(C14N, RSA256, REF("#p", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256), "")), NULL,
      SIGNATURE_NOT_ALLOWED, NULL },
    { "another part than asked for", DOC(SIG(C14N, RSA256, REF("#p", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256), "")),
      "top", SIGNATURE_NOT_ALLOWED, NULL },
    { "a part that is not there", DOC(SIG(C14N, RSA256, REF("", ENV, SHA256), "")), "q", SIGNATURE_NO_CONTENT, NULL },
    { "an object beside that is not signed", DOC(SIG(C14N, RSA256, REF("", ENV, SHA256), "<ds:Object>more</ds:Object>")), NULL,
      SIGNATURE_NOT_ALLOWED, NULL },
    { "enveloping with a second object",
      SIG(C14N, RSA256, REF("#o", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256),
          "<ds:Object Id=\"o\">text</ds:Object><ds:Object>more</ds:Object>"),
      NULL, SIGNATURE_NOT_ALLOWED, NULL },
    { "digest SHA-1", DOC(SIG(C14N, RSA256, REF("", ENV, DSIG "sha1"), "")), NULL, SIGNATURE_WEAK, NULL },
    { "digest MD5", DOC(SIG(C14N, RSA256, REF("", ENV, "http://www.w3.org/2001/04/xmldsig-more#md5"), "")), NULL,
      SIGNATURE_WEAK, NULL },
    { "signature RSA-SHA1", DOC(SIG(C14N, DSIG "rsa-sha1", REF("", ENV, SHA256), "")), NULL, SIGNATURE_WEAK, NULL },
    { "canonicalisation with comments", DOC(SIG(C14N "#WithComments", RSA256, REF("", ENV, SHA256), "")), NULL,
      SIGNATURE_NOT_ALLOWED, NULL },
    { "XPath that picks a part",
      DOC(SIG(C14N, RSA256, REF("", ENV "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>"
                                    "not(ancestor-or-self::*[local-name()='income'])</ds:XPath></ds:Transform>", SHA256), "")),
      NULL, SIGNATURE_NOT_ALLOWED, NULL },
    { "XSLT that writes another document",
      DOC(SIG(C14N, RSA256, REF("", ENV "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><x:stylesheet "
                                    "xmlns:x=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"><x:template match=\"/\">"
                                    "<a/></x:template></x:stylesheet></ds:Transform>", SHA256), "")),
      NULL, SIGNATURE_NOT_ALLOWED, NULL },
    { "XPointer", DOC(SIG(C14N, RSA256, REF("#xpointer(/)", ENV, SHA256), "")), NULL, SIGNATURE_NOT_ALLOWED, NULL },
    { "a file beside", DOC(SIG(C14N, RSA256, REF("other.xml", "<ds:Transform Algorithm=\"" C14N "\"/>", SHA256), "")), NULL,
      SIGNATURE_NOT_ALLOWED, NULL },
    { "a style sheet beside the root",
      "<?xml-stylesheet href=\"a.xsl\"?>" DOC(SIG(C14N, RSA256, REF("#top", ENV, SHA256), "")), NULL, SIGNATURE_NOT_ALLOWED,
      NULL },
    { "a style sheet, signed", "<?xml-stylesheet href=\"a.xsl\"?>" DOC(SIG(C14N, RSA256, REF("", ENV, SHA256), "")), NULL,
      SIGNATURE_GOOD, NULL },
};

static void rows_of_xmlsec1(void **state)
{
    (void)state;
    test_text("other.xml", "<a/>");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct evidence_signature evidence;
        struct buf document = sign(rows[i].template);
        if (check(buf_bytes(&document), rows[i].element, &evidence) != rows[i].expected)
            fail_msg("%s: state %d, %s", rows[i].flaw, (int)evidence.state, evidence.reason);
        if (rows[i].covers)
            assert_string_equal(evidence.covers, rows[i].covers);
        if (i == 0) {
            assert_string_equal(evidence.algorithm, "RSA 2048 PKCS#1 v1.5");
            assert_string_equal(evidence.digest, "SHA-256");
        }
        buf_wipe(&document);
    }
}

static void short_keys_are_refused(void **state)
{
    (void)state;
    struct evidence_signature evidence;
    struct buf document = sign_with(rows[0].template, "small.key,small.pem");
    assert_int_equal(check(buf_bytes(&document), NULL, &evidence), SIGNATURE_WEAK);
    assert_non_null(strstr(evidence.reason, "RSA 1024"));
    buf_wipe(&document);
}

/* Replaces the first `from` in a signed document. */
static struct buf edited(const struct buf *document, const char *from, const char *to)
{
    struct buf copy = { 0 }, out = { 0 };
    assert_int_equal(buf_append_bytes(&copy, buf_bytes(document)), RC_OK);
    const char *text = buf_string(&copy), *at = strstr(text, from);
    if (!at)
        fail_msg("no '%s' in the document", from);
    assert_int_equal(buf_append(&out, text, (size_t)(at - text)), RC_OK);
    assert_int_equal(buf_append_text(&out, to), RC_OK);
    assert_int_equal(buf_append_text(&out, at + strlen(from)), RC_OK);
    buf_wipe(&copy);
    return out;
}

/* Attacks on a document that carries a good signature. */
static void edits_after_signing(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        unsigned row;
        const char *from, *to;
        enum signature_state expected;
    } edits[] = {
        { "another income", 0, "4123000", "1123000", SIGNATURE_HASH_WRONG },
        { "an element more", 0, "<income>", "<more/><income>", SIGNATURE_HASH_WRONG },
        { "an attribute more", 0, "<income>", "<income a=\"\">", SIGNATURE_HASH_WRONG },
        { "a second signature", 0, "</r>", "<ds:Signature xmlns:ds=\"" DSIG "\"/></r>", SIGNATURE_NOT_ALLOWED },
        { "another reference", 0, "URI=\"\"", "URI=\"#p\"", SIGNATURE_HASH_WRONG },
        { "no reference", 0, "URI=\"\"", "Uri=\"\"", SIGNATURE_NOT_ALLOWED },
        { "a reference to nothing", 0, "URI=\"\"", "URI=\"#none\"", SIGNATURE_NO_CONTENT },
        { "a reference to the network", 0, "URI=\"\"", "URI=\"http://127.0.0.1:1/\"", SIGNATURE_NOT_ALLOWED },
        { "a reference to a file", 0, "URI=\"\"", "URI=\"file:///etc/passwd\"", SIGNATURE_NOT_ALLOWED },
        { "an XPath injected into an ID", 0, "URI=\"\"", "URI=\"#a')|//*[@Id='top\"", SIGNATURE_NOT_ALLOWED },
        { "the ID twice", 4, "<income>", "<x Id=\"top\"/><income>", SIGNATURE_NOT_ALLOWED },
        { "the ID twice in another spelling", 4, "<income>", "<x ID=\"top\"/><income>", SIGNATURE_NOT_ALLOWED },
        { "the ID twice as xml:id", 4, "<income>", "<x xml:id=\"top\"/><income>", SIGNATURE_NOT_ALLOWED },
        { "HMAC with the public key", 0, RSA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", SIGNATURE_WEAK },
        { "another method of the key", 0, RSA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", SIGNATURE_CRYPTO_WRONG },
        { "a method of another key", 0, RSA256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
          SIGNATURE_CRYPTO_WRONG },
        { "a parameter for the method", 0, RSA256 "\"/>",
          RSA256 "\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>", SIGNATURE_MALFORMED },
        { "no certificate", 0, "<ds:X509Data>", "<ds:X509Data/><ds:Other>", SIGNATURE_MALFORMED },
        { "an element between", 0, "<ds:SignatureValue", "<ds:Manifest/><ds:SignatureValue", SIGNATURE_MALFORMED },
        { "a document type", 0, "<r ", "<!DOCTYPE r><r ", SIGNATURE_NOT_ALLOWED },
        { "wrapped: the signed part moved aside, a forged one in its place", 9, "<part Id=\"p\">one</part>",
          "<part Id=\"q\">two</part><old><part xmlns=\"urn:t\" Id=\"p\">one</part></old>", SIGNATURE_NOT_ALLOWED },
        { "wrapped: the signed root below a forged one", 4, "<r xmlns=\"urn:t\" Id=\"top\">",
          "<r xmlns=\"urn:t\" Id=\"forged\"><income>1</income><r xmlns=\"urn:t\" Id=\"top\">", SIGNATURE_MALFORMED },
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct evidence_signature evidence;
        struct buf document = sign(rows[edits[i].row].template);
        struct buf forged = edited(&document, edits[i].from, edits[i].to);
        if (check(buf_bytes(&forged), NULL, &evidence) != edits[i].expected)
            fail_msg("%s: state %d, %s", edits[i].flaw, (int)evidence.state, evidence.reason);
        buf_wipe(&document);
        buf_wipe(&forged);
    }
}

/* Signature wrapping in full: the document that was signed is complete and unchanged inside the forged one, and its
 * signature still verifies over it. */
static void wrapped_documents_are_not_the_signed_one(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *before, *after;
    } wraps[] = {
        { "under a forged root", "<r xmlns=\"urn:t\" Id=\"new\"><income>1</income>", "</r>" },
        { "under a root of the signature's namespace", "<Object xmlns=\"" DSIG "\"><income>1</income>", "</Object>" },
    };
    struct evidence_signature evidence;
    struct buf document = sign(rows[4].template); /* the root by ID */
    struct buf bare = edited(&document, "<?xml version=\"1.0\"?>\n", "");
    assert_int_equal(check(buf_bytes(&bare), NULL, &evidence), SIGNATURE_GOOD);
    for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++) {
        struct buf forged = { 0 };
        assert_int_equal(buf_append_text(&forged, wraps[i].before), RC_OK);
        assert_int_equal(buf_append_bytes(&forged, buf_bytes(&bare)), RC_OK);
        assert_int_equal(buf_append_text(&forged, wraps[i].after), RC_OK);
        assert_int_equal(check(buf_bytes(&forged), NULL, &evidence), SIGNATURE_NOT_ALLOWED);
        assert_non_null(strstr(evidence.reason, "does not cover"));
        assert_int_equal(check(buf_bytes(&forged), "top", &evidence), SIGNATURE_GOOD); /* the part that was asked for is */
        assert_string_equal(evidence.covers, "element r with ID top");
        buf_wipe(&forged);
    }
    buf_wipe(&document);
    buf_wipe(&bare);
}

static void bombs_do_not_go_off(void **state)
{
    (void)state;
    static const char *const bombs[] = {
        "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]>"
        "<r>&c;</r>",
        "<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><r>&a;</r>",
        "<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/r.dtd\"><r/>",
        "<!DOCTYPE r PUBLIC \"x\" \"http://127.0.0.1:1/r.dtd\"><r/>",
        "<!DOCTYPE r [<!ATTLIST r secret ID #IMPLIED>]><r secret=\"x\"/>",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM \"file:///dev/zero\">%p;]><r/>",
    };
    struct evidence_signature evidence;
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        assert_int_equal(check(bytes_of(bombs[i], strlen(bombs[i])), NULL, &evidence), SIGNATURE_NOT_ALLOWED);
        assert_non_null(strstr(evidence.reason, "DTD"));
    }
    struct buf deep = { 0 };
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append_text(&deep, "<a>"), RC_OK);
    assert_int_equal(check(buf_bytes(&deep), NULL, &evidence), SIGNATURE_MALFORMED);
    uint8_t *at;
    buf_wipe(&deep);
    assert_int_equal(buf_extend(&deep, SIGNATURE_XML_MAX + 1, &at), RC_OK);
    memset(at, ' ', deep.len);
    assert_int_equal(check(buf_bytes(&deep), NULL, &evidence), SIGNATURE_NOT_ALLOWED);
    buf_wipe(&deep);
    static const char *const nothing[] = { "", "<", "<r/>", "<r>", "<r></s>", "text", "<r>&undefined;</r>" };
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        assert_int_equal(check(bytes_of(nothing[i], strlen(nothing[i])), NULL, &evidence), SIGNATURE_MALFORMED);
}

/* Changed at any byte, a document may stay good only where XML itself says that nothing changed (the form of an end tag's
 * blank, base64's white space); cut anywhere it is malformed. */
static void every_byte_counts(void **state)
{
    (void)state;
    struct evidence_signature evidence;
    struct buf document = sign(rows[0].template);
    while (document.len && document.data[document.len - 1] == '\n')
        buf_truncate(&document, document.len - 1);
    unsigned unharmed = 0;
    for (size_t i = 0; i < document.len; i++) {
        assert_int_equal(check(bytes_of(document.data, i), NULL, &evidence), SIGNATURE_MALFORMED);
        uint8_t was = document.data[i];
        document.data[i] = (uint8_t)(was ^ 1u << (i % 7));
        unharmed += check(buf_bytes(&document), NULL, &evidence) == SIGNATURE_GOOD;
        document.data[i] = was;
    }
    print_message("%u of %zu flips change nothing that is signed, the certificate's text included\n", unharmed,
                  document.len);
    assert_in_range(unharmed, 0, 1500);
    /* The content itself has no such byte. */
    const char *text = buf_string(&document);
    size_t from = (size_t)(strstr(text, "<r ") - text), to = (size_t)(strstr(text, "<ds:Signature ") - text);
    for (size_t i = from; i < to; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            document.data[i] ^= (uint8_t)(1u << bit);
            if (check(buf_bytes(&document), NULL, &evidence) == SIGNATURE_GOOD)
                fail_msg("byte %zu bit %u of the content is not signed", i, bit);
            document.data[i] ^= (uint8_t)(1u << bit);
        }
    buf_wipe(&document);
}

static int set_up(void **state)
{
    (void)state;
    test_ca_new(&ca, AUTHORITY_SIGN, -DAY, 3000 * DAY);
    leaf = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    EVP_PKEY *small = test_key_of(1024);
    X509 *small_cert = test_leaf_new(&ca, small, &(struct test_leaf) { .serial = 2 });
    test_write_cert("leaf.pem", leaf);
    test_write_key("leaf.key", test_key());
    test_write_cert("small.pem", small_cert);
    test_write_key("small.key", small);
    X509_free(small_cert);
    EVP_PKEY_free(small);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    X509_free(leaf);
    test_ca_free(&ca);
    EVP_PKEY_free(test_key());
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_xmlsec1),
        cmocka_unit_test(short_keys_are_refused),
        cmocka_unit_test(edits_after_signing),
        cmocka_unit_test(wrapped_documents_are_not_the_signed_one),
        cmocka_unit_test(bombs_do_not_go_off),
        cmocka_unit_test(every_byte_counts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
