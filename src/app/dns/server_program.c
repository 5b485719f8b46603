/**
 * dns-server: answers for the zones of master files (RFC 1034 4.3, RFC 1035).
 */
#include "app/dns/answer.h"
#include "app/dns/service.h"
#include "app/options.h"
#include "app/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define ZONES_MAX 32
#define ZONE_FILE_MAX_BYTES (64u << 20)

struct program {
    struct strata_rt *rt;
    struct dns_zone zones[ZONES_MAX];
    size_t zone_count;
    unsigned turn; /**< Rotates addresses from answer to answer. */
};

/** A whole file. @return its length, or a negative errno. */
static int64_t read_file(struct strata_rt *rt, const char *path, char **text)
{
    struct strata_stat stat;
    struct strata_file *file = NULL;
    int64_t result = strata_rt_stat(rt, path, &stat);
    if (result == 0 && stat.folder)
        result = -EISDIR;
    if (result == 0 && stat.size_bytes > ZONE_FILE_MAX_BYTES)
        result = -EFBIG;
    if (result == 0)
        result = strata_rt_file_open(rt, path, O_RDONLY, &file);
    if (result < 0)
        return result;
    size_t size = (size_t)stat.size_bytes, used = 0;
    *text = malloc(size + 1);
    if (!*text)
        result = -ENOMEM;
    while (result >= 0 && used < size) {
        result = strata_rt_file_read(file, *text + used, size - used, used);
        if (result == 0)
            break;
        used += result > 0 ? (size_t)result : 0;
    }
    strata_rt_file_close(file);
    return result < 0 ? result : (int64_t)used;
}

static int load_zone(struct program *self, const char *path, const struct dns_name *origin)
{
    struct dns_zone *zone = &self->zones[self->zone_count];
    struct dns_zone_error error = {0};
    char *text = NULL, name[DNS_NAME_TEXT];
    int64_t size = read_file(self->rt, path, &text);
    int result = size < 0 ? (int)size : 0;
    if (result == 0) {
        self->zone_count++;
        result = dns_zone_parse(zone, text, (size_t)size, origin, &error);
    }
    free(text);
    if (result < 0 && error.text[0]) {
        if (error.line)
            strata_rt_complain(self->rt, "dns-server: %s:%u: %s\n", path, error.line, error.text);
        else
            strata_rt_complain(self->rt, "dns-server: %s: %s\n", path, error.text);
    } else if (result < 0) {
        strata_rt_complain(self->rt, "dns-server: %s: %s\n", path, error_text(result));
    } else {
        dns_name_to_text(&zone->origin, name, sizeof name);
        strata_rt_print(self->rt, "dns-server: %s with %zu records\n", name, zone->count);
    }
    return result;
}

static size_t answer(void *context, const uint8_t *message, size_t size, bool tcp, uint8_t *room,
                     size_t room_size)
{
    struct program *self = context;
    return dns_answer(self->zones, self->zone_count, message, size, tcp, self->turn++, room, room_size);
}

static int run(struct program *self, const char **files, int count, const char *origin_text,
               struct dns_service *service)
{
    struct dns_name origin = dns_name_root();
    if (origin_text && dns_name_from_text(&origin, origin_text, strlen(origin_text), NULL) < 0) {
        strata_rt_complain(self->rt, "dns-server: not a name: %s\n", origin_text);
        return 2;
    }
    for (int i = 0; i < count; i++)
        if (load_zone(self, files[i], &origin) < 0)
            return 1;
    return dns_service_run(service) < 0;
}

int program_dns_server(struct strata_rt *rt, int argc, char **argv)
{
    const char *files[ZONES_MAX], *origin = NULL, *address = NULL;
    int64_t port = DNS_PORT;
    const struct option_entry entries[] = {
        {"--port", OPTION_NUMBER, &port, 1, 65535},
        {"--origin", OPTION_TEXT, &origin, 0, 0},
        {"--address", OPTION_TEXT, &address, 0, 0},
    };
    const char *usage = "dns-server ZONEFILE... [--port N] [--address A] [--origin NAME]";
    int count =
        options_parse(rt, argc, argv, usage, entries, sizeof entries / sizeof *entries, files, ZONES_MAX);
    struct program *self = count > 0 ? calloc(1, sizeof *self) : NULL;
    if (count == 0)
        strata_rt_complain(rt, "dns-server: which zone file?\nusage: %s\n", usage);
    if (!self)
        return count > 0 ? 1 : 2;
    self->rt = rt;
    struct dns_service service = {
        .rt = rt, .name = "dns-server", .port = (uint16_t)port, .context = self, .answer = answer};
    int status = 2;
    if (address && strata_address_parse(address, &service.address) < 0)
        strata_rt_complain(rt, "dns-server: not an address: %s\n", address);
    else
        status = run(self, files, count, origin, &service);
    for (size_t i = 0; i < self->zone_count; i++)
        dns_zone_free(&self->zones[i]);
    free(self);
    return status;
}
