/* postgres_wire.c — numbers, parameters and SQLSTATEs. */
#include "store/postgres_wire.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum rc wire_put(struct wire_parameter *parameter, unsigned type, struct bytes value)
{
    buf_truncate(&parameter->value, 0);
    parameter->type = type;
    parameter->null = false;
    return buf_append_bytes(&parameter->value, value);
}

void wire_put_null(struct wire_parameter *parameter)
{
    buf_truncate(&parameter->value, 0);
    parameter->null = true;
}

enum rc wire_put_integer(struct wire_parameter *parameter, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    return wire_put(parameter, OID_INT8, bytes_of(&wire, sizeof wire));
}

enum rc wire_put_text(struct wire_parameter *parameter, const char *value)
{
    if (value)
        return wire_put(parameter, OID_TEXT, bytes_of(value, strlen(value) + 1));
    wire_put_null(parameter);
    return RC_OK;
}

bool wire_is_number(unsigned type)
{
    return type == OID_INT8 || type == OID_INT4 || type == OID_INT2 || type == OID_BOOL || type == OID_NUMERIC;
}

bool wire_is_known(unsigned type)
{
    return wire_is_number(type) || type == OID_TEXT || type == OID_BYTEA || type == OID_VARCHAR || type == OID_NAME;
}

static int64_t wire_number(const char *value, size_t len)
{
    uint64_t number = len && (value[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++)
        number = number << 8 | (uint8_t)value[i];
    return (int64_t)number;
}

/* The integer part of a numeric (what SUM gives): digits of 10,000 each, the first of the given weight. */
static int64_t wire_numeric(const char *value, size_t len)
{
    int64_t digits = wire_number(value, 2), weight = wire_number(value + 2, 2), number = 0;
    for (int64_t i = 0; i <= weight; i++)
        number = number * 10000 + (i < digits && (size_t)(10 + 2 * i) <= len ? wire_number(value + 8 + 2 * i, 2) : 0);
    return wire_number(value + 4, 2) == 0x4000 ? -number : number;
}

int64_t wire_integer(unsigned type, const char *value, size_t len)
{
    if (type == OID_INT8 || type == OID_INT4 || type == OID_INT2)
        return wire_number(value, len);
    if (type == OID_BOOL)
        return value[0];
    return type == OID_NUMERIC ? wire_numeric(value, len) : strtoll(value, NULL, 10);
}

enum rc wire_rc(const char *state)
{
    static const struct {
        const char *state; /* the beginning of a SQLSTATE (PostgreSQL manual, appendix A) */
        enum rc rc;
    } rows[] = {
        { "23505", RC_EXISTS }, { "23", RC_CONFLICT }, { "40", RC_CONFLICT }, { "55", RC_CONFLICT },
        { "42501", RC_DENIED }, { "25006", RC_DENIED }, { "25", RC_STATE }, { "42", RC_BUG },
        { "22003", RC_RANGE }, { "54", RC_RANGE }, { "22", RC_FORMAT }, { "53200", RC_NOMEM },
        { "57014", RC_INTERRUPTED }, { "0A", RC_BUG },
    };
    for (size_t i = 0; state && i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(state, rows[i].state, strlen(rows[i].state)) == 0)
            return rows[i].rc;
    return RC_IO;
}
