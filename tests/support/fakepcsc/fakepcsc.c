/* fakepcsc.c — a libpcsclite of the tests' own, in front of a software card's socket: one reader with a key pad, at
 * which a person types what a file says. Loaded in the place of the real one (LD_LIBRARY_PATH), by the module and by
 * its keeper. It reads the structures of PC/SC Part 10 as the standard says, from the service's own header, and refuses
 * what does not fit them.
 *
 * $FAKE_CARD: the socket. $FAKE_PAD: the file; each request takes its first line: a PIN, two of them for a new one and
 * its confirmation, or "cancel", "timeout", "strange"; without a line nobody types. $FAKE_PAD.log gets a line a
 * request. $FAKE_FEATURES: "none", "verify" (no change), "small" (PINs of at most 3 keys); else all. $FAKE_SLEEP: when
 * that file is there the next command, or the next transaction, finds that the card lost its power; the file is gone
 * then. */
#include "card/transport_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>
#include <PCSC/reader.h>

#define NAME "Key pad 00"
#define LINKS 8
#define CODE_VERIFY 0x42330006u
#define CODE_CHANGE 0x42330007u
#define CODE_PROPERTIES 0x42330012u

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};

static struct fake {
    struct transport *transport;
    struct transport_link *link;
} fakes[LINKS];

static LONG result_of(enum rc rc)
{
    switch ((int)rc) {
    case RC_OK:
        return SCARD_S_SUCCESS;
    case RC_CARD_ABSENT:
        return SCARD_E_NO_SMARTCARD;
    case RC_CARD_GONE:
    case RC_READER_GONE:
        return SCARD_W_REMOVED_CARD;
    default:
        return SCARD_E_NOT_TRANSACTED;
    }
}

static bool is_there(uint32_t *state)
{
    struct transport *transport;
    struct transport_reader reader = {0};
    size_t count = 0;
    if (transport_sim_new(getenv("FAKE_CARD"), &transport, NULL))
        return false;
    if (transport_list(transport, &reader, 1, &count, NULL))
        count = 0;
    transport_close(transport);
    *state = reader.state;
    return count && reader.card_present;
}

LONG SCardEstablishContext(DWORD scope, LPCVOID a, LPCVOID b, LPSCARDCONTEXT context)
{
    (void)scope, (void)a, (void)b;
    *context = 1;
    return SCARD_S_SUCCESS;
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    (void)context;
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
    if (readers)
        memcpy(readers, NAME "\0", sizeof NAME + 1);
    *len = sizeof NAME + 1;
    return SCARD_S_SUCCESS;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states, DWORD count)
{
    (void)context, (void)timeout;
    uint32_t state = 0;
    bool there = is_there(&state);
    for (DWORD i = 0; i < count; i++)
        states[i].dwEventState = (there ? SCARD_STATE_PRESENT : SCARD_STATE_EMPTY) | (DWORD)(state & 0x7FFF) << 16;
    return SCARD_S_SUCCESS;
}

LONG SCardCancel(SCARDCONTEXT context)
{
    (void)context;
    return SCARD_S_SUCCESS;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD share, DWORD protocols, LPSCARDHANDLE handle,
                  LPDWORD protocol)
{
    (void)context, (void)share, (void)protocols;
    struct fake *fake = fakes;
    while (fake < fakes + LINKS && fake->link)
        fake++;
    if (fake == fakes + LINKS || strcmp(reader, NAME) != 0 ||
        transport_sim_new(getenv("FAKE_CARD"), &fake->transport, NULL))
        return SCARD_E_UNKNOWN_READER;
    struct transport_reader one;
    size_t count;
    enum rc rc = transport_list(fake->transport, &one, 1, &count, NULL);
    if (!rc)
        rc = transport_connect(fake->transport, one.name, &fake->link, NULL);
    if (rc) {
        transport_close(fake->transport);
        return result_of(rc);
    }
    *handle = (SCARDHANDLE)(fake - fakes) + 1;
    *protocol = SCARD_PROTOCOL_T1;
    return SCARD_S_SUCCESS;
}

static struct fake *at(SCARDHANDLE handle)
{
    return &fakes[handle - 1];
}

static enum transport_disposition meant(DWORD disposition)
{
    return disposition == SCARD_LEAVE_CARD   ? TRANSPORT_LEAVE
           : disposition == SCARD_RESET_CARD ? TRANSPORT_RESET
                                             : TRANSPORT_UNPOWER;
}

