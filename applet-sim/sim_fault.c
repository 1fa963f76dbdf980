/* sim_fault.c — reading a fault plan, counting through it, and its own small generator: what is drawn depends on the
 * seed and on how much was drawn before, and on nothing else. */
#include "applet-sim/sim_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX 64u
#define BACK_MS 500u
#define KEEP_HALF SIZE_MAX

enum plan_at { AT_COMMAND, AT_INS, AT_WRITE };
enum plan_when { WHEN_ONCE, WHEN_FROM, WHEN_DRAWN };

struct rule {
    enum plan_at at;
    enum plan_when when;
    uint8_t ins;
    unsigned long n, of; /* the n-th; n in `of` when drawn */
    unsigned long seen;  /* how many the rule has counted */
    enum sim_fault fault;
    size_t keep; /* bytes that a truncated answer keeps */
};

struct sim_plan {
    struct rule rules[RULES_MAX];
    size_t count;
    uint64_t state;
    unsigned back_ms;
    size_t keep; /* of the rule that held last */
};

static const struct {
    const char *name;
    bool at_write;
} faults[SIM_FAULT_COUNT] = {
    [SIM_FAULT_NONE] = { "none", false },
    [SIM_FAULT_PULLED] = { "pulled", false },
    [SIM_FAULT_PULLED_AFTER] = { "pulled-after", false },
    [SIM_FAULT_LOST] = { "lost", false },
    [SIM_FAULT_TRUNCATED] = { "truncated", false },
    [SIM_FAULT_DUPLICATED] = { "duplicated", false },
    [SIM_FAULT_GARBLED] = { "garbled", false },
    [SIM_FAULT_RESET] = { "reset", false },
    [SIM_FAULT_POWER] = { "power", false },
    [SIM_FAULT_SHARED] = { "shared", false },
    [SIM_FAULT_CUT] = { "cut", true },
    [SIM_FAULT_CUT_AFTER] = { "cut-after", true },
};

const char *sim_fault_name(enum sim_fault fault)
{
    return (unsigned)fault < SIM_FAULT_COUNT ? faults[fault].name : "?";
}

/* SplitMix64: the next of 2^64 numbers. */
static uint64_t plan_draw(struct sim_plan *plan)
{
    uint64_t z = plan->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static bool plan_number(const char **at, unsigned long max, unsigned long *value)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *value = strtoul(*at, &end, 10);
    *at = end;
    return *value <= max;
}

static bool plan_fault(const char *word, struct rule *rule)
{
    size_t len = strcspn(word, "@");
    unsigned long keep;
    rule->keep = KEEP_HALF;
    for (unsigned i = SIM_FAULT_NONE + 1; i < SIM_FAULT_COUNT; i++)
        if (strlen(faults[i].name) == len && memcmp(faults[i].name, word, len) == 0)
            rule->fault = (enum sim_fault)i;
    if (rule->fault == SIM_FAULT_NONE || faults[rule->fault].at_write != (rule->at == AT_WRITE))
        return false;
    if (word[len] == '\0')
        return true;
    word += len + 1;
    if (rule->fault != SIM_FAULT_TRUNCATED || !plan_number(&word, 65538, &keep))
        return false;
    rule->keep = keep;
    return *word == '\0';
}

static bool plan_rule(struct sim_plan *plan, const char *word)
{
    struct rule rule = { 0 };
    unsigned ins;
    int len = 0;
    if (strncmp(word, "command=", 8) == 0) {
        word += 8;
    } else if (strncmp(word, "write=", 6) == 0) {
        rule.at = AT_WRITE;
        word += 6;
    } else if (sscanf(word, "ins%2x=%n", &ins, &len) == 1 && len == 6) {
        rule.at = AT_INS;
        rule.ins = (uint8_t)ins;
        word += 6;
    } else {
        return false;
    }
    if (!plan_number(&word, 1000000000, &rule.n) || rule.n == 0)
        return false;
    if (*word == '+') {
        rule.when = WHEN_FROM;
        word++;
    } else if (*word == '/') {
        rule.when = WHEN_DRAWN;
        word++;
        if (!plan_number(&word, 1000000000, &rule.of) || rule.of < rule.n)
            return false;
    }
    if (*word != ':' || !plan_fault(word + 1, &rule) || plan->count == RULES_MAX)
        return false;
    plan->rules[plan->count++] = rule;
    return true;
}

