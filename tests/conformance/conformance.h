/* conformance.h — what the rows of the conformance suite are made of.
 *
 * A row is one requirement of the standard. It runs in a process of its own, which loads the module afresh: a crash is
 * a row that failed, and nothing of one row is seen by the next. A row says by returning that all was as it must be;
 * want() and its relatives end it otherwise. Nothing here knows any module: everything goes through Cryptoki. */
#ifndef JPKI_TESTS_CONFORMANCE_H
#define JPKI_TESTS_CONFORMANCE_H

#include "base/secret.h"
#include "pkcs11/cryptoki.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* What is done before a row runs, each with what stands above it. */
enum row_scope {
    ROW_LIBRARY, /* the module is loaded, nothing is called; once */
    ROW_MODULE,  /* C_Initialize(NULL) was called; once */
    ROW_TOKEN,   /* for each token */
    ROW_SESSION, /* … with a read-only session, nobody logged in */
    ROW_LOGIN,   /* … and the user logged in: wants a PIN */
};

/* What a row wants besides. */
enum row_wish {
    ROW_NATIONAL = 1, /* the profile of read-only national cards */
    ROW_SPENDS =
        2, /* may spend one PIN try at a time, and gives it back by the right PIN: wants PIN and --spend-tries */
    ROW_PRIVATE_CERT = 4, /* tokens named by --private-certificates only: there a certificate is personal data */
    ROW_PUBLIC_CERT = 8,  /* all the others */
    ROW_WANTS_PIN = 16,   /* logs in by itself */
};

struct conform {
    void *library; /* dlopen's */
    CK_FUNCTION_LIST *p11;
    CK_FUNCTION_LIST_3_0 *p30; /* NULL: there is no such interface */
    CK_SLOT_ID slot;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE session;
    struct secret pin; /* empty: none */
    int gate;          /* a child's: conform_children */
};

struct row {
    const char *name;     /* "session.zero-handle" */
    const char *standard; /* version, section, function */
    const char *what;     /* the requirement, a sentence */
    enum row_scope scope;
    unsigned wishes; /* enum row_wish */
    void (*run)(struct conform *c);
};

/* The tables, each in its file, each ended by a zero row. */
extern const struct row rows_general[], rows_slot[], rows_session[], rows_login[], rows_object[], rows_search[],
    rows_mechanism[], rows_sign[], rows_process[];

/* --- verdicts (conformance_row.c); none of the first two returns
 * ---------------------------------------------------------- */

_Noreturn void conform_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void conform_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define want(condition, ...)                                                                                           \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            conform_fail(__VA_ARGS__);                                                                                 \
    } while (0)

/* The answer must be one of those named behind `what`, which says the call. */
#define want_rv(rv, what, ...)                                                                                         \
    conform_want_rv(rv, what, (const CK_RV[]){ __VA_ARGS__ }, sizeof((const CK_RV[]){ __VA_ARGS__ }) / sizeof(CK_RV))
void conform_want_rv(CK_RV rv, const char *what, const CK_RV *allowed, size_t count);

/* --- calls that rows share (conformance_call.c); each ends the row when it does not work
 * ----------------------------------- */

CK_SESSION_HANDLE conform_open(struct conform *c, CK_FLAGS flags); /* besides CKF_SERIAL_SESSION */
void conform_login(struct conform *c,
                   CK_SESSION_HANDLE session); /* the right PIN: a refusal ends the use of this token */
CK_RV conform_login_as(struct conform *c, CK_SESSION_HANDLE session, CK_USER_TYPE user);
CK_STATE conform_state(struct conform *c, CK_SESSION_HANDLE session);
CK_TOKEN_INFO conform_token(struct conform *c);
/* Another token's slot, initialised and with another label or serial number; ends the row as a skip when there is none.
 */
CK_SLOT_ID conform_other_token(struct conform *c);
/* Blanks behind the text, and no NUL: what the standard wants of every text of fixed length. */
bool conform_is_padded(const unsigned char *text, size_t len);

