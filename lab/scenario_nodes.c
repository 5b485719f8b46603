/*
 * The section `nodes`: machines with their addresses, routes, settings, files and programs.
 */
#include "lab/scenario_yaml.h"

#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

#define ARGUMENTS_MAX 64
#define FILE_SIZE_MAX (UINT64_C(1) << 30)

int read_port_name(struct reader_state *reader, struct place place, const char *text)
{
    const char *digits = strncmp(text, "eth", 3) == 0 ? text + 3 : text;
    char *end;
    long port = strtol(digits, &end, 10);
    if (*digits < '1' || *digits > '9' || *end || port > 65535) {
        complain(reader->complaints, place, "%s is not a port: ports are called eth1, eth2 and so on", text);
        return 0;
    }
    return (int)port;
}

const char *const node_kind_words[] = {"host", "router", "switch", "hub", "outside", NULL};
static const struct shape shape_kind = {.kind = SHAPE_WORD, .open = true, .words = node_kind_words};

static void read_kind(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    // What containerlab calls them.
    static const char *const others[][2] = {{"linux", "host"}, {"bridge", "switch"}, {"ovs-bridge", "switch"}};
    for (size_t i = 0; value->type == YAML_SCALAR_NODE && i < sizeof others / sizeof *others; i++)
        if (strcmp((const char *)value->data.scalar.value, others[i][0]) == 0) {
            complain(reader->complaints, place_of(value),
                     "%s is not host, router, switch, hub or outside (did you mean %s?)", others[i][0], others[i][1]);
            return;
        }
    int kind = read_word(reader, value, node_kind_words);
    if (kind >= 0)
        ((struct scenario_node *)into)->kind = (enum scenario_kind)kind;
}

/* ---- Addresses and routes ------------------------------------------------------------------------------ */

struct address_reader {
    struct scenario_node *node;
    int port;
};

static void read_address(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    const struct address_reader *at = into;
    const char *text = read_text(reader, item);
    struct scenario_address *address = LIST_APPEND(reader->scenario, at->node->addresses);
    *address = (struct scenario_address){.place = place_of(item), .port = at->port, .text = text};
    if (*text && strata_prefix_parse(text, &address->address, &address->prefix_length) != 0) {
        struct strata_address bare;
        if (strata_address_parse(text, &bare) == 0)
            complain(reader->complaints, place_of(item), "%s needs the length of its prefix, such as %s/%s",
                     text, text, strata_address_is_ipv4(&bare) ? "24" : "64");
        else
            complain(reader->complaints, place_of(item),
                     "%s is not an address with a prefix length, such as 10.0.0.1/24 or 2001:db8::1/64",
                     text);
        at->node->addresses.count--;
    }
}

static void read_addresses_of(struct reader_state *reader, struct scenario_node *node, int port,
                              const yaml_node_t *value)
{
    struct address_reader at = {node, port};
    read_items(reader, value, "addresses", true, read_address, &at);
}

static void read_port_addresses(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value,
                                void *into)
{
    int port = read_port_name(reader, place_of(key), (const char *)key->data.scalar.value);
    if (port > 0)
        read_addresses_of(reader, into, port, value);
}

/** Either per port, or a single one or a list for the only port. */
static void read_addresses(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    if (value->type == YAML_MAPPING_NODE)
        read_entries(reader, value, "addresses", read_port_addresses, into);
    else
        read_addresses_of(reader, into, 1, value);
}

static void read_dhcp(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_node *node = into;
    node->dhcp = read_bool(reader, value);
    node->dhcp_place = place_of(value);
}

static void read_resolver(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_node *node = into;
    const char *text = read_text(reader, value);
    if (!*text)
        return;
    node->has_resolver = true;
    if (strata_address_parse(text, &node->resolver.address) == 0)
        node->resolver.port = 53;
    else if (strata_endpoint_parse(text, &node->resolver) != 0)
        complain(reader->complaints, place_of(value), "%s is not the address of a name server", text);
}

