/* Stylize: a frei0r filter that paints frames in the style of a painting, by stylecli.
 *
 * A frame goes as raw pixels to a worker of stylecli, through a folder of jobs, and comes back painted. docs/editors.md
 * describes the files of that folder. Which styles there are, and how they paint, is known to the worker alone.
 *
 * All functions may be called from several threads at the same time, also for one instance, as MLT does.
 */
#define _GNU_SOURCE /* POSIX_SPAWN_SETSID */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if !defined STYLECLI_VERSION || !defined STYLECLI_BUILD
#error "Compile by: stylecli plugins install frei0r"
#endif
static const char BUILD[] __attribute__((used)) = STYLECLI_BUILD; /* by it the installer knows its library */

/* The interface of frei0r 1 ---------------------------------------------------------------------------------------- */

enum { FREI0R_VERSION = 1, FILTER = 0, RGBA8888 = 1 };
enum { BOOLEAN = 0, DOUBLE = 1, STRING = 4 };

typedef struct {
    const char *name, *author;
    int plugin_type, color_model, frei0r_version, major_version, minor_version, num_params;
    const char *explanation;
} PluginInfo;

typedef struct {
    const char *name;
    int type;
    const char *explanation;
} ParameterInfo;

/* Parameters ------------------------------------------------------------------------------------------------------- */

enum { STYLE, STRENGTH, STROKE_SIZE, KEEP_COLOURS, VARIANT, STEADY, CACHE, ON_ERROR, TIMEOUT, PARAMETERS };

static const ParameterInfo PARAMETER[PARAMETERS] = {
    [STYLE] = {"style", STRING, "Name of an installed style, or a blend a:0.6+b:0.4; empty: the first style"},
    [STRENGTH] = {"strength", DOUBLE, "0: the picture itself, 1: all of the style"},
    [STROKE_SIZE] = {"stroke size", STRING, "auto fits the picture; native; or a number, 1 is native"},
    [KEEP_COLOURS] = {"keep colours", BOOLEAN, "Keep the picture's colours"},
    [VARIANT] = {"variant", STRING, "Network of the style; empty: its default"},
    [STEADY] = {"steady", BOOLEAN, "Frames share their statistics, so that the picture does not pump"},
    [CACHE] = {"cache", BOOLEAN, "Keep painted frames on the disk for the next time"},
    [ON_ERROR] = {"on error", STRING, "mark: stripes and the reason over the frame; pass: the frame as it is; stop: end the program"},
    [TIMEOUT] = {"timeout", STRING, "Seconds for one frame"},
};

static const char *const DEFAULT_TEXT[PARAMETERS] = {
    [STYLE] = "", [STROKE_SIZE] = "auto", [VARIANT] = "", [ON_ERROR] = "mark", [TIMEOUT] = "120",
};
static const double DEFAULT_NUMBER[PARAMETERS] = {[STRENGTH] = 1, [STEADY] = 1};

typedef struct {
    unsigned width, height;
    double number[PARAMETERS];
    char *text[PARAMETERS];
    pthread_mutex_t lock; /* of the parameters and the message */
    char told[512];       /* the message that was printed last */
} Instance;

/* What a frame is painted with: the parameters at its time. */
typedef struct {
    unsigned width, height;
    double number[PARAMETERS];
    char text[PARAMETERS][256];
} Look;

/* Limits ----------------------------------------------------------------------------------------------------------- */

enum {
    FAULT = 512,           /* bytes of a message */
    ANSWER = 8192,         /* bytes of an answer or a worker's description, at most: hosts may give threads small stacks */
    BEAT_MS = 6000,        /* a worker whose number stands still for so long is dead */
    BOOT_MS = 30000,       /* a worker that was started shows itself within this time */
    ENDS_MAX = 3,          /* of workers while one frame waits */
    REFUSAL_MS = 10000,    /* after a worker that did not start, frames fail at once for so long */
    LOOK_MS = 100,         /* between two looks at the worker */
    ALREADY_SERVED = 2,    /* a worker's exit code where the folder has one */
    KILLED = 128,          /* exit codes above tell of a signal */
    STOPPED = 4,           /* exit code of a host that "stop" ends */
    STRIPE = 24,           /* pixels */
};

static const char REPAIR[] = "Run in a terminal: stylecli plugins install frei0r";

