/* replay.c — the main of a harness where there is no libFuzzer: runs it once for every file in the folders it is given.
 * An input that once went wrong and was kept stays a test. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return 0;
}

/* On the heap and no byte longer, so that a sanitizer sees who reads behind it. */
static bool run_file(const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &st) < 0) {
        perror(path);
        return false;
    }
    size_t len = (size_t)st.st_size;
    uint8_t *bytes = malloc(len ? len : 1);
    bool whole = bytes && fread(bytes, 1, len, file) == len;
    fclose(file);
    if (whole) {
        fprintf(stderr, "%s\n", path); /* the last line before a crash names the input */
        (void)LLVMFuzzerTestOneInput(bytes, len);
    }
    free(bytes);
    return whole;
}

static int run_folder(const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort), done = 0;
    bool good = count >= 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        bool file = names[i]->d_name[0] != '.';
        if (file)
            snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        good = good && (!file || run_file(path));
        done += file;
        free(names[i]);
    }
    free(names);
    if (count < 0)
        perror(folder);
    return good ? done : -1;
}

int main(int argc, char **argv)
{
    int total = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER…\n", argv[0]);
        return 2;
    }
    if (LLVMFuzzerInitialize(&argc, &argv))
        return 1;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        int done = run_folder(argv[i]);
        if (done < 0)
            return 1;
        total += done;
    }
    printf("%d inputs\n", total);
    if (total)
        return 0;
    fprintf(stderr, "no input: an empty corpus tests nothing\n");
    return 1;
}
