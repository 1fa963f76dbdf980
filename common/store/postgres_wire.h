/* postgres_wire.h — values as PostgreSQL's protocol carries them, and its words for errors. Pure: no connection. */
#ifndef JPKI_STORE_POSTGRES_WIRE_H
#define JPKI_STORE_POSTGRES_WIRE_H

#include "base/buf.h"

/* pg_type.dat: what the common SQL's types and expressions come back as. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_VARCHAR = 1043,
    OID_NUMERIC = 1700
};

struct wire_parameter {
    unsigned type; /* stays what it was when it is NULL; 0: never anything else */
    bool null;
    struct buf value; /* an integer: eight bytes, big-endian; a text: with its NUL */
};

enum rc wire_put(struct wire_parameter *parameter, unsigned type, struct bytes value) MUST_CHECK;
enum rc wire_put_integer(struct wire_parameter *parameter, int64_t value) MUST_CHECK;
enum rc wire_put_text(struct wire_parameter *parameter, const char *value) MUST_CHECK; /* NULL: NULL */
void wire_put_null(struct wire_parameter *parameter);

bool wire_is_known(unsigned type);
bool wire_is_number(unsigned type);

/* A value in binary format as a number: the integer part of a numeric (what SUM gives), the digits of a text. */
int64_t wire_integer(unsigned type, const char *value, size_t len);

/* Of a SQLSTATE (PostgreSQL manual, appendix A); NULL is RC_IO. */
enum rc wire_rc(const char *state);

#endif
