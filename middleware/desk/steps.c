/* steps.c — the steps of an enrolment, as rows: a recorded name and a function that may be run any number of times. */
#include "desk/steps.h"

#include "base/fault.h"
#include "base/log.h"
#include "card/issuer.h"
#include "desk/order.h"
#include "pki/cert.h"

#include <stdio.h>
#include <string.h>

/* One run. */
struct run {
    struct enrolment_book *book;
    struct card *card;
    const struct peers *peers;
    const struct steps_settings *settings;
    struct err *err;
    struct issuer *issuer; /* NULL before it is opened and after it is closed */
    struct enrolment enrolment;
    struct secret pins[2]; /* by enum card_pin; what the holder set in this run */
};

/* The two halves in the order in which they are done: the signature certificate must not outlive the other. */
static const struct {
    enum authority authority;
    enum card_key key;
    enum card_cert cert, ca;
    enum card_pin pin;
} halves[2] = {
    { AUTHORITY_AUTH, CARD_KEY_AUTH, CARD_CERT_AUTH, CARD_CERT_AUTH_CA, CARD_PIN_AUTH },
    { AUTHORITY_SIGN, CARD_KEY_SIGN, CARD_CERT_SIGN, CARD_CERT_SIGN_CA, CARD_PIN_SIGN },
};

static const uint8_t presence_both[] = { 0x8F, 0x8F, 0x00 }, presence_auth[] = { 0x00, 0x8F, 0x00 };

/* How many of them there are: the second is the signature certificate's. */
static size_t steps_halves(const struct run *run)
{
    return run->enrolment.without_sign ? 1 : 2;
}

static enum rc steps_get_status(struct run *run, struct issuer_status *status)
{
    return issuer_get_status(run->issuer, status, run->err);
}

static enum rc steps_personalise(struct run *run)
{
    struct issuer_status status;
    enum rc rc = steps_get_status(run, &status);
    if (rc == RC_OK && status.life == APPLET_LIFE_BLANK)
        rc = issuer_set_life(run->issuer, APPLET_LIFE_PERSONALISED, run->err);
    return rc;
}

static enum rc steps_make_key(struct run *run, size_t i, bool is_there)
{
    struct enrolment_half *half = &run->enrolment.half[halves[i].authority];
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;
    enum rc rc = is_there ? issuer_read_public_key(run->issuer, halves[i].key, &key, run->err)
                          : issuer_generate_key(run->issuer, halves[i].key, &key, run->err);
    if (rc)
        return rc;
    int len = i2d_PUBKEY(key, &der);
    EVP_PKEY_free(key);
    if (len <= 0)
        return RC_CRYPTO;
    buf_truncate(&half->key, 0);
    rc = buf_append(&half->key, der, (size_t)len);
    OPENSSL_free(der);
    return rc;
}

static enum rc steps_keys(struct run *run)
{
    struct issuer_status status;
    enum rc rc = steps_get_status(run, &status);
    if (rc == RC_OK)
        rc = steps_make_key(run, 0, status.auth_key);
    fault_point("desk.between_keys");
    if (rc == RC_OK && steps_halves(run) == 2)
        rc = steps_make_key(run, 1, status.sign_key);
    return rc;
}

/* The authority's certificate, for one half: of the right authority, and it signed what was issued for our key. */
static enum rc steps_judge(struct run *run, size_t i, const struct enrolment_half *half)
{
    X509 *cert = NULL, *ca = NULL;
    unsigned char *key = NULL;
    enum authority authority = AUTHORITY_COUNT;
    enum rc rc = cert_parse(buf_bytes(&half->cert), &cert);
    if (rc == RC_OK)
        rc = cert_parse(buf_bytes(&half->ca), &ca);
    if (rc) {
        err_set(run->err, rc, "a certificate from the authority '%s' is malformed", authority_name(halves[i].authority));
        goto out;
    }
    rc = RC_BAD_SIGNATURE;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &key);
    if (len <= 0 || !bytes_equal(bytes_of(key, (size_t)len), buf_bytes(&half->key)))
        err_set(run->err, rc, "the certificate of '%s' is not for the card's key", authority_name(halves[i].authority));
    else if (authority_of_name(X509_get_subject_name(ca), &authority) != RC_OK || authority != halves[i].authority
             || X509_verify(ca, X509_get0_pubkey(ca)) != 1)
        err_set(run->err, rc, "the authority's own certificate is not one of '%s'", authority_name(halves[i].authority));
    else if (X509_verify(cert, X509_get0_pubkey(ca)) != 1)
        err_set(run->err, rc, "the certificate is not signed by the authority '%s'", authority_name(halves[i].authority));
    else
        rc = RC_OK;
