/* transport_pcsc.c — PC/SC readers, through libpcsclite; no other file links it. Each link has a context of its own, so
 * that one that waits for a transaction stops no other, and so has transport_wait. Looks into no command. */
#include "card/transport_pcsc.h"

#include "card/pinpad.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>
#include <PCSC/reader.h>

#define PCSC_READERS_MAX 16u
/* Bits that say who uses the card, not that it is another one: our own link sets them. */
#define PCSC_USE ((DWORD)(SCARD_STATE_CHANGED | SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE))
#define PCSC_PNP "\\\\?PnP?\\Notification" /* a pseudo reader: readers came or went */

struct pcsc {
    struct transport transport;
    char prefix[TRANSPORT_READER_SIZE];
    SCARDCONTEXT context; /* for listing */
    bool open;
    pthread_mutex_t wait_lock; /* guards the three below: transport_cancel comes from another thread */
    SCARDCONTEXT wait_context;
    bool wait_open, cancelled;
};

struct pcsc_link {
    struct transport_link link;
    char name[TRANSPORT_READER_SIZE];
    SCARDCONTEXT context;
    SCARDHANDLE handle;
    DWORD protocol;
    bool held, dead, was_reset;
    uint8_t atr[TRANSPORT_ATR_MAX];
    size_t atr_len;
    uint8_t answer[MAX_BUFFER_SIZE_EXTENDED];
};

static const struct transport_ops pcsc_ops;

/* The one table from PC/SC's results to ours; whatever is not here is RC_IO. */
static const struct {
    LONG result;
    enum rc rc;
} pcsc_results[] = {
    { SCARD_S_SUCCESS, RC_OK },
    { SCARD_E_NO_MEMORY, RC_NOMEM },
    { SCARD_E_NO_SERVICE, RC_UNREACHABLE },
    { SCARD_E_SERVICE_STOPPED, RC_UNREACHABLE },
    { SCARD_E_INVALID_HANDLE, RC_UNREACHABLE }, /* of a service that was started anew */
    { SCARD_W_SECURITY_VIOLATION, RC_DENIED },
    { SCARD_E_UNKNOWN_READER, RC_READER_GONE },
    { SCARD_E_READER_UNAVAILABLE, RC_READER_GONE },
    { SCARD_E_NO_READERS_AVAILABLE, RC_READER_GONE },
    { SCARD_E_NO_SMARTCARD, RC_CARD_GONE },
    { SCARD_W_REMOVED_CARD, RC_CARD_GONE },
    { SCARD_W_RESET_CARD, RC_CARD_RESET },
    { SCARD_E_SHARING_VIOLATION, RC_CONFLICT },
    { SCARD_E_TIMEOUT, RC_TIMEOUT },
    { SCARD_E_CANCELLED, RC_INTERRUPTED },
};

static enum rc pcsc_rc(LONG result)
{
    for (size_t i = 0; i < sizeof pcsc_results / sizeof *pcsc_results; i++)
        if (pcsc_results[i].result == result)
            return pcsc_results[i].rc;
    return RC_IO;
}

static enum rc pcsc_say(LONG result, const char *what, struct err *err)
{
    return err_set(err, pcsc_rc(result), "%s: %s", what, pcsc_stringify_error(result));
}

static bool pcsc_wanted(const struct pcsc *pcsc, const char *name)
{
    return strncmp(name, pcsc->prefix, strlen(pcsc->prefix)) == 0;
}

static LONG pcsc_reach(struct pcsc *pcsc)
{
    if (pcsc->open && SCardIsValidContext(pcsc->context) == SCARD_S_SUCCESS)
        return SCARD_S_SUCCESS;
    if (pcsc->open)
        SCardReleaseContext(pcsc->context);
    LONG result = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &pcsc->context);
    pcsc->open = result == SCARD_S_SUCCESS;
    return result;
}

/* The readers' names, NUL after NUL. No reader is an empty list. Freed with free. */
static LONG pcsc_names(SCARDCONTEXT context, char **names)
{
    for (;;) {
        DWORD len = 0;
        LONG result = SCardListReaders(context, NULL, NULL, &len);
        if (result == SCARD_E_NO_READERS_AVAILABLE) {
            *names = calloc(1, 2);
            return *names ? SCARD_S_SUCCESS : SCARD_E_NO_MEMORY;
        }
        if (result != SCARD_S_SUCCESS)
            return result;
        char *made = calloc(1, len + 2);
        if (!made)
            return SCARD_E_NO_MEMORY;
        result = SCardListReaders(context, NULL, made, &len);
        if (result == SCARD_S_SUCCESS) {
            *names = made;
            return result;
        }
        free(made);
        if (result != SCARD_E_INSUFFICIENT_BUFFER && result != SCARD_E_NO_READERS_AVAILABLE)
            return result; /* else a reader came or went between the two calls */
    }
}

