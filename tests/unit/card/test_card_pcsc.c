/* test_card_pcsc.c — the PC/SC transport over functions of our own in the place of libpcsclite's: what each result means,
 * that a command is sent once whatever happens, that a reset is noticed and told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "card/card.h"
#include "card/pinpad.h"
#include "card/transport_pcsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <PCSC/reader.h>
#include <winscard.h>

/* What the service will say next, and what it was asked. */
static struct {
    LONG establish, list, connect, reconnect, begin[4], transmit, wait;
    const char *names; /* NUL after NUL */
    size_t names_len;
    DWORD event;
    unsigned begins, transmits, reconnects, contexts, ends;
    DWORD last_end, last_disconnect, last_pci;
    const char *answer;
    size_t answer_len;
    bool list_once;
    LONG features_fail, pad;
    const char *features;
    DWORD features_len, pad_request_len;
    uint8_t pad_request[64];
    unsigned pads;
    unsigned short_lists; /* how many times the list grows between the two calls */
} fake;

static void fake_reset(void)
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

static struct transport *pcsc_new(const char *prefix)
{
    struct transport *transport;
    assert_int_equal(transport_pcsc_new(prefix, &transport, NULL), RC_OK);
    return transport;
}

static void listing(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *prefix;
        LONG establish, list;
        DWORD event;
        unsigned short_lists;
        enum rc rc;
        size_t count;
        bool present;
    } rows[] = {
        { "all", "", 0, 0, SCARD_STATE_PRESENT, 0, RC_OK, 2, true },
        { "one by its prefix", "Virtual", 0, 0, SCARD_STATE_PRESENT, 0, RC_OK, 1, true },
        { "none by its prefix", "virtual", 0, 0, SCARD_STATE_PRESENT, 0, RC_OK, 0, false },
        { "empty ones", "", 0, 0, SCARD_STATE_EMPTY, 0, RC_OK, 2, false },
        { "in use by others", "", 0, 0, SCARD_STATE_PRESENT | SCARD_STATE_INUSE, 0, RC_OK, 2, true },
        { "gone between two calls", "", 0, 0, SCARD_STATE_UNKNOWN, 0, RC_OK, 0, false },
        { "one came between two calls", "", 0, 0, SCARD_STATE_PRESENT, 1, RC_OK, 2, true },
        { "no service", "", SCARD_E_NO_SERVICE, 0, 0, 0, RC_UNREACHABLE, 99, false },
        { "service ended", "", 0, SCARD_E_SERVICE_STOPPED, 0, 0, RC_UNREACHABLE, 99, false },
        { "not allowed", "", SCARD_W_SECURITY_VIOLATION, 0, 0, 0, RC_DENIED, 99, false },
        { "no reader", "", 0, SCARD_E_NO_READERS_AVAILABLE, 0, 0, RC_OK, 0, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport_reader readers[4];
        size_t count = 99;
        fake_reset();
        fake.establish = rows[i].establish;
        fake.list = rows[i].list;
        fake.event = rows[i].event;
        fake.short_lists = rows[i].short_lists;
        struct transport *transport = pcsc_new(rows[i].prefix);
        enum rc rc = transport_list(transport, readers, 4, &count, NULL);
        if (rc != rows[i].rc || count != rows[i].count)
            print_error("%s: %s, %zu\n", rows[i].flaw, rc_name(rc), count);
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(count, rows[i].count);
        if (!rc && count)
            assert_true(readers[0].card_present == rows[i].present);
        transport_close(transport);
        assert_int_equal(fake.contexts, 0);
    }
    fake_reset();
    struct transport *transport = pcsc_new("");
    struct transport_reader one[1];
    size_t count;
    assert_int_equal(transport_list(transport, one, 1, &count, NULL), RC_OK);
    assert_int_equal(count, 1);
    assert_string_equal(one[0].name, "Virtual PCD 00 00");
    fake.list = SCARD_E_SERVICE_STOPPED; /* the service was started anew between two lists */
    fake.list_once = true;
    assert_int_equal(transport_list(transport, one, 1, &count, NULL), RC_OK);
    assert_int_equal(fake.contexts, 1);
    transport_close(transport);
}

