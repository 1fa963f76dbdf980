/* officer.c — command lines of the officers. */
#include "ca/officer.h"

#include "base/opt.h"
#include "base/proc.h"
#include "ca/ca.h"
#include "ca/trail.h"
#include "net/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void settings_print(const struct caconfig *config)
{
    printf("two-persons=%s\npending-seconds=%lld\n", config->two_persons ? "on" : "off",
           (long long)config->pending_seconds);
}

/* One NAME=VALUE into the configuration. RC_USAGE. */
static enum rc settings_take(const char *word, struct caconfig *config)
{
    if (strcmp(word, "two-persons=on") == 0 || strcmp(word, "two-persons=off") == 0) {
        config->two_persons = word[13] == 'n';
        return RC_OK;
    }
    char end;
    long long seconds;
    if (sscanf(word, "pending-seconds=%lld%c", &seconds, &end) == 1 && seconds >= 60 && seconds <= 30LL * 86400) {
        config->pending_seconds = seconds;
        return RC_OK;
    }
    return RC_USAGE;
}

/* The trail first: a setting that cannot be told is not set. */
static enum rc settings_write(struct ca *ca, const char *words, struct err *err)
{
    enum rc rc = store_begin(ca->store, err);
    if (!rc)
        rc = trail_append(ca->store, "operator", "settings", "configuration", NULL, err, "%s", words);
    if (!rc)
        rc = caconfig_write(ca->folder, CACONFIG_FILE, &ca->config, err);
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    return rc;
}

int officer_settings(int argc, char **argv)
{
    const char *state = NULL;
    const struct opt opts[] = {
        {"--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true},
        {0},
    };
    int rest, status;
    char words[300] = "";
    struct err err = {0};
    struct ca *ca = NULL;
    if (opt_parse(
            "jpki-ca settings [OPTIONS] [NAME=VALUE…]",
            "Prints the settings of the authorities, or changes some; a running intake takes them when it is started "
            "again.\n"
            "two-persons=on|off: a card's certificates want a second officer. pending-seconds=N (60 to 30 days): how\n"
            "long a certificate may stay unconfirmed.",
            opts, argc, argv, &rest, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    for (int i = rest; !rc && i < argc; i++) {
        if (settings_take(argv[i], &ca->config)) {
            ca_close(ca);
            return opt_misuse("'%s' is no setting: see --help", argv[i]);
        }
        size_t at = strlen(words);
        snprintf(words + at, sizeof words - at, "%s%s", at ? " " : "", argv[i]);
    }
    if (!rc && rest < argc)
        rc = settings_write(ca, words, &err);
    if (!rc)
        settings_print(&ca->config);
    ca_close(ca);
    return opt_end(rc, &err);
}

/* One request to the intake, its answer printed as one line. */
static int officer_call(const char *url, const char *folder, const char *method, const char *path, json_t *body)
{
    struct identity identity = {0};
    struct client *client = NULL;
    struct err err = {0};
    json_t *answer = NULL;
    proc_harden();
    enum rc rc = identity_open(folder, &identity, &err);
    if (!rc)
        rc = client_open(url, &identity, 0, &client, &err);
    if (!rc) {
        client_expect(client, ROLE_BIT(ROLE_CA));
        rc = client_json(client, method, path, body, &answer, &err);
    }
    char *text = rc || !answer ? NULL : json_dumps(answer, JSON_COMPACT | JSON_SORT_KEYS);
    if (!rc && !text)
        rc = RC_NOMEM;
    if (!rc)
        puts(text);
    free(text);
    json_decref(answer);
    json_decref(body);
    client_close(client);
    identity_close(&identity);
    return rc ? opt_fail("%s: %s", rc_name(rc), err_text(&err, rc)) : EXIT_DONE;
}

#define INTAKE(url, folder)                                                                                            \
    {"--url", "URL", "the intake, https://HOST:PORT", OPT_TEXT, &(url), true},                                         \
    {                                                                                                                  \
        "--identity", "FOLDER", "the officer's operations identity", OPT_TEXT, &(folder), true                         \
    }

int officer_requests(int argc, char **argv)
{
    const char *url = NULL, *folder = NULL;
    long id = 0;
    char path[64] = "/v1/approvals";
    const struct opt opts[] = {
        INTAKE(url, folder),
        {"--id", "N", "one of them, with what it asks for", OPT_NUMBER, &id, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-ca requests [OPTIONS]", "Lists the requests that wait for a second officer, or shows one.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc || id < 0)
        return opt_misuse("see --help");
    if (id)
        snprintf(path, sizeof path, "/v1/approvals/%ld", id);
    return officer_call(url, folder, "GET", path, NULL);
}

int officer_decide(int argc, char **argv)
{
    const char *url = NULL, *folder = NULL, *why = NULL;
    long id = 0;
    bool approve = false;
    char path[64];
    const struct opt opts[] = {
        INTAKE(url, folder),
        {"--id", "N", "the request", OPT_NUMBER, &id, true},
        {"--approve", NULL, "agree to it", OPT_FLAG, &approve, false},
        {"--refuse", "WHY", "or refuse it, and say why", OPT_TEXT, &why, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-ca decide [OPTIONS]",
                  "Approves or refuses a request that waits. Nobody decides about their own request.", opts, argc, argv,
                  &rest, &status))
        return status;
    if (rest < argc || id < 1)
        return opt_misuse("see --help");
    if (approve == (why != NULL))
        return opt_misuse("either --approve or --refuse WHY");
    snprintf(path, sizeof path, "/v1/approvals/%ld", id);
    json_t *body =
        approve ? json_pack("{s:s}", "decision", "approve") : json_pack("{s:s,s:s}", "decision", "refuse", "why", why);
    return body ? officer_call(url, folder, "POST", path, body) : opt_fail("the reason is not UTF-8");
}