out:
    OPENSSL_free(key);
    X509_free(cert);
    X509_free(ca);
    return rc;
}

static enum rc steps_order(struct run *run, size_t i, struct bytes confirm, struct peers_answer *answer)
{
    struct order order = { .book = run->book, .peers = run->peers, .enrolment = &run->enrolment, .issuer = run->issuer,
                           .authority = halves[i].authority, .confirm = confirm };
    return order_send(&order, answer, run->err);
}

static enum rc steps_certify_half(struct run *run, size_t i)
{
    struct enrolment_half *half = &run->enrolment.half[halves[i].authority];
    if (half->cert.len)
        return RC_OK;
    struct peers_answer answer = { 0 };
    enum rc rc = steps_order(run, i, (struct bytes) { 0 }, &answer);
    if (rc)
        return rc;
    struct bytes known = run->settings->ca[halves[i].authority];
    struct enrolment_half got = { .key = half->key, .cert = answer.cert, .ca = answer.ca };
    if (known.len) {
        buf_truncate(&got.ca, 0);
        rc = buf_append_bytes(&got.ca, known);
    } else if (!got.ca.len) {
        rc = err_set(run->err, RC_NOT_FOUND, "the authority '%s' did not send its own certificate; --publication can bring it",
                     authority_name(halves[i].authority));
    }
    if (rc == RC_OK)
        rc = steps_judge(run, i, &got);
    if (rc) {
        buf_wipe(&got.cert);
        buf_wipe(&got.ca);
        return rc;
    }
    buf_wipe(&half->ca);
    half->cert = got.cert;
    half->ca = got.ca;
    return enrolment_record(run->book, &run->enrolment, ENROLMENT_CERTIFY, run->err);
}

static enum rc steps_certify(struct run *run)
{
    enum rc rc = steps_certify_half(run, 0);
    fault_point("desk.between_certificates");
    if (rc || steps_halves(run) < 2)
        return rc;
    rc = steps_certify_half(run, 1);
    if (rc == RC_DENIED)
        run->peers->tell(run->peers->context, "refused", "no signature certificate; --without-sign goes on with the other alone");
    return rc;
}

static enum rc steps_write(struct run *run)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < steps_halves(run); i++) {
        const struct enrolment_half *half = &run->enrolment.half[halves[i].authority];
        rc = issuer_put_cert(run->issuer, halves[i].ca, buf_bytes(&half->ca), run->err);
        if (rc == RC_OK)
            rc = issuer_put_cert(run->issuer, halves[i].cert, buf_bytes(&half->cert), run->err);
        fault_point("desk.between_files");
    }
    if (rc == RC_OK)
        rc = issuer_put_file(run->issuer, APPLET_EF_CERT_PRESENCE,
                             bytes_of(run->enrolment.without_sign ? presence_auth : presence_both, sizeof presence_both), run->err);
    return rc;
}

/* Both are asked before either is put, so that a holder who gives up leaves no half-set card. */
static enum rc steps_pins(struct run *run)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < steps_halves(run); i++) {
        secret_wipe(&run->pins[halves[i].pin]);
        rc = run->peers->ask_pin(run->peers->context, halves[i].pin, &run->pins[halves[i].pin], run->err);
        if (rc == RC_OK && card_pin_check_new(CARD_KIND_MYNUMBER, halves[i].pin, &run->pins[halves[i].pin]) != RC_OK)
            rc = err_set(run->err, RC_PIN_FORMAT, "the %s PIN does not have the form it must have; nothing was sent",
                         card_pin_name(halves[i].pin));
    }
    for (size_t i = 0; rc == RC_OK && i < steps_halves(run); i++) {
        rc = issuer_put_pin(run->issuer, halves[i].pin, &run->pins[halves[i].pin], run->err);
        fault_point("desk.between_pins");
    }
    return rc;
}

static enum rc steps_activate(struct run *run)
{
    struct issuer_status status;
    enum rc rc = steps_get_status(run, &status);
    if (rc == RC_OK && status.life == APPLET_LIFE_PERSONALISED)
        rc = issuer_set_life(run->issuer, APPLET_LIFE_ACTIVE, run->err);
    return rc;
}

