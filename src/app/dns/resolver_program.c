/**
 * dns-resolver: looks names up for others, from the root down, and remembers (RFC 1034 5.3, RFC 2308).
 */
#include "app/dns/answer.h"
#include "app/dns/exchange.h"
#include "app/dns/hints.h"
#include "app/dns/service.h"
#include "app/options.h"
#include "app/programs.h"
#include "base/list.h"

#include <errno.h>
#include <stdlib.h>

/** How long a question may take, whatever it leads to. */
#define QUESTION_NS (15 * STRATA_SECOND)

struct program {
    struct strata_rt *rt;
    struct dns_exchange exchange;
    struct dns_resolver resolver;
    struct list pending; /**< Questions that are being looked up. */
    unsigned turn;
};

/** A question in progress; those who ask the same wait for it (RFC 5452-6). */
struct pending {
    struct list link;
    const struct dns_question *question;
    struct list waiters;
};
struct waiter {
    struct list link;
    struct strata_fiber *fiber;
    bool done;
};

static struct pending *find_pending(struct program *self, const struct dns_question *question)
{
    LIST_FOR_EACH (link, &self->pending) {
        struct pending *pending = CONTAINER_OF(link, struct pending, link);
        if (pending->question->type == question->type &&
            dns_name_equal(&pending->question->name, &question->name))
            return pending;
    }
    return NULL;
}

/** Waits until somebody else has looked the question up. */
static int await(struct program *self, struct pending *pending)
{
    struct waiter waiter = {.fiber = strata_rt_self(self->rt)};
    int result = 0;
    list_push_back(&pending->waiters, &waiter.link);
    while (!waiter.done && result == 0)
        result = strata_rt_park(self->rt, strata_rt_now(self->rt) + QUESTION_NS);
    if (!waiter.done)
        list_remove(&waiter.link);
    return result;
}

static int look_up(struct program *self, const struct dns_question *question, struct dns_result *result)
{
    struct pending *other;
    while ((other = find_pending(self, question)) != NULL) {
        int waited = await(self, other);
        if (waited == -ECANCELED)
            return waited;
        if (waited < 0)
            break;
    }
    struct pending pending = {.question = question};
    list_init(&pending.waiters);
    list_push_back(&self->pending, &pending.link);
    int status = dns_resolver_ask(&self->resolver, &question->name, question->type,
                                  strata_rt_now(self->rt) + QUESTION_NS, result);
    list_remove(&pending.link);
    while (!list_is_empty(&pending.waiters)) {
        struct waiter *waiter = CONTAINER_OF(pending.waiters.next, struct waiter, link);
        list_remove(&waiter->link);
        waiter->done = true;
        strata_rt_wake_fiber(self->rt, waiter->fiber);
    }
    return status;
}

/** Writes what was found; what does not fit sets TC. */
static void write_result(struct program *self, const struct dns_result *result, struct dns_reply *reply)
{
    reply->rcode = result->rcode;
    for (unsigned i = 0; i < result->count && !reply->header.truncated; i++)
        if (dns_set_write(&reply->writer, DNS_ANSWER, &result->sets[i], self->turn) < 0)
            reply->header.truncated = true;
    if (result->has_soa && !reply->header.truncated &&
        dns_set_write(&reply->writer, DNS_AUTHORITY, &result->soa, 0) < 0)
        reply->header.truncated = true;
}

static size_t answer(void *context, const uint8_t *message, size_t size, bool tcp, uint8_t *room,
                     size_t room_size)
{
    struct program *self = context;
    struct dns_query query;
    struct dns_reply reply;
    if (!dns_query_parse(&query, message, size))
        return 0;
    dns_reply_begin(&reply, &query, room, room_size, tcp);
    reply.header.recursion_available = true; // RFC 1034-7
    self->turn++;
    bool asks = query.rcode == DNS_NOERROR;
    if (asks && query.question.class != DNS_CLASS_IN) {
        reply.rcode = DNS_REFUSED;
    } else if (asks && query.question.type >= DNS_TYPE_IXFR && query.question.type <= DNS_TYPE_ANY) {
        reply.rcode = DNS_NOTIMP;
    } else if (asks) {
        struct dns_result *result = malloc(sizeof *result);
        int status = -ENOMEM;
        // RFC 1034-7: without RD only what is known already.
        if (result && query.header.recursion_desired)
            status = look_up(self, &query.question, result);
        else if (result)
            status = dns_resolver_ask(&self->resolver, &query.question.name, query.question.type, 0, result);
        if (status == -ECANCELED) {
            free(result);
            return 0;
        }
        reply.rcode = DNS_SERVFAIL;
        if (status == 0)
            write_result(self, result, &reply);
        free(result);
    }
    return dns_reply_finish(&reply);
}

int program_dns_resolver(struct strata_rt *rt, int argc, char **argv)
{
    const char *roots = NULL;
    int64_t port = DNS_PORT, entries_max = 4096;
    const struct option_entry entries[] = {
        {"--root", OPTION_TEXT, &roots, 0, 0},
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--cache", OPTION_NUMBER, &entries_max, 16, 1000000},
    };
    const char *usage = "dns-resolver --root ADDRESS[,ADDRESS...] [--port N] [--cache ENTRIES]";
    if (options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, NULL, 0) < 0)
        return 2;
    struct program *self = calloc(1, sizeof *self);
    if (!self)
        return 1;
    self->rt = rt;
    self->exchange = (struct dns_exchange){
        .rt = rt, .patience_ns = 1500 * STRATA_MILLISECOND, .tries = 2, .deadline = STRATA_NEVER};
    list_init(&self->pending);
    struct dns_upstream upstream = dns_upstream_of(&self->exchange);
    struct dns_service service = {.rt = rt,
                                  .name = "dns-resolver",
                                  .port = (uint16_t)port,
                                  .context = self,
                                  .answer = answer,
                                  .waits = true};
    int status = 1;
    if (dns_resolver_init(&self->resolver, &upstream, (unsigned)entries_max) == 0) {
        status = 2;
        if (dns_hints_read(roots, &self->resolver) < 1)
            strata_rt_complain(rt, "dns-resolver: where does the root live?\nusage: %s\n", usage);
        else
            status = dns_service_run(&service) < 0;
    }
    dns_resolver_free(&self->resolver);
    free(self);
    return status;
}
