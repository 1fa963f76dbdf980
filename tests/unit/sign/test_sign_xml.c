/* test_sign_xml.c — XML signatures, judged by the xmlsec1 program; what is spoilt is refused by it, and what cannot be
 * signed without breaking something is refused by us. */
#include "sign_test.h"

#include "base/clock.h"
#include "sign/sign_xml.h"

#include <libxml/parser.h>

static struct sign_test test;

static int setup(void **state)
{
    (void)state;
    sign_test_new(&test);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sign_test_free(&test);
    xmlCleanupParser();
    return 0;
}

static struct bytes text_bytes(const char *text)
{
    return bytes_of(text, strlen(text));
}

#define XMLSEC                                                                                                         \
    "xmlsec1 --verify --enabled-key-data x509 --trusted-pem ca.pem --id-attr:Id 構成情報 --id-attr:Id body "       \
    "--id-attr:ID part "

/* Signs into the file "signed.xml". */
static void sign_to_file(const char *document, const char *reference)
{
    struct buf out = {0};
    struct err err = {0};
    enum rc rc = sign_xml(&test.signer, text_bytes(document), reference, clock_now(), &out, &err);
    if (rc)
        fail_msg("%s: %s", rc_name(rc), err.text);
    sign_test_write(&test, "signed.xml", buf_bytes(&out));
    buf_wipe(&out);
}

static const struct {
    const char *what, *document, *reference;
    const char *turn; /* sed: a change that the signature must not survive */
} good[] = {
    {"plain", "<r><a>one</a></r>", NULL, "s/one/two/"},
    {"declaration, comment, blank lines", "<?xml version=\"1.0\"?>\n<!-- note -->\n<r>\n  <a b='1'  c='2'/>\n</r>\n",
     NULL, "s/b=\"1\"/b=\"2\"/"},
    {"namespaces", "<x:r xmlns:x='urn:x' xmlns='urn:d' xmlns:unused='urn:u'><x:a xml:lang='ja'>y</x:a><b/></x:r>", NULL,
     "s/urn:u/urn:v/"},
    {"Japanese", "<申請書><氏名>見本　花子</氏名></申請書>", NULL, "s/花子/太郎/"},
    {"CDATA, references, line ends", "<r>&lt;&#13;<![CDATA[<&>]]>\r\nend</r>", NULL, "s/end/End/"},
    {"processing instruction", "<?a b?><r><?c d?></r><?e f?>", NULL, "s/?c d?/?c e?/"},
    {"element by Id", "<r><body Id='b1'><a>one</a></body><free>1</free></r>", "b1", "s/one/two/"},
    {"element by ID with namespaces above",
     "<x:r xmlns:x='urn:x' xml:lang='ja'><part ID='p'><x:a>one</x:a></part></x:r>", "p", "s/one/two/"},
    {"the root by Id", "<body Id='b1'><a>one</a></body>", "b1", "s/one/two/"},
    {"e-Gov", "<DataRoot><構成情報 Id='kousei'><管理情報>one</管理情報></構成情報><署名情報/></DataRoot>", "kousei",
     "s/one/two/"},
};

static void test_xmlsec_accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(sign_xml_check(text_bytes(good[i].document), good[i].reference, NULL), RC_OK);
        sign_to_file(good[i].document, good[i].reference);
        if (sign_test_run(&test, XMLSEC "signed.xml")) {
            sign_test_run(&test, "cat said signed.xml >&3");
            fail_msg("%s: xmlsec1 refuses", good[i].what);
        }
        if (sign_test_run(&test,
                          "sed '%s' signed.xml >turned.xml && ! cmp -s signed.xml turned.xml && ! " XMLSEC "turned.xml",
                          good[i].turn))
            fail_msg("%s: xmlsec1 accepts what was changed (%s)", good[i].what, good[i].turn);
    }
}