static void add_route(struct reader_state *reader, struct scenario_node *node, struct place place,
                      const char *prefix, const char *gateway)
{
    struct scenario_route *route = LIST_APPEND(reader->scenario, node->routes);
    *route = (struct scenario_route){.place = place, .gateway = gateway};
    if (strata_address_parse(gateway, &route->via) != 0) {
        complain(reader->complaints, place, "%s is not the address of a gateway", gateway);
        node->routes.count--;
        return;
    }
    if (strcmp(prefix, "default") == 0)
        prefix = strata_address_is_ipv4(&route->via) ? "0.0.0.0/0" : "::/0";
    route->prefix = prefix;
    if (strata_prefix_parse(prefix, &route->destination, &route->prefix_length) != 0) {
        complain(reader->complaints, place,
                 "%s is not a destination: expected default or a prefix such as 10.1.0.0/16", prefix);
        node->routes.count--;
    } else if (strata_address_is_ipv4(&route->destination) != strata_address_is_ipv4(&route->via)) {
        complain(reader->complaints, place, "a route to %s cannot go by %s: one is IPv4, the other IPv6",
                 prefix, gateway);
        node->routes.count--;
    }
}

static void read_gateway(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    const char *text = read_text(reader, value);
    if (*text)
        add_route(reader, into, place_of(value), "default", text);
}

struct route_text {
    const char *to, *via;
};

static void read_route_to(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct route_text *)into)->to = read_text(reader, value);
}

static void read_route_via(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct route_text *)into)->via = read_text(reader, value);
}

static const struct key route_keys[] = {
    {"to", read_route_to, true, &shape_text, "default, or a prefix such as 10.1.0.0/16"},
    {"via", read_route_via, true, &shape_text, "the address of the gateway"},
    KEYS_END,
};
static const struct shape shape_route = {.kind = SHAPE_MAPPING, .what = "a route", .keys = route_keys};

static void read_route(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct route_text text = {NULL, NULL};
    read_mapping(reader, item, &shape_route, &text);
    if (text.to && text.via && *text.to && *text.via)
        add_route(reader, into, place_of(item), text.to, text.via);
}

static void read_routes(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "routes", false, read_route, into);
}

static void read_forwarding(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_node *node = into;
    node->forwarding = read_bool(reader, value);
    node->has_forwarding = true;
}

static void read_setting(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value,
                         void *into)
{
    struct scenario_node *node = into;
    const char *name = (const char *)key->data.scalar.value;
    struct scenario_setting *setting = LIST_APPEND(reader->scenario, node->settings);
    *setting = (struct scenario_setting){
        .place = place_of(key),
        .name = arena_text(&reader->scenario->arena, name, strlen(name)),
        .value = read_integer(reader, value, INT64_MIN, INT64_MAX),
    };
}

static void read_settings(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_entries(reader, value, "settings", read_setting, into);
}

/* ---- Files ------------------------------------------------------------------------------------------------
 */

static void read_file_content(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_file *file = into;
    file->content = read_text(reader, value);
    file->bytes = strlen(file->content);
    file->pattern = FILE_CONTENT;
}

static void read_file_size(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_file *file = into;
    file->bytes = read_bytes(reader, value);
    if (file->bytes > FILE_SIZE_MAX) {
        complain(reader->complaints, place_of(value), "a file of a scenario is at most 1GiB");
        file->bytes = 0;
    }
}

static const char *const pattern_words[] = {"random", "zero", "count", NULL};
static const struct shape shape_pattern = {.kind = SHAPE_WORD, .words = pattern_words};

static void read_file_pattern(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    int word = read_word(reader, value, pattern_words);
    if (word >= 0)
        ((struct scenario_file *)into)->pattern = (enum file_pattern)(FILE_RANDOM + word);
}

static void read_file_text(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_file *file = into;
    file->content = read_text(reader, value);
    file->pattern = FILE_TEXT;
    if (!*file->content)
        complain(reader->complaints, place_of(value), "there is nothing to repeat");
}

static const struct key file_keys[] = {
    {"content", read_file_content, false, &shape_text, "what is in it"},
    {"size", read_file_size, false, &shape_size, "so many bytes of the pattern, or of what repeats"},
    {"pattern", read_file_pattern, false, &shape_pattern, "random unless given: bytes that depend on the path alone"},
    {"repeat", read_file_text, false, &shape_text, "this text again and again"},
    KEYS_END,
};
static const struct shape shape_file = {.kind = SHAPE_MAPPING, .what = "a file", .keys = file_keys};