/* Text ------------------------------------------------------------------------------------------------------------- */

static bool fail(char *fault, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(fault, FAULT, format, values);
    va_end(values);
    return false;
}

/* Append to a text of at most `size` bytes; what does not fit is left out. */
static void append(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list values;
    va_start(values, format);
    vsnprintf(text + length, size - length, format, values);
    va_end(values);
}

static void append_json(char *text, size_t size, const char *value)
{
    append(text, size, "\"");
    for (const unsigned char *byte = (const unsigned char *)value; *byte; byte++)
        append(text, size, *byte < 0x20 || *byte == '"' || *byte == '\\' ? "\\u%04x" : "%c", *byte);
    append(text, size, "\"");
}

static char *put_utf8(char *at, unsigned code)
{
    if (code < 0x80) {
        *at++ = (char)code;
    } else if (code < 0x800) {
        *at++ = (char)(0xC0 | code >> 6);
        *at++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *at++ = (char)(0xE0 | code >> 12);
        *at++ = (char)(0x80 | (code >> 6 & 0x3F));
        *at++ = (char)(0x80 | (code & 0x3F));
    } else {
        *at++ = (char)(0xF0 | code >> 18);
        *at++ = (char)(0x80 | (code >> 12 & 0x3F));
        *at++ = (char)(0x80 | (code >> 6 & 0x3F));
        *at++ = (char)(0x80 | (code & 0x3F));
    }
    return at;
}

static unsigned hex4(const char *text)
{
    char digits[5] = {0};
    memcpy(digits, text, strnlen(text, 4));
    return (unsigned)strtoul(digits, NULL, 16);
}

/* The value of the first `key` of a JSON text that the worker has written, if it is a string. */
static bool json_text(const char *json, const char *key, char *value, size_t size)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\": \"", key);
    const char *from = strstr(json, pattern); /* inside a string its quotes would stand behind backslashes */
    if (!from)
        return false;
    char *at = value, *end = value + size - 5;
    for (from += strlen(pattern); *from && *from != '"' && at < end; from++) {
        if (*from != '\\') {
            *at++ = *from;
        } else if (*++from == 'u') {
            unsigned code = hex4(from + 1);
            from += strnlen(from + 1, 4);
            if (code >= 0xD800 && code < 0xDC00 && from[1] == '\\' && from[2] == 'u') {
                code = 0x10000 + ((code - 0xD800) << 10) + (hex4(from + 3) - 0xDC00);
                from += 2 + strnlen(from + 3, 4);
            }
            at = put_utf8(at, code);
        } else {
            *at++ = *from == 'n' || *from == 't' || *from == 'r' ? ' ' : *from;
        }
        if (!*from)
            break;
    }
    *at = 0;
    return true;
}

static long json_number(const char *json, const char *key)
{
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\": ", key);
    const char *from = strstr(json, pattern);
    return from ? strtol(from + strlen(pattern), NULL, 10) : 0;
}

/* Time and files --------------------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static bool write_file(const char *path, const void *data, size_t size, char *fault)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(fault, "%s: %s", path, strerror(errno));
    const char *from = data;
    while (size) {
        ssize_t count = write(file, from, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        from += count;
        size -= (size_t)count;
    }
    int reason = size ? errno : 0;
    if (close(file) && !reason)
        reason = errno;
    if (!reason)
        return true;
    unlink(path);
    return fail(fault, "%s: %s", path, strerror(reason));
}

static size_t read_up_to(int file, void *data, size_t size)
{
    size_t filled = 0;
    while (filled < size) {
        ssize_t count = read(file, (char *)data + filled, size - filled);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        filled += (size_t)count;
    }
    return filled;
}

/* Read a file of exactly `size` bytes. */
static bool read_pixels(const char *path, void *data, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    size_t filled = read_up_to(file, data, size);
    char more;
    bool is_whole = filled == size && read(file, &more, 1) == 0;
    close(file);
    return is_whole;
}

/* Read the beginning of a file, fewer than `size` bytes, and end it by a zero. */
static bool read_text(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    text[read_up_to(file, text, size - 1)] = 0;
    close(file);
    return true;
}
/* The connection: the folder at a fixed place that the installer has written ---------------------------------------- */

typedef struct {
    char config[PATH_MAX], launcher[PATH_MAX], log[PATH_MAX], spool[PATH_MAX];
} Connection;

