/* test_judge.c — the verdict table: one flaw a row, and every combination of part results against a second, simpler
 * statement of the rule: VALID only when every part said so. */
#include "verify/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1000000
#define BEFORE (NOW - 5000) /* the certificate's first second */
#define AFTER (NOW + 5000)  /* its last */

static struct evidence all_good(void)
{
    return (struct evidence) {
        .at = NOW,
        .signature = { .state = SIGNATURE_GOOD },
        .path = { .state = PATH_GOOD, .not_before = BEFORE, .not_after = AFTER, .anchor_not_before = BEFORE - 9000,
                  .anchor_not_after = AFTER + 9000 },
        .status = { .state = STATUS_GOOD, .this_update = NOW - 100, .next_update = NOW + 100 },
        .registry = { .state = REGISTRY_ANSWERED, .confirmation = { CONFIRM_CURRENT, 0, NOW, "national" } },
    };
}

static void revoke(struct evidence *e, int64_t at, int reason)
{
    e->status.state = STATUS_REVOKED;
    e->status.revoked_at = at;
    e->status.reason_code = reason;
}

static void stamp(struct evidence *e, int64_t at)
{
    e->timestamp.state = TIMESTAMP_GOOD;
    e->timestamp.time = at;
}

static void change(struct evidence *e, enum confirm_status status, int64_t since)
{
    e->registry.confirmation.status = status;
    e->registry.confirmation.since = since;
}

