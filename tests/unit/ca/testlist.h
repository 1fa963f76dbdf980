/* testlist.h — revocation lists of authorities made for the test, sound or with a flaw, in a folder of their own: what the
 * tests of writing and walking and those of judging and publishing share. Every function fails the running test when its own
 * part does not work. */
#ifndef JPKI_TESTS_TESTLIST_H
#define JPKI_TESTS_TESTLIST_H

#include "ca/crlspool.h"
#include "pki/authority.h"
#include "pki/suite.h"

enum who { SIGN, AUTH, NEXT, WHO_COUNT }; /* the signature and the authentication authority; an authority of P-384 */

extern struct testlist_authority {
    enum authority authority;
    enum suite suite;
    EVP_PKEY *key;
    X509 *cert;
} testlist_who[WHO_COUNT];
extern char testlist_folder[];
extern int64_t testlist_now; /* of the group's setup */

int testlist_setup(void **state);
int testlist_teardown(void **state);

enum scope { TOWN, OTHER_TOWN, WHOLE, ONLY_CA, SCOPE_COUNT };

struct testlist {
    enum who signs, names;     /* whose key; whose name and key identifier */
    enum scope scope;
    int64_t number, from, to;  /* times from now */
    const char *entries;       /* "serial+age:reason …"; NULL: none */
    struct bytes raw;          /* instead of them: any bytes */
    const char *behind;        /* bytes behind the end */
};

extern const char testlist_some[]; /* five entries */

char *testlist_path(const char *name); /* in the folder; caller frees */
X509_EXTENSIONS *testlist_extensions(const struct testlist *list);
void testlist_add(struct crlspool *spool, const char *entries); /* as struct testlist has them */

/* In the folder, under the name. */
void testlist_write(const struct testlist *list, const char *name);
void testlist_read(const char *name, struct buf *der);

/* Bytes as they come, a few at a time. */
struct testlist_source {
    struct bytes left;
    size_t step;
};
enum rc testlist_source_read(void *context, uint8_t *out, size_t max, size_t *got);

#endif
