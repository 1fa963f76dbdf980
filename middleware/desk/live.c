/* live.c — the desk's call-backs as they are outside of tests. */
#include "desk/live.h"

#include "desk/cmp_client.h"
#include "desk/question.h"
#include "net/json.h"
#include "pki/cert.h"

#include <stdio.h>
#include <string.h>

#define PROMPTS_MAX 3

static enum rc live_find(void *context, const char *code, struct resident *resident, struct err *err)
{
    struct live *live = context;
    struct resident found = { 0 };
    enum rc rc = registry_find_resident(live->registry, code, NULL, NULL, NULL, &found, err);
    if (rc == RC_OK && strcmp(found.municipality, live->officer.municipality) != 0)
        rc = err_set(err, RC_DENIED, "the resident is not of this officer's municipality %s", live->officer.municipality);
    if (rc == RC_OK)
        *resident = found;
    explicit_bzero(&found, sizeof found);
    return rc;
}

/* The officer compares with the papers and the face; a script has done so before it says --yes. */
static enum rc live_agree(void *context, const struct resident *resident, struct err *err)
{
    struct live *live = context;
    struct buf words = { 0 };
    if (live->yes)
        return RC_OK;
    enum rc rc = buf_printf(&words, "%s\n%s\nIs this the person at the counter?", resident->attributes.name,
                            resident->attributes.address);
    const char *text = rc == RC_OK ? buf_string(&words) : NULL;
    rc = text ? question_ask(text, err) : RC_NOMEM;
    buf_wipe(&words);
    return rc;
}

static enum rc live_state(void *context, enum authority authority, const char *serial, enum peers_state *state,
                          struct err *err)
{
    static const char *const names[] = { [PEERS_PENDING] = "pending", [PEERS_ACTIVE] = "active", [PEERS_REVOKED] = "revoked" };
    struct live *live = context;
    char path[80];
    json_t *answer = NULL;
    const char *text = NULL;
    snprintf(path, sizeof path, "/v1/certificates/%s/%s", authority_name(authority), serial);
    enum rc rc = client_json(live->ca, "GET", path, NULL, &answer, err);
    if (rc == RC_OK)
        rc = json_want_text(answer, "state", 16, &text, err);
    unsigned i = 0;
    while (rc == RC_OK && i < 3 && strcmp(names[i], text) != 0)
        i++;
    if (rc == RC_OK && i == 3)
        rc = err_set(err, RC_FORMAT, "the authority named an unknown state of a certificate");
    if (rc == RC_OK)
        *state = (enum peers_state)i;
    json_decref(answer);
    return rc;
}

static enum rc live_certify(void *context, const struct peers_order *order, struct peers_answer *answer, struct err *err)
{
    struct live *live = context;
    return cmp_client_order(live->ca, &live->identity, order, answer, err);
}

static enum rc live_link(void *context, const struct resident *resident, const struct certificate_link *links,
                         size_t count, struct err *err)
{
    struct live *live = context;
    return registry_link_certificates(live->registry, resident, links, count, err);
}

/* Typed twice, since what is set here cannot be seen. */
static enum rc live_prompt(enum card_pin pin, struct secret *value, struct err *err)
{
    static const char *const prompts[][2] = {
        [CARD_PIN_AUTH] = { "new PIN for user authentication (4 digits): ", "the same again: " },
        [CARD_PIN_SIGN] = { "new password for signatures (6 to 16 letters and digits): ", "the same again: " },
    };
    for (int i = 0; i < PROMPTS_MAX; i++) {
        struct secret first = { 0 }, second = { 0 };
        enum rc rc = secret_prompt(&first, prompts[pin][0]);
        if (rc == RC_OK)
            rc = secret_prompt(&second, prompts[pin][1]);
        bool good = rc == RC_OK && secret_equal(&first, &second)
            && card_pin_check_new(CARD_KIND_MYNUMBER, pin, &first) == RC_OK;
        secret_wipe(&second);
        if (good) {
            *value = first;
            return RC_OK;
        }
        secret_wipe(&first);
        if (rc)
            return err_set(err, rc, rc == RC_UNSUPPORTED ? "there is no terminal to ask for the PINs; --pins-fd can bring them"
                                                         : "the terminal does not bring the PIN");
        fputs("the two differ, or do not have the form that is needed\n", stderr);
    }
    return err_set(err, RC_PIN_FORMAT, "no usable %s PIN was typed", card_pin_name(pin));
}

static enum rc live_ask_pin(void *context, enum card_pin pin, struct secret *value, struct err *err)
{
    struct live *live = context;
    if (live->pins_fd < 0)
        return live_prompt(pin, value, err);
    enum rc rc = secret_read_line(value, live->pins_fd);
    if (rc)
        return err_set(err, rc, "file descriptor %d did not bring the %s PIN", live->pins_fd, card_pin_name(pin));
    return RC_OK;
}

static void live_tell(void *context, const char *keyword, const char *words)
{
    (void)context;
    printf("%s: %s\n", keyword, words);
    fflush(stdout);
}

/* Who the officer is: one's own certificate says it, as it will to the others. */
static enum rc live_officer(struct live *live, struct err *err)
{
    X509 *cert = NULL;
    struct buf der = { 0 };
    enum rc rc = cert_read(live->identity.cert_path, &cert, err);
    if (rc == RC_OK)
        rc = cert_encode(cert, &der);
    if (rc == RC_OK)
        rc = peer_from_cert(buf_bytes(&der), &live->officer, err);
    if (rc == RC_OK && live->officer.role != ROLE_DESK_OFFICER)
        rc = err_set(err, RC_DENIED, "%s: the identity is not a desk officer's", live->identity.cert_path);
    buf_wipe(&der);
    X509_free(cert);
    return rc;
}

enum rc live_open(const char *identity, const char *registry_url, const char *ca_url, int pins_fd, struct live *live,
                  struct err *err)
{
    *live = (struct live) { .pins_fd = pins_fd };
    enum rc rc = identity_open(identity, &live->identity, err);
    if (rc == RC_OK)
        rc = live_officer(live, err);
    if (rc == RC_OK && registry_url)
        rc = registry_open(registry_url, &live->identity, &live->registry, err);
    if (rc == RC_OK)
        rc = client_open(ca_url, &live->identity, 0, &live->ca, err);
    if (rc == RC_OK)
        client_expect(live->ca, ROLE_BIT(ROLE_CA));
    if (rc)
        live_close(live);
    return rc;
}

void live_close(struct live *live)
{
    if (live->registry)
        registry_close(live->registry);
    client_close(live->ca);
    identity_close(&live->identity);
    *live = (struct live) { .pins_fd = -1 };
}

struct peers live_peers(struct live *live)
{
    return (struct peers) { .context = live,
                            .find = live_find,
                            .agree = live_agree,
                            .certify = live_certify,
                            .state = live_state,
                            .link = live_link,
                            .ask_pin = live_ask_pin,
                            .tell = live_tell };
}