static void read_file(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value,
                      void *into)
{
    const char *path = (const char *)key->data.scalar.value;
    struct scenario_node *node = into;
    struct scenario_file file = {.place = place_of(key), .pattern = FILE_RANDOM};
    file.path = arena_text(&reader->scenario->arena, path, strlen(path));
    if (*path != '/')
        complain(reader->complaints, place_of(key), "%s: the path of a file begins with /", path);
    if (value->type == YAML_SCALAR_NODE) {
        file.pattern = FILE_CONTENT;
        file.content = value->data.scalar.length > 0 ? read_text(reader, value) : "";
        file.bytes = strlen(file.content);
    } else {
        read_mapping(reader, value, &shape_file, &file);
        bool content = value_of(reader, value, "content"), size = value_of(reader, value, "size");
        if (value->type == YAML_MAPPING_NODE && content == size)
            complain(reader->complaints, place_of(value), "a file has either content or a size");
    }
    *(struct scenario_file *)LIST_APPEND(reader->scenario, node->files) = file;
}

static void read_files(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_entries(reader, value, "files", read_file, into);
}

/* ---- Programs ---------------------------------------------------------------------------------------------
 */

/** Cuts a command line into words; '...' and "..." hold spaces together. */
static void split(struct reader_state *reader, const yaml_node_t *value, const char *line,
                  struct scenario_program *program)
{
    char *words[ARGUMENTS_MAX];
    char *word = arena_take(&reader->scenario->arena, strlen(line) + 1);
    int count = 0;
    while (*line) {
        while (*line == ' ' || *line == '\t' || *line == '\n')
            line++;
        if (!*line)
            break;
        if (count == ARGUMENTS_MAX) {
            complain(reader->complaints, place_of(value), "more than %d words in one command", ARGUMENTS_MAX);
            return;
        }
        words[count++] = word;
        char quote = 0;
        for (; *line && (quote || (*line != ' ' && *line != '\t' && *line != '\n')); line++) {
            if (*line == quote)
                quote = 0;
            else if (!quote && (*line == '\'' || *line == '"'))
                quote = *line;
            else
                *word++ = *line;
        }
        if (quote)
            complain(reader->complaints, place_of(value), "the quotation mark %c is not closed", quote);
        *word++ = '\0';
    }
    program->argc = count;
    program->argv = arena_take(&reader->scenario->arena, ((size_t)count + 1) * sizeof *program->argv);
    for (int i = 0; i < count; i++)
        program->argv[i] = words[i];
}

/** What others are called that do the same. */
static const char *const other_programs[][2] = {
    {"curl", "fetch"},           {"wget", "fetch"},          {"nginx", "http-server"}, {"httpd", "http-server"},
    {"iperf", "traffic"},        {"iperf3", "traffic"},      {"nc", "talk"},           {"tracert", "traceroute"},
    {"dhclient", "dhcp-client"}, {"udhcpc", "dhcp-client"},  {"nslookup", "dig"},      {"host", "dig"},
    {"named", "dns-server"},     {"unbound", "dns-resolver"},
};

static void find_program(struct reader_state *reader, const yaml_node_t *value,
                         struct scenario_program *program)
{
    if (program->argc == 0) {
        complain(reader->complaints, place_of(value), "there is no program to run");
        return;
    }
    program->entry = program_find(program->argv[0]);
    if (program->entry)
        return;
    struct nearest nearest;
    nearest_begin(&nearest, program->argv[0]);
    char known[400] = "";
    size_t length = 0;
    for (unsigned i = 0; program_get(i); i++) {
        nearest_try(&nearest, program_get(i)->name);
        if (length < sizeof known)
            length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "",
                                       program_get(i)->name);
    }
    for (size_t i = 0; i < sizeof other_programs / sizeof *other_programs; i++)
        if (strcmp(other_programs[i][0], program->argv[0]) == 0)
            nearest = (struct nearest){.wrong = program->argv[0], .best = other_programs[i][1]};
    complain(reader->complaints, place_of(value), "there is no program %s%s; there are %s", program->argv[0],
             nearest_text(&nearest), known);
}

