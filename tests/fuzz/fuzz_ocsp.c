/* fuzz_ocsp.c — the responder's reader: as the body of a POST, and as the path of a GET. What is accepted has between one
 * certificate and the most that one request may have, each with a name. */
#include "fuzz.h"

#include "ca/ocsprequest.h"

#include <openssl/err.h>

static void read_request(struct bytes der)
{
    struct ocsprequest request = {0};
    if (ocsprequest_parse(der, &request, NULL) == RC_OK) {
        FUZZ_CHECK(der.len <= OCSPREQUEST_BYTES);
        FUZZ_CHECK(request.count >= 1 && request.count <= OCSPREQUEST_CERTS);
        for (int i = 0; i < request.count; i++)
            FUZZ_CHECK(ocsprequest_id(&request, i));
    }
    ocsprequest_wipe(&request);
    ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = strndup((const char *)data, size);
    struct buf der = {0};
    FUZZ_CHECK(path);
    read_request(bytes_of(data, size));
    if (ocsprequest_from_path(path, &der) == RC_OK)
        read_request(buf_bytes(&der));
    buf_wipe(&der);
    free(path);
    return 0;
}