/* With a context that is new, or was good the last time. */
static LONG pcsc_list_names(struct pcsc *pcsc, char **names)
{
    LONG result = pcsc_reach(pcsc);
    if (result == SCARD_S_SUCCESS)
        result = pcsc_names(pcsc->context, names);
    if (pcsc->open && pcsc_rc(result) == RC_UNREACHABLE) {
        SCardReleaseContext(pcsc->context);
        pcsc->open = false;
    }
    return result;
}

static enum rc pcsc_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                         struct err *err)
{
    struct pcsc *pcsc = (struct pcsc *)transport;
    char *names = NULL;
    bool before = pcsc->open;
    LONG result = pcsc_list_names(pcsc, &names);
    if (before && pcsc_rc(result) == RC_UNREACHABLE)
        result = pcsc_list_names(pcsc, &names); /* the service was started anew since */
    if (result != SCARD_S_SUCCESS)
        return pcsc_say(result, "the PC/SC service (pcscd)", err);
    SCARD_READERSTATE states[PCSC_READERS_MAX] = { 0 };
    DWORD found = 0;
    for (const char *name = names; *name && found < PCSC_READERS_MAX; name += strlen(name) + 1)
        if (pcsc_wanted(pcsc, name) && strlen(name) < TRANSPORT_READER_SIZE)
            states[found++].szReader = name;
    if (found)
        result = SCardGetStatusChange(pcsc->context, 0, states, found);
    if (result != SCARD_S_SUCCESS && result != SCARD_E_TIMEOUT && result != SCARD_E_UNKNOWN_READER) {
        free(names);
        return pcsc_say(result, "the PC/SC service (pcscd)", err);
    }
    size_t written = 0;
    for (DWORD i = 0; i < found && written < max; i++) {
        DWORD event = states[i].dwEventState;
        if (event & (SCARD_STATE_UNKNOWN | SCARD_STATE_IGNORE))
            continue; /* went between the two calls */
        struct transport_reader *reader = &readers[written++];
        *reader = (struct transport_reader) { .card_present = (event & SCARD_STATE_PRESENT) != 0,
                                              .state = (uint32_t)(event & ~PCSC_USE) };
        strcpy(reader->name, states[i].szReader);
    }
    *count = written;
    free(names);
    return RC_OK;
}

static void pcsc_take_atr(struct pcsc_link *self)
{
    char name[TRANSPORT_READER_SIZE];
    DWORD name_len = sizeof name, state, protocol, len = sizeof self->atr;
    if (SCardStatus(self->handle, name, &name_len, &state, &protocol, self->atr, &len) == SCARD_S_SUCCESS)
        self->atr_len = len <= sizeof self->atr ? len : 0;
}

static enum rc pcsc_connect(struct transport *transport, const char *reader, struct transport_link **link,
                            struct err *err)
{
    (void)transport;
    if (strlen(reader) >= TRANSPORT_READER_SIZE)
        return err_set(err, RC_READER_GONE, "reader '%.40s…': no name is that long", reader);
    struct pcsc_link *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->link.ops = &pcsc_ops;
    strcpy(made->name, reader);
    LONG result = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &made->context);
    if (result != SCARD_S_SUCCESS) {
        free(made);
        return pcsc_say(result, "the PC/SC service (pcscd)", err);
    }
    result = SCardConnect(made->context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &made->handle,
                          &made->protocol);
    if (result != SCARD_S_SUCCESS) {
        enum rc rc = pcsc_rc(result);
        if (rc == RC_CARD_GONE)
            rc = RC_CARD_ABSENT;
        SCardReleaseContext(made->context);
        free(made);
        return err_set(err, rc, "reader '%s': %s", reader, pcsc_stringify_error(result));
    }
    pcsc_take_atr(made);
    *link = &made->link;
    return RC_OK;
}

