/* verdict_report.c — the words and the JSON of a verdict. */
#include "verify/verdict_report.h"

#include "base/clock.h"
#include "net/json.h"

#include <string.h>

static const char *const signature_states[SIGNATURE_STATE_COUNT] = {
    "not checked",  "good",        "malformed",      "hash wrong",
    "crypto wrong", "weak",        "not allowed",    "no certificate",
    "no content",
};
static const char *const path_states[PATH_STATE_COUNT] = { "not checked",  "good", "no anchor", "purpose wrong",
                                                           "policy wrong", "weak", "broken" };
static const char *const status_states[STATUS_STATE_COUNT] = { "not checked", "good",         "revoked",
                                                               "unavailable", "not in force", "not trusted" };
static const char *const registry_states[REGISTRY_STATE_COUNT] = { "not asked", "waived", "answered", "unreachable" };
static const char *const timestamp_states[TIMESTAMP_STATE_COUNT] = { "none", "good", "bad" };

/* One line; text that others wrote cannot end it or move a terminal's cursor. */
__attribute__((format(printf, 3, 4))) static enum rc report_line(struct buf *out, const char *label, const char *format,
                                                                 ...)
{
    char text[1600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F || (c[0] == '\xC2' && (unsigned char)c[1] < 0xA0))
            *c = '?';
    return buf_printf(out, "%-13s %s\n", label, text);
}

struct report_time {
    char text[CLOCK_TEXT_SIZE];
};

static struct report_time report_time(int64_t time)
{
    struct report_time made;
    clock_format(time, made.text);
    return made;
}

#define TIME(seconds) (report_time(seconds).text)

static enum rc report_head(const struct evidence *e, const struct verdict *v, struct buf *out)
{
    enum rc rc = buf_printf(out, "%s  %s%s%s", verdict_word_name(v->word), indication_name(v->indication),
                            v->sub ? "/" : "", sub_indication_name(v->sub));
    if (rc == RC_OK && v->word == WORD_REVOKED)
        rc = buf_printf(out, " revoked %s %s", TIME(e->status.revoked_at), crl_reason_name(e->status.reason_code));
    if (rc == RC_OK && v->word == WORD_VALID && v->proven)
        rc = buf_printf(out, " as of %s", TIME(v->as_of));
    return rc ? rc : buf_append_text(out, "\n");
}

/* Today's state, where a proof of existence let a verdict pass over it. */
static enum rc report_today(const struct evidence *e, const struct verdict *v, struct buf *out)
{
    if (!v->proven)
        return RC_OK;
    if (v->today_word == WORD_REVOKED)
        return report_line(out, "today", "REVOKED  %s/%s revoked %s %s", indication_name(v->today),
                           sub_indication_name(v->today_sub), TIME(e->status.revoked_at),
                           crl_reason_name(e->status.reason_code));
    return report_line(out, "today", "%s  %s%s%s (%s)", verdict_word_name(v->today_word), indication_name(v->today),
                       v->today_sub ? "/" : "", sub_indication_name(v->today_sub), v->today_reason);
}

static enum rc report_signature(const struct evidence_signature *s, struct buf *out)
{
    enum rc rc = report_line(out, "signature", "%s, %s%s%s%s%s%s%s", signature_states[s->state],
                             signature_format_name(s->format), s->algorithm[0] ? ", " : "", s->algorithm,
                             s->digest[0] ? ", " : "", s->digest, s->reason[0] ? ": " : "", s->reason);
    if (rc == RC_OK && s->covers[0])
        rc = report_line(out, "covers", "%s", s->covers);
    if (rc == RC_OK && s->claimed_time)
        rc = report_line(out, "signing time", "%s (claimed by the signer)", TIME(s->claimed_time));
    return rc;
}

static enum rc report_path(const struct evidence_path *p, struct buf *out)
{
    enum rc rc = report_line(out, "path", "%s, %u trust anchor%s given%s%s", path_states[p->state], p->anchors,
                             p->anchors == 1 ? "" : "s", p->reason[0] ? ": " : "", p->reason);
    if (rc == RC_OK && p->serial[0])
        rc = report_line(out, "certificate", "serial %s of %s", p->serial, p->issuer);
    if (rc == RC_OK && p->serial[0])
        rc = report_line(out, "valid", "%s to %s", TIME(p->not_before), TIME(p->not_after));
    if (rc == RC_OK && p->anchor[0])
        rc = report_line(out, "trust anchor", "SHA-256 %s", p->anchor);
    return rc;
}