static void f_none(struct evidence *e) { (void)e; }
static void f_zero(struct evidence *e) { memset(e, 0, sizeof *e); }
static void f_malformed(struct evidence *e) { e->signature.state = SIGNATURE_MALFORMED; }
static void f_hash(struct evidence *e) { e->signature.state = SIGNATURE_HASH_WRONG; }
static void f_crypto(struct evidence *e) { e->signature.state = SIGNATURE_CRYPTO_WRONG; }
static void f_weak(struct evidence *e) { e->signature.state = SIGNATURE_WEAK; }
static void f_shape(struct evidence *e) { e->signature.state = SIGNATURE_NOT_ALLOWED; }
static void f_no_cert(struct evidence *e) { e->signature.state = SIGNATURE_NO_CERTIFICATE; }
static void f_no_content(struct evidence *e) { e->signature.state = SIGNATURE_NO_CONTENT; }
static void f_unchecked(struct evidence *e) { e->signature.state = SIGNATURE_NOT_CHECKED; }
static void f_sig_unknown(struct evidence *e) { e->signature.state = (enum signature_state)77; }
static void f_no_path(struct evidence *e) { e->path.state = PATH_NOT_CHECKED; }
static void f_no_anchor(struct evidence *e) { e->path.state = PATH_NO_ANCHOR; }
static void f_purpose(struct evidence *e) { e->path.state = PATH_PURPOSE_WRONG; }
static void f_policy(struct evidence *e) { e->path.state = PATH_POLICY_WRONG; }
static void f_path_weak(struct evidence *e) { e->path.state = PATH_WEAK; }
static void f_broken(struct evidence *e) { e->path.state = PATH_BROKEN; }
static void f_anchor_old(struct evidence *e) { e->path.anchor_not_after = NOW - 1; }
static void f_anchor_new(struct evidence *e) { e->path.anchor_not_before = NOW + 1; }
static void f_first_second(struct evidence *e) { e->path.not_before = NOW; }
static void f_too_early(struct evidence *e) { e->path.not_before = NOW + 1; }
static void f_last_second(struct evidence *e) { e->path.not_after = NOW; }
static void f_expired(struct evidence *e) { e->path.not_after = NOW - 1; }
static void f_expired_no_list(struct evidence *e)
{
    f_expired(e);
    e->status.state = STATUS_UNAVAILABLE;
}
static void f_expired_stamped(struct evidence *e)
{
    f_expired(e);
    stamp(e, NOW - 2);
}
static void f_expired_stamped_list_late(struct evidence *e)
{
    f_expired_stamped(e);
    e->status.this_update = NOW;
}
static void f_kept(struct evidence *e)
{
    f_expired_stamped(e);
    e->status.this_update = NOW - 2;
    e->status.kept = true;
}
static void f_kept_unstamped(struct evidence *e)
{
    e->status.kept = true;
}
static void f_kept_revoked_before(struct evidence *e)
{
    f_kept(e);
    revoke(e, NOW - 3, 4);
}
static void f_expired_stamped_late(struct evidence *e)
{
    f_expired(e);
    stamp(e, NOW);
}
static void f_expired_revoked(struct evidence *e)
{
    f_expired(e);
    revoke(e, NOW - 10, 3);
}
static void f_stamp_too_early(struct evidence *e) { stamp(e, BEFORE - 1); }
static void f_stamp_future(struct evidence *e) { stamp(e, NOW + 1); }
static void f_stamp_bad(struct evidence *e) { e->timestamp.state = TIMESTAMP_BAD; }
static void f_stamp_good(struct evidence *e) { stamp(e, NOW - 50); }
static void f_revoked(struct evidence *e) { revoke(e, NOW - 10, 3); }
static void f_revoked_no_reason(struct evidence *e) { revoke(e, NOW - 10, -1); }
static void f_hold(struct evidence *e) { revoke(e, NOW - 10, 6); }
static void f_revoked_future(struct evidence *e) { revoke(e, NOW + 10, 3); }
static void f_stamped_then_revoked(struct evidence *e)
{
    stamp(e, NOW - 50);
    revoke(e, NOW - 49, 3);
}
static void f_revoked_then_stamped(struct evidence *e)
{
    stamp(e, NOW - 50);
    revoke(e, NOW - 50, 3);
}
static void f_invalid_then_stamped(struct evidence *e)
{
    f_stamped_then_revoked(e);
    e->status.invalid_since = NOW - 60;
}
static void f_invalid_date_later(struct evidence *e)
{
    f_revoked_then_stamped(e);
    e->status.invalid_since = NOW - 20; /* a later invalidity date does not soften the revocation date */
}
static void f_authority_compromised(struct evidence *e)
{
    stamp(e, NOW - 50);
    revoke(e, NOW - 10, 2);
}
static void f_revoked_stamp_bad(struct evidence *e)
{
    f_revoked(e);
    f_stamp_bad(e);
}
static void f_no_list(struct evidence *e) { e->status.state = STATUS_UNAVAILABLE; }
static void f_old_list(struct evidence *e) { e->status.state = STATUS_NOT_IN_FORCE; }
static void f_foreign_list(struct evidence *e) { e->status.state = STATUS_NOT_TRUSTED; }
static void f_status_unchecked(struct evidence *e) { e->status.state = STATUS_NOT_CHECKED; }
static void f_status_unknown(struct evidence *e) { e->status.state = (enum status_state)9; }
static void f_not_asked(struct evidence *e) { memset(&e->registry, 0, sizeof e->registry); }
static void f_waived(struct evidence *e)
{
    f_not_asked(e);
    e->registry.state = REGISTRY_WAIVED;
}
static void f_unreachable(struct evidence *e)
{
    f_not_asked(e);
    e->registry.state = REGISTRY_UNREACHABLE;
}
static void f_answer_empty(struct evidence *e) { change(e, CONFIRM_NOT_ASKED, 0); }
static void f_unknown(struct evidence *e) { change(e, CONFIRM_UNKNOWN, 0); }
static void f_changed(struct evidence *e) { change(e, CONFIRM_CHANGED, NOW - 10); }
static void f_removed(struct evidence *e) { change(e, CONFIRM_REMOVED, NOW - 10); }
static void f_confirm_beyond(struct evidence *e) { change(e, (enum confirm_status)42, NOW); }
static void f_stamped_then_changed(struct evidence *e)
{
    stamp(e, NOW - 50);
    change(e, CONFIRM_CHANGED, NOW - 49);
}
static void f_changed_then_stamped(struct evidence *e)
{
    stamp(e, NOW - 50);
    change(e, CONFIRM_CHANGED, NOW - 50);
}
static void f_stamped_then_removed(struct evidence *e)
{
    stamp(e, NOW - 50);
    change(e, CONFIRM_REMOVED, NOW - 49);
}
static void f_changed_without_since(struct evidence *e)
{
    stamp(e, NOW - 50);
    change(e, CONFIRM_CHANGED, 0);
}
static void f_stamped_revoked_and_changed_between(struct evidence *e)
{
    f_stamped_then_revoked(e);
    change(e, CONFIRM_CHANGED, NOW - 60); /* the registry knew before the time-stamp, the list only after it */
}
static void f_stamped_then_revoked_and_changed(struct evidence *e)
{
    f_stamped_then_revoked(e);
    change(e, CONFIRM_CHANGED, NOW - 49);
}
static void f_answer_old(struct evidence *e) { e->registry.confirmation.as_of = NOW - JUDGE_REGISTRY_AGE - 1; }
static void f_answer_aged(struct evidence *e) { e->registry.confirmation.as_of = NOW - JUDGE_REGISTRY_AGE; }
static void f_hash_and_revoked(struct evidence *e)
{
    f_hash(e);
    f_revoked(e);
}