/* What a failed call means for the link. */
static enum rc pcsc_failed(struct pcsc_link *self, LONG result, struct err *err)
{
    enum rc rc = pcsc_rc(result);
    if (rc == RC_UNREACHABLE)
        rc = RC_READER_GONE; /* the handle is of no use any more */
    if (rc == RC_TIMEOUT || rc == RC_INTERRUPTED) /* the driver gave up; whether the card had the command by then is unknown */
        rc = RC_IO;
    if (rc == RC_CARD_GONE || rc == RC_READER_GONE)
        self->dead = true;
    if (rc != RC_IO)
        self->held = false;
    return err_set(err, rc, "reader '%s': %s", self->name, pcsc_stringify_error(result));
}

/* The card was reset by another program, or lost its power while the machine or the reader slept: nothing was sent, and the link
 * is good again after a reconnection, which gives it power. */
static bool pcsc_was_reset(LONG result)
{
    return result == SCARD_W_RESET_CARD || result == SCARD_W_UNPOWERED_CARD;
}

static LONG pcsc_reconnect(struct pcsc_link *self)
{
    LONG result = SCardReconnect(self->handle, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                                 SCARD_LEAVE_CARD, &self->protocol);
    if (result == SCARD_S_SUCCESS) {
        self->was_reset = true;
        pcsc_take_atr(self);
    }
    return result;
}

/* In the middle of a transaction, which is over. */
static enum rc pcsc_start_again(struct pcsc_link *self, struct err *err)
{
    LONG again = pcsc_reconnect(self);
    self->held = false;
    return pcsc_failed(self, again == SCARD_S_SUCCESS ? SCARD_W_RESET_CARD : again, err);
}

static enum rc pcsc_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    struct pcsc_link *self = (struct pcsc_link *)link;
    if (self->dead)
        return err_set(err, RC_CARD_GONE, "reader '%s': the card is gone", self->name);
    if (self->held)
        return err_set(err, RC_STATE, "reader '%s': a transaction is held already", self->name);
    LONG result;
    int resets = 0; /* a card that is reset again and again is given up */
    while (pcsc_was_reset(result = SCardBeginTransaction(self->handle)) && resets++ < 10) {
        result = pcsc_reconnect(self);
        if (result != SCARD_S_SUCCESS)
            break;
    }
    if (result != SCARD_S_SUCCESS)
        return pcsc_failed(self, result, err);
    self->held = true;
    *was_reset = self->was_reset;
    self->was_reset = false;
    return RC_OK;
}

static DWORD pcsc_disposition(enum transport_disposition disposition)
{
    switch (disposition) {
    case TRANSPORT_LEAVE:
        return SCARD_LEAVE_CARD;
    case TRANSPORT_RESET:
        return SCARD_RESET_CARD;
    case TRANSPORT_UNPOWER:
        return SCARD_UNPOWER_CARD;
    }
    return SCARD_UNPOWER_CARD;
}

static void pcsc_end(struct transport_link *link, enum transport_disposition disposition)
{
    struct pcsc_link *self = (struct pcsc_link *)link;
    if (self->held)
        SCardEndTransaction(self->handle, pcsc_disposition(disposition));
    self->was_reset = self->was_reset || (self->held && disposition != TRANSPORT_LEAVE);
    self->held = false;
}

static enum rc pcsc_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    struct pcsc_link *self = (struct pcsc_link *)link;
    if (self->dead)
        return err_set(err, RC_CARD_GONE, "reader '%s': the card is gone", self->name);
    const SCARD_IO_REQUEST *pci = self->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    DWORD len = sizeof self->answer;
    LONG result = SCardTransmit(self->handle, pci, command.data, command.len, NULL, self->answer, &len);
    if (pcsc_was_reset(result))
        return pcsc_start_again(self, err);
    if (result != SCARD_S_SUCCESS)
        return pcsc_failed(self, result, err);
    enum rc rc = len < 2 ? err_set(err, RC_IO, "reader '%s': an answer of %lu bytes", self->name, (unsigned long)len)
                         : buf_append(response, self->answer, len);
    explicit_bzero(self->answer, len);
    return rc;
}

/* --- key pads ------------------------------------------------------------------------------------------------------------- */

/* The answer to a request of the reader's own; empty: it has none. */
static struct bytes pcsc_ask(struct pcsc_link *self, DWORD code, uint8_t *answer, DWORD space)
{
    DWORD len = 0;
    LONG result = code ? SCardControl(self->handle, code, NULL, 0, answer, space, &len) : SCARD_E_UNSUPPORTED_FEATURE;
    return bytes_of(answer, result == SCARD_S_SUCCESS && len <= space ? len : 0);
}

