/* directory.c — the file of nodes. */
#include "registry/directory.h"

#include <stdio.h>
#include <string.h>

enum rc directory_find(const char *path, const char *municipality, char url[DIRECTORY_URL], struct err *err)
{
    char line[300];
    enum rc rc = RC_NOT_FOUND;
    FILE *file = path ? fopen(path, "re") : NULL;
    if (path && !file)
        return err_set_errno(err, RC_IO, "%s", path);
    for (int number = 1; file && rc == RC_NOT_FOUND && fgets(line, sizeof line, file); number++) {
        char code[8], place[DIRECTORY_URL];
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
            continue;
        if (sscanf(line, "%7s %199s", code, place) != 2 || strlen(code) != 6 || strncmp(place, "https://", 8) != 0)
            rc = err_set(err, RC_FORMAT, "%s:%d: not a municipality's code and an https URL", path, number);
        else if (strcmp(code, municipality) == 0) {
            snprintf(url, DIRECTORY_URL, "%s", place);
            rc = RC_OK;
        }
    }
    if (file)
        fclose(file);
    return rc == RC_NOT_FOUND ? err_set(err, rc, "municipality %s is not connected", municipality) : rc;
}
