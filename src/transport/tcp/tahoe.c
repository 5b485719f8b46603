/*
 * Tahoe (Jacobson 1988): Reno's growth, but every loss is answered as a timeout is: cwnd falls to one segment and slow
 * start leads back to half of what was out. There is no fast recovery.
 *
 * It is here to be compared with. Where the peer has SACK, losses are repaired as for all others (recovery.c).
 */
#include "transport/tcp/congestion.h"

const struct tcp_congestion congestion_tahoe = {
    .name = "tahoe", .style = REPAIR_TAHOE, .acked = congestion_reno_acked, .ssthresh = congestion_half};
