/**
 * The built-in programs by name: what scenarios of the lab and the verbs of the tool can run.
 *
 * argv[0] is the program's name, as in C; argc may be 0 for a program without arguments. The result is 0, 1
 * when it could not do what it was asked, 2 when it was asked wrongly.
 */
#ifndef APP_PROGRAMS_H
#define APP_PROGRAMS_H

#include <strata/rt.h>

/** The program of that name, built in or linked in by STRATA_PROGRAM, or NULL. */
const struct strata_program_entry *program_find(const char *name);
/** Whether it is built in: then it explains itself when it is run with --help. */
bool program_explains(const struct strata_program_entry *entry);
/** The index-th program, or NULL after the last; those that were linked in come last. */
const struct strata_program_entry *program_get(unsigned index);

int program_http_server(struct strata_rt *rt, int argc, char **argv);
int program_http_client(struct strata_rt *rt, int argc, char **argv);
int program_dhcp_server(struct strata_rt *rt, int argc, char **argv);
int program_dhcp_client(struct strata_rt *rt, int argc, char **argv);
int program_dns_server(struct strata_rt *rt, int argc, char **argv);
int program_dns_resolver(struct strata_rt *rt, int argc, char **argv);
int program_dig(struct strata_rt *rt, int argc, char **argv);
int program_echo_server(struct strata_rt *rt, int argc, char **argv);
int program_echo_client(struct strata_rt *rt, int argc, char **argv);
int program_detect(struct strata_rt *rt, int argc, char **argv);
int program_address(struct strata_rt *rt, int argc, char **argv);
int program_talk(struct strata_rt *rt, int argc, char **argv);
int program_ping(struct strata_rt *rt, int argc, char **argv);
int program_traceroute(struct strata_rt *rt, int argc, char **argv);
int program_swarm(struct strata_rt *rt, int argc, char **argv);
int program_insist(struct strata_rt *rt, int argc, char **argv);
int program_traffic(struct strata_rt *rt, int argc, char **argv);
int program_traffic_sink(struct strata_rt *rt, int argc, char **argv);
int program_traffic_server(struct strata_rt *rt, int argc, char **argv);
int program_traffic_cache(struct strata_rt *rt, int argc, char **argv);
int program_rdt_sender(struct strata_rt *rt, int argc, char **argv);
int program_rdt_receiver(struct strata_rt *rt, int argc, char **argv);
int program_users(struct strata_rt *rt, int argc, char **argv);

#endif
