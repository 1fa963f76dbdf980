/* transport.c — from the one face to the table behind it. Keeps no state and makes no decision. */
#include "card/transport.h"

enum rc transport_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                       struct err *err)
{
    return transport->ops->list(transport, readers, max, count, err);
}

enum rc transport_connect(struct transport *transport, const char *reader, struct transport_link **link,
                          struct err *err)
{
    return transport->ops->connect(transport, reader, link, err);
}

enum rc transport_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    return link->ops->begin(link, was_reset, err);
}

void transport_end(struct transport_link *link, enum transport_disposition disposition)
{
    link->ops->end(link, disposition);
}

bool transport_keep(struct transport_link *link, unsigned milliseconds)
{
    return link->ops->keep && link->ops->keep(link, milliseconds);
}

enum transport_found transport_found(const struct transport_link *link)
{
    return link->ops->found ? link->ops->found(link) : TRANSPORT_FRESH;
}

enum rc transport_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    return link->ops->transmit(link, command, response, err);
}

unsigned transport_pads(struct transport_link *link)
{
    return link->ops->pads ? link->ops->pads(link) : 0;
}

enum rc transport_pad(struct transport_link *link, const struct transport_pad *pad, struct buf *response, struct err *err)
{
    if (!link->ops->pad)
        return err_set(err, RC_UNSUPPORTED, "%s: no key pad", link->ops->kind);
    return link->ops->pad(link, pad, response, err);
}

struct bytes transport_atr(const struct transport_link *link)
{
    return link->ops->atr(link);
}

void transport_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    if (link)
        link->ops->disconnect(link, disposition);
}

enum rc transport_wait(struct transport *transport, const struct transport_reader *known, size_t count, int milliseconds,
                       struct err *err)
{
    if (!transport->ops->wait)
        return err_set(err, RC_UNSUPPORTED, "%s: this kind of reader never changes", transport->ops->kind);
    return transport->ops->wait(transport, known, count, milliseconds, err);
}

void transport_cancel(struct transport *transport)
{
    if (transport->ops->cancel)
        transport->ops->cancel(transport);
}

void transport_close(struct transport *transport)
{
    if (transport)
        transport->ops->close(transport, false);
}

void transport_close_forked(struct transport *transport)
{
    if (transport)
        transport->ops->close(transport, true);
}
