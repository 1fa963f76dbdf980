/* object.c — the rows. Labels and identifiers of keys and certificates are those that OpenSC gives the same objects, so that
 * what people wrote into their configurations goes on working. A profile stands here only if all its conditions hold
 * (PKCS #11 Profiles 3.2 §5): the signature certificate is not public, so its token is no public certificates token. */
#include "pkcs11/object.h"

#define KEYS_AND_CERTIFICATES(token, private_too, user, user_id, authority, authority_id, name, unique)                    \
    { token, CKO_PRIVATE_KEY, true, user, user_id, 0, name " Key", unique "-private-key" },                                \
        { token, CKO_PUBLIC_KEY, private_too, user, user_id, 0, name " Public Key", unique "-public-key" },                \
        { token, CKO_CERTIFICATE, private_too, user, user_id, OBJECT_CATEGORY_USER, name " Certificate",                   \
          unique "-certificate" },                                                                                         \
    {                                                                                                                      \
        token, CKO_CERTIFICATE, false, authority, authority_id, OBJECT_CATEGORY_AUTHORITY, name " Certificate CA",         \
            unique "-authority-certificate"                                                                                \
    }

#define PROFILE(token, profile, name, unique) { token, CKO_PROFILE, false, 0, 0, profile, name, unique }
#define PROFILES(token, unique)                                                                                            \
    PROFILE(token, CKP_BASELINE_PROVIDER, "Baseline Provider", unique "-profile-baseline"),                                \
        PROFILE(token, CKP_EXTENDED_PROVIDER, "Extended Provider", unique "-profile-extended"),                            \
        PROFILE(token, CKP_AUTHENTICATION_TOKEN, "Authentication Token", unique "-profile-authentication")

#define DATA(token, unique)                                                                                                \
    { token, CKO_DATA, false, 0, 0, OBJECT_DATA_TOKEN_INFO, "Token Information", unique "-token-information" },            \
    {                                                                                                                      \
        token, CKO_DATA, false, 0, 0, OBJECT_DATA_TRIES, "PIN Tries Left", unique "-pin-tries-left"                        \
    }

const struct object_row object_rows[] = {
    KEYS_AND_CERTIFICATES(TOKEN_AUTH, false, CARD_CERT_AUTH, 1, CARD_CERT_AUTH_CA, 3, "User Authentication", "auth"),
    KEYS_AND_CERTIFICATES(TOKEN_SIGN, true, CARD_CERT_SIGN, 2, CARD_CERT_SIGN_CA, 4, "Digital Signature", "sign"),
    PROFILES(TOKEN_AUTH, "auth"),
    PROFILE(TOKEN_AUTH, CKP_PUBLIC_CERTIFICATES_TOKEN, "Public Certificates Token", "auth-profile-public-certificates"),
    PROFILES(TOKEN_SIGN, "sign"),
    DATA(TOKEN_AUTH, "auth"),
    DATA(TOKEN_SIGN, "sign"),
};

const size_t object_row_count = sizeof(object_rows) / sizeof(object_rows[0]);

_Static_assert(sizeof(object_rows) / sizeof(object_rows[0]) <= OBJECT_ROWS_MAX, "a search keeps so many handles");

bool object_is_of_certificate(const struct object_row *row)
{
    return row->class == CKO_CERTIFICATE || row->class == CKO_PUBLIC_KEY || row->class == CKO_PRIVATE_KEY;
}
