/* dialect.c — reading SQL word by word: strings, quoted names and comments are passed over. */
#include "store/dialect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_PARAMETER, TOKEN_QUOTED, TOKEN_SPACE, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    const char *at;
    size_t len;
};

static size_t quoted_len(const char *at)
{
    size_t len = 1;
    while (at[len] && (at[len] != at[0] || at[len + 1] == at[0]))
        len += at[len] == at[0] ? 2 : 1;
    return at[len] ? len + 1 : len;
}

static size_t word_len(const char *at)
{
    size_t len = 0;
    while (isalnum((unsigned char)at[len]) || at[len] == '_' || (unsigned char)at[len] >= 0x80)
        len++;
    return len;
}

static struct token token_next(const char *at)
{
    if (!*at)
        return (struct token) { TOKEN_END, at, 0 };
    if (isspace((unsigned char)*at))
        return (struct token){TOKEN_SPACE, at, strspn(at, " \t\r\n")};
    if (at[0] == '-' && at[1] == '-')
        return (struct token){TOKEN_SPACE, at, strcspn(at, "\n")};
    if (*at == '\'' || *at == '"')
        return (struct token) { TOKEN_QUOTED, at, quoted_len(at) };
    if (*at == '?')
        return (struct token){TOKEN_PARAMETER, at, 1 + strspn(at + 1, "0123456789")};
    if (word_len(at))
        return (struct token) { TOKEN_WORD, at, word_len(at) };
    return (struct token) { TOKEN_SIGN, at, 1 };
}

/* The next token that is not a blank or a comment. */
static struct token token_after(const struct token *token)
{
    struct token next = token_next(token->at + token->len);
    while (next.kind == TOKEN_SPACE)
        next = token_next(next.at + next.len);
    return next;
}

static bool token_is(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && strlen(word) == token->len && strncasecmp(token->at, word, token->len) == 0;
}

static bool token_is_sign(const struct token *token, char sign)
{
    return token->kind == TOKEN_SIGN && *token->at == sign;
}

/* --- what is not common ------------------------------------------------------------------------------------------ */

enum foreign_place { ANYWHERE, AS_CALL, AS_TYPE }; /* a parenthesis behind it; a column's name before it */

static const struct {
    const char *word;
    enum foreign_place place;
    const char *instead;
} foreign_words[] = {
    { "autoincrement", ANYWHERE, "INTEGER PRIMARY KEY" },
    { "rowid", ANYWHERE, "a column of its own" },
    { "pragma", ANYWHERE, "nothing: the store sets what it needs" },
    { "attach", ANYWHERE, "store_open" },
    { "vacuum", ANYWHERE, "nothing" },
    { "glob", ANYWHERE, "a comparison" },
    { "like", ANYWHERE, "a comparison: its case rules differ" },
    { "ilike", ANYWHERE, "a comparison" },
    { "regexp", ANYWHERE, "a comparison" },
    { "sqlite_master", ANYWHERE, "nothing: the migrations tell the tables" },
    { "serial", AS_TYPE, "INTEGER PRIMARY KEY" },
    { "bytea", AS_TYPE, "BLOB" },
    { "real", AS_TYPE, "INTEGER" },
    { "boolean", AS_TYPE, "INTEGER" },
    { "timestamp", AS_TYPE, "INTEGER (seconds) or TEXT" },
    { "varchar", AS_TYPE, "TEXT" },
    { "ifnull", AS_CALL, "COALESCE" },
    { "iif", AS_CALL, "CASE" },
    { "strftime", AS_CALL, "a parameter" },
    { "datetime", AS_CALL, "a parameter" },
    { "julianday", AS_CALL, "a parameter" },
    { "unixepoch", AS_CALL, "a parameter" },
    { "now", AS_CALL, "a parameter" },
    { "random", AS_CALL, "a parameter" },
    { "randomblob", AS_CALL, "a parameter" },
    { "last_insert_rowid", AS_CALL, "RETURNING" },
    { "changes", AS_CALL, "statement_run" },
    { "total_changes", AS_CALL, "statement_run" },
    { "group_concat", AS_CALL, "several rows" },
    { "string_agg", AS_CALL, "several rows" },
    { "hex", AS_CALL, "hex_encode" },
    { "instr", AS_CALL, "a comparison" },
    { "printf", AS_CALL, "a parameter" },
    { "format", AS_CALL, "a parameter" },
    { "zeroblob", AS_CALL, "a parameter" },
    { "typeof", AS_CALL, "a column's type" },
    { "greatest", AS_CALL, "CASE" },
    { "least", AS_CALL, "CASE" },
};

static enum rc dialect_refuse(const struct token *token, const char *instead, struct err *err)
{
    return err_set(err, RC_BUG, "store: '%.*s' is not in the common SQL; write %s", (int)token->len, token->at,
                   instead);
}

