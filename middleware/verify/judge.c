/* judge.c — the verdict. Each part has one function that either decides or lets pass; a list gives their order. It lives
 * apart from whatever gathers the evidence, so that a table can go through every combination. A part lets pass only on the
 * one value that says "good": all others, known and unknown, decide. */
#include "verify/judge.h"

struct judging {
    const struct evidence *evidence;
    bool proven;  /* a time-stamp is believed */
    int64_t best; /* the best signature time (§5.5.4): the time-stamp's or the time of validation */
};

static bool decide(struct verdict *verdict, enum indication indication, enum sub_indication sub, const char *reason,
                   const char *otherwise)
{
    verdict->indication = indication;
    verdict->sub = sub;
    verdict->word = indication == INDICATION_TOTAL_FAILED ? WORD_INVALID : WORD_INDETERMINATE;
    verdict->reason = reason && reason[0] ? reason : otherwise;
    return true;
}

static bool judge_signature(const struct judging *on, struct verdict *verdict)
{
    const struct evidence_signature *s = &on->evidence->signature;
    switch (s->state) {
    case SIGNATURE_GOOD:
        return false;
    case SIGNATURE_MALFORMED:
        return decide(verdict, INDICATION_TOTAL_FAILED, SUB_FORMAT_FAILURE, s->reason, "this is not a signature");
    case SIGNATURE_HASH_WRONG:
        return decide(verdict, INDICATION_TOTAL_FAILED, SUB_HASH_FAILURE, s->reason,
                      "the content is not the one that was signed");
    case SIGNATURE_CRYPTO_WRONG:
        return decide(verdict, INDICATION_TOTAL_FAILED, SUB_SIG_CRYPTO_FAILURE, s->reason,
                      "the signature is not the one of the certificate's key");
    case SIGNATURE_WEAK:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_CRYPTO_CONSTRAINTS_FAILURE, s->reason,
                      "an algorithm or key size is not accepted");
    case SIGNATURE_NOT_ALLOWED:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_SIG_CONSTRAINTS_FAILURE, s->reason,
                      "a signature of this shape is not accepted");
    case SIGNATURE_NO_CERTIFICATE:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_NO_SIGNING_CERTIFICATE_FOUND, s->reason,
                      "the signer's certificate is not in the signature");
    case SIGNATURE_NO_CONTENT:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_SIGNED_DATA_NOT_FOUND, s->reason,
                      "what was signed is not there");
    case SIGNATURE_NOT_CHECKED:
    case SIGNATURE_STATE_COUNT:
        break;
    }
    return decide(verdict, INDICATION_INDETERMINATE, SUB_SIGNED_DATA_NOT_FOUND, NULL, "the signature was not checked");
}

/* A time-stamp that was handed in and proves nothing is told, not passed over: whoever gave it counts on it. */
static bool judge_timestamp(const struct judging *on, struct verdict *verdict)
{
    const struct evidence_timestamp *t = &on->evidence->timestamp;
    switch (t->state) {
    case TIMESTAMP_NONE:
        return false;
    case TIMESTAMP_GOOD:
        if (t->time <= on->evidence->at)
            return false;
        return decide(verdict, INDICATION_INDETERMINATE, SUB_TIMESTAMP_ORDER_FAILURE, NULL,
                      "the time-stamp is later than the time of validation");
    case TIMESTAMP_BAD:
    case TIMESTAMP_STATE_COUNT:
        break;
    }
    return decide(verdict, INDICATION_INDETERMINATE, SUB_SIG_CONSTRAINTS_FAILURE, t->reason,
                  "the time-stamp proves nothing");
}

static bool judge_path(const struct judging *on, struct verdict *verdict)
{
    const struct evidence_path *p = &on->evidence->path;
    switch (p->state) {
    case PATH_GOOD:
        if (on->best >= p->anchor_not_before && on->best <= p->anchor_not_after)
            return false;
        return decide(verdict, INDICATION_INDETERMINATE, SUB_NO_CERTIFICATE_CHAIN_FOUND_NO_POE, NULL,
                      "the trust anchor is outside its validity");
    case PATH_NO_ANCHOR:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_NO_CERTIFICATE_CHAIN_FOUND, p->reason,
                      "no trust anchor signed the certificate");
    case PATH_PURPOSE_WRONG:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_CHAIN_CONSTRAINTS_FAILURE, p->reason,
                      "the certificate is not one for signing documents");
    case PATH_POLICY_WRONG:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_CHAIN_CONSTRAINTS_FAILURE, p->reason,
                      "the certificate was issued under another policy");
    case PATH_WEAK:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_CRYPTO_CONSTRAINTS_FAILURE, p->reason,
                      "an algorithm or key size in the certificates is not accepted");
    case PATH_BROKEN:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE, p->reason,
                      "the certificate breaks a rule of RFC 5280");
    case PATH_NOT_CHECKED:
    case PATH_STATE_COUNT:
        break;
    }
    return decide(verdict, INDICATION_INDETERMINATE, SUB_NO_CERTIFICATE_CHAIN_FOUND, NULL,
                  "the certificate's path was not checked");
}

/* Revocation comes before expiry: of a certificate that is both, the revocation is what people must know. */
static bool judge_revoked(const struct judging *on, struct verdict *verdict)
{
    const struct evidence_status *s = &on->evidence->status;
    if (s->state != STATUS_REVOKED)
        return false;
    int64_t since = s->invalid_since && s->invalid_since < s->revoked_at ? s->invalid_since : s->revoked_at;
    bool of_authority = s->reason_code == 2; /* cACompromise: the certificate itself may be forged, whenever signed */
    if (on->proven && on->best < since && !of_authority)
        return false;
    decide(verdict, INDICATION_INDETERMINATE, of_authority ? SUB_REVOKED_CA_NO_POE : SUB_REVOKED_NO_POE, NULL,
           on->proven ? "the certificate was revoked before the time-stamp"
                      : "the certificate is revoked and nothing proves that the signature is older");
    verdict->word = WORD_REVOKED;
    return true;
}

