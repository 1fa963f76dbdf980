/* attribute.c — the rows of attributes, by class. A search names a class, so a row is found by class and type; a type that
 * no row names does not exist for the object. */
#include "pkcs11/attribute.h"

#include <string.h>

/* Where a value comes from. */
enum source {
    FROM_FALSE,
    FROM_TRUE,
    FROM_NUMBER, /* the row's own */
    FROM_NOTHING, /* the attribute is there, its value is empty */
    FROM_CLASS,
    FROM_PRIVATE,
    FROM_LABEL,
    FROM_UNIQUE,
    FROM_ID,
    FROM_CATEGORY,
    FROM_APPLICATION,
    FROM_DATA,
    FROM_TRIES,
    FROM_TRIES_MAX,
    FROM_ALWAYS_AUTHENTICATE,
    FROM_FIRST_OF_KEY_TYPE, /* those below follow from the kind of key, which some cards tell without their certificate */
    FROM_KEY_TYPE = FROM_FIRST_OF_KEY_TYPE,
    FROM_KEY_GENERATION,
    FROM_RSA_SECRET, /* never told */
    FROM_EC_SECRET,
    FROM_EC_PARAMETERS,
    FROM_EC_POINT,
    FROM_FIRST_OF_CERTIFICATE, /* those below are read from the card */
    FROM_MODULUS = FROM_FIRST_OF_CERTIFICATE,
    FROM_EXPONENT,
    FROM_BITS,
    FROM_DER,
    FROM_SUBJECT,
    FROM_ISSUER,
    FROM_SERIAL,
    FROM_SPKI,
    FROM_START,
    FROM_END,
    FROM_CHECK_VALUE,
    FROM_KEY_HASH,
};

struct row {
    CK_ATTRIBUTE_TYPE type;
    enum source source;
    CK_ULONG number;
};

static const struct row common_rows[] = {
    { CKA_CLASS, FROM_CLASS, 0 },
    { CKA_TOKEN, FROM_TRUE, 0 },
    { CKA_PRIVATE, FROM_PRIVATE, 0 },
    { CKA_MODIFIABLE, FROM_FALSE, 0 },
    { CKA_COPYABLE, FROM_FALSE, 0 },
    { CKA_DESTROYABLE, FROM_FALSE, 0 },
    { CKA_LABEL, FROM_LABEL, 0 },
    { CKA_UNIQUE_ID, FROM_UNIQUE, 0 },
    { 0 },
};

static const struct row profile_rows[] = {
    { CKA_PROFILE_ID, FROM_CATEGORY, 0 },
    { 0 },
};

static const struct row data_rows[] = {
    { CKA_APPLICATION, FROM_APPLICATION, 0 },
    { CKA_OBJECT_ID, FROM_NOTHING, 0 },
    { CKA_VALUE, FROM_DATA, 0 },
    { 0 },
};

static const struct row tries_rows[] = {
    { CKA_APPLICATION, FROM_APPLICATION, 0 },
    { CKA_OBJECT_ID, FROM_NOTHING, 0 },
    { CKA_VALUE, FROM_DATA, 0 },
    { CKA_JPKI_PIN_TRIES, FROM_TRIES, 0 },
    { CKA_JPKI_PIN_TRIES_MAX, FROM_TRIES_MAX, 0 },
    { 0 },
};

/* Of everything that has a certificate. */
#define CERTIFIED_ROWS { CKA_ID, FROM_ID, 0 }, { CKA_SUBJECT, FROM_SUBJECT, 0 }, { CKA_PUBLIC_KEY_INFO, FROM_SPKI, 0 }

