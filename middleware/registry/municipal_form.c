/* municipal_form.c — the forms of a day, of a request's name and of an address; and which day it is. */
#include "registry/municipal.h"

#include "base/clock.h"
#include "pki/municipality.h"
#include "registry/day.h"

#include <stdio.h>
#include <string.h>

void municipal_today(char date[11])
{
    day_of(clock_now(), date);
}

enum rc municipal_check_form(const char *date, const char *request, struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(request);
    if (len == 0 || len > REQUEST_MAX || strspn(request, letters) != len)
        return err_set(err, RC_FORMAT, "request: 1 to %d letters, digits, '.', '_' or '-'", REQUEST_MAX);
    if (date_check(date))
        return err_set(err, RC_FORMAT, "date: not a date YYYY-MM-DD");
    char today[11];
    municipal_today(today);
    if (strcmp(date, today) > 0)
        return err_set(err, RC_RANGE, "date: in the future");
    return RC_OK;
}

enum rc municipal_check_address(const char *municipality, const char *address, struct err *err)
{
    const struct municipality *row;
    enum rc rc = municipality_find(municipality, &row);
    if (rc)
        return err_set(err, rc, "municipality %s is not known", municipality);
    char begin[200];
    int len = snprintf(begin, sizeof begin, "%s%s", row->prefecture, row->name);
    if (len < 0 || (size_t)len >= sizeof begin)
        return err_set(err, RC_BUG, "municipality: name too long");
    if (strncmp(address, begin, (size_t)len) != 0 || !address[len])
        return err_set(err, RC_RANGE, "address: it must begin with the municipality's prefecture and name");
    return RC_OK;
}