static enum rc steps_compare_cert(struct run *run, enum card_cert which, const struct buf *written)
{
    struct buf read = { 0 };
    enum rc rc = card_read_cert(run->card, which, &read, run->err);
    if (rc == RC_OK && !bytes_equal(buf_bytes(&read), buf_bytes(written)))
        rc = err_set(run->err, RC_CONFLICT, "the certificate '%s' on the card is not the one that was written",
                     card_cert_name(which));
    buf_wipe(&read);
    return rc;
}

static enum rc steps_compare_key(struct run *run, size_t i)
{
    const struct enrolment_half *half = &run->enrolment.half[halves[i].authority];
    struct buf recorded = { 0 };
    enum rc rc = buf_append_bytes(&recorded, buf_bytes(&half->key));
    if (rc == RC_OK)
        rc = steps_make_key(run, i, true);
    if (rc == RC_OK && !bytes_equal(buf_bytes(&recorded), buf_bytes(&half->key)))
        rc = err_set(run->err, RC_CONFLICT, "the card's key '%s' is not the one of its certificate",
                     authority_name(halves[i].authority));
    buf_wipe(&recorded);
    return rc;
}

/* With the commands that the holder's programs use, and the PINs that were just set: the signature certificate is behind
 * its own. */
static enum rc steps_compare(struct run *run)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < steps_halves(run); i++)
        rc = steps_compare_key(run, i);
    if (rc)
        return rc;
    issuer_close(run->issuer);
    run->issuer = NULL;
    rc = card_select_jpki(run->card, run->err);
    struct card_presence presence = { 0 };
    if (rc == RC_OK)
        rc = card_read_presence(run->card, &presence, run->err);
    if (rc == RC_OK && (!presence.auth || presence.sign == run->enrolment.without_sign))
        rc = err_set(run->err, RC_CONFLICT, "the card does not tell which certificates are there");
    for (size_t i = 0; rc == RC_OK && i < steps_halves(run); i++) {
        const struct enrolment_half *half = &run->enrolment.half[halves[i].authority];
        rc = card_verify_pin(run->card, halves[i].pin, &run->pins[halves[i].pin], NULL, run->err);
        if (rc == RC_OK)
            rc = steps_compare_cert(run, halves[i].cert, &half->cert);
        if (rc == RC_OK)
            rc = steps_compare_cert(run, halves[i].ca, &half->ca);
    }
    return rc;
}

static enum rc steps_link(struct run *run)
{
    const struct enrolment *enrolment = &run->enrolment;
    struct resident resident = { .attributes = enrolment->attributes };
    struct certificate_link links[2];
    struct buf serials[2] = { { 0 }, { 0 } };
    enum rc rc = RC_OK;
    snprintf(resident.code, sizeof resident.code, "%s", run->settings->code);
    memcpy(resident.municipality, enrolment->municipality, sizeof resident.municipality);
    for (size_t i = 0; rc == RC_OK && i < steps_halves(run); i++) {
        X509 *cert = NULL;
        rc = cert_parse(buf_bytes(&enrolment->half[halves[i].authority].cert), &cert);
        if (rc == RC_OK)
            rc = cert_serial(cert, &serials[i]);
        if (rc == RC_OK)
            links[i] = (struct certificate_link) { halves[i].authority, buf_string(&serials[i]), cert_not_after(cert) };
        X509_free(cert);
    }
    if (rc == RC_OK)
        rc = run->peers->link(run->peers->context, &resident, links, steps_halves(run), run->err);
    buf_wipe(&serials[0]);
    buf_wipe(&serials[1]);
    explicit_bzero(&resident, sizeof resident);
    return rc;
}

static enum rc steps_confirm(struct run *run)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < steps_halves(run); i++) {
        struct peers_answer answer = { 0 };
        rc = steps_order(run, i, buf_bytes(&run->enrolment.half[halves[i].authority].cert), &answer);
        buf_wipe(&answer.cert);
        buf_wipe(&answer.ca);
        fault_point("desk.between_confirmations");
    }
    return rc;
}

