/* test_pkcs11_pinpolicy.c — every state that one card and three processes of a user can reach, by logins, signatures, logouts,
 * changes of the PIN and answers that are lost: the module's own policy decides, the model is the card. At each PIN that is sent
 * the invariants of docs/PINSAFETY.md are asked. */
#include "pkcs11/pinpolicy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PINS 3       /* values in the world; one of them is the card's */
#define TRIES_MAX 3
#define PROCESSES 3
#define NOBODY 3     /* no PIN */

/* One state of the world, in 64 bits. What processes know stands beside what is true. */
struct world {
    uint8_t pin, tries;         /* the card's */
    uint8_t truly_refused;      /* bits: values refused since the last success or change */
    uint8_t remembered[PINS];   /* shared: tries left by a refusal, +1; 0: none */
    uint8_t told;               /* shared */
    uint8_t login[PROCESSES];   /* the PIN that was accepted, or NOBODY */
    uint8_t disturbed;          /* bits: processes for which the generation has moved on */
};

static uint64_t pack(const struct world *w)
{
    uint64_t key = w->pin | (uint64_t)w->tries << 2 | (uint64_t)w->truly_refused << 4 | (uint64_t)w->told << 7
        | (uint64_t)w->disturbed << 8;
    for (int i = 0; i < PINS; i++)
        key |= (uint64_t)w->remembered[i] << (11 + 3 * i);
    for (int i = 0; i < PROCESSES; i++)
        key |= (uint64_t)w->login[i] << (20 + 2 * i);
    return key;
}

#define KEYS (1u << 26)
#define QUEUE (1u << 20)
static uint8_t *seen;
static struct world *queue;
static size_t first, last;
static unsigned long sends, refusals_spared, last_tries_kept;

static void reach(const struct world *w)
{
    uint64_t key = pack(w);
    assert_true(key < KEYS);
    if (seen[key / 8] & 1u << key % 8)
        return;
    seen[key / 8] |= (uint8_t)(1u << key % 8);
    assert_true(last < QUEUE);
    queue[last++] = *w;
}

static void disturb_all(struct world *w)
{
    w->disturbed = (1u << PROCESSES) - 1;
}

/* The card takes a PIN, and all that it and everybody remembers changes. answered: the process heard it. */
static bool present(struct world *w, int process, int value, bool answered)
{
    sends++;
    if (value == w->pin) {
        w->tries = TRIES_MAX;
        w->truly_refused = 0;
        if (answered) {
            memset(w->remembered, 0, sizeof w->remembered);
            w->told = 0;
            w->disturbed &= (uint8_t)~(1u << process);
        }
        return true;
    }
    w->tries--;
    w->truly_refused |= (uint8_t)(1u << value);
    w->remembered[value] = (uint8_t)(w->tries + 1); /* heard; or read from the counter afterwards (resolve) */
    disturb_all(w);
    return false;
}

/* What the module does with a PIN: token_pin.c's loop around the policy. Returns whether it may be sent. */
static bool may_send(struct world *w, int process, int value, bool again, bool formed)
{
    struct pin_view view = { .formed = formed, .again = again, .undisturbed = !(w->disturbed & 1u << process), .careful = true };
    for (int turn = 0; turn < 4; turn++) {
        for (int i = 0; i < PINS; i++)
            view.remembers = view.remembers || w->remembered[i];
        view.remembers = view.remembers || w->told;
        switch (pinpolicy_decide(&view)) {
        case PIN_SEND:
            assert_true(formed);
            assert_true(view.counted || (again && view.undisturbed)); /* never with an unknown counter */
            return true;
        case PIN_COUNT:
            view.counted = true;
            view.tries = w->tries;
            break;
        case PIN_IDENTIFY:
            view.identified = true;
            view.refused = w->remembered[value] != 0;
            view.refused_tries = view.refused ? w->remembered[value] - 1u : 0;
            view.told = w->told;
            break;
        case PIN_SAY_MISFORMED:
            assert_false(formed);
            return false;
        case PIN_SAY_WRONG:
            refusals_spared++;
            return false;
        case PIN_SAY_BLOCKED:
            assert_int_equal(w->tries, 0);
            return false;
        case PIN_SAY_LAST:
            last_tries_kept++;
            assert_int_equal(w->tries, 1);
            w->told = 1;
            return false;
        }
    }
    fail_msg("the policy does not come to an end");
    return false;
}