static bool find_connection(Connection *found, char *fault)
{
    const char *home = getenv("HOME");
    if (!home || strlen(home) > PATH_MAX - 256)
        return fail(fault, "there is no home folder: HOME is not set");
    static const char folder[] = ".config/stylecli/frei0r";
    snprintf(found->config, PATH_MAX, "%s/%s/config.json", home, folder);
    snprintf(found->launcher, PATH_MAX, "%s/%s/stylecli.sh", home, folder);
    snprintf(found->log, PATH_MAX, "%s/%s/log.txt", home, folder);
    snprintf(found->spool, PATH_MAX, "%s/%s/spool", home, folder);
    if (access(found->config, R_OK) || access(found->launcher, X_OK))
        return fail(fault, "stylecli is not connected. %s", REPAIR);
    if (mkdir(found->spool, 0700) && errno != EEXIST)
        return fail(fault, "%s: %s", found->spool, strerror(errno));
    return true;
}

static void file_of(const Connection *there, const char *stem, const char *suffix, char *path)
{
    int length = snprintf(path, PATH_MAX, "%s/%s.%s", there->spool, stem, suffix);
    if (length >= PATH_MAX)
        path[0] = 0;
}

/* The worker ------------------------------------------------------------------------------------------------------- */

/* The worker that this process has started last. Its pipe ends when the worker has ended. */
static struct {
    pthread_mutex_t lock;
    int users;          /* f0r_init without f0r_deinit */
    int pipe;
    int64_t since;      /* when it was started */
    int64_t failed;     /* when one did not start; 0: it did */
    char reason[FAULT]; /* why */
} started = {.lock = PTHREAD_MUTEX_INITIALIZER, .pipe = -1};

typedef enum { ABSENT, OUTDATED, ALIVE } WorkerState;

/* What the worker's own files say; a worker that was killed leaves them. */
static WorkerState look_at_worker(const Connection *there)
{
    char path[PATH_MAX], facts[ANSWER], version[64];
    file_of(there, "worker", "json", path);
    if (!read_text(path, facts, sizeof facts) || !json_text(facts, "version", version, sizeof version))
        return ABSENT;
    long process = json_number(facts, "pid");
    if (process > 0 && kill((pid_t)process, 0) && errno == ESRCH)
        return ABSENT;
    return strcmp(version, STYLECLI_VERSION) ? OUTDATED : ALIVE;
}

/* Start a worker that outlives this process; it ends by itself when nobody needs it. Call with the lock. */
static bool start_worker(const Connection *there, char *fault)
{
    /* The shell passes the exit code on through the pipe. No file of the host may stay open in the worker. */
    static const char line[] =
        "(\"$1\" spool \"$2\" --idle 300 </dev/null >\"$3\" 2>&1; echo $? >&3) </dev/null >/dev/null 2>&1 &";
    char *const words[] = {"sh", "-c", (char *)line, "sh", (char *)there->launcher, (char *)there->spool,
                           (char *)there->log, NULL};
    extern char **environ;
    int ends[2];
    if (started.pipe >= 0)
        close(started.pipe);
    started.pipe = -1;
    if (pipe(ends))
        return fail(fault, "no worker can be started: %s", strerror(errno));
    int high = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
    close(ends[1]);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, high, 3);
    long files = sysconf(_SC_OPEN_MAX);
    for (int file = 4; file < (files > 4096 || files < 0 ? 4096 : files); file++)
        posix_spawn_file_actions_addclose(&actions, file);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    pid_t shell;
    int reason = high < 0 ? errno : posix_spawn(&shell, "/bin/sh", &actions, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (high >= 0)
        close(high);
    if (reason) {
        close(ends[0]);
        return fail(fault, "no worker can be started: %s", strerror(reason));
    }
    while (waitpid(shell, NULL, 0) < 0 && errno == EINTR) /* it ends at once, so that no zombie stays */
        ;
    started.pipe = ends[0];
    started.since = now_ms();
    return true;
}

static void last_line(const char *path, char *line, size_t size)
{
    char text[4096];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0;
    if (file >= 0) {
        off_t end = lseek(file, 0, SEEK_END);
        lseek(file, end > (off_t)sizeof text - 1 ? end - ((off_t)sizeof text - 1) : 0, SEEK_SET);
        length = read(file, text, sizeof text - 1);
        close(file);
    }
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        length--;
    text[length > 0 ? length : 0] = 0;
    const char *last = strrchr(text, '\n');
    snprintf(line, size, "%.*s", (int)size - 1, last ? last + 1 : *text ? text : "it said nothing");
}