static void connecting(void **state)
{
    (void)state;
    static const struct {
        LONG result;
        enum rc rc;
    } rows[] = {
        { SCARD_S_SUCCESS, RC_OK },
        { SCARD_E_NO_SMARTCARD, RC_CARD_ABSENT },
        { SCARD_W_REMOVED_CARD, RC_CARD_ABSENT },
        { SCARD_E_UNKNOWN_READER, RC_READER_GONE },
        { SCARD_E_READER_UNAVAILABLE, RC_READER_GONE },
        { SCARD_E_SHARING_VIOLATION, RC_CONFLICT },
        { SCARD_W_UNPOWERED_CARD, RC_IO },
        { SCARD_W_UNRESPONSIVE_CARD, RC_IO },
        { SCARD_E_PROTO_MISMATCH, RC_IO },
        { SCARD_E_NO_SERVICE, RC_UNREACHABLE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport_link *link;
        struct err err = { 0 };
        fake_reset();
        fake.connect = rows[i].result;
        struct transport *transport = pcsc_new("");
        enum rc rc = transport_connect(transport, "Virtual PCD 00 00", &link, &err);
        assert_int_equal(rc, rows[i].rc);
        if (!rc) {
            assert_true(bytes_equal(transport_atr(link), bytes_of("\x3B\x80", 2)));
            transport_disconnect(link, TRANSPORT_UNPOWER);
            assert_int_equal(fake.last_disconnect, SCARD_UNPOWER_CARD);
        } else {
            assert_non_null(strstr(err.text, "Virtual PCD 00 00"));
        }
        transport_close(transport);
        assert_int_equal(fake.contexts, 0);
    }
}

/* A link in a transaction. */
static struct transport_link *pcsc_link(struct transport **transport)
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

static void beginning(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        LONG first, second, reconnect;
        enum rc rc;
        bool was_reset, usable;
    } rows[] = {
        { "nothing happened", 0, 0, 0, RC_OK, false, true },
        { "reset by another program", SCARD_W_RESET_CARD, 0, 0, RC_OK, true, true },
        { "slept", SCARD_W_UNPOWERED_CARD, 0, 0, RC_OK, true, true },
        { "reset, then taken out", SCARD_W_RESET_CARD, 0, SCARD_E_NO_SMARTCARD, RC_CARD_GONE, false, false },
        { "taken out", SCARD_W_REMOVED_CARD, 0, 0, RC_CARD_GONE, false, false },
        { "reader pulled", SCARD_E_READER_UNAVAILABLE, 0, 0, RC_READER_GONE, false, false },
        { "service started anew", SCARD_E_INVALID_HANDLE, 0, 0, RC_READER_GONE, false, false },
        { "held for itself by another program", SCARD_E_SHARING_VIOLATION, 0, 0, RC_CONFLICT, false, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        bool was_reset = false;
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_STATE); /* held already */
        transport_end(link, TRANSPORT_LEAVE);
        assert_int_equal(fake.last_end, SCARD_LEAVE_CARD);
        fake.begins = 0;
        fake.begin[0] = rows[i].first;
        fake.begin[1] = rows[i].second;
        fake.reconnect = rows[i].reconnect;
        enum rc rc = transport_begin(link, &was_reset, NULL);
        if (rc != rows[i].rc)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, rows[i].rc);
        assert_true(was_reset == rows[i].was_reset);
        transport_end(link, TRANSPORT_LEAVE);
        fake.begin[0] = fake.begin[1] = fake.begins = 0;
        fake.reconnect = 0;
        rc = transport_begin(link, &was_reset, NULL); /* a reset is told once; what is gone stays gone */
        assert_int_equal(rc, rows[i].usable ? RC_OK : RC_CARD_GONE);
        if (!rc)
            assert_false(was_reset);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
        assert_int_equal(fake.contexts, 0);
    }
}

#define VERIFY_DIRECT "\x06\x04\x42\x33\x00\x06"
#define MODIFY_DIRECT "\x07\x04\x42\x33\x00\x07"