static bool judge_validity(const struct judging *on, struct verdict *verdict)
{
    const struct evidence_path *p = &on->evidence->path;
    if (on->best < p->not_before)
        return decide(verdict, INDICATION_TOTAL_FAILED, SUB_NOT_YET_VALID, NULL,
                      "the signature is older than its certificate");
    if (on->best <= p->not_after)
        return false;
    if (on->evidence->status.state == STATUS_GOOD)
        return decide(verdict, INDICATION_INDETERMINATE, SUB_OUT_OF_BOUNDS_NOT_REVOKED, NULL,
                      "the certificate has expired and nothing proves that the signature is older");
    return decide(verdict, INDICATION_INDETERMINATE, SUB_OUT_OF_BOUNDS_NO_POE, NULL,
                  "the certificate has expired and nothing proves that the signature is older");
}

static bool judge_status(const struct judging *on, struct verdict *verdict)
{
    const struct evidence_status *s = &on->evidence->status;
    switch (s->state) {
    case STATUS_GOOD:
        if (s->kept && !on->proven)
            return decide(verdict, INDICATION_INDETERMINATE, SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE, NULL,
                          "a list that was kept says nothing about today");
        if (s->this_update <= on->evidence->path.not_after)
            return false;
        /* Entries leave the lists when their certificates expire: a later list's silence means nothing. */
        return decide(verdict, INDICATION_INDETERMINATE, SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE, NULL,
                      "the revocation list was made after the certificate had expired");
    case STATUS_REVOKED:
        return false; /* judge_revoked has let it pass */
    case STATUS_UNAVAILABLE:
    case STATUS_NOT_IN_FORCE:
    case STATUS_NOT_TRUSTED:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_TRY_LATER, s->reason,
                      "there is no revocation list that can be used");
    case STATUS_NOT_CHECKED:
    case STATUS_STATE_COUNT:
        break;
    }
    return decide(verdict, INDICATION_INDETERMINATE, SUB_TRY_LATER, NULL, "revocation was not checked");
}

static bool judge_confirmation(const struct judging *on, struct verdict *verdict)
{
    const struct confirmation *c = &on->evidence->registry.confirmation;
    if (c->status != CONFIRM_NOT_ASKED && c->as_of < on->evidence->at - JUDGE_REGISTRY_AGE)
        return decide(verdict, INDICATION_INDETERMINATE, SUB_TRY_LATER, NULL,
                      "the registry's answer is older than the time of validation");
    bool before = on->proven && on->best < c->since;
    switch (c->status) {
    case CONFIRM_CURRENT:
        return false;
    case CONFIRM_CHANGED:
        return before ? false
                      : decide(verdict, INDICATION_INDETERMINATE, SUB_NO_POE, NULL,
                               "the signer's attributes have changed and nothing proves that the signature is older");
    case CONFIRM_REMOVED:
        return before ? false
                      : decide(verdict, INDICATION_INDETERMINATE, SUB_NO_POE, NULL,
                               "the signer is no longer registered and nothing proves that the signature is older");
    case CONFIRM_UNKNOWN:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_CHAIN_CONSTRAINTS_FAILURE, NULL,
                      "the registry does not know the certificate");
    case CONFIRM_NOT_ASKED:
        break;
    }
    return decide(verdict, INDICATION_INDETERMINATE, SUB_TRY_LATER, NULL, "the registry gave no answer");
}

static bool judge_registry(const struct judging *on, struct verdict *verdict)
{
    const struct evidence_registry *r = &on->evidence->registry;
    switch (r->state) {
    case REGISTRY_WAIVED:
        return false;
    case REGISTRY_ANSWERED:
        return judge_confirmation(on, verdict);
    case REGISTRY_UNREACHABLE:
        return decide(verdict, INDICATION_INDETERMINATE, SUB_TRY_LATER, r->reason, "the registry could not be asked");
    case REGISTRY_NOT_ASKED:
    case REGISTRY_STATE_COUNT:
        break;
    }
    return decide(verdict, INDICATION_INDETERMINATE, SUB_TRY_LATER, NULL, "the registry was not asked");
}

static void judge_with(const struct evidence *evidence, bool proven, struct verdict *verdict)
{
    static bool (*const parts[])(const struct judging *, struct verdict *) = {
        judge_signature, judge_path, judge_revoked, judge_timestamp, judge_validity, judge_status, judge_registry,
    };
    struct judging on = { evidence, proven, proven ? evidence->timestamp.time : evidence->at };
    *verdict = (struct verdict) { .as_of = on.best, .proven = proven };
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i](&on, verdict))
            return;
    verdict->indication = INDICATION_TOTAL_PASSED;
    verdict->word = WORD_VALID;
    verdict->reason = proven ? "every part was good at the time of the time-stamp" : "every part said so";
}

void judge(const struct evidence *evidence, struct verdict *verdict)
{
    struct verdict today;
    judge_with(evidence, false, &today);
    bool proven = evidence->timestamp.state == TIMESTAMP_GOOD && evidence->timestamp.time <= evidence->at;
    judge_with(evidence, proven, verdict);
    verdict->today = today.indication;
    verdict->today_sub = today.sub;
    verdict->today_word = today.word;
    verdict->today_reason = today.reason;
}