/* See that a worker is there: start one, end one of another version, or wait. `ends` counts those that ended while one
 * frame waits. False and a message where none will come. */
static bool tend_worker(const Connection *there, bool is_silent, int *ends, char *fault)
{
    WorkerState state = look_at_worker(there);
    if (state == ALIVE && !is_silent)
        return true;
    char path[PATH_MAX], unread[FAULT];
    bool is_well = true;
    pthread_mutex_lock(&started.lock);
    if (state == OUTDATED && !is_silent) {
        file_of(there, "worker", "stop", path);
        write_file(path, "", 0, unread);
        pthread_mutex_unlock(&started.lock);
        return true;
    }
    bool is_booting = started.pipe >= 0 && now_ms() - started.since < BOOT_MS;
    char code[16] = "";
    ssize_t count = started.pipe < 0 ? -1 : read(started.pipe, code, sizeof code - 1);
    if (count >= 0) { /* it has ended */
        close(started.pipe);
        started.pipe = -1;
        int status = atoi(code); /* 0: it was killed together with its shell */
        *ends += status != ALREADY_SERVED;
        is_booting = status == ALREADY_SERVED && now_ms() - started.since < BOOT_MS;
        if (count > 0 && status > 0 && status < KILLED && status != ALREADY_SERVED) {
            char said[FAULT / 2];
            last_line(there->log, said, sizeof said);
            snprintf(started.reason, FAULT, "stylecli does not start: %s", said);
            started.failed = now_ms();
        }
    }
    if (started.failed && now_ms() - started.failed < REFUSAL_MS) {
        is_well = fail(fault, "%s", started.reason);
    } else if (!is_booting) {
        started.failed = 0;
        is_well = *ends >= ENDS_MAX ? fail(fault, "stylecli ended %d times. See %s", ENDS_MAX, there->log)
                                    : start_worker(there, fault);
    }
    pthread_mutex_unlock(&started.lock);
    return is_well;
}

/* A job ------------------------------------------------------------------------------------------------------------ */

static void remove_files(const Connection *there, const char *identifier, const char *const *suffixes)
{
    char path[PATH_MAX];
    for (; *suffixes; suffixes++) {
        file_of(there, identifier, *suffixes, path);
        unlink(path);
    }
}

/* Take a job back, or say that its answer is not wanted where a worker has it. */
static bool give_up(const Connection *there, const char *identifier)
{
    static const char *const own[] = {"tmp", "in", NULL};
    char path[PATH_MAX], unread[FAULT];
    file_of(there, identifier, "job", path);
    if (unlink(path)) {
        file_of(there, identifier, "cancel", path);
        write_file(path, "", 0, unread);
    }
    remove_files(there, identifier, own);
    return false;
}

/* Frames of one host and size share their statistics; the worker tells the scenes apart. MLT has an instance for each
 * of its threads, so that an instance is no clip. */
static void scene_of(const Look *look, char *scene, size_t size)
{
    static _Atomic int64_t since;
    int64_t none = 0;
    atomic_compare_exchange_strong(&since, &none, (int64_t)time(NULL));
    snprintf(scene, size, "f-%ld-%lld-%ux%u", (long)getpid(), (long long)since, look->width, look->height);
}

static bool is_number(const char *text)
{
    size_t whole = strspn(text, "0123456789"), rest = 0;
    if (text[whole] == '.')
        rest = 1 + strspn(text + whole + 1, "0123456789");
    return whole && !text[whole + rest] && rest != 1;
}

