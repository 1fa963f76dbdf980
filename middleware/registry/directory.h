/* directory.h — where the other municipal nodes are: a file of lines "462012 https://host:port", '#' begins a comment. Read anew at
 * each look-up, so that it can be changed under a running node. */
#ifndef JPKI_REGISTRY_DIRECTORY_H
#define JPKI_REGISTRY_DIRECTORY_H

#include "base/err.h"

#define DIRECTORY_URL 200

/* RC_NOT_FOUND the municipality is not connected; RC_FORMAT names the line. path NULL: nobody is. */
enum rc directory_find(const char *path, const char *municipality, char url[DIRECTORY_URL], struct err *err) MUST_CHECK;

#endif
