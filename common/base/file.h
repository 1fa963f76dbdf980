/* file.h — whole files: read with a ceiling, written so that a crash leaves the old or the new one. */
#ifndef JPKI_BASE_FILE_H
#define JPKI_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* Appends the whole file to out (whose ceiling holds). RC_NOT_FOUND, RC_RANGE, RC_IO. */
enum rc file_read(const char *path, struct buf *out, struct err *err) MUST_CHECK;

/* Temporary file beside it, write, fsync, rename, fsync of the folder. RC_IO; the old file is then unchanged. */
enum rc file_write_atomic(const char *path, struct bytes content, mode_t mode, struct err *err) MUST_CHECK;

/* As file_write_atomic, but RC_EXISTS when the path exists (link(2), so two writers cannot both win). */
enum rc file_create(const char *path, struct bytes content, mode_t mode, struct err *err) MUST_CHECK;

/* mkdir -p. An existing folder is fine and keeps its mode. */
enum rc file_make_folder(const char *path, mode_t mode, struct err *err) MUST_CHECK;

/* Takes an exclusive flock on path (created 0600). *fd is closed by the caller to let go. RC_CONFLICT when another
 * process holds it. */
enum rc file_lock(const char *path, int *fd, struct err *err) MUST_CHECK;

/* "folder/name" on the heap, caller frees; NULL when out of memory. */
char *file_join(const char *folder, const char *name);

#endif
