/* card_register.c — jpki card register and unregister: the module made known to this person's browsers and to p11-kit, and
 * taken out again. Browsers get the authentication token alone: of two they would ask both PINs. */
#include "jpki/card_command.h"

#include "base/file.h"
#include "base/opt.h"
#include "jpki/nssdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define P11KIT_CONFIG "/etc/pkcs11/pkcs11.conf"

struct work {
    enum nssdb_change change;
    bool dry;
    char home[PATH_SIZE], config[PATH_SIZE]; /* $XDG_CONFIG_HOME or ~/.config */
    char library[PATH_SIZE], whole_library[PATH_SIZE];
    unsigned places, failed; /* browsers' databases that were seen; what could not be done */
};

static void tell(const struct work *work, const char *what, const char *path, const char *result)
{
    printf("%s%s %s: %s\n", work->dry ? "(dry run) " : "", what, path, result);
}

static void change_database(struct work *work, const char *what, const char *folder)
{
    struct err err = { 0 };
    bool adding = work->change == NSSDB_ADD;
    enum rc rc = nssdb_change(folder, work->change, work->library, work->dry, &err);
    if (rc == RC_UNREACHABLE)
        return; /* never used */
    work->places++;
    if (!rc)
        tell(work, what, folder, adding ? "registered" : "taken out");
    else if (rc == RC_EXISTS || rc == RC_NOT_FOUND)
        tell(work, what, folder, adding ? "registered already" : "it was not there");
    else
        tell(work, what, folder, err_text(&err, rc));
    work->failed += rc && rc != RC_EXISTS && rc != RC_NOT_FOUND;
}

/* profiles.ini: a section for each profile, with Path= and IsRelative=. */
static void change_firefox(struct work *work, const char *folder)
{
    char path[PATH_SIZE], line[PATH_SIZE], profile[PATH_SIZE] = "";
    bool relative = true, more = true;
    if ((size_t)snprintf(path, sizeof path, "%s/profiles.ini", folder) >= sizeof path)
        return;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (more) {
        more = fgets(line, sizeof line, file) != NULL;
        if (more)
            line[strcspn(line, "\r\n")] = '\0';
        if ((!more || line[0] == '[') && profile[0]) {
            bool fits = (size_t)snprintf(path, sizeof path, "%s%s%s", relative ? folder : "", relative ? "/" : "", profile)
                < sizeof path;
            if (fits)
                change_database(work, "Firefox", path);
            profile[0] = '\0';
            relative = true;
        } else if (more && strncmp(line, "Path=", 5) == 0) {
            strcpy(profile, line + 5);
        } else if (more && strncmp(line, "IsRelative=", 11) == 0) {
            relative = strcmp(line + 11, "0") != 0;
        }
    }
    fclose(file);
}

/* Chromium and its relatives share one database, and say in a folder of each that they run. */
static void change_chromium(struct work *work)
{
    static const char *const marks[] = { "chromium/SingletonLock", "google-chrome/SingletonLock", "microsoft-edge/SingletonLock",
                                         "BraveSoftware/Brave-Browser/SingletonLock" };
    static const char *const folders[] = { ".pki/nssdb", ".local/share/pki/nssdb" };
    struct err err = { 0 };
    char path[PATH_SIZE * 2];
    enum rc rc = RC_OK;
    for (size_t i = 0; i < sizeof marks / sizeof *marks && !rc; i++) {
        snprintf(path, sizeof path, "%s/%s", work->config, marks[i]);
        rc = nssdb_check_mark(path, &err);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s/pkcs11.txt", work->home, folders[i]);
        if (access(path, F_OK))
            continue;
        *strrchr(path, '/') = '\0';
        if (!rc) {
            change_database(work, "Chromium", path);
            continue;
        }
        work->places++;
        work->failed++;
        tell(work, "Chromium", path, err_text(&err, rc));
    }
}

/* --- p11-kit ------------------------------------------------------------------------------------------------------------- */

/* p11-kit reads a person's own files only where the machine's configuration says so. */
static bool p11kit_reads_own_files(void)
{
    struct buf file = { 0 };
    bool reads = false;
    if (file_read(P11KIT_CONFIG, &file, NULL) == RC_OK && buf_append(&file, "", 1) == RC_OK)
        for (char *line = (char *)file.data; line; line = strchr(line, '\n')) {
            char value[32] = "";
            line += *line == '\n';
            if (sscanf(line, " user-config : %31s", value) == 1)
                reads = strcmp(value, "merge") == 0 || strcmp(value, "only") == 0;
        }
    buf_wipe(&file);
    return reads;
}

