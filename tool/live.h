/**
 * strata lab --live: the page of a run while it runs, with a hand in it.
 *
 *     live.c         the run: when it goes on, what is done to it, what is told
 *     live_serve.c   HTTP on the kernel's loopback: the page, the news, what browsers ask for
 *
 * Both run in the one thread of the process. The world asks after every moment whether to stop; instead of an
 * answer it waits there, for the clock, for a step, or for somebody to press a button, and meanwhile the
 * server is served.
 */
#ifndef TOOL_LIVE_H
#define TOOL_LIVE_H

#include "lab/record.h"
#include "tool/lab.h"

struct live;
struct live_server;

/* ---- live.c ----------------------------------------------------------------------------------------- */

/** Begins to serve, and has the run ask `live` after every moment. @return 0, or the exit status after a
 * complaint. */
int live_begin(struct live **live, struct lab_job *job, struct scenario_options *run);
/** The run is over: serves on until a signal comes. NULL is allowed. */
void live_linger(struct live *live);
void live_free(struct live *live);

/** Does what a browser asks for, a JSON object. @return NULL, or a sentence that says what is wrong with it.
 */
const char *live_command(struct live *live, const char *text, size_t length);
/** How it stands, as JSON: the clock, the speed, what was done by hand. Valid until the next call; NULL: no
 * memory. */
const char *live_state(struct live *live);
/** All frames so far as a pcapng file, malloc'ed; NULL: no memory. */
char *live_packets(struct live *live, size_t *length);

/* ---- live_serve.c ----------------------------------------------------------------------------------- */

/** Listens on the loopback; port 0: any that is free. @return 0, or a negative errno. */
int live_server_new(struct live_server **server, struct live *live, uint16_t port);
void live_server_free(struct live_server *server);
/** The address of the page, with its token. */
const char *live_server_address(const struct live_server *server);
/** Serves for at most `timeout_ns`, less when somebody asked for something. */
void live_server_poll(struct live_server *server, int64_t timeout_ns);
/** Whether anybody listens to the news. */
bool live_server_heard(const struct live_server *server);
/** More of the record, for all who listen now or later; takes the text over. */
void live_server_news(struct live_server *server, char *text, size_t length);
/** What live_state says has changed. */
void live_server_changed(struct live_server *server);

#endif