static void read_run(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_program *program = into;
    split(reader, value, read_text(reader, value), program);
    find_program(reader, value, program);
    program->place = place_of(value);
}

static void read_program_name(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario_program *)into)->name = read_text(reader, value);
}

static void read_program_at(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario_program *)into)->at = read_duration(reader, value);
}

static void read_program_restart(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario_program *)into)->restart = read_bool(reader, value);
}

static void read_program_background(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    ((struct scenario_program *)into)->background = read_bool(reader, value);
}

static const struct key program_keys[] = {
    {"run", read_run, true, &shape_text, "the program and its arguments; strata run lists the programs"},
    {"name", read_program_name, false, &shape_text, "what checks call it; the program's name unless given"},
    {"at", read_program_at, false, &shape_time, "when it starts; 0s unless given"},
    {"restart", read_program_restart, false, &shape_boolean, "it runs again when its host comes up after a crash"},
    {"background", read_program_background, false, &shape_boolean, "nobody waits for it; so it is for servers"},
    KEYS_END,
};
static const struct shape shape_program_mapping = {
    .kind = SHAPE_MAPPING, .what = "a program", .keys = program_keys};
static const struct shape *const program_shapes[] = {&shape_text, &shape_program_mapping, NULL};
const struct shape shape_program = {.kind = SHAPE_EITHER, .either = program_shapes};

void read_program(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario_program *program = into;
    program->place = place_of(item);
    if (item->type == YAML_SCALAR_NODE)
        read_run(reader, item, program);
    else
        read_mapping(reader, item, &shape_program_mapping, program);
    if (!program->name && program->argc > 0)
        program->name = program->argv[0];
    // Servers run until the end; nobody waits for them unless asked to.
    if (program->argc > 0 && !value_of(reader, item, "background"))
        program->background = strstr(program->argv[0], "server") || strstr(program->argv[0], "receiver");
}

static void append_program(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario_program program = {.status = -1};
    read_program(reader, item, &program);
    struct scenario_node *node = into;
    if (program.entry)
        *(struct scenario_program *)LIST_APPEND(reader->scenario, node->programs) = program;
}

static void read_programs(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    read_items(reader, value, "programs", true, append_program, into);
}

/* ---- A node ----------------------------------------------------------------------------------------------
 */

static const char *name_setting(unsigned index, const char **help)
{
    int64_t minimum, maximum, initial;
    return settings_name(index, &minimum, &maximum, &initial, help);
}

/** Whether a text can be a device; whether there is such a one is known when the world meets it. */
static bool is_device(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0)
        return text[5] != '\0';
    text += strncmp(text, "tap:", 4) == 0 ? 4 : strncmp(text, "if:", 3) == 0 ? 3 : 0;
    size_t length = strlen(text);
    return length > 0 && length <= 15 && strcspn(text, ":/ ") == length;
}

static void read_device(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    const char *text = read_text(reader, value);
    ((struct scenario_node *)into)->device = text;
    if (text && !is_device(text))
        complain(reader->complaints, place_of(value),
                 "\"%s\" is no device: expected tap:NAME, if:NAME, with a name of up to 15 characters, or unix:PATH",
                 text);
}

/** A group that no section declares comes to be by the first node that says to be in it. */
static void read_node_group(struct reader_state *reader, const yaml_node_t *value, void *into)
{
    struct scenario_node *node = into;
    read_names(reader, value, "group", &node->groups);
}

static const struct shape shape_group = {.kind = SHAPE_LIST, .single = true, .item = &shape_text};
static const struct shape shape_address_list = {.kind = SHAPE_LIST, .single = true, .item = &shape_text},
                          shape_port_addresses = {.kind = SHAPE_ENTRIES, .item = &shape_address_list},
                          shape_routes = {.kind = SHAPE_LIST, .item = &shape_route},
                          shape_settings = {.kind = SHAPE_ENTRIES, .what = "settings", .names = name_setting,
                                            .item = &shape_integer},
                          shape_programs = {.kind = SHAPE_LIST, .single = true, .item = &shape_program};
