/**
 * What Linux tells of a connection: TCP_INFO, TCP_CC_INFO and SO_MEMINFO in the kernel's binary layout.
 */
#ifndef POSIX_INFO_H
#define POSIX_INFO_H

#include <strata/strata.h>
#include <sys/socket.h>

/** TCP_INFO: fills at most `*length` octets, as Linux does, and says how many. @return 0 or a negative errno. */
int info_tcp(struct strata_host *host, strata_socket socket, void *value, socklen_t *length);
/** TCP_CC_INFO: what the algorithm has to say of itself; nothing (length 0) for those that have nothing. */
int info_congestion(struct strata_host *host, strata_socket socket, void *value, socklen_t *length);
/** SO_MEMINFO: nine counts of 32 bits. */
void info_memory(const struct strata_tcp_info *info, uint32_t receive_buffer, uint32_t send_buffer, void *value,
                 socklen_t *length);

#endif
