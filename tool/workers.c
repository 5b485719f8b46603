/*
 * Worker processes. Each has a socket to its parent: jobs go down, answers come up, both as a length and bytes. A
 * worker has one job and the next one waiting, so that it never waits for its parent; jobs that waited in a worker
 * that is gone are given to the one that follows.
 */
#include "tool/workers.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/progress.h"

/** Jobs that a worker has: the one it does and those that wait. */
#define DEPTH 3u
/** Answers that are held back until those before them have come, per worker. */
#define HELD_PER_WORKER 64u
#define SAID_BYTES 2000u
#define LOOK_MS 200

/* ---- Bytes ----------------------------------------------------------------------------------------------- */

static void *must(void *memory)
{
    if (!memory) {
        fputs("strata: out of memory\n", stderr);
        _exit(1);
    }
    return memory;
}

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->room) {
        bytes->room = (bytes->size + size) * 2;
        bytes->data = must(realloc(bytes->data, bytes->room));
    }
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void bytes_put_number(struct bytes *bytes, uint64_t number)
{
    bytes_put(bytes, &number, sizeof number);
}

void bytes_put_text(struct bytes *bytes, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    bytes_put_number(bytes, length);
    bytes_put(bytes, text, length);
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

uint64_t bytes_number(struct bytes_reader *reader)
{
    uint64_t number = 0;
    size_t size = reader->size < sizeof number ? reader->size : sizeof number;
    if (size == sizeof number)
        memcpy(&number, reader->data, size);
    reader->data += size;
    reader->size -= size;
    return number;
}

char *bytes_text(struct bytes_reader *reader)
{
    uint64_t length = bytes_number(reader);
    if (length > reader->size)
        length = reader->size;
    char *text = must(malloc((size_t)length + 1));
    if (length > 0)
        memcpy(text, reader->data, (size_t)length);
    text[length] = '\0';
    reader->data += length;
    reader->size -= (size_t)length;
    return text;
}

/* ---- The worker ------------------------------------------------------------------------------------------ */

struct frame_head {
    uint64_t size;
};

static bool read_all(int fd, void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(fd, (char *)data + at, size - at);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        at += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool write_all(int fd, const void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t put = send(fd, (const char *)data + at, size - at, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/** The life of a worker. What it says on standard error is kept in a file without a name, for its parent. */
static _Noreturn void be_worker(const struct workers_config *config, int socket, int said)
{
    struct bytes job = {0}, answer = {0};
    struct frame_head head;
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 256 << 20); // the next run will want again what this one gives back
#endif
    dup2(said, STDERR_FILENO);
    while (read_all(socket, &head, sizeof head)) {
        if (head.size > job.room) {
            job.data = must(realloc(job.data, (size_t)head.size));
            job.room = (size_t)head.size;
        }
        if (!read_all(socket, job.data, (size_t)head.size))
            break;
        if (lseek(STDERR_FILENO, 0, SEEK_CUR) > 0 && ftruncate(STDERR_FILENO, 0) == 0)
            lseek(STDERR_FILENO, 0, SEEK_SET);
        answer.size = 0;
        bytes_put(&answer, &head, sizeof head); // room for the head
        config->work(config->context, (struct bytes_reader){job.data, (size_t)head.size}, &answer);
        head.size = answer.size - sizeof head;
        memcpy(answer.data, &head, sizeof head);
        if (!write_all(socket, answer.data, answer.size))
            break;
    }
    _exit(0);
}

/* ---- The parent ------------------------------------------------------------------------------------------ */

struct waiting_job {
    uint64_t number;
    struct bytes bytes;
};
struct worker {
    pid_t pid; /**< 0: none. */
    int socket, said;
    struct waiting_job jobs[DEPTH]; /**< In the order they were given: the first is being done. */
    unsigned job_count;
    int64_t began_ns; /**< The first one. */
    bool overdue;
    struct bytes incoming;
};
/** An answer that waits for those before it. */
struct held_answer {
    bool there;
    enum worker_end end;
    int code;
    struct bytes data;
    char *said;
};
struct workers {
    const struct workers_config *config;
    struct worker *workers;
    struct held_answer *held; /**< Ring, by job number. */
    uint64_t held_room;
    uint64_t given, taken; /**< Jobs. */
    bool no_more, ended;
};

static int start_worker(struct workers *all, struct worker *worker)
{
    int ends[2];
    worker->said = memfd_create("said", MFD_CLOEXEC);
    if (worker->said < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        int error = -errno;
        if (worker->said >= 0)
            close(worker->said);
        return error;
    }
    fflush(NULL); // or a worker that exits would write it a second time
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        int error = -errno;
        close(worker->said);
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        // A terminal sends Ctrl-C to all of us: the parent decides what it means.
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_DFL);
        for (unsigned i = 0; i < all->config->count; i++)
            if (all->workers[i].pid > 0)
                close(all->workers[i].socket);
        close(ends[0]);
        be_worker(all->config, ends[1], worker->said);
    }
    close(ends[1]);
    worker->pid = pid;
    worker->socket = ends[0];
    worker->incoming.size = 0;
    worker->overdue = false;
    return 0;
}

/** Ends a worker. @return its status as waitpid has it. */
static int end_worker(struct worker *worker, bool by_force)
{
    int status = 0;
    if (by_force)
        kill(worker->pid, SIGKILL);
    close(worker->socket);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    worker->pid = 0;
    return status;
}

static void hand_over(struct worker *worker, const struct waiting_job *job)
{
    struct frame_head head = {job->bytes.size};
    if (worker->job_count == 0 || job == &worker->jobs[0]) // otherwise others are before it
        worker->began_ns = progress_clock();
    // A worker that is gone is noticed when its end is read.
    if (write_all(worker->socket, &head, sizeof head))
        write_all(worker->socket, job->bytes.data, job->bytes.size);
}

/** Gives jobs to whoever has room for one, most idle first. */
static void give(struct workers *all)
{
    unsigned count = all->config->count, most = all->config->large ? 1 : DEPTH;
    for (unsigned depth = 0; depth < most; depth++)
        for (unsigned i = 0; i < count; i++) {
            struct worker *worker = &all->workers[i];
            if (all->no_more || all->given - all->taken >= all->held_room)
                return;
            if (worker->pid == 0 || worker->job_count != depth)
                continue;
            struct waiting_job job = {.number = all->given};
            if (!all->config->next(all->config->context, &job.bytes)) {
                all->no_more = true;
                bytes_free(&job.bytes);
                return;
            }
            all->given++;
            hand_over(worker, &job);
            worker->jobs[worker->job_count++] = job;
        }
}

/** Answers whose turn it is. */
static void deliver(struct workers *all)
{
    while (!all->ended && all->taken < all->given) {
        struct held_answer *held = &all->held[all->taken % all->held_room];
        if (!held->there)
            return;
        struct worker_answer answer = {
            .job = all->taken,
            .end = held->end,
            .code = held->code,
            .data = {held->data.data, held->data.size},
            .said = held->said ? held->said : "",
        };
        all->taken++;
        all->ended = !all->config->take(all->config->context, &answer);
        held->there = false;
        held->data.size = 0;
        free(held->said);
        held->said = NULL;
    }
}

static struct held_answer *answer_first(struct workers *all, struct worker *worker, enum worker_end end)
{
    struct held_answer *held = &all->held[worker->jobs[0].number % all->held_room];
    held->there = true;
    held->end = end;
    held->code = 0;
    held->data.size = 0;
    bytes_free(&worker->jobs[0].bytes);
    worker->job_count--;
    memmove(worker->jobs, worker->jobs + 1, worker->job_count * sizeof *worker->jobs);
    worker->began_ns = progress_clock();
    return held;
}

/** All whole answers that have come from a worker. */
static void take_answers(struct workers *all, struct worker *worker)
{
    struct frame_head head;
    size_t at = 0;
    while (worker->job_count > 0 && worker->incoming.size - at >= sizeof head) {
        memcpy(&head, worker->incoming.data + at, sizeof head);
        if (worker->incoming.size - at - sizeof head < head.size)
            break;
        struct held_answer *held = answer_first(all, worker, WORKER_DONE);
        bytes_put(&held->data, worker->incoming.data + at + sizeof head, (size_t)head.size);
        at += sizeof head + (size_t)head.size;
    }
    if (at > 0) {
        memmove(worker->incoming.data, worker->incoming.data + at, worker->incoming.size - at);
        worker->incoming.size -= at;
    }
}

/** What a worker wrote to its standard error, the end of it. */
static char *read_said(const struct worker *worker)
{
    off_t size = lseek(worker->said, 0, SEEK_END);
    size_t length = size > 0 ? (size_t)size : 0;
    length = length > SAID_BYTES ? SAID_BYTES : length;
    char *text = must(calloc(1, length + 1));
    ssize_t got = pread(worker->said, text, length, size - (off_t)length);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

/** A worker is gone: its first job is why, the others are for the next. */
static int bury(struct workers *all, struct worker *worker)
{
    int status = end_worker(worker, false);
    if (worker->job_count > 0) {
        struct held_answer *held = answer_first(all, worker, WORKER_EXITED);
        held->said = read_said(worker);
        held->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
        held->end = worker->overdue ? WORKER_TIMED_OUT : WIFSIGNALED(status) ? WORKER_SIGNALLED : WORKER_EXITED;
    }
    close(worker->said);
    int error = start_worker(all, worker);
    for (unsigned i = 0; !error && i < worker->job_count; i++)
        hand_over(worker, &worker->jobs[i]);
    return error;
}

static int receive(struct workers *all, struct worker *worker)
{
    uint8_t buffer[65536];
    ssize_t got = recv(worker->socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? bury(all, worker) : -errno;
    if (got == 0)
        return bury(all, worker);
    bytes_put(&worker->incoming, buffer, (size_t)got);
    take_answers(all, worker);
    return 0;
}

static void end_overdue(struct workers *all)
{
    int64_t now = all->config->timeout_ns ? progress_clock() : 0;
    for (unsigned i = 0; all->config->timeout_ns && i < all->config->count; i++) {
        struct worker *worker = &all->workers[i];
        if (worker->job_count > 0 && !worker->overdue && now - worker->began_ns >= all->config->timeout_ns) {
            worker->overdue = true;
            kill(worker->pid, SIGKILL);
        }
    }
}

static int wait_and_receive(struct workers *all, struct pollfd *polls)
{
    unsigned count = all->config->count;
    for (unsigned i = 0; i < count; i++)
        polls[i] = (struct pollfd){.fd = all->workers[i].socket, .events = POLLIN};
    int ready = poll(polls, count, LOOK_MS);
    int error = ready < 0 && errno != EINTR ? -errno : 0;
    for (unsigned i = 0; ready > 0 && !error && i < count; i++)
        if (polls[i].revents)
            error = receive(all, &all->workers[i]);
    return error;
}

static int run(struct workers *all, struct pollfd *polls)
{
    const struct workers_config *config = all->config;
    int error = 0;
    for (unsigned i = 0; !error && i < config->count; i++)
        error = start_worker(all, &all->workers[i]);
    while (!error) {
        give(all);
        deliver(all);
        if (all->ended || (config->stop && config->stop(config->context)))
            return 1;
        if (all->no_more && all->taken == all->given)
            return 0;
        error = wait_and_receive(all, polls);
        end_overdue(all);
        if (config->look)
            config->look(config->context);
    }
    return error;
}

int workers_run(const struct workers_config *config)
{
    struct workers all = {.config = config, .held_room = (uint64_t)config->count * HELD_PER_WORKER};
    all.workers = must(calloc(config->count, sizeof *all.workers));
    all.held = must(calloc((size_t)all.held_room, sizeof *all.held));
    struct pollfd *polls = must(calloc(config->count, sizeof *polls));
    int result = run(&all, polls);
    for (unsigned i = 0; i < config->count; i++) {
        struct worker *worker = &all.workers[i];
        if (worker->pid > 0) {
            end_worker(worker, true);
            close(worker->said);
        }
        for (unsigned j = 0; j < worker->job_count; j++)
            bytes_free(&worker->jobs[j].bytes);
        bytes_free(&worker->incoming);
    }
    for (uint64_t i = 0; i < all.held_room; i++) {
        bytes_free(&all.held[i].data);
        free(all.held[i].said);
    }
    free(polls);
    free(all.held);
    free(all.workers);
    return result;
}

unsigned workers_processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (unsigned)count : 1;
}
