/**
 * Inside the kernel's world: one epoll descriptor for all sockets, a pool of threads for files, and the
 * conns.
 */
#ifndef RT_KERNEL_H
#define RT_KERNEL_H

#include <strata/rt.h>

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

enum { KERNEL_POOL_THREADS = 4 };

/** Threads that do what blocks. Started when there is work and nobody free, at most KERNEL_POOL_THREADS. */
struct kernel_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work, idle;
    struct kernel_job *first, *last;     /**< To do. */
    struct kernel_job *done, *done_last; /**< Done, not handed back yet. */
    pthread_t threads[KERNEL_POOL_THREADS];
    int thread_count, busy_jobs;
    bool ending;
    int event_fd; /**< Readable while something is done. */
};

/** A listing of one folder, kept while a program walks it. */
struct kernel_listing {
    pthread_mutex_t mutex;
    char *path;
    char **names;
    unsigned count;
};

struct strata_kernel {
    int epoll_fd;
    struct kernel_pool pool;
    struct kernel_listing listing;
};

/** A socket of the kernel, or a foreign descriptor. */
struct kernel_conn {
    struct strata_kernel *kernel;
    int fd;
    int family; /**< AF_INET6 also carries IPv4, as v4-mapped addresses; AF_INET where there is no IPv6. */
    enum strata_socket_type type;
    bool foreign;    /**< Not ours to close. */
    bool registered; /**< With epoll. */
    bool peer_is_ipv4;
    uint16_t local_port;    /**< Of a datagram socket, once it is known. */
    uint16_t echo_sequence; /**< Last one that was counted. */
    uint32_t armed;
    void *token;
    /** Options of an echo socket, to be set again when it turns out which family it needs. */
    struct {
        enum strata_option option;
        int64_t value;
    } echo_options[8];
    unsigned echo_option_count;
};

/** Room for any address. */
union kernel_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* kernel_pool.c */

int kernel_pool_init(struct kernel_pool *pool);
/** Waits for what is under way. */
void kernel_pool_end(struct kernel_pool *pool);
/** Wakes the fibers whose work is done. */
void kernel_pool_collect(struct kernel_pool *pool);
extern const struct strata_pool_ops kernel_pool_ops;

/* kernel_disk.c */

void kernel_listing_init(struct kernel_listing *listing);
void kernel_listing_free(struct kernel_listing *listing);
extern const struct strata_disk_ops kernel_disk_ops;

/* kernel_net.c */

extern const struct strata_net_ops kernel_net_ops;
/** @return its length, or -EAFNOSUPPORT. */
int kernel_address_from(const struct kernel_conn *conn, const struct strata_endpoint *endpoint,
                        union kernel_address *address);
void kernel_address_to(const union kernel_address *address, struct strata_endpoint *endpoint);
/** An echo socket is of one family; makes it that of `address`. @return 0, -EACCES ... */
int kernel_echo_family(struct kernel_conn *conn, const struct strata_address *address);
/** Which of STRATA_READABLE ... a set of EPOLL... (which are those of poll) means. */
uint32_t kernel_ready(uint32_t events);

/* kernel_datagram.c */

int kernel_datagram_prepare(struct kernel_conn *conn);
int64_t kernel_send(void *net, void *conn, const void *data, size_t size,
                    const struct strata_envelope *envelope);
int64_t kernel_receive(void *net, void *conn, void *data, size_t size, struct strata_envelope *envelope);
int64_t kernel_receive_error(void *net, void *conn, void *data, size_t size,
                             struct strata_envelope *envelope);

/* kernel_option.c */

int kernel_set_option(void *net, void *conn, enum strata_option option, int64_t value);
int kernel_get_option(void *net, void *conn, enum strata_option option, int64_t *value);
int kernel_member(void *net, void *conn, const struct strata_address *group, int port, bool join);

#endif