/* What an element's signature does not cover may change; the rest may not. */
static void test_spoilt_signatures(void **state)
{
    (void)state;
    sign_to_file("<r><body Id='b1'>one</body><free>1</free></r>", "b1");
    assert_int_equal(sign_test_run(&test, "sed 's/<free>1/<free>2/' signed.xml >turned.xml && " XMLSEC "turned.xml"),
                     0);
    static const char *const turns[] = {"s/<DigestValue>./<DigestValue>_/", "s/URI=\"#b1\"/URI=\"\"/",
                                        "s/xmlenc#sha256/xmlenc#sha512/", "s/more#rsa-sha256/more#rsa-sha384/",
                                        "s/<SignatureValue>..../<SignatureValue>AAAA/"};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
        if (sign_test_run(&test,
                          "sed '%s' signed.xml >turned.xml && ! cmp -s signed.xml turned.xml && ! " XMLSEC "turned.xml",
                          turns[i]))
            fail_msg("%s", turns[i]);
    X509 *stranger = sign_test_cert("test CA", test.key, NULL, test.key, "critical,keyCertSign");
    sign_test_write_pem(&test, "stranger.pem", stranger);
    X509_free(stranger);
    assert_int_equal(
        sign_test_run(
            &test,
            "! xmlsec1 --verify --enabled-key-data x509 --trusted-pem stranger.pem --id-attr:Id body signed.xml"),
        0);
}

/* The algorithms and the place, as e-Gov wants them. */
static void test_form(void **state)
{
    (void)state;
    sign_to_file("<DataRoot><構成情報 Id='構成情報'><a/></構成情報><署名情報></署名情報></DataRoot>", "構成情報");
    static const char *const wanted[] = {
        "<CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>",
        "<SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>",
        "<DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>",
        "<Reference URI=\"#%E6%A7%8B%E6%88%90%E6%83%85%E5%A0%B1\"><Transforms><Transform "
        "Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/></Transforms>",
        "<署名情報><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo>",
        "</KeyInfo></Signature></署名情報></DataRoot>",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        sign_test_write(&test, "wanted", text_bytes(wanted[i]));
        if (sign_test_run(&test, "grep -qFf wanted signed.xml"))
            fail_msg("%s", wanted[i]);
    }
    assert_int_equal(sign_test_run(&test, "! grep -q enveloped signed.xml"), 0);
}

