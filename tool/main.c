/*
 * strata: the command. Finds the verb and hands it the rest.
 */
#include "tool/tool.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *help;
} verbs[] = {
    {"lab", tool_lab, "run a network of hosts, switches and routers in virtual time"},
    {"serve", tool_serve, "serve a folder by HTTP; names, leases and echo too"},
    {"fetch", tool_fetch, "fetch a page or file by HTTP"},
    {"ping", tool_ping, "ask a host whether it is there"},
    {"traceroute", tool_traceroute, "show the routers on the way to a host"},
    {"dig", tool_dig, "ask a name server"},
    {"run", tool_run, "run any of the built-in programs; 'strata run' lists them"},
    {"link", tool_link,
     "a cable in real time between two interfaces or sockets: delay, rate, loss, reordering"},
    {"capture", tool_capture, "print or write the frames that pass an interface, or read a capture"},
    {"medium", tool_medium, "measure ALOHA, CSMA, CSMA/CD and token passing beside their formulas"},
    {"settings", tool_settings, "list every setting of a host with its bounds"},
    {"counters", tool_counters, "list every counter and drop reason with its meaning"},
};
#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

int tool_complain(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("strata: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return status;
}

int tool_flush(int status)
{
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int reason = errno;
    failed |= ferror(stdout) != 0;
    clearerr(stdout);
    if (!failed || status != TOOL_OK)
        return status;
    // Of what failed while it was printed only the flag is left, not the reason.
    return tool_complain(TOOL_FAILED, "standard output: %s",
                         reason ? strerror(reason) : "not all of it could be written");
}

int tool_open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL);
    int fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void help(FILE *out)
{
    fputs("strata: an Internet protocol stack in user space, and a lab to see it at work\n\n"
          "usage: strata VERB [ARGUMENT ...]\n\n",
          out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-12s%s\n", verbs[i].name, verbs[i].help);
    fputs(
        "\n'strata VERB --help' explains a verb and gives examples. 'strata --version' tells the version.\n\n"
        "examples:\n"
        "  strata lab examples/day-in-the-life/day.yaml\n"
        "  strata serve . --port 8080\n"
        "  sudo strata serve . --tap tap0 --address 10.9.0.2/24\n",
        out);
}

static int run_verb(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return TOOL_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        help(stdout);
        return TOOL_OK;
    }
    if (!strcmp(name, "--version") || !strcmp(name, "version")) {
        printf("strata %s\n", STRATA_VERSION_TEXT);
        return TOOL_OK;
    }
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (!strcmp(name, verbs[i].name))
            return verbs[i].main(argc - 1, argv + 1);
    return tool_complain(TOOL_USAGE, "no verb '%s'; 'strata --help' lists them", name);
}

int main(int argc, char **argv)
{
    return tool_flush(run_verb(argc, argv));
}
