/* listplace.c — names and paths. */
#include "ca/listplace.h"

#include <stdio.h>
#include <string.h>

#define OWN_FILE "own"

static const char *const endings[] = { "crl", "later", "ended" };

enum rc listplace_point(enum authority authority, const char *organisation, const char *name, X509_NAME **point,
                        struct err *err)
{
    *point = NULL;
    if (authority == AUTHORITY_OPS || strcmp(name, LISTPLACE_ALL) == 0)
        return RC_OK;
    return name[0] ? authority_crldp(authority, organisation, name, point, err)
                   : authority_dn(authority, organisation, point);
}

enum rc listplace_published(const char *publication, const char *organisation, const struct listplace *place, X509 *older,
                            struct buf *path, struct err *err)
{
    X509_NAME *point = NULL;
    enum rc rc = listplace_point(place->authority, organisation, place->name, &point, err);
    if (!rc)
        rc = buf_printf(path, "%s/", publication);
    if (!rc)
        rc = point ? authority_crl_path(point, path, err)
                   : buf_printf(path, "%s/%s.crl", authority_name(place->authority), place->name[0] ? place->name : "ca");
    if (!rc && older)
        rc = authority_crl_path_of_key(older, path);
    X509_NAME_free(point);
    return rc;
}

enum rc listplace_folder(const char *state, enum authority authority, struct buf *path)
{
    return buf_printf(path, "%s/lists/%s", state, authority_name(authority));
}

static const char *file_name(const struct listplace *place)
{
    return place->name[0] ? place->name : OWN_FILE;
}

enum rc listplace_handed(const char *state, const struct listplace *place, int64_t number, enum listplace_kind kind,
                         struct buf *path)
{
    enum rc rc = listplace_folder(state, place->authority, path);
    return rc ? rc : buf_printf(path, "/%s.%u-%lld.%s", file_name(place), place->generation, (long long)number, endings[kind]);
}

enum rc listplace_label(const struct listplace *place, struct buf *out)
{
    return buf_printf(out, "%s-%s.%u", authority_name(place->authority), file_name(place), place->generation);
}

static bool name_is_one(const char *name)
{
    return strcmp(name, OWN_FILE) == 0 || strcmp(name, LISTPLACE_ALL) == 0 ||
           (strlen(name) == 6 && strspn(name, "0123456789") == 6);
}

enum rc listplace_parse(const char *file, struct listplace *place, int64_t *number, enum listplace_kind *kind)
{
    char name[7], ending[8];
    unsigned generation;
    long long value;
    int used = 0;
    if (sscanf(file, "%6[0-9a-z].%3u-%18lld.%7[a-z]%n", name, &generation, &value, ending, &used) != 4 || file[used] ||
        !name_is_one(name) || generation < 1 || value < 1)
        return RC_NOT_FOUND;
    for (unsigned k = 0; k < sizeof endings / sizeof endings[0]; k++)
        if (strcmp(ending, endings[k]) == 0) {
            snprintf(place->name, sizeof place->name, "%s", strcmp(name, OWN_FILE) == 0 ? LISTPLACE_OWN : name);
            place->generation = generation;
            *number = value;
            *kind = (enum listplace_kind)k;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}
