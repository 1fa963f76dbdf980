/* testlist.c — authorities, and lists that they signed. */
#include "testlist.h"

#include "base/clock.h"
#include "base/file.h"
#include "ca/extensions.h"
#include "ca/leaf.h"
#include "ca/tbs.h"
#include "ca/validity.h"
#include "pki/cert.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct testlist_authority testlist_who[WHO_COUNT] = { { AUTHORITY_SIGN, SUITE_RSA_2048, NULL, NULL },
                                                     { AUTHORITY_AUTH, SUITE_RSA_2048, NULL, NULL },
                                                     { AUTHORITY_SIGN, SUITE_P_384, NULL, NULL } };
char testlist_folder[] = "/tmp/jpki-lists-XXXXXX";
int64_t testlist_now;
const char testlist_some[] = "01+9:1 7F+8:0 80+7:3 0132C4AC+60:6 7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF+5:4";

static void make_authority(enum who who)
{
    unsigned char *spki = NULL;
    struct buf tbs = { 0 }, der = { 0 };
    testlist_who[who].key = suite_generate(testlist_who[who].suite);
    int len = i2d_PUBKEY(testlist_who[who].key, &spki);
    struct issuer issuer = { .authority = testlist_who[who].authority, .organisation = "JPKI-TEST", .suite = testlist_who[who].suite };
    struct leaf leaf = { .serial = "0132C4AB", .not_before = testlist_now - 86400, .not_after = validity_years(testlist_now, 9),
                         .public_key = bytes_of(spki, (size_t)len) };
    assert_int_equal(leaf_ca_tbs(&issuer, &leaf, &tbs, NULL), RC_OK);
    assert_int_equal(tbs_sign(buf_bytes(&tbs), testlist_who[who].key, &der, NULL), RC_OK);
    assert_int_equal(cert_parse(buf_bytes(&der), &testlist_who[who].cert), RC_OK);
    buf_wipe(&tbs);
    buf_wipe(&der);
    OPENSSL_free(spki);
}

int testlist_setup(void **state)
{
    (void)state;
    testlist_now = clock_now();
    if (!mkdtemp(testlist_folder))
        return -1;
    for (enum who who = 0; who < WHO_COUNT; who++)
        make_authority(who);
    return 0;
}

int testlist_teardown(void **state)
{
    (void)state;
    for (enum who who = 0; who < WHO_COUNT; who++) {
        X509_free(testlist_who[who].cert);
        EVP_PKEY_free(testlist_who[who].key);
    }
    return scratch_remove(testlist_folder);
}

char *testlist_path(const char *name)
{
    char *path = file_join(testlist_folder, name);
    assert_non_null(path);
    return path;
}

void testlist_add(struct crlspool *spool, const char *entries)
{
    char serial[41];
    long age;
    int reason, used;
    for (; entries && sscanf(entries, " %40[0-9A-F]+%ld:%d%n", serial, &age, &reason, &used) == 3; entries += used)
        assert_int_equal(crlspool_add(spool, serial, testlist_now - age, reason, NULL), RC_OK);
}

X509_EXTENSIONS *testlist_extensions(const struct testlist *list)
{
    X509_EXTENSIONS *extensions = NULL;
    X509_NAME *point = NULL;
    enum authority authority = testlist_who[list->names].authority;
    assert_int_equal(ext_authority_key(&extensions, testlist_who[list->names].cert, false), RC_OK);
    assert_int_equal(ext_crl_number(&extensions, list->number), RC_OK);
    if (list->scope == TOWN || list->scope == OTHER_TOWN)
        assert_int_equal(authority_crldp(authority, "JPKI-TEST", list->scope == TOWN ? "462012" : "132217", &point, NULL), RC_OK);
    if (list->scope == ONLY_CA)
        assert_int_equal(authority_dn(authority, "JPKI-TEST", &point), RC_OK);
    if (point)
        assert_int_equal(ext_crl_scope(&extensions, point, list->scope == ONLY_CA), RC_OK);
    X509_NAME_free(point);
    return extensions;
}

void testlist_write(const struct testlist *list, const char *name)
{
    struct crlspool *spool = NULL;
    struct buf head = { 0 }, tail = { 0 }, tbs = { 0 }, signature = { 0 };
    int fd;
    uint64_t len;
    char *path = testlist_path(name);
    X509_EXTENSIONS *extensions = testlist_extensions(list);
    assert_int_equal(crlspool_new(testlist_folder, &spool, NULL), RC_OK);
    testlist_add(spool, list->entries);
    assert_int_equal(crlspool_finish(spool, &fd, &len, NULL), RC_OK);
    if (list->raw.len) {
        assert_int_equal(write(fd, list->raw.data, list->raw.len), (ssize_t)list->raw.len);
        len = list->raw.len;
    }
    struct tbs_crl crl = { .suite = testlist_who[list->signs].suite, .issuer = X509_get_subject_name(testlist_who[list->names].cert),
                           .this_update = testlist_now + list->from, .next_update = testlist_now + list->to, .extensions = extensions };
    assert_int_equal(tbs_crl_frame(&crl, len, &head, &tail), RC_OK);
    struct buf entries = { 0 };
    uint8_t *at;
    if (len) {
        assert_int_equal(buf_extend(&entries, (size_t)len, &at), RC_OK);
        assert_int_equal(pread(fd, at, (size_t)len, 0), (ssize_t)len);
    }
    assert_int_equal(buf_append_bytes(&tbs, buf_bytes(&head)) | buf_append_bytes(&tbs, buf_bytes(&entries)) |
                         buf_append_bytes(&tbs, buf_bytes(&tail)),
                     RC_OK);
    assert_int_equal(suite_sign(crl.suite, testlist_who[list->signs].key, buf_bytes(&tbs), &signature), RC_OK);
    (void)unlink(path);
    if (list->raw.len || list->behind) { /* by hand: the spool writes what it holds, and nothing behind it */
        struct buf der = { 0 };
        assert_int_equal(tbs_seal(buf_bytes(&tbs), buf_bytes(&signature), &der), RC_OK);
        if (list->behind)
            assert_int_equal(buf_append_text(&der, list->behind), RC_OK);
        assert_int_equal(file_write_atomic(path, buf_bytes(&der), 0644, NULL), RC_OK);
        buf_wipe(&der);
    } else {
        assert_int_equal(crlspool_write(spool, path, buf_bytes(&head), buf_bytes(&tail), crl.suite, buf_bytes(&signature), NULL),
                         RC_OK);
    }
    struct buf *const bufs[] = { &head, &tail, &tbs, &signature, &entries };
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_wipe(bufs[i]);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    crlspool_free(spool);
    free(path);
}

void testlist_read(const char *name, struct buf *der)
{
    char *path = testlist_path(name);
    der->max = 64u * 1024u * 1024u;
    assert_int_equal(file_read(path, der, NULL), RC_OK);
    free(path);
}

enum rc testlist_source_read(void *context, uint8_t *out, size_t max, size_t *got)
{
    struct testlist_source *source = context;
    size_t n = source->left.len < source->step ? source->left.len : source->step;
    n = n < max ? n : max;
    if (n)
        memcpy(out, source->left.data, n);
    source->left = bytes_of(source->left.data + n, source->left.len - n);
    *got = n;
    return RC_OK;
}
