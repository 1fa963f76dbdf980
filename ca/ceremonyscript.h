/* ceremonyscript.h — what a key ceremony is to do, as a file that everybody can read before: JSON, every member named here,
 * any other refused.
 *
 *   {
 *     "ceremony": "found",                     or "rekey": a new key for one authority under its name
 *     "hsm": "pkcs11:token=jpki-ca?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/jpki/pin",
 *     "suite": "rsa-2048",                     or "p-384": of the authorities for cards, or of the new key
 *     "organisation": "JPKI-TEST",             found
 *     "operations": "rsa-2048",                found; or "p-384": of the operations authority; left out: rsa-2048
 *     "serials": "counter",                    found; or "random": of 128 bits
 *     "publication": "/srv/jpki",              found
 *     "store": "postgresql://…",               found; left out: ca.db in the state folder
 *     "authority": "sign",                     rekey: sign, auth or ops
 *     "persons": [ { "name": "Kagi Hanako", "role": "administrator", "key": "hanako.pem" }, … ]
 *   }
 *
 * key: a public key or a certificate in PEM, beside the script unless the path begins with "/". A person confirms with its
 * private part. Two persons at least, each with a key of its own. */
#ifndef JPKI_CA_CEREMONYSCRIPT_H
#define JPKI_CA_CEREMONYSCRIPT_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/authority.h"
#include "pki/suite.h"

#include <openssl/evp.h>
#include <stdbool.h>

#define CEREMONY_PERSONS 8u

enum ceremony_act { CEREMONY_FOUND, CEREMONY_REKEY };

struct ceremony_person {
    char name[65], role[65];
    EVP_PKEY *key;
    char key_hash[65]; /* SHA-256 of its SubjectPublicKeyInfo, hex */
};

struct ceremony_script {
    enum ceremony_act act;
    char hash[65]; /* SHA-256 of the file, hex */
    char hsm[1000];
    enum suite suite, operations;
    char organisation[65], publication[512];
    char store[512]; /* "": in the state folder */
    bool random_serials;
    enum authority authority;
    struct ceremony_person persons[CEREMONY_PERSONS]; /* none: nobody is asked, and the transcript says so */
    unsigned person_count;
};

/* "found", "rekey". */
const char *ceremony_act_name(enum ceremony_act act);

/* RC_NOT_FOUND, RC_FORMAT (which member, and why), RC_CONFLICT (one key for two persons). The caller wipes. */
enum rc ceremonyscript_read(const char *path, struct ceremony_script *script, struct err *err) MUST_CHECK;

/* A founding without a script and without persons, from what `jpki-ca found` was told. publication NULL: below state. */
struct ceremony_founding {
    const char *state, *token, *module, *pin_file, *organisation, *publication;
    const char *store; /* URL of the book; NULL: in the state folder */
    enum suite suite, operations;
    bool random_serials;
};
enum rc ceremonyscript_unattended(const struct ceremony_founding *founding, struct ceremony_script *script,
                                  struct err *err) MUST_CHECK;

void ceremonyscript_wipe(struct ceremony_script *script);

#endif
