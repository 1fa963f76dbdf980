/* fuzz_notice.c — JSON from the network, and the change notice that a registry's node reads out of it: what is accepted says the
 * same when it is written and read again. */
#include "fuzz.h"

#include "net/json.h"
#include "registry/notice.h"

static void read_notice(const json_t *json)
{
    struct notice notice, again;
    struct err err = {0};
    if (notice_from_json(json, "462012", &notice, &err)) {
        FUZZ_CHECK(err.text[0]); /* a refusal says why */
        return;
    }
    json_t *told = notice_to_json(&notice);
    FUZZ_CHECK(told);
    FUZZ_CHECK(notice_from_json(told, "462012", &again, NULL) == RC_OK);
    FUZZ_CHECK(again.sequence == notice.sequence && again.kind == notice.kind && again.reason == notice.reason);
    FUZZ_CHECK(strcmp(again.resident.code, notice.resident.code) == 0 && again.count == notice.count);
    json_decref(told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = NULL;
    struct buf text = {0};
    if (json_read(bytes_of(data, size), &json, NULL) != RC_OK)
        return 0;
    FUZZ_CHECK(json_write(json, &text) == RC_OK);
    read_notice(json);
    buf_wipe(&text);
    json_decref(json);
    return 0;
}
