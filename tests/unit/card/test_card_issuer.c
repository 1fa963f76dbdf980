/* test_card_issuer.c — a card's life against the software card in process: personalised through the issuer's channel, read
 * back, its PINs counted, its signatures verified by OpenSSL; and every command of it lost once, to see that nothing is
 * taken for done that is not and no try is spent twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "applet-sim/sim.h"
#include "card/card.h"
#include "card/issuer.h"
#include "newcard.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a reader in this process, which can lose the n-th command ------------------------------------------------------- */

enum loss { LOSS_NONE, LOSS_BEFORE, LOSS_ANSWER, LOSS_GONE };

struct inside {
    struct transport transport;
    struct transport_link link;
    struct sim *sim;
    unsigned sent;    /* commands since the counter was set */
    unsigned lose_at; /* counted from 1 */
    enum loss loss;
    uint8_t ins[400]; /* what was sent */
};

static struct inside inside;

static enum rc inside_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                           struct err *err)
{
    (void)transport, (void)err;
    assert_true(max > 0);
    readers[0] = (struct transport_reader) { .name = "inside", .card_present = true };
    *count = 1;
    return RC_OK;
}

static enum rc inside_connect(struct transport *transport, const char *reader, struct transport_link **link,
                              struct err *err)
{
    (void)transport, (void)err;
    assert_string_equal(reader, "inside");
    sim_power_on(inside.sim);
    *link = &inside.link;
    return RC_OK;
}

static enum rc inside_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    (void)link, (void)err;
    *was_reset = false;
    return RC_OK;
}

static void inside_end(struct transport_link *link, enum transport_disposition disposition)
{
    (void)link;
    if (disposition == TRANSPORT_UNPOWER) {
        sim_power_off(inside.sim);
        sim_power_on(inside.sim);
    }
}

static enum rc inside_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    (void)link;
    if (inside.sent < sizeof inside.ins)
        inside.ins[inside.sent] = command.data[1];
    enum loss loss = ++inside.sent == inside.lose_at ? inside.loss : LOSS_NONE;
    if (loss == LOSS_BEFORE)
        return err_set(err, RC_IO, "lost on the way there");
    size_t before = response->len;
    assert_int_equal(sim_transmit(inside.sim, command, response), RC_OK);
    if (loss == LOSS_NONE)
        return RC_OK;
    buf_truncate(response, before);
    return err_set(err, loss == LOSS_GONE ? RC_CARD_GONE : RC_IO, "lost on the way back");
}

static struct bytes inside_atr(const struct transport_link *link)
{
    (void)link;
    return sim_atr(inside.sim);
}

static void inside_close(struct transport *transport, bool forked)
{
    (void)transport, (void)forked;
}

static const struct transport_ops inside_ops = {
    .kind = "inside",
    .list = inside_list,
    .connect = inside_connect,
    .begin = inside_begin,
    .end = inside_end,
    .transmit = inside_transmit,
    .atr = inside_atr,
    .disconnect = inside_end,
    .close = inside_close,
};

static void inside_lose(unsigned at, enum loss loss)
{
    inside.sent = 0;
    inside.lose_at = at;
    inside.loss = loss;
}

/* --- a card and its issuer -------------------------------------------------------------------------------------------- */

static struct secret master;
static struct buf saved;

static enum rc save(void *context, struct bytes image)
{
    (void)context;
    buf_truncate(&saved, 0);
    return buf_append_bytes(&saved, image);
}

static void card_born(void)
{
    struct secret seal;
    const struct sim_birth birth = { .serial = "0000000000000042", .contactless = true };
    uint8_t zero[SIM_SEAL_KEY_LEN] = { 1, 2, 3 };
    assert_int_equal(secret_dup(&seal, zero, sizeof zero), RC_OK);
    assert_int_equal(secret_dup(&master, "0123456789abcdef", 16), RC_OK);
    const struct sim_config config = { .seal_key = &seal, .save = save };
    inside = (struct inside) { .transport.ops = &inside_ops, .link.ops = &inside_ops };
    assert_int_equal(sim_create(&config, &birth, &master, &inside.sim), RC_OK);
    secret_wipe(&seal);
}

