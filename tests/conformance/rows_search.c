/* rows_search.c — C_FindObjects: what is found, what is not, and in which order of calls. */
#include "conformance.h"

#include <string.h>

static bool has(const struct found *found, CK_OBJECT_HANDLE object)
{
    for (CK_ULONG i = 0; i < found->count; i++)
        if (found->handles[i] == object)
            return true;
    return false;
}

static void the_same_twice(struct conform *c)
{
    CK_SESSION_HANDLE other = conform_open(c, 0);
    struct found first = conform_find(c, c->session, NULL, 0), again = conform_find(c, c->session, NULL, 0);
    struct found there = conform_find(c, other, NULL, 0);
    want(first.count == again.count && first.count == there.count, "%lu, %lu and in another session %lu objects",
         first.count, again.count, there.count);
    for (CK_ULONG i = 0; i < first.count; i++) {
        want(first.handles[i] != CK_INVALID_HANDLE, "an object's handle is 0");
        want(has(&again, first.handles[i]) && has(&there, first.handles[i]),
             "an object has another handle the second time");
        for (CK_ULONG j = 0; j < i; j++)
            want(first.handles[i] != first.handles[j], "one object is found twice");
    }
}

static void in_pieces(struct conform *c)
{
    struct found whole = conform_find(c, c->session, NULL, 0);
    CK_ULONG n = 1, count = 0;
    CK_OBJECT_HANDLE one = 0;
    want_rv(c->p11->C_FindObjectsInit(c->session, NULL, 0), "C_FindObjectsInit", CKR_OK);
    while (n == 1 && count <= whole.count) {
        want_rv(c->p11->C_FindObjects(c->session, &one, 1, &n), "C_FindObjects", CKR_OK);
        want(n <= 1, "asked for one object, got %lu", n);
        want(!n || has(&whole, one), "an object that is not among all");
        count += n;
    }
    want(count == whole.count, "one by one %lu objects, at once %lu", count, whole.count);
    want_rv(c->p11->C_FindObjects(c->session, &one, 1, &n), "C_FindObjects behind the last", CKR_OK);
    want(n == 0, "an object behind the last");
    want_rv(c->p11->C_FindObjectsFinal(c->session), "C_FindObjectsFinal", CKR_OK);
}

static void unknown_classes(struct conform *c)
{
    /* NSS's trust (old, new), root list and SMIME objects, PKCS#11 3's profiles aside; a vendor's; a number of nobody
     */
    static const CK_OBJECT_CLASS classes[] = { CKO_SECRET_KEY, CKO_HW_FEATURE, CKO_DOMAIN_PARAMETERS,
                                               CKO_MECHANISM,  0xCE534353UL,   0xCE534354UL,
                                               0xCE534352UL,   0xFEDCBA98UL,   0x7FFFFFFFUL };
    for (size_t i = 0; i < COUNT(classes); i++) {
        CK_OBJECT_CLASS class = classes[i];
        CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
        CK_OBJECT_HANDLE found;
        CK_ULONG n = 0;
        want_rv(c->p11->C_FindObjectsInit(c->session, &template, 1), "C_FindObjectsInit of a class that nothing has",
                CKR_OK);
        want_rv(c->p11->C_FindObjects(c->session, &found, 1, &n), "C_FindObjects", CKR_OK);
        want(n == 0, "an object of class 0x%lx", class);
        want_rv(c->p11->C_FindObjectsFinal(c->session), "C_FindObjectsFinal", CKR_OK);
    }
}

static void unknown_attribute(struct conform *c)
{
    unsigned char value[20] = { 1 };
    CK_ATTRIBUTE template = { 0xCE5363B4UL, value, sizeof value }; /* NSS's hash of a trusted certificate */
    CK_OBJECT_HANDLE found;
    CK_ULONG n = 0;
    want_rv(c->p11->C_FindObjectsInit(c->session, &template, 1), "C_FindObjectsInit with an unknown attribute", CKR_OK);
    want_rv(c->p11->C_FindObjects(c->session, &found, 1, &n), "C_FindObjects", CKR_OK);
    want(n == 0, "an object has an attribute that nothing has");
    want_rv(c->p11->C_FindObjectsFinal(c->session), "C_FindObjectsFinal", CKR_OK);
}

