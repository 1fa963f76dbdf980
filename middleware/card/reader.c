/* reader.c — which transport a reader's name means. The only place that knows all kinds. */
#include "card/reader.h"

#include "card/transport_pcsc.h"
#include "card/transport_sim.h"

#include <stdlib.h>
#include <string.h>

struct reader_kind {
    const char *prefix;
    enum rc (*open)(const char *rest, struct transport **transport, struct err *err);
};

static const struct reader_kind reader_kinds[] = {
    { "pcsc:", transport_pcsc_new },
    { "sim:", transport_sim_new },
};

enum rc reader_open(const char *spec, struct transport **transport, struct err *err)
{
    if (!spec) {
        spec = secure_getenv("JPKI_READER");
        if (!spec || !*spec)
            spec = "pcsc:";
    }
    for (size_t i = 0; i < sizeof reader_kinds / sizeof *reader_kinds; i++) {
        size_t len = strlen(reader_kinds[i].prefix);
        if (strncmp(spec, reader_kinds[i].prefix, len) == 0)
            return reader_kinds[i].open(spec + len, transport, err);
    }
    return err_set(err, RC_USAGE, "reader '%s': neither pcsc:NAME nor sim:PATH", spec);
}
