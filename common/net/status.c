/* status.c — result codes and HTTP status codes: the one table between the two vocabularies. */
#include "net/server.h"

static const struct {
    enum rc rc;
    unsigned status;
} rows[] = {
    { RC_OK, 200 },          { RC_FORMAT, 400 }, { RC_DENIED, 403 },      { RC_NOT_FOUND, 404 },
    { RC_CONFLICT, 409 },    { RC_EXISTS, 409 }, { RC_STATE, 409 },       { RC_RANGE, 422 },
    { RC_UNSUPPORTED, 501 }, { RC_UNREACHABLE, 502 }, { RC_TIMEOUT, 504 },
};

unsigned net_status_of_rc(enum rc rc)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].rc == rc)
            return rows[i].status;
    return 500;
}

enum rc net_rc_of_status(unsigned status)
{
    if (status >= 200 && status < 300)
        return RC_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status) /* 409: the first of its rows */
            return rows[i].rc;
    return RC_REFUSED;
}