/* Of a statement that makes columns: this is a column's type, and not a column of that name: its name stands before it. */
static bool dialect_is_type(const struct token *before)
{
    static const char *const others[] = { "column", "add", "as", "and", "or", "not", "check", "on", "by" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (token_is(before, others[i]))
            return false;
    return before->kind == TOKEN_WORD || before->kind == TOKEN_QUOTED;
}

static bool dialect_defines(const struct token *first)
{
    return token_is(first, "create") || token_is(first, "alter");
}

static enum rc dialect_check_word(const struct token *token, const struct token *before, bool defines, struct err *err)
{
    struct token next = token_after(token);
    for (size_t i = 0; i < sizeof foreign_words / sizeof foreign_words[0]; i++) {
        enum foreign_place place = foreign_words[i].place;
        if (token_is(token, foreign_words[i].word) &&
            (place == ANYWHERE || (place == AS_CALL ? token_is_sign(&next, '(') : defines && dialect_is_type(before))))
            return dialect_refuse(token, foreign_words[i].instead, err);
    }
    if (token_is(token, "x") && next.kind == TOKEN_QUOTED && next.at == token->at + 1)
        return dialect_refuse(token, "a blob as a parameter", err);
    if (token_is(token, "or") && (token_is(before, "insert") || token_is(before, "update")))
        return dialect_refuse(token, "INSERT … ON CONFLICT", err);
    return RC_OK;
}

static enum rc dialect_check_sign(const struct token *token, const struct token *before, struct err *err)
{
    if (strchr("`[@$", *token->at))
        return dialect_refuse(token, "names bare or in \"…\", parameters as ?1", err);
    if (*token->at == ':')
        return dialect_refuse(token, token->at[1] == ':' ? "CAST" : "parameters as ?1", err);
    if (*token->at == '=' && token_is_sign(before, '=') && before->at + 1 == token->at)
        return dialect_refuse(token, "one =", err);
    return RC_OK;
}

/* The words that begin a statement. */
static enum rc dialect_begin(const struct token *token, enum dialect_kind *kind, bool *with, struct err *err)
{
    static const char *const writes[] = { "insert", "update", "delete", "create", "alter", "drop" };
    if (token_is(token, "replace"))
        return dialect_refuse(token, "INSERT … ON CONFLICT", err);
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        if (token_is(token, writes[i]))
            *kind = DIALECT_WRITES;
    if (token_is(token, "savepoint") || token_is(token, "rollback") || token_is(token, "release"))
        *kind = DIALECT_MARKS;
    *with = token_is(token, "with");
    return RC_OK;
}

enum rc dialect_check(const char *sql, enum dialect_kind *kind, unsigned *parameters, struct err *err)
{
    struct token token = { TOKEN_SIGN, sql, 0 }, before = { TOKEN_END, sql, 0 };
    bool begins = true, with = false, defines = false;
    *kind = DIALECT_READS;
    *parameters = 0;
    for (token = token_after(&token); token.kind != TOKEN_END; before = token, token = token_after(&token)) {
        enum rc rc = RC_OK;
        if (begins)
            defines = dialect_defines(&token);
        if (token.kind == TOKEN_WORD)
            rc = dialect_check_word(&token, &before, defines, err);
        else if (token.kind == TOKEN_SIGN)
            rc = dialect_check_sign(&token, &before, err);
        else if (token.kind == TOKEN_PARAMETER && token.len == 1)
            rc = dialect_refuse(&token, "?1", err);
        if (!rc && begins)
            rc = dialect_begin(&token, kind, &with, err);
        else if (!rc && with &&
                 (token_is(&token, "insert") || token_is(&token, "update") || token_is(&token, "delete")))
            rc = dialect_refuse(&token, "a statement that begins with its verb", err);
        if (rc)
            return rc;
        if (token.kind == TOKEN_PARAMETER && strtoul(token.at + 1, NULL, 10) > *parameters)
            *parameters = (unsigned)strtoul(token.at + 1, NULL, 10);
        begins = token_is_sign(&token, ';');
    }
    return RC_OK;
}

/* --- PostgreSQL's words ------------------------------------------------------------------------------------------ */

/* INTEGER PRIMARY KEY: a number that the store gives when it is left out. Returns what the words were. */
static bool dialect_is_given_key(const struct token *token, struct token *last)
{
    struct token primary = token_after(token), key = token_after(&primary);
    if (!token_is(token, "integer") || !token_is(&primary, "primary") || !token_is(&key, "key"))
        return false;
    *last = key;
    return true;
}

enum rc dialect_to_postgres(const char *sql, struct buf *out)
{
    struct token token = token_next(sql), before = { TOKEN_END, sql, 0 }, last;
    bool begins = true, defines = false; /* columns are made: a text is compared by its bytes, as SQLite does */
    enum rc rc = RC_OK;
    for (; !rc && token.kind != TOKEN_END; token = token_next(token.at + token.len)) {
        if (begins && token.kind == TOKEN_WORD)
            defines = dialect_defines(&token);
        if (token.kind != TOKEN_SPACE)
            begins = token_is_sign(&token, ';');
        if (token.kind == TOKEN_PARAMETER) {
            rc = buf_printf(out, "$%.*s", (int)token.len - 1, token.at + 1);
        } else if (defines && dialect_is_given_key(&token, &last)) {
            rc = buf_append_text(out, "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY");
            token = last;
        } else if (token_is(&token, "integer")) {
            rc = buf_append_text(out, "BIGINT");
        } else if (token_is(&token, "blob")) {
            rc = buf_append_text(out, "BYTEA");
        } else if (defines && token_is(&token, "text") && dialect_is_type(&before)) {
            rc = buf_append_text(out, "TEXT COLLATE \"C\"");
        } else {
            rc = buf_append(out, token.at, token.len);
        }
        if (token.kind != TOKEN_SPACE)
            before = token;
    }
    return rc;
}