#define PASSED INDICATION_TOTAL_PASSED
#define FAILED INDICATION_TOTAL_FAILED
#define OPEN INDICATION_INDETERMINATE

static const struct {
    const char *flaw;
    void (*make)(struct evidence *);
    enum indication indication;
    enum sub_indication sub;
    enum verdict_word word, today;
} rows[] = {
    { "no flaw", f_none, PASSED, SUB_NONE, WORD_VALID, WORD_VALID },
    { "everything forgotten", f_zero, OPEN, SUB_SIGNED_DATA_NOT_FOUND, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "not a signature", f_malformed, FAILED, SUB_FORMAT_FAILURE, WORD_INVALID, WORD_INVALID },
    { "other content", f_hash, FAILED, SUB_HASH_FAILURE, WORD_INVALID, WORD_INVALID },
    { "other key", f_crypto, FAILED, SUB_SIG_CRYPTO_FAILURE, WORD_INVALID, WORD_INVALID },
    { "weak algorithm", f_weak, OPEN, SUB_CRYPTO_CONSTRAINTS_FAILURE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "refused shape", f_shape, OPEN, SUB_SIG_CONSTRAINTS_FAILURE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "no certificate", f_no_cert, OPEN, SUB_NO_SIGNING_CERTIFICATE_FOUND, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "no content", f_no_content, OPEN, SUB_SIGNED_DATA_NOT_FOUND, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "signature forgotten", f_unchecked, OPEN, SUB_SIGNED_DATA_NOT_FOUND, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "a state that nobody knows", f_sig_unknown, OPEN, SUB_SIGNED_DATA_NOT_FOUND, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "other content and revoked", f_hash_and_revoked, FAILED, SUB_HASH_FAILURE, WORD_INVALID, WORD_INVALID },
    { "path forgotten", f_no_path, OPEN, SUB_NO_CERTIFICATE_CHAIN_FOUND, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "no anchor", f_no_anchor, OPEN, SUB_NO_CERTIFICATE_CHAIN_FOUND, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "authentication certificate", f_purpose, OPEN, SUB_CHAIN_CONSTRAINTS_FAILURE, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "other policy", f_policy, OPEN, SUB_CHAIN_CONSTRAINTS_FAILURE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "weak certificate", f_path_weak, OPEN, SUB_CRYPTO_CONSTRAINTS_FAILURE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "broken path", f_broken, OPEN, SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "anchor expired", f_anchor_old, OPEN, SUB_NO_CERTIFICATE_CHAIN_FOUND_NO_POE, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "anchor not yet valid", f_anchor_new, OPEN, SUB_NO_CERTIFICATE_CHAIN_FOUND_NO_POE, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "the first second", f_first_second, PASSED, SUB_NONE, WORD_VALID, WORD_VALID },
    { "a second too early", f_too_early, FAILED, SUB_NOT_YET_VALID, WORD_INVALID, WORD_INVALID },
    { "the last second", f_last_second, PASSED, SUB_NONE, WORD_VALID, WORD_VALID },
    { "expired", f_expired, OPEN, SUB_OUT_OF_BOUNDS_NOT_REVOKED, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "expired, no list", f_expired_no_list, OPEN, SUB_OUT_OF_BOUNDS_NO_POE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "stamped, then expired", f_expired_stamped, PASSED, SUB_NONE, WORD_VALID, WORD_INDETERMINATE },
    { "stamped, then expired, a kept list good", f_kept, PASSED, SUB_NONE, WORD_VALID, WORD_INDETERMINATE },
    { "a kept list without a stamp", f_kept_unstamped, OPEN, SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "revoked before the stamp, by a kept list", f_kept_revoked_before, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "stamped, then expired, list younger still", f_expired_stamped_list_late, OPEN,
      SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "expired, then stamped", f_expired_stamped_late, OPEN, SUB_OUT_OF_BOUNDS_NOT_REVOKED, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "expired and revoked", f_expired_revoked, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "stamped before the certificate was", f_stamp_too_early, FAILED, SUB_NOT_YET_VALID, WORD_INVALID, WORD_VALID },
    { "stamp of the future", f_stamp_future, OPEN, SUB_TIMESTAMP_ORDER_FAILURE, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "bad stamp", f_stamp_bad, OPEN, SUB_SIG_CONSTRAINTS_FAILURE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "good stamp", f_stamp_good, PASSED, SUB_NONE, WORD_VALID, WORD_VALID },
    { "revoked", f_revoked, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "revoked without a reason", f_revoked_no_reason, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "on hold", f_hold, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "revoked in the future", f_revoked_future, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "stamped, then revoked", f_stamped_then_revoked, PASSED, SUB_NONE, WORD_VALID, WORD_REVOKED },
    { "stamped in the second of the revocation", f_revoked_then_stamped, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED,
      WORD_REVOKED },
    { "stamped after the invalidity date", f_invalid_then_stamped, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED,
      WORD_REVOKED },
    { "invalidity date after the revocation", f_invalid_date_later, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED,
      WORD_REVOKED },
    { "authority compromised", f_authority_compromised, OPEN, SUB_REVOKED_CA_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "bad stamp, revoked", f_revoked_stamp_bad, OPEN, SUB_REVOKED_NO_POE, WORD_REVOKED, WORD_REVOKED },
    { "no list", f_no_list, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "list of another time", f_old_list, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "list of another issuer", f_foreign_list, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "status forgotten", f_status_unchecked, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "a status that nobody knows", f_status_unknown, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "registry forgotten", f_not_asked, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "registry waived", f_waived, PASSED, SUB_NONE, WORD_VALID, WORD_VALID },
    { "registry unreachable", f_unreachable, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "an answer without content", f_answer_empty, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "an answer that nobody knows", f_confirm_beyond, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "unknown to the registry", f_unknown, OPEN, SUB_CHAIN_CONSTRAINTS_FAILURE, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "changed", f_changed, OPEN, SUB_NO_POE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "removed", f_removed, OPEN, SUB_NO_POE, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "stamped, then changed", f_stamped_then_changed, PASSED, SUB_NONE, WORD_VALID, WORD_INDETERMINATE },
    { "stamped in the second of the change", f_changed_then_stamped, OPEN, SUB_NO_POE, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "stamped, then removed", f_stamped_then_removed, PASSED, SUB_NONE, WORD_VALID, WORD_INDETERMINATE },
    { "changed, no word since when", f_changed_without_since, OPEN, SUB_NO_POE, WORD_INDETERMINATE,
      WORD_INDETERMINATE },
    { "changed, stamped, revoked", f_stamped_revoked_and_changed_between, OPEN, SUB_NO_POE, WORD_INDETERMINATE,
      WORD_REVOKED },
    { "stamped, changed and revoked", f_stamped_then_revoked_and_changed, PASSED, SUB_NONE, WORD_VALID, WORD_REVOKED },
    { "the registry's answer is old", f_answer_old, OPEN, SUB_TRY_LATER, WORD_INDETERMINATE, WORD_INDETERMINATE },
    { "the registry's answer is just young enough", f_answer_aged, PASSED, SUB_NONE, WORD_VALID, WORD_VALID },
};

