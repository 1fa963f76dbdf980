/* scard_fake.c — functions of our own in the place of libpcsclite's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scard_fake.h"

#include "card/transport_pcsc.h"

#include <PCSC/reader.h>
#include <string.h>

struct scard_fake fake;

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    fake.names = "Virtual PCD 00 00\0Other 01\0";
    fake.names_len = sizeof "Virtual PCD 00 00\0Other 01\0";
    fake.event = SCARD_STATE_PRESENT | 0x10000;
    fake.answer = "\x90\x00";
    fake.answer_len = 2;
}

LONG SCardEstablishContext(DWORD scope, LPCVOID a, LPCVOID b, LPSCARDCONTEXT context)
{
    (void)scope, (void)a, (void)b;
    *context = 1;
    fake.contexts += fake.establish == SCARD_S_SUCCESS;
    return fake.establish;
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    (void)context;
    fake.contexts--;
    return SCARD_S_SUCCESS;
}

LONG SCardIsValidContext(SCARDCONTEXT context)
{
    (void)context;
    return SCARD_S_SUCCESS;
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD len)
{
    (void)context, (void)groups;
    LONG list = fake.list;
    if (fake.list_once)
        fake.list = SCARD_S_SUCCESS;
    if (list != SCARD_S_SUCCESS)
        return list;
    if (readers && fake.short_lists) {
        fake.short_lists--;
        return SCARD_E_INSUFFICIENT_BUFFER;
    }
    if (readers)
        memcpy(readers, fake.names, fake.names_len);
    *len = fake.names_len;
    return SCARD_S_SUCCESS;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD count)
{
    (void)context, (void)timeout;
    for (DWORD i = 0; i < count; i++)
        states[i].dwEventState = fake.event | SCARD_STATE_CHANGED;
    return fake.wait;
}

LONG SCardCancel(SCARDCONTEXT context)
{
    (void)context;
    fake.wait = SCARD_E_CANCELLED;
    return SCARD_S_SUCCESS;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD share, DWORD protocols, LPSCARDHANDLE handle, LPDWORD protocol)
{
    (void)context, (void)reader, (void)protocols;
    assert_int_equal(share, SCARD_SHARE_SHARED);
    *handle = 7;
    *protocol = SCARD_PROTOCOL_T1;
    return fake.connect;
}

LONG SCardReconnect(SCARDHANDLE handle, DWORD share, DWORD protocols, DWORD initialization, LPDWORD protocol)
{
    (void)handle, (void)protocols;
    assert_int_equal(share, SCARD_SHARE_SHARED);
    assert_int_equal(initialization, SCARD_LEAVE_CARD);
    *protocol = SCARD_PROTOCOL_T1;
    fake.reconnects++;
    return fake.reconnect;
}

LONG SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
    (void)handle;
    fake.last_disconnect = disposition;
    return SCARD_S_SUCCESS;
}

LONG SCardBeginTransaction(SCARDHANDLE handle)
{
    (void)handle;
    return fake.begin[fake.begins < 3 ? fake.begins++ : 3];
}

LONG SCardEndTransaction(SCARDHANDLE handle, DWORD disposition)
{
    (void)handle;
    fake.ends++;
    fake.last_end = disposition;
    return SCARD_S_SUCCESS;
}

LONG SCardStatus(SCARDHANDLE handle, LPSTR name, LPDWORD name_len, LPDWORD state, LPDWORD protocol, LPBYTE atr, LPDWORD len)
{
    (void)handle, (void)name, (void)name_len, (void)state, (void)protocol;
    memcpy(atr, "\x3B\x80", 2);
    *len = 2;
    return SCARD_S_SUCCESS;
}

LONG SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *pci, LPCBYTE command, DWORD len, SCARD_IO_REQUEST *back,
                   LPBYTE answer, LPDWORD answer_len)
{
    (void)handle, (void)command, (void)len, (void)back;
    fake.last_pci = pci->dwProtocol;
    fake.transmits++;
    if (fake.transmit != SCARD_S_SUCCESS)
        return fake.transmit;
    memcpy(answer, fake.answer, fake.answer_len);
    *answer_len = fake.answer_len;
    return SCARD_S_SUCCESS;
}

LONG SCardControl(SCARDHANDLE handle, DWORD code, LPCVOID in, DWORD in_len, LPVOID out, DWORD out_space, LPDWORD out_len)
{
    (void)handle;
    if (code == SCARD_CTL_CODE(3400)) {
        if (fake.features_fail != SCARD_S_SUCCESS)
            return fake.features_fail;
        assert_true(fake.features_len <= out_space);
        memcpy(out, fake.features, fake.features_len);
        *out_len = fake.features_len;
        return SCARD_S_SUCCESS;
    }
    assert_int_equal(code, 0x42330006);
    assert_true(in_len <= sizeof fake.pad_request);
    memcpy(fake.pad_request, in, in_len);
    fake.pad_request_len = in_len;
    fake.pads++;
    if (fake.pad != SCARD_S_SUCCESS)
        return fake.pad;
    memcpy(out, fake.answer, fake.answer_len);
    *out_len = fake.answer_len;
    return SCARD_S_SUCCESS;
}

struct transport *pcsc_new(const char *prefix)
{
    struct transport *transport;
    assert_int_equal(transport_pcsc_new(prefix, &transport, NULL), RC_OK);
    return transport;
}

/* A link in a transaction. */
struct transport_link *pcsc_link(struct transport **transport)
{
    struct transport_link *link;
    bool was_reset;
    fake_reset();
    *transport = pcsc_new("");
    assert_int_equal(transport_connect(*transport, "Other 01", &link, NULL), RC_OK);
    assert_int_equal(transport_begin(link, &was_reset, NULL), RC_OK);
    assert_false(was_reset);
    return link;
}
