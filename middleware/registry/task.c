/* task.c — the table of tasks. */
#include "registry/task.h"

#include "net/json.h"
#include "registry/day.h"

#include <stdio.h>
#include <string.h>

const char *const task_fields[TASK_FIELDS] = {"name",  "furigana", "former_name", "former_furigana", "alias",
                                              "birth", "sex",      "address",     "personal_number", "code",
                                              "change"};
static const char *const key_names[TASK_KEYS] = {"attributes", "number", "code"};

void task_names(unsigned fields, char out[160])
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < TASK_FIELDS; i++)
        if (fields & 1u << i)
            used += (size_t)snprintf(out + used, 160 - used, "%s%s", used ? "," : "", task_fields[i]);
}

/* A list of names of which each is known, as bits. */
static enum rc task_read_names(const json_t *row, const char *member, const char *const *names, unsigned count,
                               unsigned *bits, struct err *err)
{
    json_t *list, *item;
    size_t at;
    enum rc rc = json_want_array(row, member, &list, err);
    if (rc)
        return rc;
    *bits = 0;
    json_array_foreach(list, at, item)
    {
        unsigned i = 0;
        while (i < count && (!json_is_string(item) || strcmp(json_string_value(item), names[i]) != 0))
            i++;
        if (i == count)
            return err_set(err, RC_FORMAT, "%s: item %zu is not one of its words", member, at + 1);
        *bits |= 1u << i;
    }
    return *bits ? RC_OK : err_set(err, RC_FORMAT, "%s: nothing in it", member);
}

static enum rc task_read_text(const json_t *row, const char *member, char *out, size_t size, struct err *err)
{
    const char *text;
    enum rc rc = json_want_text(row, member, size - 1, &text, err);
    if (!rc && !*text)
        rc = err_set(err, RC_FORMAT, "%s: empty", member);
    if (!rc)
        snprintf(out, size, "%s", text);
    return rc;
}

static enum rc task_check_members(const json_t *row, struct err *err)
{
    static const char *const known[] = {"agency", "task", "law",   "title",      "fields",
                                        "keys",   "from", "until", "legacy_code"};
    const char *name;
    json_t *value;
    if (!json_is_object(row))
        return err_set(err, RC_FORMAT, "not an object");
    json_object_foreach((json_t *)(uintptr_t)row, name, value)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof known / sizeof known[0])
            return err_set(err, RC_FORMAT, "%s: not a member of a task", name);
    }
    return RC_OK;
}

static enum rc task_read(const json_t *row, struct task *task, struct err *err)
{
    *task = (struct task){0};
    enum rc rc = task_check_members(row, err);
    if (rc || (rc = task_read_text(row, "agency", task->agency, sizeof task->agency, err)) ||
        (rc = task_read_text(row, "task", task->id, sizeof task->id, err)) ||
        (rc = task_read_text(row, "law", task->law, sizeof task->law, err)) ||
        (rc = task_read_text(row, "title", task->title, sizeof task->title, err)) ||
        (rc = task_read_text(row, "from", task->from, sizeof task->from, err)) ||
        (rc = task_read_names(row, "fields", task_fields, TASK_FIELDS, &task->fields, err)) ||
        (rc = task_read_names(row, "keys", key_names, TASK_KEYS, &task->keys, err)))
        return rc;
    if (json_object_get(row, "until") && (rc = task_read_text(row, "until", task->until, sizeof task->until, err)))
        return rc;
    if (json_object_get(row, "legacy_code") && (rc = json_want_bool(row, "legacy_code", &task->legacy_code, err)))
        return rc;
    if (date_check(task->from))
        return err_set(err, RC_FORMAT, "from: not a date YYYY-MM-DD");
    if (task->until[0] && (date_check(task->until) || strcmp(task->until, task->from) < 0))
        return err_set(err, RC_FORMAT, "until: not a date YYYY-MM-DD from the first day on");
    return RC_OK;
}

static enum rc task_write(struct store *store, const struct task *task, struct err *err)
{
    enum rc rc = store_run(store,
                           "INSERT INTO task (agency, task, from_day, until_day, law, title, fields, keys, legacy_code) "
                           "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                           BINDS(BIND_TEXT(task->agency), BIND_TEXT(task->id), BIND_TEXT(task->from),
                                 BIND_TEXT(task->until), BIND_TEXT(task->law), BIND_TEXT(task->title),
                                 BIND_INTEGER(task->fields), BIND_INTEGER(task->keys), BIND_INTEGER(task->legacy_code)),
                           NULL, err);
    return rc == RC_EXISTS ? err_set(err, RC_FORMAT, "the same agency, task and first day stand in an earlier row")
                           : rc;
}

enum rc task_load(struct store *store, const json_t *file, int64_t *count, struct err *err)
{
    json_t *rows, *row;
    size_t at;
    enum rc rc = json_want_array(file, "tasks", &rows, err);
    if (!rc)
        rc = store_exec(store, "DELETE FROM task", err);
    if (rc)
        return rc;
    json_array_foreach(rows, at, row)
    {
        struct task task;
        struct err why = {0};
        rc = task_read(row, &task, &why);
        if (!rc)
            rc = task_write(store, &task, &why);
        if (rc)
            return err_set(err, rc, "tasks: row %zu: %s", at + 1, err_text(&why, rc));
    }
    *count = (int64_t)json_array_size(rows);
    return RC_OK;
}

#define TASK_ROW "agency, task, from_day, until_day, law, title, fields, keys, legacy_code"

static void task_read_row(struct statement *s, struct task *task)
{
    *task = (struct task){.fields = (unsigned)column_integer(s, 6),
                          .keys = (unsigned)column_integer(s, 7),
                          .legacy_code = column_integer(s, 8) != 0};
    column_copy(s, 0, task->agency, sizeof task->agency);
    column_copy(s, 1, task->id, sizeof task->id);
    column_copy(s, 2, task->from, sizeof task->from);
    column_copy(s, 3, task->until, sizeof task->until);
    column_copy(s, 4, task->law, sizeof task->law);
    column_copy(s, 5, task->title, sizeof task->title);
}

enum rc task_find(struct store *store, const char *agency, const char *id, const char *day, struct task *task,
                  struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT " TASK_ROW " FROM task WHERE agency = ?1 AND task = ?2 "
                           "ORDER BY CASE WHEN from_day <= ?3 THEN 0 ELSE 1 END, from_day DESC LIMIT 1",
                           BINDS(BIND_TEXT(agency), BIND_TEXT(id), BIND_TEXT(day)), &s, err);
    if (!rc)
        task_read_row(s, task);
    statement_done(s);
    if (rc == RC_NOT_FOUND)
        return err_set(err, RC_DENIED, "task: the law gives this agency no such task");
    if (!rc && strcmp(day, task->from) < 0)
        return err_set(err, RC_DENIED, "task: it begins on %s", task->from);
    if (!rc && task->until[0] && strcmp(day, task->until) > 0)
        return err_set(err, RC_DENIED, "task: it ended on %s", task->until);
    return rc;
}

enum rc task_each(struct store *store, enum rc (*visit)(void *context, const struct task *task), void *context,
                  struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT " TASK_ROW " FROM task ORDER BY agency, task, from_day", &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err))) {
        struct task task;
        task_read_row(s, &task);
        if ((rc = visit(context, &task)))
            break;
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}
