/* certrecipe.h — certificates of every kind as text that a test may change before they are made. */
#ifndef JPKI_TESTS_CERTRECIPE_H
#define JPKI_TESTS_CERTRECIPE_H

#include "pki/profile.h"

/* Everything a certificate is made of, as text that a row may change. */
struct recipe {
    enum profile_kind kind;
    const char *issuer_organisation;
    const char *subject[5][2]; /* "CN", value; NULL ends */
    struct {
        int nid;
        const char *value; /* in OpenSSL's configuration language, or "attributes", "japanese"; NULL: left out */
    } extensions[10];
    const char *not_before, *not_after;
    long version, serial;
    const char *country_type; /* "utf8": wrong */
    int key;                  /* 0: RSA-2048; 1: RSA-1024; 2: P-256; 3: exponent 3; 4: P-384 */
    bool md5_like;            /* the signature algorithm is another one */
    const char *authority_ou; /* replaces the issuer's: a foreign authority */
    bool next;                /* signed with P-384 and SHA-384 */
};

extern const struct recipe good[PROFILE_COUNT];

/* Around a group of tests (cmocka): the keys and issuers. */
int recipes_open(void **state);
int recipes_close(void **state);

X509 *recipe_make(const struct recipe *recipe); /* caller frees; signed by the authority of its kind */

#endif
