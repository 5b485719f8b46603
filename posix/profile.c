/**
 * Profiles: how a host must be set up to behave as one of the systems whose test scripts are in public. Nothing here is
 * more than what anybody can say in a program (strata_set) or in a file of sysctls.
 */
#include "posix/sysctl.h"

#include <string.h>

/** Linux as its public scripts assume it: mostly what Strata does of its own accord. */
static const struct sysctl_row profile_linux[] = {
    {"posix.double_buffers", "1"},
    {"strata.tcp_missing_timestamps", "1"},
    {"strata.tcp_hole_acks", "0"},
    {"strata.tcp_icmp_ends_opening", "1"},
    {"net.ipv4.tcp_invalid_ratelimit", "500"},
    {"net.ipv4.tcp_rfc1337", "0"},
    {"strata.tcp_hystart", "2"},
    {"strata.tcp_cubic_segments", "1"},
    {"strata.tcp_pacing_free_segments", "10"},
    {"strata.tcp_pacing_credit", "1"},
    {"strata.tcp_window_validation", "0"},
    {"strata.tcp_window_opens_slowly", "1"},
    {"strata.tcp_growth_delivered", "1"},
    {"strata.tcp_probe_old", "1"},
    {"strata.tcp_ignore_unsent_acks", "1"},
    {"strata.tcp_reset_by_ack", "1"},
    {"strata.tcp_reset_is_error", "1"},
    {"strata.tcp_window_update", "1"},
    {"strata.tcp_window_small_steps", "1"},
    {"strata.tcp_mss_of_path", "1"},
    {"strata.tcp_sack_segments", "1"},
    {"net.ipv4.tcp_rmem", "4096 131072 6291456"},
    {"net.ipv4.tcp_wmem", "4096 16384 4194304"},
    {"net.ipv4.tcp_mtu_probing", "0"},
    {"net.ipv4.tcp_syn_retries", "6"},
    {"net.ipv4.tcp_synack_retries", "5"},
    {NULL, NULL},
};

/** FreeBSD, likewise. */
static const struct sysctl_row profile_freebsd[] = {
    {"strata.tcp_syn_options", "1"},
    {"strata.tcp_window_update", "2"},
    {"strata.tcp_buffer_segments", "1"},
    {"strata.tcp_window_small_steps", "1"},
    {"strata.tcp_ack_second", "1"},
    {"strata.tcp_fin_with_acks", "1"},
    {"strata.tcp_window_is_buffer", "1"},
    {"strata.tcp_fastopen_refused_s", "900"},
    {"strata.tcp_reset_is_error", "1"},
    {"strata.tcp_icmp_ends_opening", "2"},
    {"net.inet.tcp.rexmit_slop", "200"},
    {"net.inet.tcp.rexmit_min", "30"},
    {"strata.tcp_quick_acks", "0"},
    {"posix.implied_connect", "1"},
    {"strata.tcp_missing_timestamps", "1"},
    {"strata.tcp_hole_acks", "0"},
    {"net.inet.tcp.recvspace", "65536"},
    {"net.inet.tcp.sendspace", "32768"},
    {"net.inet.tcp.delacktime", "40"},
    {"net.inet.tcp.rexmit_initial", "1000"},
    {NULL, NULL},
};

const struct sysctl_row *sysctl_profile(const char *name)
{
    if (strcmp(name, "linux") == 0)
        return profile_linux;
    return strcmp(name, "freebsd") == 0 ? profile_freebsd : NULL;
}