static void describe(const Look *look, const char *style, char *job, size_t size)
{
    long strength = (long)(look->number[STRENGTH] * 1e6 + 0.5); /* printf of a double would follow the host's locale */
    append(job, size, "{\"protocol\": 2, \"pixel\": \"rgba8\", \"width\": %u, \"height\": %u", look->width, look->height);
    append(job, size, ", \"strength\": %ld.%06ld", strength / 1000000, strength % 1000000);
    append(job, size, ", \"preserve_color\": %s", look->number[KEEP_COLOURS] > 0.5 ? "true" : "false");
    append(job, size, ", \"cache\": \"%s\"", look->number[CACHE] > 0.5 ? "use" : "off");
    append(job, size, ", \"style\": ");
    append_json(job, size, style);
    if (*look->text[VARIANT]) {
        append(job, size, ", \"variant\": ");
        append_json(job, size, look->text[VARIANT]);
    }
    if (is_number(look->text[STROKE_SIZE])) {
        const char *digits = look->text[STROKE_SIZE] + strspn(look->text[STROKE_SIZE], "0");
        append(job, size, ", \"brush\": %s%s", *digits >= '1' && *digits <= '9' ? "" : "0", digits);
    } else {
        append(job, size, ", \"brush\": ");
        append_json(job, size, *look->text[STROKE_SIZE] ? look->text[STROKE_SIZE] : "auto");
    }
    if (look->number[STEADY] > 0.5) {
        char scene[64];
        scene_of(look, scene, sizeof scene);
        append(job, size, ", \"scene\": \"%s\"", scene);
    }
    append(job, size, "}");
}

/* The answer to a job that was sent: true, or false and a message. */
static bool await(const Connection *there, const char *identifier, long seconds, char *fault)
{
    char done[PATH_MAX], refused[PATH_MAX], path[PATH_MAX], beat[32] = "", latest[32];
    file_of(there, identifier, "done", done);
    file_of(there, identifier, "err", refused);
    file_of(there, "worker", "beat", path);
    int64_t begun = now_ms(), looked = 0, heard = begun;
    int ends = 0;
    for (;;) {
        if (access(done, F_OK) == 0)
            return true;
        char answer[ANSWER], message[FAULT / 2] = "", hint[FAULT / 2] = "";
        if (read_text(refused, answer, sizeof answer)) {
            unlink(refused);
            if (!json_text(answer, "message", message, sizeof message))
                snprintf(message, sizeof message, "the worker had no room for a message");
            json_text(answer, "hint", hint, sizeof hint);
            return fail(fault, "%.250s. %.250s", message, hint);
        }
        int64_t now = now_ms();
        if (now - begun > seconds * 1000) {
            fail(fault, "no answer for %ld seconds. See %s", seconds, there->log);
            return give_up(there, identifier);
        }
        if (now - looked >= LOOK_MS) {
            looked = now;
            if (read_text(path, latest, sizeof latest) && strcmp(latest, beat)) {
                snprintf(beat, sizeof beat, "%s", latest);
                heard = now;
            }
            bool is_silent = now - heard > BEAT_MS;
            if (!tend_worker(there, is_silent, &ends, fault))
                return give_up(there, identifier);
            if (is_silent)
                heard = now;
        }
        poll(NULL, 0, now - begun < 200 ? 1 : 5);
    }
}

static bool paint(const Look *look, const uint32_t *frame, uint32_t *painted, char *fault)
{
    static _Atomic unsigned count;
    static const char *const answer[] = {"out", "done", NULL}, *const unsent[] = {"tmp", "in", NULL};
    size_t bytes = (size_t)look->width * look->height * 4;
    char path[PATH_MAX], job_path[PATH_MAX], identifier[64], style[256], job[4096] = "";
    Connection there;
    if (!find_connection(&there, fault))
        return false;
    snprintf(style, sizeof style, "%s", look->text[STYLE]);
    if (!*style) {
        char list[ANSWER];
        file_of(&there, "styles", "json", path);
        bool is_known = (read_text(path, list, sizeof list) && json_text(list, "style", style, sizeof style)) ||
                        (read_text(there.config, list, sizeof list) && json_text(list, "style", style, sizeof style));
        if (!is_known)
            return fail(fault, "no style is installed. Run in a terminal: stylecli styles list");
    }
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    snprintf(identifier, sizeof identifier, "f%lx-%lx-%lx-%x", (long)getpid(), (long)time.tv_sec, time.tv_nsec, ++count);

    describe(look, style, job, sizeof job);
    file_of(&there, identifier, "in", path);
    if (!write_file(path, frame, bytes, fault))
        return false;
    file_of(&there, identifier, "tmp", path);
    file_of(&there, identifier, "job", job_path);
    bool is_sent = write_file(path, job, strlen(job), fault);
    if (is_sent && rename(path, job_path))
        is_sent = fail(fault, "%s: %s", job_path, strerror(errno));
    if (!is_sent) {
        remove_files(&there, identifier, unsent);
        return false;
    }
    long seconds = strtol(look->text[TIMEOUT], NULL, 10);
    if (!await(&there, identifier, seconds >= 1 ? seconds : 1, fault))
        return false;
    file_of(&there, identifier, "out", path);
    bool is_read = read_pixels(path, painted, bytes);
    remove_files(&there, identifier, answer);
    return is_read || fail(fault, "%s: it cannot be read, or has another size", path);
}