static void finds_by_its_own(struct conform *c)
{
    static const CK_ATTRIBUTE_TYPE types[] = { CKA_CLASS,   CKA_LABEL,   CKA_ID,      CKA_TOKEN,
                                               CKA_PRIVATE, CKA_SUBJECT, CKA_KEY_TYPE };
    struct found all = conform_find(c, c->session, NULL, 0);
    struct value value;
    for (CK_ULONG i = 0; i < all.count; i++)
        for (size_t t = 0; t < COUNT(types); t++) {
            if (!conform_value(c, c->session, all.handles[i], types[t], &value) || !value.len)
                continue;
            CK_ATTRIBUTE template = { types[t], value.bytes, value.len };
            struct found again = conform_find(c, c->session, &template, 1);
            want(has(&again, all.handles[i]), "object %lu is not found by its own attribute 0x%lx", i, types[t]);
        }
}

static void sequence(struct conform *c)
{
    CK_OBJECT_HANDLE found;
    CK_ULONG n = 0;
    want_rv(c->p11->C_FindObjects(c->session, &found, 1, &n), "C_FindObjects before C_FindObjectsInit",
            CKR_OPERATION_NOT_INITIALIZED);
    want_rv(c->p11->C_FindObjectsFinal(c->session), "C_FindObjectsFinal before C_FindObjectsInit",
            CKR_OPERATION_NOT_INITIALIZED);
    want_rv(c->p11->C_FindObjectsInit(c->session, NULL, 0), "C_FindObjectsInit", CKR_OK);
    want_rv(c->p11->C_FindObjectsInit(c->session, NULL, 0), "C_FindObjectsInit again", CKR_OPERATION_ACTIVE);
    want_rv(c->p11->C_FindObjectsFinal(c->session), "C_FindObjectsFinal", CKR_OK);
    want_rv(c->p11->C_FindObjects(c->session, &found, 1, &n), "C_FindObjects behind C_FindObjectsFinal",
            CKR_OPERATION_NOT_INITIALIZED);
}

static void arguments(struct conform *c)
{
    CK_OBJECT_HANDLE found;
    CK_ULONG n = 0;
    want_rv(c->p11->C_FindObjectsInit(c->session, NULL, 3), "C_FindObjectsInit with three attributes at NULL",
            CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_FindObjectsInit(c->session, NULL, 0), "C_FindObjectsInit", CKR_OK);
    want_rv(c->p11->C_FindObjects(c->session, NULL, 1, &n), "C_FindObjects without a place for handles",
            CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_FindObjects(c->session, &found, 1, NULL), "C_FindObjects without a place for the number",
            CKR_ARGUMENTS_BAD);
}

const struct row rows_search[] = {
    { "search.stable", "3.0 §5.7 C_FindObjects", "the same objects under the same handles, in every session, each once",
      ROW_SESSION, 0, the_same_twice },
    { "search.in-pieces", "3.0 §5.7 C_FindObjects", "one by one the same as at once, and then nothing", ROW_SESSION, 0,
      in_pieces },
    { "search.unknown-class", "3.0 §5.7 C_FindObjectsInit", "classes that nothing has find nothing, without an error",
      ROW_SESSION, 0, unknown_classes },
    { "search.unknown-attribute", "3.0 §5.7 C_FindObjectsInit",
      "an attribute that nothing has finds nothing, without an error", ROW_SESSION, 0, unknown_attribute },
    { "search.own-attributes", "3.0 §5.7 C_FindObjectsInit", "each object is found by each of its own attributes",
      ROW_LOGIN, 0, finds_by_its_own },
    { "search.sequence", "3.0 §5.7 C_FindObjects", "init, find, final: no other order", ROW_SESSION, 0, sequence },
    { "search.arguments", "3.0 §5.7 C_FindObjects", "refuses NULL where something is due", ROW_SESSION, 0, arguments },
    { 0 },
};
