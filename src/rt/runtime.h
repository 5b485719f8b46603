/**
 * Inside the runtime: fibers, what they wait for, and what a runtime holds. Public names are in strata/rt.h.
 *
 * A fiber is in one of these states:
 *
 *     RUNNABLE --> RUNNING --> WAITING --> RUNNABLE        in the run queue; now; for a wake or a deadline
 *                     |
 *                     +------> LINGERING --> ENDED         its entry returned; all of its children ended too
 *
 * The run queue is first in, first out, deadlines that are equal expire in the order in which they were set,
 * waiters of one conn wake in the order in which they came: nothing depends on addresses or on chance.
 */
#ifndef RT_RUNTIME_H
#define RT_RUNTIME_H

#include "base/list.h"
#include "rt/context.h"

#include <strata/rt.h>

enum fiber_state { FIBER_RUNNABLE, FIBER_RUNNING, FIBER_WAITING, FIBER_LINGERING, FIBER_ENDED };

struct strata_fiber {
    struct context context;
    struct stack stack;
    struct strata_rt *rt;
    struct strata_fiber *parent;
    struct list children;   /**< By link. */
    struct list link;       /**< In the parent's children. */
    struct list run_link;   /**< In the run queue. */
    unsigned live_children; /**< Of children, those that have not ended. */
    enum fiber_state state;
    bool cancelled;
    bool permit;  /**< strata_rt_wake_fiber came while it did not park. */
    bool parked;  /**< It waits in strata_rt_park. */
    bool joining; /**< It waits in strata_rt_join. */
    bool held;    /**< Somebody has its handle: kept after its end, until the join. */
    bool firm;    /**< It waits for another thread, and cancelling does not end that. */
    int wake_result;
    int last_index;       /**< That strata_rt_wait_any returned. */
    unsigned turns;       /**< Calls since it last waited; see fiber_turn. */
    strata_time deadline; /**< While it waits. */
    uint64_t sequence;    /**< Orders equal deadlines. */
    size_t heap_index;    /**< In the heap of deadlines, from 1; 0: not there. */
    void (*entry)(void *argument);
    void *argument;
    struct program_start *start; /**< When it is a program. */
    char name[24];
};

/** Something that fibers wait for and a net or the pool wakes: what tokens point to. */
struct waitable {
    struct list waits;
};
/** One fiber that waits for one waitable; it lies on the fiber's stack. */
struct wait {
    struct list link;
    struct strata_fiber *fiber;
    uint32_t ready;
    int result; /**< -EBADF: what it waited for is gone. */
};

/** The heap of deadlines: a binary heap in an array that is large enough for every fiber. */
struct deadlines {
    struct strata_fiber **fibers; /**< From index 1. */
    size_t count, capacity;
    uint64_t sequence;
};

/** A net in use. */
struct rt_net {
    const struct strata_net_ops *ops;
    void *self;
};
enum { RT_NETS_MAX = 8 };

struct strata_rt {
    struct strata_rt_config config;
    struct rt_net nets[RT_NETS_MAX];
    int net_count;
    struct context main;
    struct strata_fiber *current;
    bool running; /**< Inside strata_rt_run. */
    struct list run_queue;
    struct list mark; /**< In the run queue, where a round ends. */
    struct deadlines deadlines;
    struct strata_fiber root; /**< The group of what was started from outside; never runs. */
    size_t fiber_count;       /**< Structs of fibers, ended ones included. */
    int live;
    struct stack_pool stacks;
    struct list conns, files;
    struct strata_endpoint resolver;
};

/** A conn as programs hold it. `waitable` is the token that its net is given. */
struct strata_conn {
    struct waitable waitable;
    struct strata_rt *rt;
    struct rt_net *net;
    void *self; /**< The net's own socket. */
    struct list link;
    enum strata_socket_type type;
    struct copy *in, *out; /**< Views of nets that have none: see view.c. NULL: not in use. */
};

/** An open file. */
struct strata_file {
    struct strata_rt *rt;
    void *self;
    struct list link;
};

/* deadline.c */

/** Makes room for so many fibers. @return 0, -ENOMEM. */
int deadlines_reserve(struct deadlines *deadlines, size_t fibers);
void deadlines_add(struct deadlines *deadlines, struct strata_fiber *fiber);
/** Harmless when it is not there. */
void deadlines_remove(struct deadlines *deadlines, struct strata_fiber *fiber);
/** The fiber whose deadline comes first, or NULL. */
struct strata_fiber *deadlines_first(const struct deadlines *deadlines);

/* fiber.c */

/** Waits until fiber_wake. @return its result, -ETIMEDOUT, -ECANCELED, -EDEADLK (no fiber runs). */
int fiber_wait(struct strata_rt *rt, strata_time deadline);
/** As above, but only fiber_wake ends it. */
void fiber_wait_firmly(struct strata_rt *rt);
/** Makes it runnable if it waits. */
void fiber_wake(struct strata_fiber *fiber, int result);
/** The running fiber goes to the end of the run queue. */
void fiber_yield(struct strata_rt *rt);
/** Counts a call that did not wait; a fiber that never waits lets others run now and then.
 * @return 0, -ECANCELED. Every call that may wait begins with this. */
int fiber_turn(struct strata_rt *rt);
/** Runs the fibers that are in the run queue now. */
void fiber_run_round(struct strata_rt *rt);
/** Wakes those whose deadlines have come. */
void fiber_expire(struct strata_rt *rt, strata_time now);
/** Ends fibers that do not unwind, without their knowledge. */
void fiber_drop_all(struct strata_rt *rt);
void fiber_init_root(struct strata_rt *rt);
void fiber_free_root(struct strata_rt *rt);

/* conn.c */

/**
 * Makes a call of a conn's net and waits until it has an answer other than -EAGAIN. The value is that answer,
 * or why the wait ended (after -EBADF the conn is gone).
 */
#define CONN_TRY(conn, want, deadline, call, ...)                                                            \
    ({                                                                                                       \
        int64_t answer_;                                                                                     \
        int waited_ = 0;                                                                                     \
        do                                                                                                   \
            answer_ = (conn)->net->ops->call((conn)->net->self, (conn)->self __VA_OPT__(, ) __VA_ARGS__);    \
        while (answer_ == -EAGAIN && (waited_ = conn_wait(conn, want, deadline)) >= 0);                      \
        waited_ < 0 ? waited_ : answer_;                                                                     \
    })

/** Adds a conn for a net's socket. */
int conn_new(struct strata_rt *rt, struct rt_net *net, enum strata_socket_type type, void *self,
             struct strata_conn **conn);
/** Waits until one of `ready` may hold. @return 0, or why not; after -EBADF the conn is gone. */
int conn_wait(struct strata_conn *conn, uint32_t ready, strata_time deadline);
/** What holds now, with what its copies hold. */
int conn_readiness(struct strata_conn *conn);
void conn_end(struct strata_conn *conn, bool abort);

/* view.c */

/** Bytes that were read from the net for a view and not consumed. */
size_t view_unread(const struct strata_conn *conn);
/** Takes some of them. */
size_t view_take(struct strata_conn *conn, void *data, size_t size);
/** Writes what was committed and not written yet. @return 0, or why not. */
int view_flush(struct strata_conn *conn, strata_time deadline);
void view_free(struct strata_conn *conn);

#endif
