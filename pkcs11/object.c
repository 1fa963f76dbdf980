/* object.c — the rows. Labels and identifiers are those that OpenSC gives the same objects, so that what people wrote into
 * their configurations goes on working. */
#include "pkcs11/object.h"

const struct object_row object_rows[] = {
    { TOKEN_AUTH, CKO_PRIVATE_KEY, true, CARD_CERT_AUTH, 1, 0, "User Authentication Key" },
    { TOKEN_AUTH, CKO_PUBLIC_KEY, false, CARD_CERT_AUTH, 1, 0, "User Authentication Public Key" },
    { TOKEN_AUTH, CKO_CERTIFICATE, false, CARD_CERT_AUTH, 1, OBJECT_CATEGORY_USER, "User Authentication Certificate" },
    { TOKEN_AUTH, CKO_CERTIFICATE, false, CARD_CERT_AUTH_CA, 3, OBJECT_CATEGORY_AUTHORITY,
      "User Authentication Certificate CA" },
    { TOKEN_SIGN, CKO_PRIVATE_KEY, true, CARD_CERT_SIGN, 2, 0, "Digital Signature Key" },
    { TOKEN_SIGN, CKO_PUBLIC_KEY, true, CARD_CERT_SIGN, 2, 0, "Digital Signature Public Key" },
    { TOKEN_SIGN, CKO_CERTIFICATE, true, CARD_CERT_SIGN, 2, OBJECT_CATEGORY_USER, "Digital Signature Certificate" },
    { TOKEN_SIGN, CKO_CERTIFICATE, false, CARD_CERT_SIGN_CA, 4, OBJECT_CATEGORY_AUTHORITY,
      "Digital Signature Certificate CA" },
};

const size_t object_row_count = sizeof(object_rows) / sizeof(object_rows[0]);

_Static_assert(sizeof(object_rows) / sizeof(object_rows[0]) <= OBJECT_ROWS_MAX, "a search keeps so many handles");
