/*
 * NewReno (RFC 6582 with RFC 5681): Reno's windows, but fast recovery goes on until all that was out at the loss has
 * been acknowledged. Several losses in one window halve it once. Its first slow start is HyStart++'s (hystart.c).
 *
 * It needs no memory of its own, which is why it takes the place of any other algorithm for which there is none.
 */
#include "transport/tcp/congestion.h"

const struct tcp_congestion congestion_newreno = {.name = "newreno",
                                                  .style = REPAIR_NEWRENO,
                                                  .hystart = true,
                                                  .acked = congestion_reno_acked,
                                                  .ssthresh = congestion_half};