static struct pinpad_features pcsc_features(struct pcsc_link *self)
{
    uint8_t list[256];
    return pinpad_parse_features(pcsc_ask(self, CM_IOCTL_GET_FEATURE_REQUEST, list, sizeof list));
}

static unsigned pcsc_pads(struct transport_link *link)
{
    struct pcsc_link *self = (struct pcsc_link *)link;
    if (self->dead)
        return 0;
    struct pinpad_features features = pcsc_features(self);
    return (features.verify ? TRANSPORT_PAD_VERIFY : 0u) | (features.change ? TRANSPORT_PAD_CHANGE : 0u);
}

/* The reader's answer, which is the card's or its own. */
static enum rc pcsc_pad_judge(const struct pcsc_link *self, struct bytes answer, struct buf *response, struct err *err)
{
    const char *text = NULL;
    if (answer.len < 2)
        return err_set(err, RC_IO, "reader '%s': an answer of %zu bytes", self->name, answer.len);
    enum rc rc = pinpad_rc((uint16_t)(answer.data[answer.len - 2] << 8 | answer.data[answer.len - 1]), &text);
    return rc ? err_set(err, rc, "reader '%s': %s", self->name, text) : buf_append_bytes(response, answer);
}

static enum rc pcsc_pad(struct transport_link *link, const struct transport_pad *pad, struct buf *response, struct err *err)
{
    struct pcsc_link *self = (struct pcsc_link *)link;
    uint8_t told[256], answer[64];
    struct buf request = { 0 };
    DWORD len = 0;
    if (self->dead)
        return err_set(err, RC_CARD_GONE, "reader '%s': the card is gone", self->name);
    struct pinpad_features features = pcsc_features(self);
    DWORD code = pad->change ? features.change : features.verify;
    if (!code)
        return err_set(err, RC_UNSUPPORTED, "reader '%s': no key pad for that", self->name);
    struct pinpad_properties properties = pinpad_parse_properties(pcsc_ask(self, features.properties, told, sizeof told));
    enum rc rc = pinpad_encode(pad, &properties, &request);
    if (rc)
        return err_set(err, rc, "reader '%s': its key pad takes no such PIN", self->name);
    LONG result = SCardControl(self->handle, code, request.data, (DWORD)request.len, answer, sizeof answer, &len);
    buf_wipe(&request);
    if (pcsc_was_reset(result))
        return pcsc_start_again(self, err);
    if (result != SCARD_S_SUCCESS)
        return pcsc_failed(self, result, err);
    return pcsc_pad_judge(self, bytes_of(answer, len <= sizeof answer ? len : 0), response, err);
}

static struct bytes pcsc_atr(const struct transport_link *link)
{
    const struct pcsc_link *self = (const struct pcsc_link *)link;
    return bytes_of(self->atr, self->atr_len);
}

static void pcsc_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    struct pcsc_link *self = (struct pcsc_link *)link;
    if (self->held)
        SCardEndTransaction(self->handle, SCARD_LEAVE_CARD);
    SCardDisconnect(self->handle, pcsc_disposition(disposition));
    SCardReleaseContext(self->context);
    explicit_bzero(self->answer, sizeof self->answer);
    free(self);
}

/* Whether the readers are other ones than those known; names is NUL after NUL. */
static bool pcsc_names_differ(const struct pcsc *pcsc, const char *names, const struct transport_reader *known,
                              size_t count)
{
    size_t found = 0;
    for (const char *name = names; *name; name += strlen(name) + 1) {
        if (!pcsc_wanted(pcsc, name) || strlen(name) >= TRANSPORT_READER_SIZE)
            continue;
        bool matched = false;
        for (size_t i = 0; i < count && !matched; i++)
            matched = strcmp(known[i].name, name) == 0;
        if (!matched)
            return true;
        found++;
    }
    return found != count;
}

