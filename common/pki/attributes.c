/* attributes.c — the four attributes and their substitute flags as otherNames, both ways. The values are personal data:
 * errors name the attribute and the rule, never what stood there. */
#include "pki/attributes.h"

#include <stdio.h>
#include <string.h>

enum attributes_id {
    ATTRIBUTES_NAME = 1,
    ATTRIBUTES_NAME_FLAGS,
    ATTRIBUTES_SEX,
    ATTRIBUTES_BIRTH,
    ATTRIBUTES_ADDRESS,
    ATTRIBUTES_ADDRESS_FLAGS,
    ATTRIBUTES_END
};

struct attributes_field {
    const char *oid;
    const char *what;
    size_t offset, size;
    bool needed;
};

#define ATTRIBUTES_ARC "1.2.392.200149.8.5.5."
#define ATTRIBUTES_FIELD(member) offsetof(struct attributes, member), sizeof(((struct attributes *)NULL)->member)

static const struct attributes_field attributes_fields[ATTRIBUTES_END] = {
    [ATTRIBUTES_NAME] = {ATTRIBUTES_ARC "1", "name", ATTRIBUTES_FIELD(name), true},
    [ATTRIBUTES_NAME_FLAGS] = {ATTRIBUTES_ARC "2", "name substitutes", ATTRIBUTES_FIELD(name_substitutes), false},
    [ATTRIBUTES_SEX] = {ATTRIBUTES_ARC "3", "sex", ATTRIBUTES_FIELD(sex), true},
    [ATTRIBUTES_BIRTH] = {ATTRIBUTES_ARC "4", "birth date", ATTRIBUTES_FIELD(birth), true},
    [ATTRIBUTES_ADDRESS] = {ATTRIBUTES_ARC "5", "address", ATTRIBUTES_FIELD(address), true},
    [ATTRIBUTES_ADDRESS_FLAGS] = {ATTRIBUTES_ARC "6", "address substitutes", ATTRIBUTES_FIELD(address_substitutes),
                                  false},
};

/* The order in a certificate (docs/PROFILE.md). */
static const enum attributes_id attributes_order[] = {ATTRIBUTES_NAME,       ATTRIBUTES_BIRTH,
                                                      ATTRIBUTES_SEX,        ATTRIBUTES_ADDRESS,
                                                      ATTRIBUTES_NAME_FLAGS, ATTRIBUTES_ADDRESS_FLAGS};

char attributes_era(int year, int month, int day)
{
    static const struct {
        int year, month, day;
        char era;
    } eras[] = {{2019, 5, 1, '5'}, {1989, 1, 8, '4'}, {1926, 12, 25, '3'}, {1912, 7, 30, '2'}, {1868, 1, 25, '1'}};
    long date = year * 10000L + month * 100L + day;
    for (size_t i = 0; i < sizeof eras / sizeof *eras; i++)
        if (date >= eras[i].year * 10000L + eras[i].month * 100L + eras[i].day)
            return eras[i].era;
    return '0';
}

/* Unicode scalar values in well-formed UTF-8 (no overlong forms, no surrogates, no control characters); -1 otherwise.
 */
static long attributes_count(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    long count = 0;
    while (*at) {
        unsigned long value;
        int len = UTF8_getc(at, (int)strnlen((const char *)at, 4), &value);
        if (len <= 0 || value < 0x20 || (value >= 0x7F && value < 0xA0) || (value >= 0xD800 && value < 0xE000) ||
            value > 0x10FFFF)
            return -1;
        at += len;
        count++;
    }
    return count;
}

static void attributes_fill(char *flags, size_t size, const char *text)
{
    long count = attributes_count(text);
    size_t len = count < 0 ? 0 : (size_t)count;
    if (len >= size)
        len = size - 1;
    memset(flags, '0', len);
    flags[len] = 0;
}

void attributes_no_substitutes(struct attributes *attributes)
{
    attributes_fill(attributes->name_substitutes, sizeof attributes->name_substitutes, attributes->name);
    attributes_fill(attributes->address_substitutes, sizeof attributes->address_substitutes, attributes->address);
}

static enum rc attributes_check_text(const char *text, const char *flags, long max, const char *what, struct err *err)
{
    long count = attributes_count(text);
    if (count < 0)
        return err_set(err, RC_FORMAT, "%s: not well-formed UTF-8 text", what);
    if (count == 0 || count > max)
        return err_set(err, RC_FORMAT, "%s: must have 1 to %ld characters", what, max);
    if (strspn(flags, "01") != strlen(flags))
        return err_set(err, RC_FORMAT, "%s substitutes: a digit other than 0 and 1", what);
    if (strlen(flags) != (size_t)count)
        return err_set(err, RC_FORMAT, "%s substitutes: not one digit per character", what);
    return RC_OK;
}

static bool attributes_is_birth(const char *birth)
{
    static const int days[] = {31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strspn(birth, "0123456789") != 9 || birth[9] || birth[0] > '5')
        return false;
    int year, month, day;
    if (sscanf(birth + 1, "%4d%2d%2d", &year, &month, &day) != 3 || month > 12 || day > days[month])
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 || year == 0;
    return !(month == 2 && day == 29 && !leap);
}