static const struct row certificate_rows[] = {
    CERTIFIED_ROWS,
    { CKA_CERTIFICATE_TYPE, FROM_NUMBER, CKC_X_509 },
    { CKA_TRUSTED, FROM_FALSE, 0 },
    { CKA_CERTIFICATE_CATEGORY, FROM_CATEGORY, 0 },
    { CKA_CHECK_VALUE, FROM_CHECK_VALUE, 0 },
    { CKA_START_DATE, FROM_START, 0 },
    { CKA_END_DATE, FROM_END, 0 },
    { CKA_ISSUER, FROM_ISSUER, 0 },
    { CKA_SERIAL_NUMBER, FROM_SERIAL, 0 },
    { CKA_VALUE, FROM_DER, 0 },
    { CKA_URL, FROM_NOTHING, 0 },
    { CKA_HASH_OF_SUBJECT_PUBLIC_KEY, FROM_KEY_HASH, 0 },
    { CKA_HASH_OF_ISSUER_PUBLIC_KEY, FROM_NOTHING, 0 },
    { CKA_JAVA_MIDP_SECURITY_DOMAIN, FROM_NUMBER, 0 },
    { CKA_NAME_HASH_ALGORITHM, FROM_NUMBER, CKM_SHA_1 },
    { 0 },
};

/* CKA_LOCAL: the card makes its keys itself, when it is issued. */
#define KEY_ROWS                                                                                                           \
    CERTIFIED_ROWS, { CKA_KEY_TYPE, FROM_KEY_TYPE, 0 }, { CKA_START_DATE, FROM_NOTHING, 0 },                               \
        { CKA_END_DATE, FROM_NOTHING, 0 }, { CKA_DERIVE, FROM_FALSE, 0 }, { CKA_LOCAL, FROM_TRUE, 0 },                     \
        { CKA_KEY_GEN_MECHANISM, FROM_KEY_GENERATION, 0 }, { CKA_MODULUS, FROM_MODULUS, 0 },                               \
        { CKA_MODULUS_BITS, FROM_BITS, 0 }, { CKA_PUBLIC_EXPONENT, FROM_EXPONENT, 0 },                                     \
        { CKA_EC_PARAMS, FROM_EC_PARAMETERS, 0 }, { CKA_EC_POINT, FROM_EC_POINT, 0 }

static const struct row public_rows[] = {
    KEY_ROWS,
    { CKA_ENCRYPT, FROM_FALSE, 0 },
    { CKA_VERIFY, FROM_TRUE, 0 },
    { CKA_VERIFY_RECOVER, FROM_FALSE, 0 },
    { CKA_WRAP, FROM_FALSE, 0 },
    { CKA_TRUSTED, FROM_FALSE, 0 },
    { 0 },
};

static const struct row private_rows[] = {
    KEY_ROWS,
    { CKA_SENSITIVE, FROM_TRUE, 0 },
    { CKA_ALWAYS_SENSITIVE, FROM_TRUE, 0 },
    { CKA_EXTRACTABLE, FROM_FALSE, 0 },
    { CKA_NEVER_EXTRACTABLE, FROM_TRUE, 0 },
    { CKA_DECRYPT, FROM_FALSE, 0 },
    { CKA_SIGN, FROM_TRUE, 0 },
    { CKA_SIGN_RECOVER, FROM_FALSE, 0 },
    { CKA_UNWRAP, FROM_FALSE, 0 },
    { CKA_WRAP_WITH_TRUSTED, FROM_FALSE, 0 },
    { CKA_ALWAYS_AUTHENTICATE, FROM_ALWAYS_AUTHENTICATE, 0 },
    { CKA_PRIVATE_EXPONENT, FROM_RSA_SECRET, 0 },
    { CKA_PRIME_1, FROM_RSA_SECRET, 0 },
    { CKA_PRIME_2, FROM_RSA_SECRET, 0 },
    { CKA_EXPONENT_1, FROM_RSA_SECRET, 0 },
    { CKA_EXPONENT_2, FROM_RSA_SECRET, 0 },
    { CKA_COEFFICIENT, FROM_RSA_SECRET, 0 },
    { CKA_VALUE, FROM_EC_SECRET, 0 },
    { 0 },
};

/* CKA_CLASS is 0 and stands first among the common rows: elsewhere a zero row is the end. */
static const struct row *row_in(const struct row *rows, CK_ATTRIBUTE_TYPE type)
{
    for (const struct row *row = rows; row->type || row->source == FROM_CLASS; row++)
        if (row->type == type)
            return row;
    return NULL;
}

