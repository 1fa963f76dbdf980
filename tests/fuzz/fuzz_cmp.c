/* fuzz_cmp.c — what the authorities' intake reads of a CMP message before OpenSSL does: parts lie inside of the message, a public
 * key is one whole SEQUENCE, a reason is a reason; and what OpenSSL then reads of the same bytes. */
#include "fuzz.h"

#include "ca/cmpmsg.h"

#include <openssl/cmp.h>
#include <openssl/err.h>

static void read_parts(const struct cmpmsg *msg, struct bytes message)
{
    struct buf spki = {0};
    bool accepted;
    int reason = -1;
    FUZZ_CHECK(msg->body <= 31);
    FUZZ_CHECK(msg->content.data >= message.data && msg->content.data + msg->content.len <= message.data + message.len);
    FUZZ_CHECK(strspn(msg->transaction, "0123456789abcdefABCDEF") == strlen(msg->transaction));
    if (!cmpmsg_public_key(msg, &spki, NULL))
        FUZZ_CHECK(spki.len >= 2 && spki.data[0] == 0x30);
    if (!cmpmsg_reason(msg, &reason, NULL))
        FUZZ_CHECK(reason >= 0 && reason <= 10);
    if (!cmpmsg_confirmed(msg, &accepted, NULL))
        FUZZ_CHECK(accepted || !accepted);
    buf_wipe(&spki);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cmpmsg msg;
    struct bytes message = bytes_of(data, size);
    if (cmpmsg_parse(message, &msg, NULL) == RC_OK)
        read_parts(&msg, message);
    BIO *bio = BIO_new_mem_buf(data, (int)size);
    OSSL_CMP_MSG *foreign = bio ? d2i_OSSL_CMP_MSG_bio(bio, NULL) : NULL;
    if (foreign)
        FUZZ_CHECK(OSSL_CMP_MSG_get_bodytype(foreign) >= -1);
    OSSL_CMP_MSG_free(foreign);
    BIO_free(bio);
    ERR_clear_error();
    return 0;
}