static void finding_a_key_pad(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *features;
        DWORD len;
        LONG fail;
        unsigned has;
    } rows[] = {
        { "no features at all", "", 0, 0, 0 },
        { "the reader knows no such question", "", 0, SCARD_E_NOT_TRANSACTED, 0 },
        { "one feature", VERIFY_DIRECT, 6, 0, TRANSPORT_PAD_VERIFY },
        { "both", MODIFY_DIRECT VERIFY_DIRECT, 12, 0, TRANSPORT_PAD_VERIFY | TRANSPORT_PAD_CHANGE },
        { "the other only", MODIFY_DIRECT, 6, 0, TRANSPORT_PAD_CHANGE },
        { "cut", VERIFY_DIRECT, 5, 0, 0 },
        { "another length", "\x06\x02\x42\x33\x00\x06", 6, 0, 0 },
        { "code zero", "\x06\x04\x00\x00\x00\x00", 6, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        fake.features = rows[i].features;
        fake.features_len = rows[i].len;
        fake.features_fail = rows[i].fail;
        print_message("%s\n", rows[i].flaw);
        assert_int_equal(transport_pads(link), rows[i].has);
        if (!(rows[i].has & TRANSPORT_PAD_VERIFY)) {
            struct transport_pad pad = { false, { 0, 0x20, 0, 0x98 }, 4, 4, 30, false };
            struct buf response = { 0 };
            assert_int_equal(transport_pad(link, &pad, &response, NULL), RC_UNSUPPORTED);
        }
        assert_int_equal(fake.pads, 0);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
    }
}

/* What a reader says of itself, and the requests that follow from it. The sizes are those of the service's own structures. */
static void requests_for_a_key_pad(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *tlvs;
        size_t len;
        uint8_t least, most;
        enum rc rc;
        uint8_t extra_least, extra_most, condition, messages;
    } rows[] = {
        { "nothing told", "", 0, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "no display", "\x01\x02\x00\x00", 4, 4, 4, RC_OK, 4, 4, 2, 0 },
        { "a display", "\x01\x02\x10\x02", 4, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "ends by length or time only", "\x02\x01\x05", 3, 4, 4, RC_OK, 4, 4, 5, 1 },
        { "ends by all", "\x02\x01\x07", 3, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "longer PINs only", "\x06\x01\x05", 3, 4, 4, RC_UNSUPPORTED, 0, 0, 0, 0 },
        { "shorter PINs only", "\x07\x01\x03", 3, 4, 4, RC_UNSUPPORTED, 0, 0, 0, 0 },
        { "at most 8", "\x06\x01\x04\x07\x01\x08", 6, 6, 16, RC_OK, 6, 8, 2, 1 },
        { "all", "\x07\x01\x10", 3, 6, 16, RC_OK, 6, 16, 2, 1 },
        { "a property that overruns", "\x07\x09\x03", 3, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "another length of a property", "\x07\x02\x03\x00", 4, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "no PIN at all", "", 0, 0, 0, RC_RANGE, 0, 0, 0, 0 },
        { "more than Part 10 can say", "", 0, 16, 17, RC_RANGE, 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int change = 0; change < 2; change++) {
            struct pinpad_properties properties = pinpad_parse_properties(bytes_of(rows[i].tlvs, rows[i].len));
            const struct transport_pad pad = { change, { 0, change ? 0x24 : 0x20, 0, 0x98 }, rows[i].least, rows[i].most, 60, false };
            struct buf request = { 0 };
            print_message("%s\n", rows[i].flaw);
            assert_int_equal(pinpad_encode(&pad, &properties, &request), rows[i].rc);
            size_t data = rows[i].least == rows[i].most ? 5u + rows[i].most : 4;
            if (!rows[i].rc && !change) {
                const PIN_VERIFY_STRUCTURE *verify = (const PIN_VERIFY_STRUCTURE *)request.data;
                assert_int_equal(request.len, sizeof *verify + data);
                assert_int_equal(verify->ulDataLength, data);
                assert_int_equal(verify->wPINMaxExtraDigit, rows[i].extra_least << 8 | rows[i].extra_most);
                assert_int_equal(verify->bEntryValidationCondition, rows[i].condition);
                assert_int_equal(verify->bNumberMessage, rows[i].messages);
                assert_int_equal(verify->abData[1], 0x20);
            } else if (!rows[i].rc) {
                const PIN_MODIFY_STRUCTURE *modify = (const PIN_MODIFY_STRUCTURE *)request.data;
                assert_int_equal(request.len, sizeof *modify + data);
                assert_int_equal(modify->ulDataLength, data);
                assert_int_equal(modify->wPINMaxExtraDigit, rows[i].extra_least << 8 | rows[i].extra_most);
                assert_int_equal(modify->bConfirmPIN, 1);
                assert_int_equal(modify->bEntryValidationCondition, rows[i].condition);
                assert_int_equal(modify->bNumberMessage, 2 * rows[i].messages);
                assert_int_equal(modify->bMsgIndex1, 1);
                assert_int_equal(modify->bMsgIndex2, 2);
                assert_int_equal(modify->abData[1], 0x24);
            }
            buf_wipe(&request);
        }
    }
}

