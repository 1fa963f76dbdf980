/* object.h — which objects a token shows, as rows. */
#ifndef JPKI_PKCS11_OBJECT_H
#define JPKI_PKCS11_OBJECT_H

#include "card/card.h"
#include "pkcs11/cryptoki.h"

#include <stdbool.h>

enum token_kind { TOKEN_AUTH, TOKEN_SIGN, TOKEN_KINDS };

struct object_row {
    enum token_kind token;
    CK_OBJECT_CLASS class;
    bool private;           /* seen only while the user is logged in */
    enum card_cert cert;    /* where its attributes come from */
    uint8_t id;             /* CKA_ID, one byte; 0 where the class has none */
    CK_ULONG category;      /* CKA_CERTIFICATE_CATEGORY, CKA_PROFILE_ID, enum object_data; 0 for keys */
    const char *label;
    const char *unique;     /* CKA_UNIQUE_ID */
};

/* What a CKO_DATA object holds. */
enum object_data { OBJECT_DATA_TOKEN_INFO = 1, OBJECT_DATA_TRIES };

#define OBJECT_CATEGORY_USER 1UL
#define OBJECT_CATEGORY_AUTHORITY 2UL

extern const struct object_row object_rows[];
extern const size_t object_row_count;
#define OBJECT_ROWS_MAX 20u

/* Whether the object's attributes are made of a certificate: keys and certificates. */
bool object_is_of_certificate(const struct object_row *row);

/* A handle names a row and the time it was seen in: the card's insertion for public objects, the login for private ones.
 * One from before a removal or a logout is never valid again (PKCS#11 §5.6.8). */
static inline CK_OBJECT_HANDLE object_handle(CK_ULONG epoch, size_t row)
{
    return (epoch << 8) | (row + 1);
}

#endif