static LONG pcsc_wait_open(struct pcsc *pcsc, SCARDCONTEXT *context)
{
    LONG result = SCARD_S_SUCCESS;
    pthread_mutex_lock(&pcsc->wait_lock);
    if (pcsc->wait_open && SCardIsValidContext(pcsc->wait_context) != SCARD_S_SUCCESS) {
        SCardReleaseContext(pcsc->wait_context);
        pcsc->wait_open = false;
    }
    if (!pcsc->wait_open)
        result = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &pcsc->wait_context);
    pcsc->wait_open = result == SCARD_S_SUCCESS;
    if (result == SCARD_S_SUCCESS && pcsc->cancelled)
        result = SCARD_E_CANCELLED;
    pcsc->cancelled = false;
    *context = pcsc->wait_context;
    pthread_mutex_unlock(&pcsc->wait_lock);
    return result;
}

static enum rc pcsc_wait(struct transport *transport, const struct transport_reader *known, size_t count,
                         int milliseconds, struct err *err)
{
    struct pcsc *pcsc = (struct pcsc *)transport;
    if (count > PCSC_READERS_MAX)
        return err_set(err, RC_RANGE, "at most %u readers are watched", PCSC_READERS_MAX);
    SCARDCONTEXT context;
    LONG result = pcsc_wait_open(pcsc, &context);
    char *names = NULL;
    if (result == SCARD_S_SUCCESS)
        result = pcsc_names(context, &names);
    bool differ = result == SCARD_S_SUCCESS && pcsc_names_differ(pcsc, names, known, count);
    free(names);
    if (differ)
        return RC_OK;
    if (result == SCARD_S_SUCCESS) {
        SCARD_READERSTATE states[PCSC_READERS_MAX + 1] = { 0 };
        for (size_t i = 0; i < count; i++) {
            states[i].szReader = known[i].name;
            states[i].dwCurrentState = known[i].state;
        }
        states[count].szReader = PCSC_PNP;
        result = SCardGetStatusChange(context, milliseconds < 0 ? INFINITE : (DWORD)milliseconds, states,
                                      (DWORD)count + 1);
    }
    if (result == SCARD_S_SUCCESS || result == SCARD_E_UNKNOWN_READER)
        return RC_OK;
    enum rc rc = pcsc_rc(result);
    pthread_mutex_lock(&pcsc->wait_lock);
    if (rc == RC_INTERRUPTED)
        pcsc->cancelled = false; /* this wait took it */
    if (rc == RC_UNREACHABLE && pcsc->wait_open) {
        SCardReleaseContext(pcsc->wait_context);
        pcsc->wait_open = false;
    }
    pthread_mutex_unlock(&pcsc->wait_lock);
    if (rc == RC_TIMEOUT || rc == RC_INTERRUPTED)
        return rc;
    return pcsc_say(result, "the PC/SC service (pcscd)", err);
}

static void pcsc_cancel(struct transport *transport)
{
    struct pcsc *pcsc = (struct pcsc *)transport;
    pthread_mutex_lock(&pcsc->wait_lock);
    pcsc->cancelled = true;
    if (pcsc->wait_open)
        SCardCancel(pcsc->wait_context);
    pthread_mutex_unlock(&pcsc->wait_lock);
}

static void pcsc_close(struct transport *transport, bool forked)
{
    struct pcsc *pcsc = (struct pcsc *)transport;
    if (pcsc->open && !forked)
        SCardReleaseContext(pcsc->context);
    if (pcsc->wait_open && !forked)
        SCardReleaseContext(pcsc->wait_context);
    pthread_mutex_destroy(&pcsc->wait_lock);
    free(pcsc);
}

static const struct transport_ops pcsc_ops = {
    .kind = "pcsc",
    .list = pcsc_list,
    .connect = pcsc_connect,
    .begin = pcsc_begin,
    .end = pcsc_end,
    .transmit = pcsc_transmit,
    .pads = pcsc_pads,
    .pad = pcsc_pad,
    .atr = pcsc_atr,
    .disconnect = pcsc_disconnect,
    .wait = pcsc_wait,
    .cancel = pcsc_cancel,
    .close = pcsc_close,
};

enum rc transport_pcsc_new(const char *prefix, struct transport **transport, struct err *err)
{
    if (strlen(prefix) >= TRANSPORT_READER_SIZE)
        return err_set(err, RC_USAGE, "reader 'pcsc:%.40s…': no name is that long", prefix);
    struct pcsc *pcsc = calloc(1, sizeof *pcsc);
    if (!pcsc)
        return RC_NOMEM;
    pcsc->transport.ops = &pcsc_ops;
    strcpy(pcsc->prefix, prefix);
    pthread_mutex_init(&pcsc->wait_lock, NULL);
    *transport = &pcsc->transport;
    return RC_OK;
}