/* A frame that cannot be painted ------------------------------------------------------------------------------------ */

/* Letters of 3 x 5 pixels for ASCII 32 to 95: a digit for each row, from the top, whose bits are its pixels. */
static const uint16_t GLYPHS[64] = {
    000000, 022202, 055000, 057575, 036236, 051245, 025253, 022000, /*   ! " # $ % & ' */
    012221, 042224, 005250, 002720, 000024, 000700, 000002, 011244, /* ( ) * + , - . / */
    075557, 026227, 071747, 071717, 055711, 074717, 074757, 071122, /* 0 1 2 3 4 5 6 7 */
    075757, 075717, 002020, 002024, 012421, 007070, 042124, 071202, /* 8 9 : ; < = > ? */
    075547, 025755, 065656, 034443, 065556, 074647, 074644, 034553, /* @ A B C D E F G */
    055755, 072227, 011152, 055655, 044447, 057755, 065555, 025552, /* H I J K L M N O */
    065644, 025573, 065655, 034216, 072222, 055557, 055552, 055775, /* P Q R S T U V W */
    055255, 055222, 071247, 064446, 044211, 031113, 025000, 000007, /* X Y Z [ \ ] ^ _ */
};
enum { CELL_WIDTH = 4, CELL_HEIGHT = 6, COLUMNS = 50 };

static uint16_t glyph_of(char letter)
{
    unsigned char code = (unsigned char)letter;
    if (code >= 'a' && code <= 'z')
        code = (unsigned char)(code - 'a' + 'A');
    if (code == '`')
        code = '\'';
    return GLYPHS[code < 32 || code > 95 ? '?' - 32 : code - 32];
}

/* Write a message over the upper half of a picture, white on black, as large as it fits; not at all where it does not. */
static void inscribe(unsigned width, unsigned height, uint32_t *picture, const char *text)
{
    static const uint8_t inks[2][4] = {{0, 0, 0, 255}, {255, 255, 255, 255}};
    size_t length = strlen(text), scale = width / (CELL_WIDTH * COLUMNS), columns = 0, lines = 0;
    for (; scale; scale--) {
        columns = width / (CELL_WIDTH * scale) - 1;
        lines = (length + columns - 1) / columns;
        if (lines * CELL_HEIGHT * scale <= height / 2)
            break;
    }
    for (size_t y = 0; scale && y < (lines * CELL_HEIGHT + 1) * scale; y++) {
        for (size_t x = 0; x < width; x++) {
            size_t left = x / scale, top = y / scale, row = top % CELL_HEIGHT, column = left % CELL_WIDTH;
            size_t place = top / CELL_HEIGHT * columns + left / CELL_WIDTH;
            bool is_letter = row && column && left / CELL_WIDTH < columns && place < length &&
                             glyph_of(text[place]) >> (3 * (CELL_HEIGHT - 1 - row)) >> (CELL_WIDTH - 1 - column) & 1;
            memcpy(picture + y * width + x, inks[is_letter], sizeof *picture);
        }
    }
}

/* A frame that cannot be painted and must not pass for one that was: grey, under red stripes and the reason. */
static void mark(unsigned width, unsigned height, const uint32_t *frame, uint32_t *marked, const char *reason)
{
    char text[FAULT + 16];
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            uint8_t pixel[4];
            memcpy(pixel, frame + y * width + x, sizeof pixel);
            uint8_t grey = (uint8_t)((pixel[0] * 54 + pixel[1] * 183 + pixel[2] * 19) >> 8);
            bool is_stripe = (x + y) / STRIPE % 2;
            pixel[0] = is_stripe ? 255 : grey;
            pixel[1] = pixel[2] = is_stripe ? grey / 2 : grey;
            memcpy(marked + y * width + x, pixel, sizeof pixel);
        }
    }
    snprintf(text, sizeof text, "stylecli: %s", reason);
    inscribe(width, height, marked, text);
}