static void each_flaw_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct evidence evidence = all_good();
        struct verdict verdict;
        memset(&verdict, 0xFF, sizeof verdict);
        rows[i].make(&evidence);
        judge(&evidence, &verdict);
        if (verdict.indication != rows[i].indication || verdict.sub != rows[i].sub || verdict.word != rows[i].word ||
            verdict.today_word != rows[i].today)
            fail_msg("%s: %s %s/%s today %s", rows[i].flaw, verdict_word_name(verdict.word),
                     indication_name(verdict.indication), sub_indication_name(verdict.sub),
                     verdict_word_name(verdict.today_word));
        assert_true(indication_allows(verdict.indication, verdict.sub));
        assert_non_null(verdict.reason);
        assert_non_null(verdict.today_reason);
    }
}

/* The rule, said a second time and simply: nothing here is taken from judge.c. */
static bool may_be_valid(const struct evidence *e)
{
    bool stamped = e->timestamp.state == TIMESTAMP_GOOD;
    int64_t when = stamped ? e->timestamp.time : e->at;
    const struct confirmation *c = &e->registry.confirmation;
    bool not_revoked = e->status.state == STATUS_GOOD ||
                       (e->status.state == STATUS_REVOKED && stamped && when < e->status.revoked_at);
    bool registered = e->registry.state == REGISTRY_WAIVED ||
                      (e->registry.state == REGISTRY_ANSWERED &&
                       (c->status == CONFIRM_CURRENT ||
                        ((c->status == CONFIRM_CHANGED || c->status == CONFIRM_REMOVED) && stamped && when < c->since)));
    bool in_time = when >= e->path.not_before && when <= e->path.not_after && when <= e->at;
    return e->signature.state == SIGNATURE_GOOD && e->path.state == PATH_GOOD && in_time && not_revoked && registered &&
           e->timestamp.state != TIMESTAMP_BAD;
}