static bool plan_word(struct sim_plan *plan, const char *word)
{
    unsigned long value;
    if (strncmp(word, "seed=", 5) == 0) {
        word += 5;
        if (!plan_number(&word, INT64_MAX, &value))
            return false;
        plan->state = value;
        return *word == '\0';
    }
    if (strncmp(word, "back=", 5) == 0) {
        word += 5;
        if (!plan_number(&word, 3600000, &value))
            return false;
        plan->back_ms = (unsigned)value;
        return *word == '\0';
    }
    return plan_rule(plan, word);
}

enum rc sim_plan_parse(const char *text, struct sim_plan **plan, struct err *err)
{
    struct sim_plan *made = calloc(1, sizeof *made);
    char *copy = strdup(text);
    enum rc rc = made && copy ? RC_OK : RC_NOMEM;
    if (rc == RC_OK) {
        made->state = 1;
        made->back_ms = BACK_MS;
    }
    for (char *rest = copy, *line; rc == RC_OK && (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "#")] = '\0';
        for (char *word; rc == RC_OK && (word = strsep(&line, ", \t\r"));)
            if (*word && !plan_word(made, word))
                rc = err_set(err, RC_FORMAT, "'%s': not a rule of a fault plan", word);
    }
    free(copy);
    if (rc)
        sim_plan_free(made);
    else
        *plan = made;
    return rc;
}

void sim_plan_free(struct sim_plan *plan)
{
    free(plan);
}

/* --- counting ------------------------------------------------------------------------------------------------------ */

static bool plan_holds(struct sim_plan *plan, struct rule *rule)
{
    rule->seen++;
    switch (rule->when) {
    case WHEN_ONCE:
        return rule->seen == rule->n;
    case WHEN_FROM:
        return rule->seen >= rule->n;
    case WHEN_DRAWN:
        return plan_draw(plan) % rule->of < rule->n;
    }
    return false;
}

/* Every rule counts and draws, also behind one that holds: what one rule does never moves another. */
static enum sim_fault plan_count(struct sim_plan *plan, bool write, int ins)
{
    enum sim_fault fault = SIM_FAULT_NONE;
    for (size_t i = 0; plan && i < plan->count; i++) {
        struct rule *rule = &plan->rules[i];
        if ((rule->at == AT_WRITE) != write || (rule->at == AT_INS && rule->ins != ins) || !plan_holds(plan, rule)
            || fault != SIM_FAULT_NONE)
            continue;
        fault = rule->fault;
        plan->keep = rule->keep;
    }
    return fault;
}

enum sim_fault sim_plan_command(struct sim_plan *plan, struct bytes command)
{
    return plan_count(plan, false, command.len > 1 ? command.data[1] : -1);
}

enum sim_fault sim_plan_write(struct sim_plan *plan)
{
    return plan_count(plan, true, -1);
}

unsigned sim_plan_back_ms(const struct sim_plan *plan)
{
    return plan ? plan->back_ms : BACK_MS;
}

void sim_plan_spoil(struct sim_plan *plan, enum sim_fault fault, struct buf *answer)
{
    if (fault == SIM_FAULT_TRUNCATED) {
        size_t keep = plan->keep == KEEP_HALF ? answer->len / 2 : plan->keep;
        if (keep < answer->len)
            buf_truncate(answer, keep);
    } else if (fault == SIM_FAULT_GARBLED && answer->len) {
        uint64_t drawn = plan_draw(plan);
        answer->data[(drawn >> 8) % answer->len] ^= (uint8_t)(1 + drawn % 255);
    }
}
