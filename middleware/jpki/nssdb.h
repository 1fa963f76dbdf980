/* nssdb.h — the list of modules in an NSS database (pkcs11.txt, as browsers keep one): our module put in and taken out,
 * nothing else touched. */
#ifndef JPKI_JPKI_NSSDB_H
#define JPKI_JPKI_NSSDB_H

#include "base/buf.h"
#include "base/err.h"

#define NSSDB_LIBRARY "jpki-pkcs11-auth.so"
#define NSSDB_NAME "open-jpki"

/* A list is blocks of lines "key=value", an empty line behind each. An entry is ours when its library's file name is
 * NSSDB_LIBRARY, wherever it lies.
 *
 * Appends to out the list with one entry of ours, for the library (an absolute path). RC_EXISTS: it has just that, nothing
 * is appended. RC_CONFLICT: another module has our name. RC_USAGE: a path that the list cannot hold. RC_FORMAT: no list. */
enum rc nssdb_add(struct bytes list, const char *library, struct buf *out, struct err *err) MUST_CHECK;

/* Appends to out the list without ours. RC_NOT_FOUND: there is none, nothing is appended. RC_FORMAT. */
enum rc nssdb_remove(struct bytes list, struct buf *out, struct err *err) MUST_CHECK;

/* Whether a program uses the database in the folder: a lock on one of its files, or a browser's mark with a process that
 * lives. RC_CONFLICT with words that name it; RC_OK. */
enum rc nssdb_check_unused(const char *folder, struct err *err) MUST_CHECK;

/* A symbolic link by which a browser says that it runs: "host-123", "address:+123". RC_CONFLICT; RC_OK also when there is
 * none, or its process is gone. */
enum rc nssdb_check_mark(const char *path, struct err *err) MUST_CHECK;

enum nssdb_change { NSSDB_ADD, NSSDB_REMOVE };

/* Does it to the folder's pkcs11.txt, whole or not at all; the file as it was stands in pkcs11.txt.before-open-jpki then.
 * dry: everything but the writing. RC_EXISTS, RC_NOT_FOUND (nothing to do), RC_CONFLICT (in use, or another module has the
 * name), RC_UNREACHABLE (there is no list in the folder), RC_FORMAT, RC_USAGE, RC_IO. */
enum rc nssdb_change(const char *folder, enum nssdb_change change, const char *library, bool dry, struct err *err)
    MUST_CHECK;

#endif