static void log_in(const struct world *from, int process, int value, bool answered)
{
    struct world w = *from;
    bool was_told = w.told;
    if (w.login[process] != NOBODY)
        return;
    if (may_send(&w, process, value, false, true)) {
        assert_false(w.truly_refused & 1u << value);     /* never what it refused since its last success */
        assert_true(w.tries > 1 || (w.tries == 1 && was_told)); /* the last only for who asks again */
        if (present(&w, process, value, answered) && answered)
            w.login[process] = (uint8_t)value;
    }
    reach(&w);
}

static void sign(const struct world *from, int process)
{
    struct world w = *from;
    int value = w.login[process];
    if (value == NOBODY)
        return;
    bool was_told = w.told;
    if (may_send(&w, process, value, true, true)) {
        assert_false(w.truly_refused & 1u << value);
        assert_true(w.tries > 1 || was_told || value == w.pin); /* the right PIN spends nothing */
        if (!present(&w, process, value, true))
            w.login[process] = NOBODY;
    } else {
        w.login[process] = NOBODY;
    }
    reach(&w);
}

static void change(const struct world *from, int process, int old, int fresh, bool answered)
{
    struct world w = *from;
    bool was_told = w.told;
    if (!may_send(&w, process, old, false, true)) {
        reach(&w);
        return;
    }
    assert_false(w.truly_refused & 1u << old);
    assert_true(w.tries > 1 || (w.tries == 1 && was_told));
    disturb_all(&w);
    if (present(&w, process, old, true)) {
        w.pin = (uint8_t)fresh;
        w.truly_refused = 0;
        disturb_all(&w);
        w.login[process] = answered ? (uint8_t)fresh : NOBODY;
        if (answered)
            w.disturbed &= (uint8_t)~(1u << process);
    }
    reach(&w);
}

static void every_reachable_state_is_safe(void **state)
{
    (void)state;
    struct world begin = { .pin = 0, .tries = TRIES_MAX, .login = { NOBODY, NOBODY, NOBODY } };
    seen = calloc(KEYS / 8, 1);
    queue = calloc(QUEUE, sizeof *queue);
    assert_true(seen && queue);
    reach(&begin);
    while (first < last) {
        struct world w = queue[first++];
        for (int process = 0; process < PROCESSES; process++) {
            struct world out = w;
            out.login[process] = NOBODY; /* logout, removal, death */
            reach(&out);
            sign(&w, process);
            for (int value = 0; value < PINS; value++) {
                log_in(&w, process, value, true);
                log_in(&w, process, value, false);
                for (int fresh = 0; fresh < PINS; fresh++) {
                    change(&w, process, value, fresh, true);
                    change(&w, process, value, fresh, false);
                }
            }
        }
    }
    print_message("# %zu states, %lu PINs sent, %lu not sent again, %lu last tries kept\n", last, sends, refusals_spared,
                  last_tries_kept);
    assert_true(last > 1000 && refusals_spared && last_tries_kept);
    free(seen);
    free(queue);
}

/* The function itself over all that it can be asked. */
static void the_policy_over_every_view(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        for (unsigned tries = 0; tries <= 5; tries++) {
            for (unsigned then = 0; then <= 5; then++) {
                const struct pin_view v = { bits & 1, bits & 2, bits & 4, bits & 8, tries, bits & 16, bits & 32, bits & 64, then,
                                            bits & 128, bits & 256 };
                enum pin_step step = pinpolicy_decide(&v);
                if (step != PIN_SEND)
                    continue;
                assert_true(v.formed);
                if (v.again && v.undisturbed)
                    continue;
                assert_true(v.counted && v.tries > 0);
                assert_true(!v.remembers || v.identified);
                assert_false(v.remembers && v.refused && v.tries <= v.refused_tries);
                assert_false(v.careful && v.tries == 1 && !v.told);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reachable_state_is_safe),
        cmocka_unit_test(the_policy_over_every_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
