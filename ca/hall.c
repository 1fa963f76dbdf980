/* hall.c — peers and answers. */
#include "ca/hall.h"

enum rc hall_check_peer(struct hall *hall, const struct peer *peer, struct err *err)
{
    struct book_cert row = {0};
    struct err quiet = {0};
    enum rc rc = book_find_serial(hall->ca->store, AUTHORITY_OPS, peer->serial, &row, &quiet);
    if (rc == RC_NOT_FOUND || (!rc && book_cert_state(&row) != BOOK_ACTIVE))
        rc = err_set(err, RC_DENIED, "the peer's certificate is unknown or revoked");
    book_cert_wipe(&row);
    return rc;
}

enum rc hall_answer(json_t *json, struct response *response)
{
    enum rc rc = json ? json_write(json, &response->body) : RC_NOMEM;
    json_decref(json);
    return rc;
}