static void card_died(void)
{
    sim_free(inside.sim);
    secret_wipe(&master);
    buf_wipe(&saved);
}

static enum rc present(struct card *card, enum card_pin which, const char *value, unsigned *left)
{
    struct secret pin;
    OK(secret_dup(&pin, value, strlen(value)));
    enum rc rc = card_verify_pin(card, which, &pin, left, NULL);
    secret_wipe(&pin);
    return rc;
}

/* Reads everything back as a holder would. */
static void read_back(struct card *card, const struct buf certs[4])
{
    struct card_token_info info;
    struct card_presence presence;
    struct buf der = { 0 };
    OK(card_read_token_info(card, &info, err));
    assert_int_equal(info.kind, CARD_KIND_MYNUMBER);
    OK(card_read_presence(card, &presence, err));
    assert_true(presence.auth && presence.sign);
    assert_int_equal(card_read_cert(card, CARD_CERT_SIGN, &der, NULL), RC_PIN_NEEDED);
    OK(present(card, CARD_PIN_SIGN, "aBc123", NULL));
    for (int i = 0; i < 4; i++) {
        buf_truncate(&der, 0);
        unsigned before = inside.sent;
        OK(card_read_cert(card, (enum card_cert)i, &der, err));
        assert_true(inside.sent - before <= 2);
        assert_true(bytes_equal(buf_bytes(&der), buf_bytes(&certs[i])));
    }
    buf_wipe(&der);
}

static void sign_both(struct card *card, EVP_PKEY *keys[2])
{
    struct bytes info = newcard_digest_info(), hash = newcard_hash();
    OK(present(card, CARD_PIN_AUTH, "1234", NULL));
    OK(present(card, CARD_PIN_SIGN, "ABC123", NULL));
    for (int i = 0; i < 2; i++) {
        enum card_key key = i == 0 ? CARD_KEY_AUTH : CARD_KEY_SIGN;
        struct buf signature = { 0 };
        OK(card_sign(card, key, APPLET_SCHEME_RAW, info, &signature, err));
        assert_int_equal(signature.len, 256);
        assert_true(newcard_verifies(keys[i], false, buf_bytes(&signature)));
        assert_false(newcard_verifies(keys[1 - i], false, buf_bytes(&signature)));
        buf_truncate(&signature, 0);
        OK(card_sign(card, key, APPLET_SCHEME_PSS_HASH, hash, &signature, err));
        assert_true(newcard_verifies(keys[i], true, buf_bytes(&signature)));
        signature.data[17] ^= 1;
        assert_false(newcard_verifies(keys[i], true, buf_bytes(&signature)));
        buf_wipe(&signature);
    }
}

static void count_pins(struct card *card)
{
    struct secret old, fresh;
    unsigned left = 99;
    card_end(card, TRANSPORT_UNPOWER);
    bool was_reset;
    OK(card_begin(card, &was_reset, err));
    OK(card_select_jpki(card, err));
    assert_int_equal(present(card, CARD_PIN_AUTH, "0000", &left), RC_PIN_WRONG);
    assert_int_equal(left, 2);
    OK(card_pin_tries(card, CARD_PIN_AUTH, &left, err));
    assert_int_equal(left, 2);
    assert_int_equal(present(card, CARD_PIN_AUTH, "00000", &left), RC_PIN_FORMAT);
    OK(card_pin_tries(card, CARD_PIN_AUTH, &left, err));
    assert_int_equal(left, 2);
    OK(present(card, CARD_PIN_AUTH, "1234", NULL));
    OK(card_pin_tries(card, CARD_PIN_AUTH, &left, err));
    assert_int_equal(left, 3);
    OK(secret_dup(&old, "1234", 4));
    OK(secret_dup(&fresh, "9876", 4));
    OK(card_change_pin(card, CARD_PIN_AUTH, &old, &fresh, NULL, err));
    assert_int_equal(card_change_pin(card, CARD_PIN_AUTH, &old, &fresh, &left, NULL), RC_PIN_WRONG);
    assert_int_equal(left, 2);
    OK(present(card, CARD_PIN_AUTH, "9876", NULL));
    secret_wipe(&old);
    secret_wipe(&fresh);
    for (unsigned tries = 4; tries >= 1; tries--) {
        assert_int_equal(present(card, CARD_PIN_SIGN, "WRONG1", &left), RC_PIN_WRONG);
        assert_int_equal(left, tries);
    }
    assert_int_equal(present(card, CARD_PIN_SIGN, "WRONG1", &left), RC_PIN_BLOCKED);
    assert_int_equal(left, 0);
    inside.sent = 0;
    assert_int_equal(present(card, CARD_PIN_SIGN, "ABC123", &left), RC_PIN_BLOCKED);
    assert_int_equal(inside.sent, 1); /* the counter was asked, no PIN sent */
    OK(card_pin_tries(card, CARD_PIN_SIGN, &left, err));
    assert_int_equal(left, 0);
}