static unsigned combined, combined_valid;

static void check_combination(const struct evidence *e)
{
    struct verdict v;
    judge(e, &v);
    combined++;
    combined_valid += v.word == WORD_VALID;
    assert_int_equal(v.word == WORD_VALID, may_be_valid(e));
    assert_int_equal(v.indication == INDICATION_TOTAL_PASSED, v.word == WORD_VALID);
    assert_true(indication_allows(v.indication, v.sub));
    assert_true(indication_allows(v.today, v.today_sub));
    assert_true(v.word != WORD_REVOKED || e->status.state == STATUS_REVOKED);
    if (e->timestamp.state == TIMESTAMP_NONE)
        assert_true(v.today_word == v.word && v.today_sub == v.sub);
}

static void check_registry_and_time(struct evidence e)
{
    static const int64_t times[] = { BEFORE - 1, NOW - 100, NOW - 50, NOW - 20, NOW, NOW + 1 };
    for (int registry = 0; registry <= REGISTRY_STATE_COUNT; registry++)
        for (int confirm = 0; confirm <= CONFIRM_REMOVED + 1; confirm++)
            for (int stamped = 0; stamped <= TIMESTAMP_STATE_COUNT - 1; stamped++)
                for (unsigned t = 0; t < sizeof times / sizeof *times; t++) {
                    if (stamped != TIMESTAMP_GOOD && t)
                        continue;
                    e.registry.state = (enum registry_state)registry;
                    e.registry.confirmation = (struct confirmation) { (enum confirm_status)confirm, NOW - 50, NOW, "" };
                    e.timestamp.state = (enum timestamp_state)stamped;
                    e.timestamp.time = times[t];
                    check_combination(&e);
                }
}

static void valid_only_when_every_part_said_so(void **state)
{
    (void)state;
    static const struct {
        int64_t from, to;
    } lives[] = { { BEFORE, AFTER }, { BEFORE, NOW - 30 }, { NOW + 5, AFTER } };
    for (int signature = 0; signature <= SIGNATURE_STATE_COUNT; signature++)
        for (int path = 0; path <= PATH_STATE_COUNT; path++)
            for (int status = 0; status <= STATUS_STATE_COUNT; status++)
                for (unsigned life = 0; life < 3; life++) {
                    struct evidence e = all_good();
                    e.signature.state = (enum signature_state)signature;
                    e.path.state = (enum path_state)path;
                    e.status.state = (enum status_state)status;
                    e.status.revoked_at = NOW - 20;
                    e.path.not_before = lives[life].from;
                    e.path.not_after = lives[life].to;
                    check_registry_and_time(e);
                }
    assert_true(combined > 100000);
    assert_true(combined_valid > 10);
    print_message("%u combinations, %u of them VALID\n", combined, combined_valid);
}

static void every_value_has_its_own_name(void **state)
{
    (void)state;
    for (int a = 0; a < SUB_COUNT; a++) {
        assert_non_null(sub_indication_name((enum sub_indication)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(sub_indication_name((enum sub_indication)a),
                                    sub_indication_name((enum sub_indication)b));
    }
    for (int a = 0; a < WORD_COUNT; a++)
        assert_true(strlen(verdict_word_name((enum verdict_word)a)) > 3);
    assert_string_equal(verdict_word_name((enum verdict_word)0), "INDETERMINATE");
    assert_string_equal(indication_name((enum indication)0), "INDETERMINATE");
    assert_string_equal(crl_reason_name(3), "affiliationChanged");
    assert_string_equal(crl_reason_name(6), "certificateHold");
    assert_string_equal(crl_reason_name(-1), "unspecified");
    assert_string_equal(crl_reason_name(11), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flaw_has_its_verdict),
        cmocka_unit_test(valid_only_when_every_part_said_so),
        cmocka_unit_test(every_value_has_its_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