static const struct row *rows_of(const struct object_row *object)
{
    switch (object->class) {
    case CKO_PROFILE:
        return profile_rows;
    case CKO_DATA:
        return object->category == OBJECT_DATA_TRIES ? tries_rows : data_rows;
    case CKO_CERTIFICATE:
        return certificate_rows;
    case CKO_PUBLIC_KEY:
        return public_rows;
    default:
        return private_rows;
    }
}

static const struct row *row_find(const struct object_row *object, CK_ATTRIBUTE_TYPE type)
{
    const struct row *row = row_in(common_rows, type);
    return row ? row : row_in(rows_of(object), type);
}

static bool source_is_fixed(enum source source, const struct attribute_facts *facts)
{
    return source < FROM_FIRST_OF_KEY_TYPE || (source < FROM_FIRST_OF_CERTIFICATE && facts->rsa);
}

bool attribute_is_fixed(const struct object_row *object, const struct attribute_facts *facts, CK_ATTRIBUTE_TYPE type)
{
    const struct row *row = row_find(object, type);
    return !row || source_is_fixed(row->source, facts);
}

static void set_number(struct attribute_value *value, CK_ULONG number)
{
    value->small.number = number;
    value->bytes = bytes_of(&value->small.number, sizeof(value->small.number));
}

static void set_truth(struct attribute_value *value, bool truth)
{
    value->small.truth = truth ? CK_TRUE : CK_FALSE;
    value->bytes = bytes_of(&value->small.truth, sizeof(value->small.truth));
}

static void get_from_certificate(enum source source, const struct certificate *certificate,
                                 struct attribute_value *value)
{
    const struct buf *buffers[] = { [FROM_DER] = &certificate->der,
                                    [FROM_SUBJECT] = &certificate->subject,
                                    [FROM_ISSUER] = &certificate->issuer,
                                    [FROM_SERIAL] = &certificate->serial,
                                    [FROM_SPKI] = &certificate->spki,
                                    [FROM_MODULUS] = &certificate->modulus,
                                    [FROM_EXPONENT] = &certificate->exponent,
                                    [FROM_EC_PARAMETERS] = &certificate->ec_parameters,
                                    [FROM_EC_POINT] = &certificate->ec_point };
    if (source <= FROM_SPKI && buffers[source])
        value->bytes = buf_bytes(buffers[source]);
    else if (source == FROM_BITS)
        set_number(value, certificate->key_bits);
    else if (source == FROM_START)
        value->bytes = bytes_of(certificate->not_before, sizeof(certificate->not_before));
    else if (source == FROM_END)
        value->bytes = bytes_of(certificate->not_after, sizeof(certificate->not_after));
    else if (source == FROM_CHECK_VALUE)
        value->bytes = bytes_of(certificate->check_value, sizeof(certificate->check_value));
    else
        value->bytes = bytes_of(certificate->subject_key_hash, sizeof(certificate->subject_key_hash));
}

/* What depends on the kind of key: an RSA key has no curve, and an EC key no modulus. */
static CK_RV get_of_key(enum source source, const struct attribute_facts *facts, struct attribute_value *value)
{
    bool ec = !facts->rsa && facts->certificate && certificate_is_ec(facts->certificate);
    if (!source_is_fixed(source, facts) && !facts->certificate)
        return CKR_FUNCTION_FAILED;
    if (source == FROM_KEY_TYPE) {
        set_number(value, ec ? CKK_EC : CKK_RSA);
    } else if (source == FROM_KEY_GENERATION) {
        set_number(value, ec ? CKM_EC_KEY_PAIR_GEN : CKM_RSA_PKCS_KEY_PAIR_GEN);
    } else if (source == FROM_RSA_SECRET || source == FROM_EC_SECRET) {
        return (source == FROM_EC_SECRET) == ec ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
    } else {
        bool of_ec = source == FROM_EC_PARAMETERS || source == FROM_EC_POINT;
        if (of_ec != ec)
            return CKR_ATTRIBUTE_TYPE_INVALID;
        get_from_certificate(source, facts->certificate, value);
    }
    return CKR_OK;
}