static void typing_on_a_key_pad(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *answer;
        size_t len;
        LONG result;
        enum rc rc;
    } rows[] = {
        { "accepted", "\x90\x00", 2, 0, RC_OK },
        { "wrong: the card's word", "\x63\xC2", 2, 0, RC_OK },
        { "nothing typed", "\x64\x00", 2, 0, RC_TIMEOUT },
        { "cancelled", "\x64\x01", 2, 0, RC_INTERRUPTED },
        { "too few digits", "\x64\x03", 2, 0, RC_PIN_FORMAT },
        { "ended by another program", "\x64\x80", 2, 0, RC_INTERRUPTED },
        { "the reader does not take the request", "\x6B\x80", 2, 0, RC_UNSUPPORTED },
        { "half an answer", "\x90", 1, 0, RC_IO },
        { "taken out meanwhile", "", 0, SCARD_W_REMOVED_CARD, RC_CARD_GONE },
        { "the driver gave up", "", 0, SCARD_E_TIMEOUT, RC_IO },
        { "lost", "", 0, SCARD_E_NOT_TRANSACTED, RC_IO },
    };
    static const uint8_t wanted[] = { 60, 60, 0x82, 0x04, 0x00, 0x04, 0x04, 0x02, 0x01, 0x11, 0x04, 0x00, 0, 0, 0, 9, 0, 0, 0,
                                      0x00, 0x20, 0x00, 0x98, 0x04, 0xFF, 0xFF, 0xFF, 0xFF };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        const struct transport_pad pad = { false, { 0, 0x20, 0, 0x98 }, 4, 4, 60, true };
        struct buf response = { 0 };
        fake.features = VERIFY_DIRECT;
        fake.features_len = 6;
        fake.answer = rows[i].answer;
        fake.answer_len = rows[i].len;
        fake.pad = rows[i].result;
        print_message("%s\n", rows[i].flaw);
        assert_int_equal(transport_pad(link, &pad, &response, NULL), rows[i].rc);
        assert_int_equal(fake.pads, 1); /* once, whatever happens */
        assert_int_equal(fake.transmits, 0);
        assert_int_equal(fake.pad_request_len, sizeof wanted);
        assert_memory_equal(fake.pad_request, wanted, sizeof wanted);
        assert_int_equal(response.len, rows[i].rc ? 0 : rows[i].len);
        buf_wipe(&response);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
    }
}

/* The whole way: the counter first, then the pad, and nothing at all when no try is left or the PIN has letters. */
static void presenting_a_pin_from_a_key_pad(void **state)
{
    (void)state;
    struct transport *transport = NULL;
    struct card *card = NULL;
    unsigned tries = 9;
    bool was_reset;
    fake_reset();
    fake.features = VERIFY_DIRECT;
    fake.features_len = 6;
    transport = pcsc_new("");
    assert_int_equal(card_open(transport, "Other 01", &card, NULL), RC_OK);
    assert_int_equal(card_begin(card, &was_reset, NULL), RC_OK);
    assert_true(card_has_pad(card, CARD_PIN_AUTH));
    assert_false(card_has_pad(card, CARD_PIN_SIGN));
    assert_int_equal(fake.transmits, 0);
    fake.answer = "\x63\xC2"; /* the counter's answer, and the pad's */
    assert_int_equal(card_verify_pin_on_pad(card, CARD_PIN_AUTH, false, &tries, NULL), RC_PIN_WRONG);
    assert_int_equal(tries, 2);
    assert_true(fake.transmits == 1 && fake.pads == 1);
    fake.answer = "\x63\xC0";
    assert_int_equal(card_verify_pin_on_pad(card, CARD_PIN_AUTH, false, &tries, NULL), RC_PIN_BLOCKED);
    assert_true(tries == 0 && fake.pads == 1); /* nobody was asked */
    fake.answer = "\x90\x00";
    assert_int_equal(card_verify_pin_on_pad(card, CARD_PIN_AUTH, false, &tries, NULL), RC_OK);
    assert_int_equal(fake.pads, 2);
    card_close(card, TRANSPORT_UNPOWER);
    transport_close(transport);
}