enum { CONFORM_OBJECTS = 64 };
struct found {
    CK_OBJECT_HANDLE handles[CONFORM_OBJECTS];
    CK_ULONG count;
};
struct found conform_find(struct conform *c, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count);
struct found conform_find_class(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class);
/* The first private key; ends the row as a skip when there is none. */
CK_OBJECT_HANDLE conform_key(struct conform *c);

struct value {
    unsigned char bytes[4096];
    CK_ULONG len;
};
/* False: the object has no such attribute, or does not give it. */
bool conform_value(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                   struct value *value);
/* One that must be there. */
struct value conform_attribute(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                               CK_ATTRIBUTE_TYPE type, const char *name);
CK_ULONG conform_number(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                        const char *name);
/* The object of this class with the CKA_ID of another; 0: there is none. */
CK_OBJECT_HANDLE conform_sibling(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                 CK_OBJECT_CLASS class);
/* The public key of a private key's certificate, or of its public key object; the caller frees. */
EVP_PKEY *conform_public(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);

/* --- mechanisms that the suite can judge (conformance_crypto.c)
 * ------------------------------------------------------------ */

struct mechanism {
    CK_MECHANISM_TYPE type;
    const char *name;
    CK_KEY_TYPE key;
    const char *hash; /* what the mechanism hashes with; NULL: it takes what it gets */
    enum { PLAIN_PKCS1, PLAIN_PSS, PLAIN_RAW, PLAIN_ECDSA } padding;
};
extern const struct mechanism conform_mechanisms[]; /* ended by a zero row */

/* The mechanisms of the token with all of these flags that are in the table and fit the key type; their number. */
size_t conform_usable(struct conform *c, CK_FLAGS flags, CK_KEY_TYPE key, const struct mechanism **found, size_t max);
/* The simplest that signs with this key: a hash of SHA-256 in it if there is one. */
const struct mechanism *conform_simplest(struct conform *c, CK_OBJECT_HANDLE key);

/* A mechanism with its parameters, and what may be given to it: text, a hash, a DigestInfo or a block, as it wants. */
struct prepared {
    CK_MECHANISM mechanism;
    CK_RSA_PKCS_PSS_PARAMS pss;
    unsigned char data[512];
    CK_ULONG len;
};
void conform_prepare(const struct mechanism *mechanism, EVP_PKEY *public, struct prepared *prepared);
/* OpenSSL's word. */
bool conform_verifies(const struct mechanism *mechanism, EVP_PKEY *public, const struct prepared *prepared,
                      const unsigned char *signature, CK_ULONG len);

/* --- another process (conformance_row.c)
 * ------------------------------------------------------------------------------------ */

/* Runs a function in a child, and another (NULL: nothing) here meanwhile: when that is done, a byte comes through the
 * child's gate. The PIN goes with the child. Ends the row when the child does not end with 0: it may use want() itself.
 */
void conform_children(struct conform *c, const char *what, void (*run)(struct conform *c),
                      void (*meanwhile)(struct conform *c));
/* C_Initialize with NULL. */
void conform_initialize(struct conform *c);
/* Finds this row's token again: after C_Finalize, or in a child. */
void conform_again(struct conform *c);

/* --- the runner's side (conformance_row.c)
 * ----------------------------------------------------------------------------------- */

enum verdict { VERDICT_PASSED, VERDICT_FAILED, VERDICT_SKIPPED, VERDICT_PIN_REFUSED };
enum { CONFORM_REASON = 2048 };

struct target {
    CK_SLOT_ID slot;
    char label[33], serial[17]; /* without the blanks */
    struct secret pin;          /* wiped: none was given */
    enum { PIN_UNTRIED, PIN_GOOD, PIN_BAD } pin_state;
    bool private_certificate;
};

/* Runs one row in a child, for a target (NULL: none); the reason has CONFORM_REASON bytes. */
enum verdict conform_run(const char *module, const struct row *row, const struct target *target, unsigned seconds,
                         char *reason);

#endif
