/* runtime.h — small files that the processes of one user share for as long as the user is logged in: in
 * $XDG_RUNTIME_DIR/open-jpki, else /run/user/UID/open-jpki, else /tmp/open-jpki-UID; in a folder that is the user's own and
 * nobody else's to read. */
#ifndef JPKI_PKCS11_RUNTIME_H
#define JPKI_PKCS11_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

/* Opens and locks the file, made when it is missing (0600). -1: there is no such folder, or it is not safe. */
int runtime_open(const char *name);

/* The whole file, when it has exactly that many bytes. */
bool runtime_read(int fd, void *to, size_t len);

/* Writes (content not NULL) and lets go. -1: nothing. */
void runtime_close(int fd, const void *content, size_t len);

#endif
