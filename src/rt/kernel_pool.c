/*
 * A small pool of threads for calls that block: files, fsync, foreign libraries. A thread is started only
 * when there is work and no thread free. What is done comes back through an eventfd that the poll loop
 * watches.
 */
#include "rt/kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/** One call to be made. */
struct kernel_job {
    struct kernel_job *next;
    struct strata_rt *rt;
    void (*work)(void *argument);
    void *argument;
    void *token;
};

int kernel_pool_init(struct kernel_pool *pool)
{
    pool->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool->event_fd < 0)
        return -errno;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, NULL);
    return 0;
}

static void *thread_main(void *argument)
{
    struct kernel_pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->first && !pool->ending) {
            pthread_cond_wait(&pool->work, &pool->mutex);
        }
        struct kernel_job *job = pool->first;
        if (!job)
            break;
        pool->first = job->next;
        pthread_mutex_unlock(&pool->mutex);
        job->work(job->argument);
        pthread_mutex_lock(&pool->mutex);
        job->next = NULL;
        if (pool->done)
            pool->done_last->next = job;
        else
            pool->done = job;
        pool->done_last = job;
        uint64_t one = 1;
        if (write(pool->event_fd, &one, sizeof one) < 0) {
            /* Only when the counter is full: it is readable then, too. */
        }
        if (--pool->busy_jobs == 0)
            pthread_cond_broadcast(&pool->idle);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/** One more thread; signals are for the thread that runs fibers. */
static int start_thread(struct kernel_pool *pool)
{
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    int error = pthread_create(&pool->threads[pool->thread_count], NULL, thread_main, pool);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (error == 0)
        pool->thread_count++;
    return -error;
}

static int pool_submit(void *self, struct strata_rt *rt, void (*work)(void *), void *argument, void *token)
{
    struct kernel_pool *pool = self;
    struct kernel_job *job = malloc(sizeof *job);
    if (!job)
        return -ENOMEM;
    *job = (struct kernel_job){.rt = rt, .work = work, .argument = argument, .token = token};
    pthread_mutex_lock(&pool->mutex);
    int error = 0;
    if (pool->busy_jobs >= pool->thread_count && pool->thread_count < KERNEL_POOL_THREADS)
        error = start_thread(pool);
    if (error < 0 && pool->thread_count == 0) {
        pthread_mutex_unlock(&pool->mutex);
        free(job);
        return error;
    }
    if (pool->first)
        pool->last->next = job;
    else
        pool->first = job;
    pool->last = job;
    pool->busy_jobs++;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    return 0;
}

void kernel_pool_collect(struct kernel_pool *pool)
{
    uint64_t count;
    if (read(pool->event_fd, &count, sizeof count) < 0) {
        /* Nothing new; what is there is handed back all the same. */
    }
    pthread_mutex_lock(&pool->mutex);
    struct kernel_job *job = pool->done;
    pool->done = pool->done_last = NULL;
    pthread_mutex_unlock(&pool->mutex);
    while (job) {
        struct kernel_job *next = job->next;
        strata_rt_wake(job->rt, job->token);
        free(job);
        job = next;
    }
}

static void pool_drain(void *self)
{
    struct kernel_pool *pool = self;
    pthread_mutex_lock(&pool->mutex);
    while (pool->busy_jobs > 0)
        pthread_cond_wait(&pool->idle, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    kernel_pool_collect(pool);
}

void kernel_pool_end(struct kernel_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    while (pool->done) { /* of a runtime that is gone */
        struct kernel_job *job = pool->done;
        pool->done = job->next;
        free(job);
    }
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->mutex);
    close(pool->event_fd);
}

const struct strata_pool_ops kernel_pool_ops = {.submit = pool_submit, .drain = pool_drain};