static enum rc report_status(const struct evidence_status *s, struct buf *out)
{
    enum rc rc = report_line(out, "revocation", "%s%s%s", status_states[s->state], s->reason[0] ? ": " : s->kept ? ", by a list that was kept" : "", s->reason);
    if (rc == RC_OK && s->kept_since)
        rc = report_line(out, "kept", "since %s, by a time-stamp over the list", TIME(s->kept_since));
    if (rc == RC_OK && s->state == STATUS_REVOKED)
        rc = report_line(out, "revoked", "%s %s", TIME(s->revoked_at), crl_reason_name(s->reason_code));
    if (rc == RC_OK && s->number[0] && s->this_update)
        rc = report_line(out, "list", "%s number %s, in force %s to %s", s->path, s->number, TIME(s->this_update),
                         TIME(s->next_update));
    else if (rc == RC_OK && s->path[0])
        rc = report_line(out, "list", "%s", s->path);
    return rc;
}

static const char *report_confirm_word(const struct confirmation *c)
{
    return confirm_status_name(c->status);
}

static enum rc report_registry(const struct evidence_registry *r, struct buf *out)
{
    const struct confirmation *c = &r->confirmation;
    if (r->state != REGISTRY_ANSWERED)
        return report_line(out, "registry", "%s%s%s", registry_states[r->state], r->reason[0] ? ": " : "", r->reason);
    return report_line(out, "registry", "%s%s%s, as of %s, node %s", report_confirm_word(c), c->since ? " since " : "",
                       c->since ? TIME(c->since) : "", TIME(c->as_of), c->node);
}

static enum rc report_timestamp(const struct evidence_timestamp *t, struct buf *out)
{
    if (t->state == TIMESTAMP_NONE)
        return RC_OK;
    if (t->state != TIMESTAMP_GOOD)
        return report_line(out, "time-stamp", "%s: %s", timestamp_states[t->state], t->reason);
    return report_line(out, "time-stamp", "%s, the signature existed at %s, number %s of %s", timestamp_states[t->state],
                       TIME(t->time), t->serial, t->authority);
}

static enum rc report_signer(const struct evidence *e, struct buf *out)
{
    if (!e->has_signer)
        return RC_OK;
    const struct attributes *a = &e->signer;
    enum rc rc = report_line(out, "name", "%s", a->name);
    if (rc == RC_OK)
        rc = report_line(out, "birth", "%.4s-%.2s-%.2s", a->birth + 1, a->birth + 5, a->birth + 7);
    if (rc == RC_OK)
        rc = report_line(out, "sex", "%s", strcmp(a->sex, "1") == 0 ? "male" : strcmp(a->sex, "2") == 0 ? "female" : "other");
    if (rc == RC_OK)
        rc = report_line(out, "address", "%s", a->address);
    return rc;
}

enum rc verdict_report_text(const struct evidence *evidence, const struct verdict *verdict, struct buf *out)
{
    size_t start = out->len;
    enum rc rc = report_head(evidence, verdict, out);
    if (rc == RC_OK)
        rc = report_line(out, "reason", "%s", verdict->reason);
    if (rc == RC_OK)
        rc = report_today(evidence, verdict, out);
    if (rc == RC_OK)
        rc = report_line(out, "validated at", "%s", TIME(evidence->at));
    if (rc == RC_OK)
        rc = report_signature(&evidence->signature, out);
    if (rc == RC_OK)
        rc = report_path(&evidence->path, out);
    if (rc == RC_OK)
        rc = report_status(&evidence->status, out);
    if (rc == RC_OK)
        rc = report_registry(&evidence->registry, out);
    if (rc == RC_OK)
        rc = report_timestamp(&evidence->timestamp, out);
    if (rc == RC_OK)
        rc = report_signer(evidence, out);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------- */

static json_t *json_time(int64_t time)
{
    return time ? json_string(TIME(time)) : json_null();
}

static json_t *json_words(const char *text)
{
    json_t *made = text[0] ? json_string(text) : json_null();
    return made ? made : json_string("?"); /* not UTF-8 */
}

static json_t *report_json_certificate(const struct evidence *e)
{
    const struct evidence_path *p = &e->path;
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o}", "state", path_states[p->state], "reason",
                     json_words(p->reason), "issuer", json_words(p->issuer), "serial", json_words(p->serial), "not_before",
                     json_time(p->not_before), "not_after", json_time(p->not_after), "anchor_sha256", json_words(p->anchor),
                     "anchors", (int)p->anchors, "anchor_not_before", json_time(p->anchor_not_before), "anchor_not_after",
                     json_time(p->anchor_not_after));
}

