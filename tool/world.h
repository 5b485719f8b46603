/**
 * Where a verb's programs run: on the kernel's sockets, or on a Strata host of their own behind a TAP or TUN
 * interface or a Unix socket.
 *
 * The words that choose it are the same for all verbs that need a wire; world_option reads them.
 */
#ifndef TOOL_WORLD_H
#define TOOL_WORLD_H

#include <strata/driver.h>
#include <strata/rt.h>
#include <strata/strata.h>

#define WORLD_ADDRESSES 8
#define WORLD_SETTINGS 32
#define WORLD_PROGRAMS 16

/** What the wire of a host is. */
enum world_wire { WORLD_TAP, WORLD_TUN, WORLD_UNIX };

/** What was asked for. */
struct world_options {
    const char *interface; /**< --tap or --tun NAME, --unix PATH; NULL: the kernel's sockets. */
    enum world_wire wire;
    enum strata_link link;
    const char *addresses[WORLD_ADDRESSES];
    unsigned address_count;
    const char *gateway, *nameserver, *mac, *pcap;
    const char *settings[WORLD_SETTINGS]; /**< NAME=VALUE */
    unsigned setting_count;
    const char *seed;
    unsigned mtu_bytes;
    bool dhcp, stats, json, quiet;
};

/** The part of every --help that tells of these words. */
extern const char world_help[];

/** Opens the wire that the options name. @return an exit status; complains itself. */
int world_wire_open(struct strata_driver **driver, enum world_wire wire, const char *name);

/** Takes argv[*index] and its value if it is one of ours; *index moves to the last word taken.
 * @return 1: taken, 0: not ours, -1: complained. */
int world_option(struct world_options *options, int argc, char **argv, int *index);

struct world;
/** Opens it. @return an exit status; complains itself. */
int world_open(struct world **world, const struct world_options *options);
/** A program to run; the world waits for those that are `essential`, and its status is that of the last which
 * failed. */
int world_start(struct world *world, const char *name, strata_program program, int argc, char *const *argv,
                bool essential);
/** Runs until the essential programs have ended or a signal asks to stop. @return an exit status. */
int world_run(struct world *world);
/** Closes it; NULL is allowed. @return `status`, or a failure's where what was to be written is not whole. */
int world_close(struct world *world, int status);

#endif
