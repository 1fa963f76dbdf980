/* attribute.h — the attributes of objects: where each one's value comes from, as rows; C_GetAttributeValue's rules; and
 * whether an object fits a template. Pure: what has to be read from the card is handed in. */
#ifndef JPKI_PKCS11_ATTRIBUTE_H
#define JPKI_PKCS11_ATTRIBUTE_H

#include "pkcs11/certificate.h"
#include "pkcs11/object.h"

/* What the attributes of an object are made of besides its row. Everything is borrowed. */
struct attribute_facts {
    const struct certificate *certificate; /* NULL: not read, or the card has none */
    bool rsa; /* the card is of a kind that has RSA keys only: what follows from that needs no certificate */
    bool always_authenticate; /* of the private key */
    const char *label;        /* instead of the row's, or NULL */
    struct bytes token_info;  /* EF 0006 */
    CK_ULONG tries, tries_max; /* CK_UNAVAILABLE_INFORMATION */
    char tries_text[4];        /* the same in decimal digits, or "" */
};

/* A value of an attribute: bytes points into small, the row, the facts or the certificate. Borrowed as long as those live;
 * the struct is not copied. */
struct attribute_value {
    struct bytes bytes;
    union {
        CK_ULONG number;
        CK_BBOOL truth;
    } small;
};

/* Whether the value stands in row and facts alone, so that the card need not be read for it (also true of attributes that
 * the class does not have). */
bool attribute_is_fixed(const struct object_row *row, const struct attribute_facts *facts, CK_ATTRIBUTE_TYPE type);

/* facts->certificate may be NULL when attribute_is_fixed. CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_SENSITIVE,
 * CKR_FUNCTION_FAILED (the certificate is wanted and absent). */
CK_RV attribute_get(const struct object_row *row, const struct attribute_facts *facts, CK_ATTRIBUTE_TYPE type,
                    struct attribute_value *value);

/* PKCS#11 §5.7.5: fills every entry that it can and says of each other one why not. */
CK_RV attribute_fill(const struct object_row *row, const struct attribute_facts *facts, CK_ATTRIBUTE *template,
                     CK_ULONG count);

/* Whether the entries whose value is fixed (or, with fixed false, the others) all equal the object's. */
bool attribute_match(const struct object_row *row, const struct attribute_facts *facts, bool fixed,
                     const CK_ATTRIBUTE *template, CK_ULONG count);

/* The bytes that all values take together: C_GetObjectSize. */
CK_ULONG attribute_size(const struct object_row *row, const struct attribute_facts *facts);

#endif