static void whole_life(void **state)
{
    (void)state;
    struct card *card;
    struct issuer *issuer;
    struct issuer_status status;
    EVP_PKEY *keys[2] = { NULL, NULL };
    struct buf certs[4] = { 0 };
    struct secret other;
    card_born();
    OK(card_find(&inside.transport, &card, err));
    OK(secret_dup(&other, "0123456789abcdeF", 16));
    inside.sent = 0;
    assert_int_equal(issuer_open(card, &other, &issuer, NULL), RC_BAD_SIGNATURE);
    assert_int_equal(inside.sent, 1); /* the card did not prove itself: nothing more is said to it */
    secret_wipe(&other);
    OK(issuer_open(card, &master, &issuer, err));
    OK(issuer_get_status(issuer, &status, err));
    assert_int_equal(status.life, APPLET_LIFE_BLANK);
    assert_false(status.auth_key || status.sign_key || status.auth_cert || status.sign_cert || status.auth_pin
                 || status.sign_pin);
    EVP_PKEY *none = NULL;
    assert_int_equal(issuer_read_public_key(issuer, CARD_KEY_AUTH, &none, NULL), RC_NOT_FOUND);
    newcard_personalise(issuer, keys, certs);
    OK(issuer_get_status(issuer, &status, err));
    assert_int_equal(status.life, APPLET_LIFE_ACTIVE);
    assert_true(status.auth_key && status.sign_key && status.auth_cert && status.sign_cert && status.auth_pin
                && status.sign_pin);
    assert_int_equal(issuer_generate_key(issuer, CARD_KEY_AUTH, &none, NULL), RC_STATE);
    issuer_close(issuer);
    read_back(card, certs);
    sign_both(card, keys);
    count_pins(card);
    OK(issuer_open(card, &master, &issuer, err)); /* at the counter: a new PIN */
    newcard_put_pin(issuer, CARD_PIN_SIGN, "NEW456");
    issuer_close(issuer);
    unsigned left;
    OK(card_pin_tries(card, CARD_PIN_SIGN, &left, err));
    assert_int_equal(left, 5);
    OK(present(card, CARD_PIN_SIGN, "new456", NULL));
    card_close(card, TRANSPORT_UNPOWER);
    for (int i = 0; i < 4; i++)
        buf_wipe(&certs[i]);
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
    card_died();
}

/* A channel that lost an answer, or that a SELECT has ended, does nothing more. */
static void dead_channels(void **state)
{
    (void)state;
    struct card *card;
    struct issuer *issuer;
    struct issuer_status status;
    card_born();
    OK(card_find(&inside.transport, &card, err));
    static const struct {
        enum loss loss;
        enum rc rc;
    } rows[] = { { LOSS_BEFORE, RC_IO }, { LOSS_ANSWER, RC_IO }, { LOSS_GONE, RC_CARD_GONE } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        OK(issuer_open(card, &master, &issuer, err));
        OK(issuer_get_status(issuer, &status, err));
        inside_lose(1, rows[i].loss);
        assert_int_equal(issuer_get_status(issuer, &status, NULL), rows[i].rc);
        assert_int_equal(issuer_get_status(issuer, &status, NULL), RC_DENIED);
        assert_int_equal(inside.sent, 1);
        inside_lose(0, LOSS_NONE);
        issuer_close(issuer);
    }
    OK(issuer_open(card, &master, &issuer, err));
    OK(card_select_jpki(card, err));
    enum rc rc = issuer_get_status(issuer, &status, NULL);
    assert_true(rc == RC_DENIED || rc == RC_OK); /* selecting the same application again may leave the channel */
    issuer_close(issuer);
    for (unsigned at = 1; at <= 2; at++) { /* opening itself is lost: the next opening works */
        inside_lose(at, LOSS_ANSWER);
        assert_int_equal(issuer_open(card, &master, &issuer, NULL), RC_IO);
        inside_lose(0, LOSS_NONE);
        OK(issuer_open(card, &master, &issuer, err));
        OK(issuer_get_status(issuer, &status, err));
        issuer_close(issuer);
    }
    card_close(card, TRANSPORT_UNPOWER);
    card_died();
}

