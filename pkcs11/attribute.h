/* attribute.h — the attributes of objects: where each one's value comes from, as rows; C_GetAttributeValue's rules; and
 * whether an object fits a template. Pure: what has to be read from the card is handed in. */
#ifndef JPKI_PKCS11_ATTRIBUTE_H
#define JPKI_PKCS11_ATTRIBUTE_H

#include "pkcs11/certificate.h"
#include "pkcs11/object.h"

/* A value of an attribute: bytes points into small, the row or the certificate. Borrowed as long as those live; the
 * struct is not copied. */
struct attribute_value {
    struct bytes bytes;
    union {
        CK_ULONG number;
        CK_BBOOL truth;
    } small;
};

/* Whether the value stands in the row alone, so that the card need not be read for it (also true of attributes that the
 * class does not have). */
bool attribute_is_fixed(const struct object_row *row, CK_ATTRIBUTE_TYPE type);

/* certificate may be NULL when attribute_is_fixed. CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_SENSITIVE,
 * CKR_FUNCTION_FAILED (the certificate is wanted and absent). */
CK_RV attribute_get(const struct object_row *row, const struct certificate *certificate, CK_ATTRIBUTE_TYPE type,
                    struct attribute_value *value);

/* PKCS#11 §5.7.5: fills every entry that it can and says of each other one why not. */
CK_RV attribute_fill(const struct object_row *row, const struct certificate *certificate, CK_ATTRIBUTE *template,
                     CK_ULONG count);

/* Whether the entries whose value is fixed (or, with fixed false, the others) all equal the object's. */
bool attribute_match(const struct object_row *row, const struct certificate *certificate, bool fixed,
                     const CK_ATTRIBUTE *template, CK_ULONG count);

/* The bytes that all values take together: C_GetObjectSize. */
CK_ULONG attribute_size(const struct object_row *row, const struct certificate *certificate);

#endif