static void transmitting(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        LONG result;
        size_t answer;
        enum rc rc;
        bool held, usable, was_reset;
    } rows[] = {
        { "answered", 0, 2, RC_OK, true, true, false },
        { "reset by another program", SCARD_W_RESET_CARD, 2, RC_CARD_RESET, false, true, true },
        { "slept", SCARD_W_UNPOWERED_CARD, 2, RC_CARD_RESET, false, true, true },
        { "taken out", SCARD_W_REMOVED_CARD, 2, RC_CARD_GONE, false, false, false },
        { "taken out, the other way to say it", SCARD_E_NO_SMARTCARD, 2, RC_CARD_GONE, false, false, false },
        { "reader pulled", SCARD_E_READER_UNAVAILABLE, 2, RC_READER_GONE, false, false, false },
        { "service died", SCARD_E_NO_SERVICE, 2, RC_READER_GONE, false, false, false },
        { "not transacted", SCARD_E_NOT_TRANSACTED, 2, RC_IO, true, true, false },
        { "communication error", SCARD_F_COMM_ERROR, 2, RC_IO, true, true, false },
        { "an answer of one byte", 0, 1, RC_IO, true, true, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        struct buf answer = { 0 };
        bool was_reset = false;
        fake.transmit = rows[i].result;
        fake.answer_len = rows[i].answer;
        enum rc rc = transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL);
        if (rc != rows[i].rc)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(fake.transmits, 1); /* never again */
        assert_int_equal(fake.last_pci, SCARD_PROTOCOL_T1);
        assert_int_equal(answer.len, rc ? 0 : 2);
        unsigned ends = fake.ends;
        transport_end(link, TRANSPORT_LEAVE);
        assert_int_equal(fake.ends - ends, rows[i].held ? 1 : 0);
        rc = transport_begin(link, &was_reset, NULL);
        assert_int_equal(rc, rows[i].usable ? RC_OK : RC_CARD_GONE);
        assert_true(was_reset == rows[i].was_reset);
        if (!rows[i].usable)
            assert_int_equal(transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL), RC_CARD_GONE);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
        buf_wipe(&answer);
    }
}

static void unpowering(void **state)
{
    (void)state;
    static const struct {
        enum transport_disposition how;
        DWORD said;
        bool was_reset;
    } rows[] = {
        { TRANSPORT_LEAVE, SCARD_LEAVE_CARD, false },
        { TRANSPORT_RESET, SCARD_RESET_CARD, true },
        { TRANSPORT_UNPOWER, SCARD_UNPOWER_CARD, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        bool was_reset;
        transport_end(link, rows[i].how);
        assert_int_equal(fake.last_end, rows[i].said);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_OK);
        assert_true(was_reset == rows[i].was_reset);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
    }
}

static void waiting(void **state)
{
    (void)state;
    struct transport_reader readers[4];
    size_t count;
    fake_reset();
    struct transport *transport = pcsc_new("");
    assert_int_equal(transport_list(transport, readers, 4, &count, NULL), RC_OK);
    fake.wait = SCARD_E_TIMEOUT;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_TIMEOUT);
    fake.wait = SCARD_S_SUCCESS;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_OK);
    fake.wait = SCARD_E_TIMEOUT;
    assert_int_equal(transport_wait(transport, readers, 1, 10, NULL), RC_OK); /* another reader is there */
    strcpy(readers[1].name, "Pulled");
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_OK);
    assert_int_equal(transport_list(transport, readers, 4, &count, NULL), RC_OK);
    transport_cancel(transport);
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_INTERRUPTED);
    fake.wait = SCARD_E_TIMEOUT;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_TIMEOUT); /* told once */
    fake.wait = SCARD_E_NO_SERVICE;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_UNREACHABLE);
    transport_close(transport);
    assert_int_equal(fake.contexts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing),      cmocka_unit_test(connecting), cmocka_unit_test(beginning),
        cmocka_unit_test(finding_a_key_pad),
        cmocka_unit_test(requests_for_a_key_pad),
        cmocka_unit_test(typing_on_a_key_pad),
        cmocka_unit_test(presenting_a_pin_from_a_key_pad),
        cmocka_unit_test(transmitting), cmocka_unit_test(unpowering), cmocka_unit_test(waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
