/* provide_main.c — `jpki-registry tasks` (the operator's) and `jpki-registry provide` (an agency's). */
#include "base/file.h"
#include "base/opt.h"
#include "base/proc.h"
#include "net/client.h"
#include "net/json.h"
#include "registry/program.h"
#include "registry/provide.h"
#include "registry/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES (64u << 20)

static enum rc tasks_print(void *context, const struct task *task)
{
    (void)context;
    char names[160];
    task_names(task->fields, names);
    printf("%s\t%s\t%s\t%s\t%s\t%s%s\n", task->agency, task->id, task->from, task->until, task->law, names,
           task->legacy_code ? " (legacy_code)" : "");
    return RC_OK;
}

static enum rc tasks_load(struct store *store, const char *path, struct err *err)
{
    struct buf text = {.max = 16u << 20};
    json_t *json = NULL;
    int64_t count = 0;
    enum rc rc = file_read(path, &text, err);
    if (!rc)
        rc = json_read(buf_bytes(&text), &json, err);
    if (!rc)
        rc = task_load(store, json, &count, err);
    if (!rc)
        fprintf(stderr, "jpki-registry: %lld tasks\n", (long long)count);
    json_decref(json);
    buf_wipe(&text);
    return rc;
}

static enum rc tasks_run(void *context, const struct program_store *it, struct err *err)
{
    const char *path = context;
    enum rc rc = store_begin(it->store, err);
    if (!rc && path)
        rc = tasks_load(it->store, path, err);
    if (!rc)
        rc = store_commit(it->store, err);
    if (!rc)
        rc = task_each(it->store, tasks_print, NULL, err);
    store_rollback(it->store);
    return rc;
}

