/* authority.c — the names of the authorities and of their CRL distribution points, made and read back. A name says
 * which shape it has, never whether it may be trusted. */
#include "pki/authority.h"

#include "base/hex.h"
#include "pki/municipality.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

struct authority_row {
    const char *name;
    const char *unit;     /* the first OU */
    const char *operator; /* the second OU of the CA's own name; NULL: none */
};

static const char authority_crldp_unit[] = "CRL Distribution Points";

static const struct authority_row authority_rows[AUTHORITY_COUNT] = {
    [AUTHORITY_SIGN] = {"sign", "JPKI for digital signature", "Japan Agency for Local Authority Information Systems"},
    [AUTHORITY_AUTH] = {"auth", "JPKI for user authentication", "Japan Agency for Local Authority Information Systems"},
    [AUTHORITY_OPS] = {"ops", "Operations", NULL},
};

const char *authority_name(enum authority authority)
{
    return (unsigned)authority < AUTHORITY_COUNT ? authority_rows[authority].name : "?";
}

enum rc authority_parse(const char *name, enum authority *authority)
{
    for (unsigned i = 0; i < AUTHORITY_COUNT; i++) {
        if (strcmp(name, authority_rows[i].name) == 0) {
            *authority = (enum authority)i;
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
}

struct authority_part {
    int nid;
    int type;
    const char *text;
};

/* One attribute per RDN, in order, up to the first part without text. */
static enum rc authority_make_name(const struct authority_part *parts, size_t count, X509_NAME **name)
{
    X509_NAME *made = X509_NAME_new();
    if (!made)
        return RC_NOMEM;
    for (size_t i = 0; i < count && parts[i].text; i++) {
        if (!X509_NAME_add_entry_by_NID(made, parts[i].nid, parts[i].type, (const unsigned char *)parts[i].text, -1, -1,
                                        0)) {
            X509_NAME_free(made);
            return RC_RANGE;
        }
    }
    *name = made;
    return RC_OK;
}

enum rc authority_dn(enum authority authority, const char *organisation, X509_NAME **name)
{
    if ((unsigned)authority >= AUTHORITY_COUNT)
        return RC_BUG;
    const struct authority_row *row = &authority_rows[authority];
    struct authority_part parts[] = {{NID_countryName, V_ASN1_PRINTABLESTRING, "JP"},
                                     {NID_organizationName, V_ASN1_UTF8STRING, organisation},
                                     {NID_organizationalUnitName, V_ASN1_UTF8STRING, row->unit},
                                     {
                                         NID_organizationalUnitName,
                                         V_ASN1_UTF8STRING,
                                         row->operator},
    };
    return authority_make_name(parts, sizeof parts / sizeof *parts, name);
}

enum rc authority_crldp(enum authority authority, const char *organisation, const char *municipality_code,
                        X509_NAME **name, struct err *err)
{
    if (authority != AUTHORITY_SIGN && authority != AUTHORITY_AUTH)
        return err_set(err, RC_UNSUPPORTED, "the authority \"%s\" has no distribution points",
                       authority_name(authority));
    const struct municipality *municipality;
    enum rc rc = municipality_find(municipality_code, &municipality);
    if (rc)
        return err_set(err, rc, "municipality code \"%.8s\": %s", municipality_code, rc_text(rc));
    char common_name[80];
    int len = snprintf(common_name, sizeof common_name, "%s CRLDP", municipality->name_romaji);
    if (len < 0 || (size_t)len >= sizeof common_name)
        return RC_BUG;
    struct authority_part parts[] = {
        {NID_countryName, V_ASN1_PRINTABLESTRING, "JP"},
        {NID_organizationName, V_ASN1_UTF8STRING, organisation},
        {NID_organizationalUnitName, V_ASN1_UTF8STRING, authority_rows[authority].unit},
        {NID_organizationalUnitName, V_ASN1_UTF8STRING, authority_crldp_unit},
        {NID_organizationalUnitName, V_ASN1_UTF8STRING, municipality->prefecture_romaji},
        {NID_commonName, V_ASN1_UTF8STRING, common_name},
    };
    return authority_make_name(parts, sizeof parts / sizeof *parts, name);
}

/* The text of entry i when it has the given type and its bytes are plain (no NUL inside); NULL otherwise. */
static const char *authority_entry(const X509_NAME *name, int i, int nid, size_t *len)
{
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
    if (!entry || OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != nid)
        return NULL;
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(entry);
    int type = ASN1_STRING_type(text);
    if (type != V_ASN1_UTF8STRING && type != V_ASN1_PRINTABLESTRING)
        return NULL;
    const unsigned char *data = ASN1_STRING_get0_data(text);
    *len = (size_t)ASN1_STRING_length(text);
    return memchr(data, 0, *len) ? NULL : (const char *)data;
}

static bool authority_entry_is(const X509_NAME *name, int i, int nid, const char *text)
{
    size_t len;
    const char *found = authority_entry(name, i, nid, &len);
    return found && len == strlen(text) && memcmp(found, text, len) == 0;
}

enum rc authority_of_name(const X509_NAME *name, enum authority *authority)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        if (authority_entry_is(name, i, NID_organizationalUnitName, authority_rows[AUTHORITY_SIGN].unit)) {
            *authority = AUTHORITY_SIGN;
            return RC_OK;
        }
        if (authority_entry_is(name, i, NID_organizationalUnitName, authority_rows[AUTHORITY_AUTH].unit)) {
            *authority = AUTHORITY_AUTH;
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
}

static bool authority_is_path_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return len > 0;
}

enum rc authority_crl_path(const X509_NAME *distribution_point, struct buf *out, struct err *err)
{
    static const char suffix[] = " CRLDP";
    size_t suffix_len = sizeof suffix - 1;
    const X509_NAME *name = distribution_point;
    enum authority authority;
    if (authority_of_name(name, &authority) ||
        !authority_entry_is(name, 2, NID_organizationalUnitName, authority_rows[authority].unit))
        return err_set(err, RC_FORMAT, "distribution point: not a name of the two authorities");
    int count = X509_NAME_entry_count(name);
    if (count == 4 && authority_entry_is(name, 3, NID_organizationalUnitName, authority_rows[authority].operator))
        return buf_printf(out, "%s/ca.crl", authority_rows[authority].name);
    size_t prefecture_len, name_len;
    const char *prefecture = authority_entry(name, 4, NID_organizationalUnitName, &prefecture_len);
    const char *common_name = authority_entry(name, 5, NID_commonName, &name_len);
    if (count != 6 || !authority_entry_is(name, 3, NID_organizationalUnitName, authority_crldp_unit) || !prefecture ||
        !common_name)
        return err_set(err, RC_FORMAT, "distribution point: neither a municipality's nor the authority's own");
    if (name_len <= suffix_len || memcmp(common_name + name_len - suffix_len, suffix, suffix_len) != 0)
        return err_set(err, RC_FORMAT, "distribution point: its common name does not end in CRLDP");
    name_len -= suffix_len;
    if (!authority_is_path_word(prefecture, prefecture_len) || !authority_is_path_word(common_name, name_len))
        return err_set(err, RC_FORMAT, "distribution point: a character that stands in no path");
    return buf_printf(out, "%s/%.*s/%.*s.crl", authority_rows[authority].name, (int)prefecture_len, prefecture,
                      (int)name_len, common_name);
}

enum rc authority_crl_path_of_key(const X509 *issuer, struct buf *out)
{
    union {
        const X509 *from;
        X509 *to;
    } looked = {.from = issuer}; /* only looked at */
    const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(looked.to);
    static const char suffix[] = ".crl";
    size_t suffix_len = sizeof suffix - 1;
    char hex[17];
    if (!identifier || ASN1_STRING_length(identifier) < 8 || out->len < suffix_len)
        return RC_FORMAT;
    hex_encode(bytes_of(ASN1_STRING_get0_data(identifier), 8), hex);
    buf_truncate(out, out->len - suffix_len);
    return buf_printf(out, ".%s%s", hex, suffix);
}