static const struct shape *const address_shapes[] = {&shape_address_list, &shape_port_addresses, NULL};
static const struct shape shape_addresses = {.kind = SHAPE_EITHER, .either = address_shapes};
static const struct shape *const file_shapes[] = {&shape_text, &shape_file, NULL};
static const struct shape shape_file_entry = {.kind = SHAPE_EITHER, .either = file_shapes},
                          shape_files = {.kind = SHAPE_ENTRIES, .item = &shape_file_entry};
static const struct key node_keys[] = {
    {"kind", read_kind, false, &shape_kind, "host unless given; a router is a host that forwards"},
    {"group", read_node_group, false, &shape_group, "the groups that it is in, besides those that name it"},
    {"addresses", read_addresses, false, &shape_addresses, "10.0.0.1/24 or a list of them, or a mapping from ports"},
    {"address", read_addresses, false, &shape_addresses, "the same as addresses"},
    {"dhcp", read_dhcp, false, &shape_boolean, "a DHCP client runs on the first port"},
    {"gateway", read_gateway, false, &shape_text, "the default route goes by this address"},
    {"routes", read_routes, false, &shape_routes, "a list of {to: PREFIX or default, via: ADDRESS}"},
    {"resolver", read_resolver, false, &shape_text, "the name server that programs ask"},
    {"forwarding", read_forwarding, false, &shape_boolean, "whether it forwards, against what the kind says"},
    {"settings", read_settings, false, &shape_settings, "from settings to numbers; strata settings lists them"},
    {"files", read_files, false, &shape_files, "what is on its disk: from paths to texts"},
    {"programs", read_programs, false, &shape_programs, "what it runs"},
    {"device", read_device, false, &shape_text, "of one that is outside: tap:NAME, if:NAME or unix:PATH"},
    KEYS_END,
};
static const struct shape shape_node_mapping = {.kind = SHAPE_MAPPING, .what = "a node", .keys = node_keys};
static const struct shape *const node_shapes[] = {&shape_node_mapping, &shape_nothing, NULL};
const struct shape shape_node = {.kind = SHAPE_EITHER, .either = node_shapes};

/** Nodes that are outside, and those that are not. */
static void verify_outside(struct reader_state *reader, const yaml_node_t *value, const struct scenario_node *node)
{
    const yaml_node_t *device = value_of(reader, value, "device");
    if (node->kind == SCENARIO_OUTSIDE && !device)
        complain(reader->complaints, node->place, "%s is outside, but where? It needs a device, such as tap:tap0",
                 node->name);
    if (node->kind != SCENARIO_OUTSIDE && device)
        complain(reader->complaints, place_of(device), "a device belongs to a node of kind outside");
}

static void only_hosts(struct reader_state *reader, const yaml_node_t *value,
                       const struct scenario_node *node)
{
    static const char *const words[] = {"addresses", "address",    "dhcp",     "gateway", "routes",
                                        "resolver",  "forwarding", "settings", "files",   "programs"};
    const char *kind = node->kind == SCENARIO_SWITCH ? "a switch"
                       : node->kind == SCENARIO_HUB  ? "a hub"
                                                     : "what is outside";
    for (size_t i = node->kind == SCENARIO_OUTSIDE ? 2 : 0; i < sizeof words / sizeof *words; i++) {
        const yaml_node_t *found = value_of(reader, value, words[i]);
        if (found)
            complain(reader->complaints, place_of(found), "%s has no %s: only hosts and routers do", kind,
                     words[i]);
    }
}

void read_node(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into)
{
    struct scenario *scenario = into;
    const char *name = (const char *)key->data.scalar.value;
    struct scenario_node node = {.place = place_of(key)};
    node.name = arena_text(&scenario->arena, name, strlen(name));
    if (!*name || strpbrk(name, ": \t\n/[]") || strlen(name) > 60)
        complain(reader->complaints, place_of(key),
                 "\"%s\" is no name for a node: letters, digits, - _ . and at most 60", name);
    bool nothing = value->type == YAML_SCALAR_NODE && value->data.scalar.length == 0;
    if (!nothing) {
        read_mapping(reader, value, &shape_node_mapping, &node);
        if (node.kind != SCENARIO_HOST && node.kind != SCENARIO_ROUTER)
            only_hosts(reader, value, &node);
        verify_outside(reader, value, &node);
    }
    *(struct scenario_node *)LIST_APPEND(scenario, scenario->nodes) = node;
}