/* What a host calls ------------------------------------------------------------------------------------------------ */

int f0r_init(void)
{
    pthread_mutex_lock(&started.lock);
    started.users++;
    pthread_mutex_unlock(&started.lock);
    return 1;
}

void f0r_deinit(void)
{
    pthread_mutex_lock(&started.lock);
    if (--started.users == 0 && started.pipe >= 0) { /* the host may unload this library */
        close(started.pipe);
        started.pipe = -1;
    }
    pthread_mutex_unlock(&started.lock);
}

void f0r_get_plugin_info(PluginInfo *info)
{
    *info = (PluginInfo){
        .name = "Stylize",
        .author = "stylecli",
        .plugin_type = FILTER,
        .color_model = RGBA8888,
        .frei0r_version = FREI0R_VERSION,
        .major_version = 1,
        .num_params = PARAMETERS,
        .explanation = "Paints in the style of a painting, by stylecli " STYLECLI_VERSION,
    };
}

void f0r_get_param_info(ParameterInfo *info, int index)
{
    if (index >= 0 && index < PARAMETERS)
        *info = PARAMETER[index];
}

void f0r_destruct(Instance *instance)
{
    for (int index = 0; index < PARAMETERS; index++)
        free(instance->text[index]);
    pthread_mutex_destroy(&instance->lock);
    free(instance);
}

Instance *f0r_construct(unsigned width, unsigned height)
{
    Instance *instance = calloc(1, sizeof *instance);
    if (!instance)
        return NULL;
    instance->width = width;
    instance->height = height;
    memcpy(instance->number, DEFAULT_NUMBER, sizeof DEFAULT_NUMBER);
    pthread_mutex_init(&instance->lock, NULL);
    for (int index = 0; index < PARAMETERS; index++) {
        if (DEFAULT_TEXT[index] && !(instance->text[index] = strdup(DEFAULT_TEXT[index]))) {
            f0r_destruct(instance);
            return NULL;
        }
    }
    return instance;
}

void f0r_set_param_value(Instance *instance, void *value, int index)
{
    if (index < 0 || index >= PARAMETERS || !value)
        return;
    pthread_mutex_lock(&instance->lock);
    if (PARAMETER[index].type == STRING) {
        const char *text = *(char **)value;
        char *copy = strdup(text ? text : "");
        if (copy) {
            free(instance->text[index]);
            instance->text[index] = copy;
        }
    } else {
        double number = *(double *)value;
        instance->number[index] = number > 0 ? (number < 1 ? number : 1) : 0; /* NaN becomes 0 */
    }
    pthread_mutex_unlock(&instance->lock);
}

void f0r_get_param_value(Instance *instance, void *value, int index)
{
    if (index < 0 || index >= PARAMETERS || !value)
        return;
    if (PARAMETER[index].type == STRING)
        *(char **)value = instance->text[index];
    else
        *(double *)value = instance->number[index];
}

void f0r_update(Instance *instance, double time, const uint32_t *frame, uint32_t *painted)
{
    (void)time;
    Look look = {.width = instance->width, .height = instance->height};
    pthread_mutex_lock(&instance->lock);
    memcpy(look.number, instance->number, sizeof look.number);
    for (int index = 0; index < PARAMETERS; index++)
        if (instance->text[index])
            snprintf(look.text[index], sizeof look.text[index], "%s", instance->text[index]);
    pthread_mutex_unlock(&instance->lock);

    size_t bytes = (size_t)look.width * look.height * 4;
    char fault[FAULT] = "";
    if (look.number[STRENGTH] == 0) {
        memmove(painted, frame, bytes);
        return;
    }
    if (paint(&look, frame, painted, fault))
        return;
    pthread_mutex_lock(&instance->lock);
    if (strcmp(instance->told, fault)) { /* a message comes once, not once a frame */
        snprintf(instance->told, sizeof instance->told, "%s", fault);
        fprintf(stderr, "stylecli: %s\n", fault);
    }
    pthread_mutex_unlock(&instance->lock);
    if (strcmp(look.text[ON_ERROR], "stop") == 0)
        _exit(STOPPED);
    if (strcmp(look.text[ON_ERROR], "pass") == 0)
        memmove(painted, frame, bytes);
    else
        mark(look.width, look.height, frame, painted, fault);
}