static const struct {
    enum rc (*run)(struct run *run);
    enum enrolment_step resume; /* where a run that was torn here goes on: PINs live only in the run that asked for them */
    const char *words;
} rows[ENROLMENT_DONE] = {
    [ENROLMENT_PERSONALISE] = { steps_personalise, ENROLMENT_PERSONALISE, "the card belongs to this enrolment" },
    [ENROLMENT_KEYS] = { steps_keys, ENROLMENT_KEYS, "the card made its key pairs" },
    [ENROLMENT_CERTIFY] = { steps_certify, ENROLMENT_CERTIFY, "certificates issued, not yet confirmed" },
    [ENROLMENT_WRITE] = { steps_write, ENROLMENT_WRITE, "certificates and the authorities' own are on the card" },
    [ENROLMENT_PINS] = { steps_pins, ENROLMENT_PINS, "the holder set the PINs" },
    [ENROLMENT_ACTIVATE] = { steps_activate, ENROLMENT_PINS, "the card is its holder's" },
    [ENROLMENT_COMPARE] = { steps_compare, ENROLMENT_PINS, "everything read back and equal" },
    [ENROLMENT_LINK] = { steps_link, ENROLMENT_LINK, "the registry knows the certificates" },
    [ENROLMENT_CONFIRM] = { steps_confirm, ENROLMENT_CONFIRM, "the authorities told that the card is right" },
};

static void steps_fault(const char *when, enum enrolment_step step)
{
    char name[64];
    snprintf(name, sizeof name, "desk.%s_%s", when, enrolment_step_name(step));
    fault_point(name);
}

/* Asks the registry and takes the four attributes as they are today; once a request may have gone out they stay as they
 * were, so that the repeated request is the same one. */
static enum rc steps_identify(struct run *run)
{
    struct resident resident = { 0 };
    enum rc rc = run->peers->find(run->peers->context, run->settings->code, &resident, run->err);
    if (rc == RC_OK && run->enrolment.municipality[0]
        && strcmp(run->enrolment.municipality, resident.municipality) != 0)
        rc = err_set(run->err, RC_CONFLICT, "the resident has moved to another municipality since the enrolment began");
    if (rc == RC_OK)
        rc = attributes_check(&resident.attributes, run->err);
    if (rc == RC_OK)
        rc = run->peers->agree(run->peers->context, &resident, run->err);
    if (rc == RC_OK) {
        run->enrolment.attributes = resident.attributes;
        memcpy(run->enrolment.municipality, resident.municipality, sizeof run->enrolment.municipality);
        run->peers->tell(run->peers->context, "identify", "the resident is in the register");
    }
    explicit_bzero(&resident, sizeof resident);
    return rc;
}

/* The card's place in its life must be the one that the record lets expect. */
static enum rc steps_check_life(struct run *run, bool is_new)
{
    struct issuer_status status;
    enum rc rc = steps_get_status(run, &status);
    if (rc)
        return rc;
    if (status.life != APPLET_LIFE_BLANK && status.life != APPLET_LIFE_PERSONALISED && status.life != APPLET_LIFE_ACTIVE)
        return err_set(run->err, RC_STATE, "the card is blocked or at the end of its life");
    if (is_new && status.life != APPLET_LIFE_BLANK)
        return err_set(run->err, RC_CONFLICT, "the card is not blank and belongs to no enrolment of this desk");
    if (!is_new && status.life == APPLET_LIFE_BLANK && run->enrolment.step > ENROLMENT_PERSONALISE)
        return err_set(run->err, RC_CONFLICT, "the card is blank although its enrolment has gone further");
    if (!is_new && status.life == APPLET_LIFE_ACTIVE && run->enrolment.step < ENROLMENT_ACTIVATE)
        return err_set(run->err, RC_CONFLICT, "the card is active although its enrolment has not gone so far");
    return RC_OK;
}

/* A torn enrolment may go on without the signature certificate, as long as it has none; not the other way round. */
static enum rc steps_choose(struct run *run)
{
    struct enrolment *enrolment = &run->enrolment;
    if (run->settings->without_sign == enrolment->without_sign || enrolment->step == ENROLMENT_DONE)
        return RC_OK;
    if (enrolment->without_sign || enrolment->half[AUTHORITY_SIGN].cert.len)
        return err_set(run->err, RC_CONFLICT, "the enrolment %s %s a signature certificate", enrolment->request,
                       enrolment->without_sign ? "was begun without" : "has");
    enrolment->without_sign = true;
    return RC_OK;
}