static json_t *report_json_status(const struct evidence_status *s)
{
    bool revoked = s->state == STATUS_REVOKED;
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state", status_states[s->state], "kept", (int)s->kept,
                     "kept_since", json_time(s->kept_since), "reason",
                     json_words(s->reason), "list", json_words(s->path), "number", json_words(s->number), "this_update",
                     json_time(s->this_update), "next_update", json_time(s->next_update), "revoked_at",
                     json_time(revoked ? s->revoked_at : 0), "invalid_since", json_time(s->invalid_since), "crl_reason",
                     revoked ? json_string(crl_reason_name(s->reason_code)) : json_null());
}

static json_t *report_json_registry(const struct evidence_registry *r)
{
    const struct confirmation *c = &r->confirmation;
    bool answered = r->state == REGISTRY_ANSWERED;
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "state", registry_states[r->state], "reason", json_words(r->reason),
                     "status", answered ? json_string(report_confirm_word(c)) : json_null(), "since", json_time(c->since),
                     "as_of", json_time(c->as_of), "node", json_words(c->node));
}

static json_t *report_json_signer(const struct evidence *e)
{
    const struct attributes *a = &e->signer;
    if (!e->has_signer)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", json_words(a->name), "name_substitutes",
                     json_words(a->name_substitutes), "birth", json_words(a->birth), "sex", json_words(a->sex), "address",
                     json_words(a->address), "address_substitutes", json_words(a->address_substitutes));
}

static json_t *report_json_verdict(const struct evidence *e, const struct verdict *v)
{
    const struct evidence_signature *s = &e->signature;
    const struct evidence_timestamp *t = &e->timestamp;
    json_t *today = json_pack("{s:s, s:s, s:o, s:s}", "word", verdict_word_name(v->today_word), "indication",
                              indication_name(v->today), "sub_indication", json_words(sub_indication_name(v->today_sub)),
                              "reason", v->today_reason);
    json_t *signature = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "state", signature_states[s->state], "format",
                                  signature_format_name(s->format), "reason", json_words(s->reason), "algorithm",
                                  json_words(s->algorithm), "digest", json_words(s->digest), "covers",
                                  json_words(s->covers), "claimed_time", json_time(s->claimed_time), "certificate_bound",
                                  s->certificate_bound);
    json_t *timestamp = json_pack("{s:s, s:o, s:o, s:o, s:o}", "state", timestamp_states[t->state], "reason",
                                  json_words(t->reason), "time", json_time(t->time), "serial", json_words(t->serial),
                                  "authority", json_words(t->authority));
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "word",
                     verdict_word_name(v->word), "indication", indication_name(v->indication), "sub_indication",
                     json_words(sub_indication_name(v->sub)), "reason", v->reason, "as_of", json_time(v->as_of), "proven",
                     v->proven, "validated_at", json_time(e->at), "today", today, "signature", signature, "certificate",
                     report_json_certificate(e), "revocation", report_json_status(&e->status), "registry",
                     report_json_registry(&e->registry), "time_stamp", timestamp, "signer", report_json_signer(e));
}

enum rc verdict_report_json(const struct evidence *evidence, const struct verdict *verdict, struct buf *out)
{
    json_t *json = report_json_verdict(evidence, verdict);
    if (!json)
        return RC_NOMEM;
    enum rc rc = json_write(json, out);
    json_decref(json);
    return rc;
}
