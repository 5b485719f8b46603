/**
 * What the programs of reliable data transfer share: names of packets for people, and data that tell whether they
 * arrived whole and in order.
 */
#ifndef APP_RDT_PROGRAM_H
#define APP_RDT_PROGRAM_H

#include <strata/rt.h>

#include "app/rdt/rdt.h"

#define RDT_NAME     40
#define RDT_FILL_MIN 4u /* data are at least their own number */

/** "packet 2"; where there is only one number, "packet". */
const char *rdt_name(const char *what, uint32_t number, uint32_t numbers, char room[RDT_NAME]);
/** How many numbers ACKs of a protocol have: those of 2.1 are only ACKs. */
uint32_t rdt_feedback_numbers(const struct rdt_sender *sender);
/** Data that know their place in the whole: its number and a pattern made of it. */
void rdt_fill(uint8_t *data, size_t size, uint32_t index);
/** @return the place of data that came whole, -1: they are damaged. */
int64_t rdt_check(const uint8_t *data, size_t size);
/** A protocol by its name; complains when there is none. */
const struct rdt_version *rdt_choose(struct strata_rt *rt, const char *program, const char *name);
/** Says why an engine could not be made. */
void rdt_complain(struct strata_rt *rt, const char *program, const struct rdt_version *version, int error);

#endif