/* Finds the torn enrolment of this card and person, or makes sure that neither has one. */
static enum rc steps_find(struct run *run, const char *card, bool *is_new)
{
    struct enrolment other = { 0 };
    bool is_of = false;
    enum rc rc = enrolment_find(run->book, card, &run->enrolment, run->err);
    *is_new = rc == RC_NOT_FOUND;
    if (rc == RC_OK)
        rc = enrolment_is_of(run->book, &run->enrolment, run->settings->code, &is_of, run->err);
    if (rc == RC_OK && !is_of)
        return err_set(run->err, RC_CONFLICT, "the card is another resident's enrolment %s", run->enrolment.request);
    if (rc == RC_OK && enrolment_is_abandoned(&run->enrolment))
        return err_set(run->err, RC_CONFLICT, "the enrolment %s with this card was abandoned: take another card",
                       run->enrolment.request);
    if (rc == RC_OK && run->enrolment.card_expiry != run->settings->card_expiry)
        return err_set(run->err, RC_CONFLICT, "the enrolment %s was begun with another expiry of the card",
                       run->enrolment.request);
    if (rc == RC_OK && run->enrolment.ward != run->settings->ward)
        return err_set(run->err, RC_CONFLICT, "the enrolment %s was begun %s", run->enrolment.request,
                       run->enrolment.ward ? "as a ward's" : "as nobody's ward");
    if (!*is_new)
        return rc ? rc : steps_choose(run);
    rc = enrolment_find_person(run->book, run->settings->code, &other, run->err);
    if (rc == RC_OK)
        rc = err_set(run->err, RC_CONFLICT, "the resident's enrolment %s with the card %s is not finished", other.request,
                     other.card);
    else if (rc == RC_NOT_FOUND)
        rc = RC_OK;
    enrolment_wipe(&other);
    memcpy(run->enrolment.card, card, sizeof run->enrolment.card);
    run->enrolment.card_expiry = run->settings->card_expiry;
    run->enrolment.ward = run->settings->ward;
    run->enrolment.without_sign = run->settings->without_sign;
    return rc;
}

static enum rc steps_walk(struct run *run)
{
    enum rc rc = RC_OK;
    for (enum enrolment_step step = rows[run->enrolment.step].resume; step < ENROLMENT_DONE; step++) {
        rc = enrolment_record(run->book, &run->enrolment, step, run->err);
        if (rc)
            return rc;
        steps_fault("before", step);
        rc = rows[step].run(run);
        if (rc)
            return rc;
        steps_fault("after", step);
        run->peers->tell(run->peers->context, enrolment_step_name(step), rows[step].words);
    }
    return enrolment_record(run->book, &run->enrolment, ENROLMENT_DONE, run->err);
}

static enum rc steps_open(struct run *run, bool *is_done)
{
    struct card_token_info info;
    bool is_new;
    enum rc rc = card_read_token_info(run->card, &info, run->err);
    if (rc == RC_OK && strlen(info.serial) != sizeof run->enrolment.card - 1)
        rc = err_set(run->err, RC_CARD_FOREIGN, "the card has no serial number of 16 characters");
    if (rc == RC_OK)
        rc = steps_find(run, info.serial, &is_new);
    if (rc)
        return rc;
    *is_done = !is_new && run->enrolment.step == ENROLMENT_DONE;
    if (*is_done)
        return RC_OK;
    if (is_new || run->enrolment.step < ENROLMENT_CERTIFY)
        rc = steps_identify(run);
    if (rc == RC_OK && (is_new || run->enrolment.step < ENROLMENT_LINK)) {
        rc = issuer_open(run->card, run->settings->master, &run->issuer, run->err);
        if (rc == RC_OK)
            rc = steps_check_life(run, is_new);
        if (rc == RC_OK)
            run->peers->tell(run->peers->context, "card", "the issuer's channel is open");
    }
    if (rc == RC_OK && is_new)
        rc = enrolment_begin(run->book, run->settings->code, &run->enrolment, run->err);
    return rc;
}

enum rc steps_run(struct enrolment_book *book, struct card *card, const struct peers *peers,
                  const struct steps_settings *settings, struct err *err)
{
    struct run run = { .book = book, .card = card, .peers = peers, .settings = settings, .err = err };
    bool is_done = false;
    enum rc rc = steps_open(&run, &is_done);
    if (rc == RC_OK && !is_done)
        rc = steps_walk(&run);
    if (rc == RC_OK)
        peers->tell(peers->context, "done", run.enrolment.request);
    else
        log_info("enrolment %s stopped at %s: %s", run.enrolment.request, enrolment_step_name(run.enrolment.step),
                 rc_name(rc));
    issuer_close(run.issuer);
    secret_wipe(&run.pins[0]);
    secret_wipe(&run.pins[1]);
    enrolment_wipe(&run.enrolment);
    return rc;
}