LONG SCardReconnect(SCARDHANDLE handle, DWORD share, DWORD protocols, DWORD initialization, LPDWORD protocol)
{
    (void)handle, (void)share, (void)protocols, (void)initialization;
    *protocol = SCARD_PROTOCOL_T1;
    return SCARD_S_SUCCESS;
}

LONG SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
    transport_disconnect(at(handle)->link, meant(disposition));
    transport_close(at(handle)->transport);
    *at(handle) = (struct fake){0};
    return SCARD_S_SUCCESS;
}

/* In a transaction. */
static bool slept(SCARDHANDLE handle)
{
    const char *path = getenv("FAKE_SLEEP");
    if (!path || unlink(path) != 0)
        return false;
    transport_end(at(handle)->link, TRANSPORT_UNPOWER);
    return true;
}

LONG SCardBeginTransaction(SCARDHANDLE handle)
{
    bool was_reset;
    const char *path = getenv("FAKE_SLEEP");
    if (path && access(path, F_OK) == 0 && !transport_begin(at(handle)->link, &was_reset, NULL) && slept(handle))
        return SCARD_W_UNPOWERED_CARD;
    return result_of(transport_begin(at(handle)->link, &was_reset, NULL));
}

LONG SCardEndTransaction(SCARDHANDLE handle, DWORD disposition)
{
    transport_end(at(handle)->link, meant(disposition));
    return SCARD_S_SUCCESS;
}

LONG SCardStatus(SCARDHANDLE handle, LPSTR name, LPDWORD name_len, LPDWORD state, LPDWORD protocol, LPBYTE atr,
                 LPDWORD len)
{
    (void)name, (void)name_len, (void)state, (void)protocol;
    struct bytes told = transport_atr(at(handle)->link);
    memcpy(atr, told.data, told.len);
    *len = told.len;
    return SCARD_S_SUCCESS;
}

static LONG send(SCARDHANDLE handle, const uint8_t *command, size_t len, LPBYTE answer, LPDWORD answer_len)
{
    struct buf response = {0};
    enum rc rc = transport_transmit(at(handle)->link, bytes_of(command, len), &response, NULL);
    if (!rc && response.len > *answer_len)
        rc = RC_RANGE;
    if (!rc)
        memcpy(answer, response.data, response.len);
    *answer_len = rc ? 0 : response.len;
    buf_wipe(&response);
    return result_of(rc);
}

LONG SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *pci, LPCBYTE command, DWORD len, SCARD_IO_REQUEST *back,
                   LPBYTE answer, LPDWORD answer_len)
{
    (void)pci, (void)back;
    if (slept(handle))
        return SCARD_W_UNPOWERED_CARD;
    return send(handle, command, len, answer, answer_len);
}

/* --- the pad
 * ------------------------------------------------------------------------------------------------------------- */

/* The first line of the file, taken out of it. */
static void take_line(char *line, size_t size)
{
    char rest[1024];
    size_t len = 0;
    FILE *file = fopen(getenv("FAKE_PAD"), "r+");
    *line = '\0';
    if (!file)
        return;
    if (fgets(line, (int)size, file))
        len = fread(rest, 1, sizeof rest, file);
    line[strcspn(line, "\n")] = '\0';
    rewind(file);
    if (fwrite(rest, 1, len, file) == len && fflush(file) == 0 && ftruncate(fileno(file), (off_t)len) == 0)
        fclose(file);
}

static void note(const char *what, const void *request, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s.log", getenv("FAKE_PAD"));
    FILE *file = fopen(path, "a");
    if (!file)
        return;
    fprintf(file, "%s ", what);
    for (size_t i = 0; i < len; i++)
        fprintf(file, "%02X", ((const uint8_t *)request)[i]);
    fputc('\n', file);
    fclose(file);
}

static LONG say(uint16_t sw, LPBYTE answer, LPDWORD answer_len)
{
    answer[0] = (uint8_t)(sw >> 8);
    answer[1] = (uint8_t)sw;
    *answer_len = 2;
    return SCARD_S_SUCCESS;
}

/* What both structures say of the PIN and its place in the command. */
struct place {
    uint8_t format, block, length_format;
    uint16_t extra;
    const uint8_t *data;
    size_t len;
};

/* The command with the PIN in it: of a block of a size, filled up as it was; else length and PIN behind the header. */
static LONG type(SCARDHANDLE handle, const struct place *place, const char *pin, LPBYTE answer, LPDWORD answer_len)
{
    uint8_t command[64];
    size_t typed = strlen(pin), size = place->block & 0x0F;
    if (typed < (size_t)place->extra >> 8 || typed > (place->extra & 0xFFu))
        return say(0x6403, answer, answer_len);
    if (place->format != 0x82 || place->block >> 4 || place->length_format || place->len != (size ? 5 + size : 4) ||
        (size && (place->data[4] != size || typed > size)))
        return say(0x6B80, answer, answer_len);
    memcpy(command, place->data, place->len);
    command[4] = (uint8_t)(size ? size : typed);
    memcpy(command + 5, pin, typed);
    return send(handle, command, 5u + command[4], answer, answer_len);
}

