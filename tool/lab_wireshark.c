/*
 * --wireshark: the capture goes through a pipe to a program that shows it while the world runs. It gets every frame and
 * then the end of its input; whether it goes away before is its own decision, and is told.
 */
#include "tool/lab_wireshark.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/capture.h"

/** What waits in the buffer is passed on after so long, when something happens. */
#define FLUSH_NS INT64_C(50000000)
#define WORDS_MAX 64

struct viewer {
    const char *command;
    bool ours; /**< The command was not given: it is Wireshark, which stays open. */
    char *words[WORDS_MAX + 1];
    char *text;
    pid_t pid;
    FILE *pipe;
    struct capture *capture;
    int64_t flushed_ns;
    void (*before)(int); /**< What SIGPIPE did. */
};

extern char **environ;

/** Words are parted by spaces; quotation marks of either kind hold some together. @return false: too many. */
static bool split(struct viewer *viewer)
{
    unsigned count = 0;
    char *from = viewer->text, *to = viewer->text;
    for (;;) {
        from += strspn(from, " \t");
        if (!*from)
            break;
        if (count == WORDS_MAX)
            return false;
        viewer->words[count++] = to;
        char quote = 0;
        for (; *from && (quote || (*from != ' ' && *from != '\t')); from++) {
            if (*from == quote)
                quote = 0;
            else if (!quote && (*from == '"' || *from == '\''))
                quote = *from;
            else
                *to++ = *from;
        }
        from += *from != '\0';
        *to++ = '\0';
    }
    return count > 0;
}

static int start(struct viewer *viewer, int input)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    // A group of its own: Ctrl-C ends the run, and the viewer shows what there was.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    int error = posix_spawnp(&viewer->pid, viewer->words[0], &actions, &attributes, viewer->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int start_failed(const struct viewer *viewer, int error)
{
    if (error == ENOENT)
        return tool_complain(TOOL_FAILED, "%s is not installed%s; --pcap FILE needs no program", viewer->words[0],
                             viewer->ours ? " (package wireshark)" : "");
    return tool_complain(TOOL_FAILED, "cannot start %s: %s", viewer->words[0], strerror(error));
}

static void viewer_free(struct viewer *viewer)
{
    free(viewer->text);
    free(viewer);
}

/** What happens now may wait; what happened a while ago is to be seen. */
static void listen(void *context, const struct strata_lab_event *event)
{
    struct viewer *viewer = context;
    if (event->kind != STRATA_LAB_DELIVERED && event->kind != STRATA_LAB_LOST)
        return;
    int64_t now = progress_clock();
    if (now - viewer->flushed_ns >= FLUSH_NS && !capture_error(viewer->capture)) {
        fflush(viewer->pipe);
        viewer->flushed_ns = now;
    }
}

bool lab_wireshark_wanted(const struct lab_options *options)
{
    return options->wireshark;
}

static int open_pipe(struct viewer *viewer)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tool_complain(TOOL_FAILED, "cannot make a pipe: %s", strerror(errno));
    fflush(stdout);
    int error = start(viewer, ends[0]);
    close(ends[0]);
    viewer->pipe = error ? NULL : fdopen(ends[1], "w");
    if (!viewer->pipe)
        close(ends[1]);
    return error ? start_failed(viewer, error) : viewer->pipe ? 0 : tool_complain(TOOL_FAILED, "out of memory");
}

int lab_wireshark_open(void **state, const struct lab_job *job)
{
    struct viewer *viewer = calloc(1, sizeof *viewer);
    if (!viewer || !(viewer->text = strdup(job->options->wireshark))) {
        free(viewer);
        return tool_complain(TOOL_FAILED, "out of memory");
    }
    viewer->command = job->options->wireshark;
    viewer->ours = strcmp(viewer->command, LAB_WIRESHARK) == 0;
    int status = split(viewer) ? open_pipe(viewer) : lab_wrong("--wireshark=%s: that is no command", viewer->command);
    if (status) {
        viewer_free(viewer);
        return status;
    }
    viewer->before = signal(SIGPIPE, SIG_IGN);
    int error = capture_new_to(&viewer->capture, job->run->world, viewer->pipe);
    if (!error)
        error = strata_world_listen(job->run->world, listen, viewer);
    *state = viewer;
    return error ? tool_complain(TOOL_FAILED, "%s: %s", viewer->words[0], strerror(-error)) : 0;
}

int lab_wireshark_close(void *state, const struct lab_job *job)
{
    (void)job;
    struct viewer *viewer = state;
    int error = capture_close(viewer->capture), ended = 0, status = 0;
    signal(SIGPIPE, viewer->before);
    // Wireshark stays open until its user has seen enough; others are waited for.
    pid_t waited;
    while ((waited = waitpid(viewer->pid, &ended, viewer->ours && !error ? WNOHANG : 0)) < 0 && errno == EINTR)
        ;
    const char *name = viewer->words[0];
    if (waited > 0 && WIFEXITED(ended) && WEXITSTATUS(ended) != 0)
        status = tool_complain(TOOL_FAILED, "%s ended with status %d%s", name, WEXITSTATUS(ended),
                               error ? ", before it had seen all frames" : "");
    else if (waited > 0 && WIFSIGNALED(ended))
        status = tool_complain(TOOL_FAILED, "%s was ended by a signal: %s", name, strsignal(WTERMSIG(ended)));
    else if (error == -EPIPE)
        status = tool_complain(TOOL_FAILED, "%s went away before it had seen all frames", name);
    else if (error)
        status = tool_complain(TOOL_FAILED, "%s: %s", name, strerror(-error));
    viewer_free(viewer);
    return status;
}