int tasks_main(int argc, char **argv)
{
    const char *url = NULL;
    const struct opt opts[] = {
        {"--store", "URL", "a national or prefectural node's store", OPT_TEXT, &url, true},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry tasks [OPTIONS] [FILE]",
                  "Loads the tasks fixed by law for which agencies get 本人確認情報, and prints the table: agency, "
                  "task, first and\n"
                  "last day, law, fields. FILE (JSON, docs/PROTOCOLS.md) is the whole table from now on, or nothing is "
                  "changed.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest + 1 < argc)
        return opt_misuse("'%s' is not expected here", argv[rest + 1]);
    return program_in_store(url, tasks_run, rest < argc ? argv[rest] : NULL);
}

/* An agency's connection and what it asks for. */
struct asking {
    const char *node, *folder, *task, *why;
    struct identity identity;
    struct client *client;
};

static enum rc asking_open(struct asking *a, struct err *err)
{
    enum rc rc = identity_open(a->folder, &a->identity, err);
    if (!rc)
        rc = client_open(a->node, &a->identity, 0, &a->client, err);
    if (!rc)
        client_expect(a->client, ROLE_BIT(ROLE_NODE_NATIONAL) | ROLE_BIT(ROLE_NODE_PREFECTURAL));
    return rc;
}

static void asking_close(struct asking *a)
{
    client_close(a->client);
    identity_close(&a->identity);
}

/* A file's lines, each checked before the first is sent. */
static enum rc batch_read(const char *path, json_t *keys, struct err *err)
{
    struct buf text = {.max = FILE_MAX_BYTES};
    enum rc rc = file_read(path, &text, err);
    const char *at = rc ? NULL : buf_string(&text);
    if (!rc && !at)
        rc = RC_NOMEM;
    for (size_t line = 1; !rc && *at; line++) {
        size_t len = strcspn(at, "\n");
        struct provide_key key;
        struct err why = {0};
        json_t *json = NULL;
        if (len > 0) {
            rc = json_read(bytes_of(at, len), &json, &why);
            if (!rc)
                rc = provide_key_read(json, &key, &why);
            if (rc)
                err_set(err, rc, "%s: line %zu: %s", path, line, err_text(&why, rc));
            else if (json_array_append(keys, json))
                rc = RC_NOMEM;
            json_decref(json);
        }
        at += len + (at[len] == '\n');
    }
    buf_wipe(&text);
    if (!rc && json_array_size(keys) == 0)
        rc = err_set(err, RC_FORMAT, "%s: no keys in it", path);
    return rc;
}

/* Some keys in one request, their answers printed. */
static enum rc batch_send(struct asking *a, const json_t *keys, size_t from, struct err *err)
{
    json_t *some = json_array(), *answer = NULL, *answers, *one;
    size_t at;
    for (size_t i = from; i < from + PROVIDE_BATCH && i < json_array_size(keys); i++)
        (void)json_array_append(some, json_array_get(keys, i));
    size_t asked = json_array_size(some);
    json_t *body = json_pack("{s:s, s:o, s:s*}", "task", a->task, "keys", some, "why", a->why);
    enum rc rc = body ? client_json(a->client, "POST", "/v1/provide/batch", body, &answer, err) : RC_NOMEM;
    if (!rc)
        rc = json_want_array(answer, "answers", &answers, err);
    if (!rc && json_array_size(answers) != asked)
        rc = err_set(err, RC_REFUSED, "the node gave %zu answers to %zu keys", json_array_size(answers), asked);
    if (!rc)
        json_array_foreach(answers, at, one) if (!rc) rc = program_line(one);
    json_decref(body);
    json_decref(answer);
    return rc;
}

static int provide_batch(struct asking *a, const char *path)
{
    struct err err = {0};
    json_t *keys = json_array();
    enum rc rc = keys ? batch_read(path, keys, &err) : RC_NOMEM;
    if (!rc)
        rc = asking_open(a, &err);
    size_t count = json_array_size(keys), done = 0;
    while (!rc && done < count) {
        rc = batch_send(a, keys, done, &err);
        if (!rc)
            done += PROVIDE_BATCH < count - done ? PROVIDE_BATCH : count - done;
        if (!rc && isatty(STDERR_FILENO))
            fprintf(stderr, "\r%zu of %zu%s", done, count, done == count ? "\n" : "");
    }
    asking_close(a);
    json_decref(keys);
    if (rc)
        return opt_fail("%s: %s (answered: %zu of %zu)", rc_name(rc), err_text(&err, rc), done, count);
    return fflush(stdout) ? opt_fail("the answers could not be written") : EXIT_DONE;
}

static int provide_single(struct asking *a, json_t *key)
{
    struct err err = {0};
    struct provide_key checked;
    json_t *answer = NULL;
    enum rc rc = key ? provide_key_read(key, &checked, &err) : err_set(&err, RC_FORMAT, "an option is not UTF-8");
    if (!rc)
        rc = asking_open(a, &err);
    json_t *body = json_pack("{s:s, s:o, s:s*}", "task", a->task, "key", key, "why", a->why);
    if (!rc)
        rc = body ? client_json(a->client, "POST", "/v1/provide", body, &answer, &err) : RC_NOMEM;
    if (!rc)
        rc = program_line(answer);
    asking_close(a);
    json_decref(body);
    json_decref(answer);
    return rc ? opt_fail("%s: %s", rc_name(rc), err_text(&err, rc)) : EXIT_DONE;
}

int provide_main(int argc, char **argv)
{
    struct asking a = {0};
    const char *batch = NULL, *code = NULL, *number = NULL, *name = NULL, *birth = NULL, *sex = NULL, *address = NULL;
    const struct opt opts[] = {
        {"--node", "URL", "the national or a prefectural node", OPT_TEXT, &a.node, true},
        {"--identity", "FOLDER", "an agency", OPT_TEXT, &a.folder, true},
        {"--task", "TASK", "the task of the law (事務)", OPT_TEXT, &a.task, true},
        {"--why", "TEXT", "利用事由, for the record of use", OPT_TEXT, &a.why, false},
        {"--number", "NUMBER", "個人番号, 12 digits", OPT_TEXT, &number, false},
        {"--code", "CODE", "or 住民票コード, where the task keeps it", OPT_TEXT, &code, false},
        {"--birth", "BIRTH", "or birth, as the register writes it (319800229),", OPT_TEXT, &birth, false},
        {"--name", "NAME", "with the name,", OPT_TEXT, &name, false},
        {"--sex", "SEX", "the sex", OPT_TEXT, &sex, false},
        {"--address", "ADDRESS", "or the address, or all of them", OPT_TEXT, &address, false},
        {"--batch", "FILE", "or many: JSON lines of keys; the answers are lines in their order", OPT_TEXT, &batch,
         false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry provide [OPTIONS]",
                  "Asks a node for 本人確認情報, as an agency for a task of the law. A number or code "
                  "together with\n"
                  "attributes: whether they are that person's.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    bool one = code || number || name || birth || sex || address;
    if (batch ? one : !one)
        return opt_misuse("either --batch, or --number, --code or --birth with what else is known");
    proc_harden();
    if (batch)
        return provide_batch(&a, batch);
    return provide_single(&a, json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "code", code, "personal_number", number,
                                        "name", name, "birth", birth, "sex", sex, "address", address));
}