/* Each command of presenting a PIN lost in each way: never two VERIFY with a PIN, never more than one try spent. */
static void lost_tries(void **state)
{
    (void)state;
    struct card *card;
    struct issuer *issuer;
    unsigned left;
    card_born();
    OK(card_find(&inside.transport, &card, err));
    OK(issuer_open(card, &master, &issuer, err));
    newcard_put_pin(issuer, CARD_PIN_AUTH, "1234");
    newcard_put_pin(issuer, CARD_PIN_SIGN, "ABC123");
    OK(issuer_set_life(issuer, APPLET_LIFE_ACTIVE, err));
    issuer_close(issuer);
    for (enum loss loss = LOSS_BEFORE; loss <= LOSS_GONE; loss++) {
        for (unsigned at = 1; at <= 2; at++) {
            OK(present(card, CARD_PIN_AUTH, "1234", NULL)); /* full counter */
            inside_lose(at, loss);
            enum rc rc = present(card, CARD_PIN_AUTH, "4321", &left);
            assert_int_equal(rc, loss == LOSS_GONE ? RC_CARD_GONE : RC_IO);
            assert_int_equal(inside.sent, at);
            inside_lose(0, LOSS_NONE);
            OK(card_pin_tries(card, CARD_PIN_AUTH, &left, err));
            assert_int_equal(left, at == 2 && loss != LOSS_BEFORE ? 2 : 3);
        }
    }
    card_close(card, TRANSPORT_UNPOWER);
    card_died();
}

/* Each command of a change lost in each way: the old PIN or the new one is valid, never both, never neither. */
static void lost_changes(void **state)
{
    (void)state;
    struct card *card;
    struct issuer *issuer;
    struct secret pins[2];
    unsigned left;
    card_born();
    OK(card_find(&inside.transport, &card, err));
    OK(issuer_open(card, &master, &issuer, err));
    newcard_put_pin(issuer, CARD_PIN_AUTH, "1234");
    newcard_put_pin(issuer, CARD_PIN_SIGN, "ABC123");
    OK(issuer_set_life(issuer, APPLET_LIFE_ACTIVE, err));
    issuer_close(issuer);
    OK(secret_dup(&pins[0], "1234", 4));
    OK(secret_dup(&pins[1], "5678", 4));
    for (enum loss loss = LOSS_BEFORE; loss <= LOSS_GONE; loss++) {
        for (unsigned at = 1; at <= 3; at++) {
            inside_lose(at, loss);
            enum rc rc = card_change_pin(card, CARD_PIN_AUTH, &pins[0], &pins[1], NULL, NULL);
            assert_int_equal(rc, loss == LOSS_GONE ? RC_CARD_GONE : RC_IO);
            assert_int_equal(inside.sent, at);
            inside_lose(0, LOSS_NONE);
            OK(card_pin_tries(card, CARD_PIN_AUTH, &left, err));
            assert_int_equal(left, 3);
            bool changed = at == 3 && loss != LOSS_BEFORE;
            assert_int_equal(card_verify_pin(card, CARD_PIN_AUTH, &pins[0], NULL, NULL), changed ? RC_PIN_WRONG : RC_OK);
            if (changed)
                OK(card_change_pin(card, CARD_PIN_AUTH, &pins[1], &pins[0], NULL, err));
        }
    }
    secret_wipe(&pins[0]);
    secret_wipe(&pins[1]);
    card_close(card, TRANSPORT_UNPOWER);
    card_died();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_life),
        cmocka_unit_test(dead_channels),
        cmocka_unit_test(lost_tries),
        cmocka_unit_test(lost_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
