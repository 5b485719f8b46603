/**
 * TCP_INFO and its relatives in the layout of Linux, which only ever grew at its end: whoever asks with an older,
 * shorter struct gets its beginning, and what a newer one has beyond what Strata knows is zero.
 */
#include "posix/info.h"

/** What Linux 6.18 tells: counts of accurate ECN stand behind what Strata fills in. */
#define LINUX_INFO_BYTES 280

static void give(const void *whole, size_t size, void *value, socklen_t *length)
{
    if (*length > size)
        *length = (socklen_t)size;
    memcpy(value, whole, *length);
}

int info_tcp(struct strata_host *host, strata_socket socket, void *value, socklen_t *length)
{
    uint8_t whole[LINUX_INFO_BYTES] = {0};
    int filled = strata_linux_tcp_info(host, socket, whole, sizeof whole);
    if (filled < 0)
        return filled;
    give(whole, sizeof whole, value, length);
    return 0;
}

int info_congestion(struct strata_host *host, strata_socket socket, void *value, socklen_t *length)
{
    uint32_t words[8];
    int filled = strata_linux_tcp_cc_info(host, socket, words, sizeof words);
    if (filled < 0)
        return filled;
    give(words, (size_t)filled, value, length);
    return 0;
}

void info_memory(const struct strata_tcp_info *info, uint32_t receive_buffer, uint32_t send_buffer, void *value,
                 socklen_t *length)
{
    uint32_t told[9] = {info->receive_queue + info->out_of_order_bytes, receive_buffer, info->flight, send_buffer, 0,
                        info->send_queue};
    give(told, sizeof told, value, length);
}