enum rc attributes_check(const struct attributes *attributes, struct err *err)
{
    for (unsigned i = ATTRIBUTES_NAME; i < ATTRIBUTES_END; i++) {
        const struct attributes_field *field = &attributes_fields[i];
        if (!memchr((const char *)attributes + field->offset, 0, field->size))
            return err_set(err, RC_FORMAT, "%s: too long", field->what);
    }
    enum rc rc = attributes_check_text(attributes->name, attributes->name_substitutes,
                                       sizeof attributes->name_substitutes - 1, "name", err);
    if (rc == RC_OK)
        rc = attributes_check_text(attributes->address, attributes->address_substitutes,
                                   sizeof attributes->address_substitutes - 1, "address", err);
    if (rc)
        return rc;
    if (!attributes_is_birth(attributes->birth))
        return err_set(err, RC_FORMAT, "birth date: must be an era digit 0 to 5 and YYYYMMDD");
    if (strlen(attributes->sex) != 1 || !strchr("1239", attributes->sex[0]))
        return err_set(err, RC_FORMAT, "sex: must be 1, 2, 3 or 9");
    return RC_OK;
}

static enum rc attributes_push(GENERAL_NAMES *names, const char *oid, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_UTF8STRING *string = ASN1_UTF8STRING_new();
    ASN1_TYPE *value = ASN1_TYPE_new();
    if (!name || !object || !string || !value || !ASN1_STRING_set(string, text, -1))
        goto fail;
    ASN1_TYPE_set(value, V_ASN1_UTF8STRING, string);
    string = NULL;
    if (!GENERAL_NAME_set0_othername(name, object, value))
        goto fail;
    object = NULL;
    value = NULL;
    if (!sk_GENERAL_NAME_push(names, name))
        goto fail;
    return RC_OK;
fail:
    GENERAL_NAME_free(name);
    ASN1_OBJECT_free(object);
    ASN1_UTF8STRING_free(string);
    ASN1_TYPE_free(value);
    return RC_NOMEM;
}

enum rc attributes_to_names(const struct attributes *attributes, GENERAL_NAMES **names, struct err *err)
{
    enum rc rc = attributes_check(attributes, err);
    if (rc)
        return rc;
    GENERAL_NAMES *made = sk_GENERAL_NAME_new_null();
    if (!made)
        return RC_NOMEM;
    for (size_t i = 0; i < sizeof attributes_order / sizeof *attributes_order && rc == RC_OK; i++) {
        const struct attributes_field *field = &attributes_fields[attributes_order[i]];
        rc = attributes_push(made, field->oid, (const char *)attributes + field->offset);
    }
    if (rc) {
        GENERAL_NAMES_free(made);
        return rc;
    }
    *names = made;
    return RC_OK;
}

/* Which of the six an otherName is; 0 for a foreign one. */
static unsigned attributes_which(const OTHERNAME *name)
{
    char oid[80];
    int len = OBJ_obj2txt(oid, sizeof oid, name->type_id, 1);
    if (len <= 0 || (size_t)len >= sizeof oid)
        return 0;
    for (unsigned i = ATTRIBUTES_NAME; i < ATTRIBUTES_END; i++)
        if (strcmp(oid, attributes_fields[i].oid) == 0)
            return i;
    return 0;
}

static enum rc attributes_take_name(const OTHERNAME *name, const struct attributes_field *field,
                                    struct attributes *attributes, struct err *err)
{
    if (ASN1_TYPE_get(name->value) != V_ASN1_UTF8STRING)
        return err_set(err, RC_FORMAT, "%s: not a UTF8String", field->what);
    const ASN1_UTF8STRING *text = name->value->value.utf8string;
    const unsigned char *data = ASN1_STRING_get0_data(text);
    size_t len = (size_t)ASN1_STRING_length(text);
    char *to = (char *)attributes + field->offset;
    if (len >= field->size || (len && memchr(data, 0, len)))
        return err_set(err, RC_FORMAT, "%s: too long, or a zero byte in it", field->what);
    if (len)
        memcpy(to, data, len);
    to[len] = 0;
    return RC_OK;
}

enum rc attributes_from_names(const GENERAL_NAMES *names, struct attributes *attributes, struct err *err)
{
    struct attributes read = {0};
    bool seen[ATTRIBUTES_END] = {false};
    bool any = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        unsigned which = name->type == GEN_OTHERNAME ? attributes_which(name->d.otherName) : 0;
        if (!which)
            continue;
        if (seen[which])
            return err_set(err, RC_FORMAT, "%s: twice", attributes_fields[which].what);
        enum rc rc = attributes_take_name(name->d.otherName, &attributes_fields[which], &read, err);
        if (rc)
            return rc;
        seen[which] = any = true;
    }
    if (!any)
        return err_set(err, RC_NOT_FOUND, "no attributes in the subject's alternative names");
    for (unsigned i = ATTRIBUTES_NAME; i < ATTRIBUTES_END; i++)
        if (attributes_fields[i].needed && !seen[i])
            return err_set(err, RC_FORMAT, "%s: missing", attributes_fields[i].what);
    if (!seen[ATTRIBUTES_NAME_FLAGS])
        attributes_fill(read.name_substitutes, sizeof read.name_substitutes, read.name);
    if (!seen[ATTRIBUTES_ADDRESS_FLAGS])
        attributes_fill(read.address_substitutes, sizeof read.address_substitutes, read.address);
    enum rc rc = attributes_check(&read, err);
    if (rc == RC_OK)
        *attributes = read;
    return rc;
}

enum rc attributes_from_cert(X509 *cert, struct attributes *attributes, struct err *err)
{
    int critical;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    if (!names)
        return err_set(err, critical == -1 ? RC_NOT_FOUND : RC_FORMAT, "no readable alternative names of the subject");
    enum rc rc = attributes_from_names(names, attributes, err);
    GENERAL_NAMES_free(names);
    return rc;
}

bool attributes_equal(const struct attributes *a, const struct attributes *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->birth, b->birth) == 0 && strcmp(a->sex, b->sex) == 0 &&
           strcmp(a->address, b->address) == 0;
}