static bool is_told(const char *line, LPBYTE answer, LPDWORD answer_len)
{
    static const struct {
        const char *word;
        uint16_t sw;
    } words[] = {{"", 0x6400}, {"timeout", 0x6400}, {"cancel", 0x6401}, {"strange", 0x6B80}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(line, words[i].word) == 0) {
            (void)say(words[i].sw, answer, answer_len);
            return true;
        }
    return false;
}

static LONG verify(SCARDHANDLE handle, LPCVOID in, DWORD in_len, LPBYTE answer, LPDWORD answer_len)
{
    char line[64];
    const PIN_VERIFY_STRUCTURE *request = in;
    note("verify", in, in_len);
    take_line(line, sizeof line);
    if (in_len < sizeof *request || in_len != sizeof *request + request->ulDataLength)
        return say(0x6B80, answer, answer_len);
    if (is_told(line, answer, answer_len))
        return SCARD_S_SUCCESS;
    const struct place place = {request->bmFormatString,    request->bmPINBlockString, request->bmPINLengthFormat,
                                request->wPINMaxExtraDigit, request->abData,           request->ulDataLength};
    return type(handle, &place, line, answer, answer_len);
}

static LONG change(SCARDHANDLE handle, LPCVOID in, DWORD in_len, LPBYTE answer, LPDWORD answer_len)
{
    char line[64], *again;
    const PIN_MODIFY_STRUCTURE *request = in;
    note("change", in, in_len);
    take_line(line, sizeof line);
    if (in_len < sizeof *request || in_len != sizeof *request + request->ulDataLength || request->bConfirmPIN != 1 ||
        request->bInsertionOffsetOld || request->bInsertionOffsetNew)
        return say(0x6B80, answer, answer_len);
    if (is_told(line, answer, answer_len))
        return SCARD_S_SUCCESS;
    again = strchr(line, ' ');
    if (!again)
        return say(0x6400, answer, answer_len);
    *again++ = '\0';
    if (strcmp(line, again) != 0)
        return say(0x6402, answer, answer_len);
    const struct place place = {request->bmFormatString,    request->bmPINBlockString, request->bmPINLengthFormat,
                                request->wPINMaxExtraDigit, request->abData,           request->ulDataLength};
    return type(handle, &place, line, answer, answer_len);
}

static LONG tell(const void *what, size_t len, LPBYTE answer, LPDWORD answer_len)
{
    memcpy(answer, what, len);
    *answer_len = len;
    return SCARD_S_SUCCESS;
}

LONG SCardControl(SCARDHANDLE handle, DWORD code, LPCVOID in, DWORD in_len, LPVOID out, DWORD out_space,
                  LPDWORD out_len)
{
    static const char all[] = "\x06\x04\x42\x33\x00\x06\x07\x04\x42\x33\x00\x07\x12\x04\x42\x33\x00\x12";
    static const char any_size[] = "\x01\x02\x10\x02\x02\x01\x07\x06\x01\x04\x07\x01\x10",
                      small[] = "\x06\x01\x01\x07\x01\x03";
    const char *features = getenv("FAKE_FEATURES");
    bool none = features && strcmp(features, "none") == 0, one = features && strcmp(features, "verify") == 0;
    bool few = features && strcmp(features, "small") == 0;
    *out_len = out_space;
    if (code == CM_IOCTL_GET_FEATURE_REQUEST)
        return none ? SCARD_E_UNSUPPORTED_FEATURE : tell(all, one ? 6 : sizeof all - 1, out, out_len);
    if (code == CODE_PROPERTIES)
        return few ? tell(small, sizeof small - 1, out, out_len) : tell(any_size, sizeof any_size - 1, out, out_len);
    if (code == CODE_VERIFY)
        return verify(handle, in, in_len, out, out_len);
    if (code == CODE_CHANGE)
        return change(handle, in, in_len, out, out_len);
    return SCARD_E_UNSUPPORTED_FEATURE;
}

const char *pcsc_stringify_error(const LONG error)
{
    static _Thread_local char text[32];
    snprintf(text, sizeof text, "result %08lX", (unsigned long)error);
    return text;
}