static void get_fixed(const struct object_row *object, const struct row *row, const struct attribute_facts *facts,
                      struct attribute_value *value)
{
    const char *text = NULL;
    if (row->source == FROM_FALSE || row->source == FROM_TRUE)
        set_truth(value, row->source == FROM_TRUE);
    else if (row->source == FROM_PRIVATE)
        set_truth(value, object->private);
    else if (row->source == FROM_ALWAYS_AUTHENTICATE)
        set_truth(value, facts->always_authenticate);
    else if (row->source == FROM_NUMBER)
        set_number(value, row->number);
    else if (row->source == FROM_CLASS)
        set_number(value, object->class);
    else if (row->source == FROM_CATEGORY)
        set_number(value, object->category);
    else if (row->source == FROM_TRIES)
        set_number(value, facts->tries);
    else if (row->source == FROM_TRIES_MAX)
        set_number(value, facts->tries_max);
    else if (row->source == FROM_ID)
        value->bytes = bytes_of(&object->id, 1);
    else if (row->source == FROM_DATA && object->category == OBJECT_DATA_TOKEN_INFO)
        value->bytes = facts->token_info;
    else if (row->source == FROM_DATA)
        text = facts->tries_text;
    else if (row->source == FROM_APPLICATION)
        text = "JPKI";
    else if (row->source == FROM_UNIQUE)
        text = object->unique;
    else if (row->source == FROM_LABEL)
        text = facts->label ? facts->label : object->label;
    if (text)
        value->bytes = bytes_of(text, strlen(text));
}

CK_RV attribute_get(const struct object_row *object, const struct attribute_facts *facts, CK_ATTRIBUTE_TYPE type,
                    struct attribute_value *value)
{
    const struct row *row = row_find(object, type);
    if (!row)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    value->bytes = (struct bytes) { 0 };
    if (row->source >= FROM_FIRST_OF_KEY_TYPE && row->source <= FROM_BITS)
        return get_of_key(row->source, facts, value);
    if (row->source < FROM_FIRST_OF_CERTIFICATE)
        get_fixed(object, row, facts, value);
    else if (facts->certificate)
        get_from_certificate(row->source, facts->certificate, value);
    else
        return CKR_FUNCTION_FAILED;
    return CKR_OK;
}

CK_RV attribute_fill(const struct object_row *object, const struct attribute_facts *facts, CK_ATTRIBUTE *template,
                     CK_ULONG count)
{
    CK_RV result = CKR_OK;
    for (CK_ULONG i = 0; i < count; i++) {
        struct attribute_value value;
        CK_RV rv = attribute_get(object, facts, template[i].type, &value);
        if (rv == CKR_OK && template[i].pValue) {
            if (template[i].ulValueLen < value.bytes.len)
                rv = CKR_BUFFER_TOO_SMALL;
            else if (value.bytes.len)
                memcpy(template[i].pValue, value.bytes.data, value.bytes.len);
        }
        template[i].ulValueLen = rv == CKR_OK ? value.bytes.len : CK_UNAVAILABLE_INFORMATION;
        if (rv != CKR_OK)
            result = rv;
    }
    return result;
}

bool attribute_match(const struct object_row *object, const struct attribute_facts *facts, bool fixed,
                     const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        struct attribute_value value;
        if (attribute_is_fixed(object, facts, template[i].type) != fixed)
            continue;
        if (attribute_get(object, facts, template[i].type, &value) != CKR_OK)
            return false;
        if (!bytes_equal(value.bytes, bytes_of(template[i].pValue, template[i].ulValueLen)))
            return false;
    }
    return true;
}

CK_ULONG attribute_size(const struct object_row *object, const struct attribute_facts *facts)
{
    const struct row *lists[] = { common_rows, rows_of(object) };
    CK_ULONG size = 0;
    for (size_t i = 0; i < 2; i++) {
        for (const struct row *row = lists[i]; row->type || row->source == FROM_CLASS; row++) {
            struct attribute_value value;
            if (attribute_get(object, facts, row->type, &value) == CKR_OK)
                size += value.bytes.len;
        }
    }
    return size;
}
