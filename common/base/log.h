/* log.h — one line an event on standard error (or a file), with time, program and level. Off levels cost a compare.
 *
 * Never logged: PINs, keys, the four attributes, 住民票コード, 個人番号. Identify people by request id or serial number. */
#ifndef JPKI_BASE_LOG_H
#define JPKI_BASE_LOG_H

#include "base/rc.h"

enum log_level { LOG_OFF = -1, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* program is borrowed for the life of the process. The level starts at LOG_WARNING; JPKI_LOG=error|warning|info|debug
 * in the environment overrides what a program sets. LOG_OFF writes nothing. */
void log_open(const char *program, enum log_level level);

/* Sends lines to a file instead, opened for appending (0600). RC_IO. */
enum rc log_to_file(const char *path) MUST_CHECK;

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