static void change_p11kit(struct work *work)
{
    struct err err = { 0 };
    struct buf before = { 0 };
    char folder[PATH_SIZE * 2], path[PATH_SIZE * 2 + 32], content[PATH_SIZE + 128];
    snprintf(folder, sizeof folder, "%s/pkcs11/modules", work->config);
    snprintf(path, sizeof path, "%s/jpki-pkcs11.module", folder);
    snprintf(content, sizeof content, "# Written by 'jpki card register'.\nmodule: %s\n", work->whole_library);
    bool adding = work->change == NSSDB_ADD, there = access(path, F_OK) == 0;
    enum rc rc = there ? file_read(path, &before, &err) : RC_OK;
    const char *result = adding ? "registered" : "taken out";
    if (!rc && there && !memmem(before.data, before.len, "jpki card register", 18)) {
        rc = err_set(&err, RC_CONFLICT, "the file is somebody else's and was left alone");
    } else if (!rc && adding && there && bytes_equal(buf_bytes(&before), bytes_of(content, strlen(content)))) {
        result = "registered already";
    } else if (!rc && !adding && !there) {
        result = "it was not there";
    } else if (!rc && !work->dry && adding) {
        rc = file_make_folder(folder, 0700, &err);
        if (!rc)
            rc = file_write_atomic(path, bytes_of(content, strlen(content)), 0644, &err);
    } else if (!rc && !work->dry && unlink(path)) {
        rc = err_set_errno(&err, RC_IO, "%s", path);
    }
    tell(work, "p11-kit", path, rc ? err_text(&err, rc) : result);
    if (!rc && adding && !p11kit_reads_own_files())
        printf("p11-kit reads this file only when " P11KIT_CONFIG " has the line \"user-config: merge\"\n");
    work->failed += rc != RC_OK;
    buf_wipe(&before);
}

/* --- the commands -------------------------------------------------------------------------------------------------------- */

static enum rc find_folders(struct work *work, struct err *err)
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    if (!home || *home != '/' || strlen(home) > PATH_SIZE / 2)
        return err_set(err, RC_USAGE, "$HOME is no absolute path");
    strcpy(work->home, home);
    if (config && *config == '/' && strlen(config) < PATH_SIZE)
        strcpy(work->config, config);
    else
        snprintf(work->config, sizeof work->config, "%s/.config", work->home);
    return RC_OK;
}

static enum rc find_library(const char *folder, const char *name, char *path, struct err *err)
{
    char whole[PATH_SIZE * 2];
    snprintf(whole, sizeof whole, "%.4000s/%s", folder, name);
    if (!realpath(whole, path))
        return err_set_errno(err, RC_USAGE, "%s (--module-dir names the folder of the modules)", whole);
    return RC_OK;
}

static int run(enum nssdb_change change, const char *usage, const char *about, int argc, char **argv)
{
    struct work work = { .change = change };
    const char *folder = JPKI_MODULE_DIR;
    const struct opt opts[] = {
        { "--dry-run", NULL, "say what would be done and do nothing", OPT_FLAG, &work.dry, false },
        { "--module-dir", "DIR", "where the modules are; default " JPKI_MODULE_DIR, OPT_TEXT, &folder, false },
        { 0 },
    };
    int status;
    if (opt_only(usage, about, opts, argc, argv, &status))
        return status;
    struct err err = { 0 };
    char path[PATH_SIZE * 2];
    enum rc rc = find_folders(&work, &err);
    if (!rc && change == NSSDB_ADD)
        rc = find_library(folder, NSSDB_LIBRARY, work.library, &err);
    if (!rc && change == NSSDB_ADD)
        rc = find_library(folder, "jpki-pkcs11.so", work.whole_library, &err);
    if (rc)
        return card_command_failed(&err, rc);
    snprintf(path, sizeof path, "%s/.mozilla/firefox", work.home);
    change_firefox(&work, path);
    snprintf(path, sizeof path, "%s/mozilla/firefox", work.config);
    change_firefox(&work, path);
    change_chromium(&work);
    if (!work.places)
        printf("no database of Firefox or Chromium: start the browser once, close it, and say it again\n");
    change_p11kit(&work);
    return work.failed ? EXIT_FAILED : EXIT_DONE;
}

int card_command_register(int argc, char **argv)
{
    return run(NSSDB_ADD, "jpki card register [OPTIONS]",
               "Makes the module known to your Firefox and Chromium, as the authentication token alone, and to p11-kit. The "
               "browsers must be closed; each list of modules is kept as it was beside the new one.",
               argc, argv);
}

int card_command_unregister(int argc, char **argv)
{
    return run(NSSDB_REMOVE, "jpki card unregister [OPTIONS]", "Takes out again what 'jpki card register' put in.", argc, argv);
}