static void test_encodings(void **state)
{
    (void)state;
    sign_test_write(&test, "utf8.xml",
                    text_bytes("<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><r><氏名>見本花子</氏名></r>"));
    assert_int_equal(sign_test_run(&test, "iconv -f UTF-8 -t SHIFT_JIS utf8.xml >sjis.xml"), 0);
    struct buf document = {0}, out = {0};
    char path[200];
    sign_test_path(&test, "sjis.xml", path, sizeof path);
    assert_int_equal(file_read(path, &document, NULL), RC_OK);
    assert_int_equal(sign_xml(&test.signer, buf_bytes(&document), NULL, clock_now(), &out, NULL), RC_OK);
    sign_test_write(&test, "signed.xml", buf_bytes(&out));
    assert_int_equal(
        sign_test_run(&test, XMLSEC "signed.xml && iconv -f SHIFT_JIS -t UTF-8 signed.xml | grep -q 見本花子"), 0);
    buf_wipe(&out);
    buf_wipe(&document);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *document, *reference;
        enum rc rc;
    } rows[] = {
        {"nothing", "", NULL, RC_FORMAT},
        {"text", "hello", NULL, RC_FORMAT},
        {"unclosed", "<r><a></r>", NULL, RC_FORMAT},
        {"cut", "<r><a/>", NULL, RC_FORMAT},
        {"two roots", "<r/><r/>", NULL, RC_FORMAT},
        {"bad UTF-8", "<r>\xFF</r>", NULL, RC_FORMAT},
        {"undeclared prefix is no name", "<r a:='1'/>", NULL, RC_FORMAT},
        {"document type", "<!DOCTYPE r><r/>", NULL, RC_UNSUPPORTED},
        {"external entity", "<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><r>&e;</r>", NULL, RC_UNSUPPORTED},
        {"external subset", "<!DOCTYPE r SYSTEM 'http://127.0.0.1:9/a.dtd'><r/>", NULL, RC_UNSUPPORTED},
        {"entities of entities", "<!DOCTYPE r [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><r>&b;</r>", NULL,
         RC_UNSUPPORTED},
        {"no such Id", "<r><a Id='x'/></r>", "y", RC_NOT_FOUND},
        {"empty Id", "<r Id=''/>", "", RC_NOT_FOUND},
        {"two of that Id", "<r><a Id='x'/><b id='x'/></r>", "x", RC_CONFLICT},
        {"signed as a whole",
         "<r><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><SignedInfo><Reference "
         "URI=''/></SignedInfo></Signature></r>",
         NULL, RC_CONFLICT},
        {"signed as a whole, then a part",
         "<r><a Id='x'/><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><SignedInfo><Reference "
         "URI=''/></SignedInfo></Signature></r>",
         "x", RC_CONFLICT},
        {"the root signed by Id",
         "<r Id='r'><a Id='x'/><s:Signature xmlns:s='http://www.w3.org/2000/09/xmldsig#'><s:SignedInfo><s:Reference "
         "URI='#r'/></s:SignedInfo></s:Signature></r>",
         "x", RC_CONFLICT},
    };
    test.calls = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        struct err err = {0};
        enum rc checked = sign_xml_check(text_bytes(rows[i].document), rows[i].reference, &err);
        enum rc rc = sign_xml(&test.signer, text_bytes(rows[i].document), rows[i].reference, clock_now(), &out, NULL);
        if (rc != rows[i].rc || checked != rc || out.len || !err.text[0])
            fail_msg("%s: %s, %s", rows[i].flaw, rc_name(checked), rc_name(rc));
    }
    assert_int_equal(test.calls, 0); /* no card is asked for what cannot be signed */
}

/* Two parts, one after the other, by two calls: both hold. */
static void test_second_signature_beside(void **state)
{
    (void)state;
    struct buf once = {0}, twice = {0};
    assert_int_equal(sign_xml(&test.signer, text_bytes("<r><body Id='b1'>one</body><part ID='p'>two</part></r>"), "b1",
                              clock_now(), &once, NULL),
                     RC_OK);
    assert_int_equal(sign_xml(&test.signer, buf_bytes(&once), "p", clock_now(), &twice, NULL), RC_OK);
    sign_test_write(&test, "signed.xml", buf_bytes(&twice));
    assert_int_equal(sign_test_run(&test, XMLSEC "--node-xpath '/*/*[3]' signed.xml"), 0);
    assert_int_equal(sign_test_run(&test, XMLSEC "--node-xpath '/*/*[4]' signed.xml"), 0);
    buf_wipe(&once);
    buf_wipe(&twice);
}

static void test_card_refuses(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err err = {0};
    test.answer = RC_CARD_GONE;
    test.calls = 0;
    assert_int_equal(sign_xml(&test.signer, text_bytes("<r/>"), NULL, clock_now(), &out, &err), RC_CARD_GONE);
    assert_int_equal(out.len, 0);
    assert_int_equal(test.calls, 1);
    test.answer = RC_OK;
    assert_int_equal(sign_xml(&test.signer, text_bytes("<r/>"), NULL, clock_now() + 2 * 86400, &out, NULL), RC_STATE);
}

/* Every cut of a document is refused or signed, never more. */
static void test_cuts(void **state)
{
    (void)state;
    const char *document = good[2].document;
    for (size_t len = 0; len < strlen(document); len++) {
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, document, len);
        assert_int_equal(sign_xml_check(bytes_of(copy, len), NULL, NULL), RC_FORMAT);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xmlsec_accepts), cmocka_unit_test(test_spoilt_signatures),
        cmocka_unit_test(test_form),           cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_second_signature_beside),
        cmocka_unit_test(test_card_refuses),   cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
