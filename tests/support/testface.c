/* testface.c — the face of a test card. */
#include "support/testface.h"

#include "wire/tlv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

EVP_PKEY *testface_key(struct bytes objects)
{
    struct tlv n, e;
    struct buf template = { 0 }, inner = { 0 };
    assert_int_equal(tlv_find(objects, 0x90, &e), RC_OK);
    assert_int_equal(tlv_find(objects, 0x91, &n), RC_OK);
    assert_int_equal(tlv_append(&inner, 0x81, n.value), RC_OK);
    assert_int_equal(tlv_append(&inner, 0x82, e.value), RC_OK);
    assert_int_equal(tlv_append(&template, 0x7F49, buf_bytes(&inner)), RC_OK);
    EVP_PKEY *key = testcard_public_key(buf_bytes(&template));
    buf_wipe(&inner);
    buf_wipe(&template);
    return key;
}

EVP_PKEY *testface_put(struct testcard *card)
{
    EVP_PKEY *root = NULL;
    assert_int_equal(sim_specimen_face(testcard_sim(card), &root), RC_OK);
    return root;
}

struct testcard *testface_new(EVP_PKEY **root)
{
    struct testcard *card = testcard_new_blank();
    EVP_PKEY *key = testface_put(card);
    testcard_personalise(card);
    if (root)
        *root = key;
    else
        EVP_PKEY_free(key);
    return card;
}
