/* content.c — a memory BIO behind one that passes everything on. */
#include "pki/content.h"

BIO *content_bio(struct bytes content)
{
    static const char empty[] = "";
    BIO *bytes = BIO_new_mem_buf(content.len ? (const void *)content.data : empty, (int)content.len);
    BIO *front = bytes ? BIO_new(BIO_f_null()) : NULL;
    if (!front) {
        BIO_free(bytes);
        return NULL;
    }
    return BIO_push(front, bytes);
}
