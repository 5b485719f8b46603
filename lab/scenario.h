/**
 * Scenarios: a world described in YAML. docs/scenarios.md is the manual of the language.
 *
 * A scenario goes through three hands: the reader (scenario_read*.c) makes these structs and collects every
 * mistake of form; verification (scenario_verify.c) collects every mistake of meaning; the runner
 * (scenario_run.c) makes the world, lets it run, and judges the checks. Everything a scenario holds lies in
 * its arena and is freed with it.
 */
#ifndef LAB_SCENARIO_H
#define LAB_SCENARIO_H

#include <stdio.h>

#include <strata/lab.h>

#include "app/programs.h"
#include "base/random.h"
#include "lab/measure.h"
#include "lab/scenario_quantity.h"

/** Where something stands, counted from 1; `file` is 0 for the scenario itself, others for what it includes. */
struct place {
    unsigned line, column, file;
};
/** On the command line. */
#define PLACE_COMMAND ((struct place){0, 0, 0})

struct arena {
    struct arena_block *blocks;
};
/** Zeroed memory that lives as long as the arena. Running out of it ends the process with a sentence. */
void *arena_take(struct arena *arena, size_t bytes);
char *arena_text(struct arena *arena, const char *text, size_t length);
void arena_free(struct arena *arena);

/** A text that grows. */
struct text_log {
    char *text;
    size_t length, room;
};

struct scenario_address {
    struct place place;
    int port;
    const char *text; /**< As it stands there: "10.0.0.1/24". */
    struct strata_address address;
    unsigned prefix_length;
};
struct scenario_route {
    struct place place;
    const char *prefix, *gateway;
    struct strata_address destination, via;
    unsigned prefix_length;
};
struct scenario_setting {
    struct place place;
    const char *name;
    int64_t value;
};
enum file_pattern { FILE_CONTENT, FILE_RANDOM, FILE_ZERO, FILE_COUNT, FILE_TEXT };
struct scenario_file {
    struct place place;
    const char *path;
    enum file_pattern pattern;
    const char *content; /**< FILE_CONTENT; FILE_TEXT: repeated. */
    uint64_t bytes;
};
struct scenario_program {
    struct place place;
    const char *name;
    const struct strata_program_entry *entry;
    int argc;
    char **argv;
    strata_time at;
    bool restart, background;
    /* While it runs */
    int status;
    bool started;
    struct text_log output;
    struct scenario_node *node;
};
enum scenario_kind { SCENARIO_HOST, SCENARIO_ROUTER, SCENARIO_SWITCH, SCENARIO_HUB, SCENARIO_OUTSIDE };

/** A list in the arena: elements of one type, count of them. */
#define LIST_OF(type)                                                                                        \
    struct {                                                                                                 \
        type *items;                                                                                         \
        unsigned count, room;                                                                                \
    }

struct scenario_node;
/** A name that stands for some things: a node or link, a range of them such as h[1-20], a group. */
struct scenario_name {
    struct place place;
    const char *text;
};
typedef LIST_OF(struct scenario_name) scenario_names;
typedef LIST_OF(struct scenario_node *) scenario_node_list;

struct scenario_node {
    struct place place;
    const char *name;
    enum scenario_kind kind;
    bool dhcp, forwarding, has_forwarding;
    struct place dhcp_place;
    const char *device; /**< Of one that is outside: what it is on this machine, tap:tap0 for instance. */
    bool has_resolver;
    struct strata_endpoint resolver;
    scenario_names groups;
    LIST_OF(struct scenario_address) addresses;
    LIST_OF(struct scenario_route) routes;
    LIST_OF(struct scenario_setting) settings;
    LIST_OF(struct scenario_file) files;
    LIST_OF(struct scenario_program) programs;
    /* Verification */
    int port_count;
    struct scenario_link **links; /**< By port, index 0 not used. */
    /* The run */
    struct strata_node *made;
    struct text_log output; /**< Everything its programs printed. */
    struct scenario_run *run;
};
struct scenario_end {
    struct place place;
    const char *node_name;
    struct scenario_node *node;
    int port; /**< 0: the next free one. */
};
/** Scripted faults. */
struct scenario_faults {
    struct strata_fault *items;
    unsigned count, room;
};
/** What is said about a link that is a bus. */
struct scenario_bus {
    struct strata_bus_config config;
    struct place place, positions_place;
    bool is_bus; /**< The others say so, but the link does not: a mistake. */
    const char *word;
    LIST_OF(strata_time) positions;
};
struct scenario_link {
    struct place place;
    const char *name;
    struct scenario_end *end;
    unsigned ends; /**< 2, or as many as a bus has stations. */
    struct scenario_bus *bus; /**< NULL: a cable. */
    struct strata_cable_config config;
    struct scenario_faults faults[2]; /**< Scripted, by direction. */
    struct strata_cable *made;
    unsigned segment; /**< Cables that are joined by switches and hubs have the same. */
};
enum scenario_action {
    EVENT_CUT,
    EVENT_MEND,
    EVENT_FLAP,
    EVENT_PARTITION,
    EVENT_HEAL,
    EVENT_CRASH,
    EVENT_RESTART,
    EVENT_SET,
    EVENT_NOTE,
    EVENT_START
};
/** Nodes that have a name together. */
struct scenario_group {
    struct place place;
    const char *name;
    scenario_names members;
    scenario_node_list nodes; /**< Verification. */
    bool looking;             /**< Its members are being looked for. */
};
/** A time, or one that is drawn from a range whenever it is needed. */
struct scenario_span {
    strata_time least, most;
};
struct scenario_event {
    struct place place;
    struct scenario_span at, every; /**< every: 0 unless it happens again and again. */
    uint32_t times;                 /**< 0: as long as the world runs. */
    enum scenario_action action;
    scenario_names targets;
    const char *text;
    struct place target_place;
    scenario_node_list nodes;
    LIST_OF(struct scenario_link *) links;
    LIST_OF(scenario_names) sides;             /**< EVENT_PARTITION */
    LIST_OF(scenario_node_list) side_nodes;
    strata_time down;                          /**< EVENT_FLAP */
    bool lose_disk;                            /**< EVENT_CRASH */
    bool direction[2];
    struct scenario_faults faults;
    uint32_t changed; /**< Which fields of `impairment` are set: bits of enum impairment_field. */
    struct strata_impairment impairment;
    struct scenario_program *program;                /**< EVENT_START: as it was read. */
    LIST_OF(struct scenario_program *) programs;     /**< One on each node. */
    /* While it runs */
    struct scenario_run *run;
    struct random *random; /**< Of its ranges of time. */
    uint32_t times_left;
    bool happened;
};
enum impairment_field {
    FIELD_RATE = 1,
    FIELD_DELAY = 2,
    FIELD_JITTER = 4,
    FIELD_LOSS = 8,
    FIELD_BURST = 16,
    FIELD_DUPLICATE = 32,
    FIELD_REORDER = 64,
    FIELD_REORDER_DELAY = 128,
    FIELD_CORRUPT = 256,
    FIELD_LIMIT = 512,
    FIELD_REORDER_EARLY = 1024,
    FIELD_QUEUE = 2048,
    FIELD_DISTRIBUTION = 4096,
    FIELD_CORRELATION = 8192,
    FIELD_STATE = 16384,
    FIELD_GAP = 32768,
    FIELD_SLOT = 65536,
    FIELD_TRACE = 131072
};
void impairment_apply(struct strata_impairment *to, const struct strata_impairment *from, uint32_t fields);

enum check_kind {
    CHECK_PROGRAM,
    CHECK_OUTPUT,
    CHECK_FILE,
    CHECK_COUNTER,
    CHECK_DROPS,
    CHECK_RECEIVED,
    CHECK_CABLE,
    CHECK_MEASURE,
    CHECK_TIME,
    CHECK_PROGRAMS,
    CHECK_SEGMENTS,
    CHECK_FAIRNESS,
    CHECK_WINDOW,
    CHECK_STATIONS
};
/** A file on a node: "NODE:PATH". */
struct scenario_path {
    struct place place;
    const char *node_name, *path;
    struct scenario_node *node;
};
/** A port of a node: "NODE:eth1". */
struct scenario_port {
    struct place place;
    const char *text;
    struct scenario_node *node;
    int port;
};
/** What can be asked of congestion windows. */
enum window_word {
    WINDOW_FALLS, /**< Number: how often one was reduced after a loss or a mark. */
    WINDOW_KEPT,  /**< Number: the share of a window that was left, mean over all falls. */
    WINDOW_PEAK,  /**< Number: bytes before a fall, mean. */
    WINDOW_MEAN,  /**< Number: bytes from the first fall to the last, mean over time, over the peak. */
};
struct scenario_check {
    struct place place;
    enum check_kind kind;
    const char *name;   /**< In results; made up when not given. */
    const char *target; /**< Program, node, counter, cable ... */
    struct place target_place;
    const char *node_name;
    struct place node_place;
    const char *class_name; /**< Of a queue, or NULL. */
    struct place class_place;
    struct scenario_node *node;
    struct scenario_program *program;
    struct scenario_link *link;
    struct scenario_path file, other;
    bool has_exits, has_min, has_max, has_equals, has_size;
    int64_t exits, min, max, equals;
    uint64_t size_bytes;
    const char *contains, *lacks, *text, *sha256, *counted;
    bool has_measure, has_value;
    enum measure_word measure;
    int direction;           /**< CHECK_MEASURE: 0 forward, 1 backward. */
    struct quantity value;   /**< What is measured, or the number behind `contains`. */
    struct place value_place;
    uint32_t within_ppm;     /**< So far from `value` it may be. */
    int port;
    strata_time before;
    struct scenario_segments *segments; /**< CHECK_SEGMENTS, see scenario_segments.h. */
    strata_time after;       /**< What happened before does not count. */
    enum window_word window; /**< CHECK_WINDOW */
    LIST_OF(struct scenario_port) ports; /**< CHECK_FAIRNESS: of these; CHECK_RECEIVED: a share of what came to them. */
    LIST_OF(struct scenario_path) nodes; /**< CHECK_DROPS: on these only. */
};

enum parameter_type {
    PARAMETER_TEXT,
    PARAMETER_INTEGER,
    PARAMETER_BOOLEAN,
    PARAMETER_TIME,
    PARAMETER_RATE,
    PARAMETER_SHARE,
    PARAMETER_SIZE
};
/** What may be chosen on the command line. */
struct scenario_parameter {
    const char *name, *description;
    enum parameter_type type;
    const char *initial; /**< Its default, or NULL. */
    const char *value;   /**< NULL: there is no default, and it was not given. */
    bool fixed;          /**< Whoever includes the file has given it. */
    LIST_OF(const char *) choices;
};
const char *parameter_type_name(enum parameter_type type);

struct scenario {
    struct arena arena;
    const char *file;
    LIST_OF(struct scenario_parameter) parameters;
    const char *title, *description;
    uint64_t seed;
    strata_time duration;
    bool duration_said; /**< It is not the one that holds unless said otherwise. */
    uint64_t events_max;    /**< Limits: so many things happen ... */
    strata_time time_max;   /**< ... and it lasts so long at most; 0: there is none but the duration. */
    LIST_OF(struct scenario_group *) groups;
    LIST_OF(struct scenario_node) nodes;
    LIST_OF(struct scenario_link) links;
    LIST_OF(struct scenario_event) events;
    LIST_OF(struct scenario_check) checks;
};

/** Mistakes, in the order of the file at the end. */
struct complaint {
    struct place place;
    unsigned order;
    bool alone; /**< Whatever else is said of this place follows from it. */
    char *text;
};
struct complaints {
    struct complaint *items;
    unsigned count, room;
    bool sorted;
    char **files; /**< What included files are called, by their numbers. */
    unsigned file_count;
};
void complain(struct complaints *complaints, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Puts them into the order of the files and leaves out what is said twice. */
void complaints_sort(struct complaints *complaints);
/** Prints them, one line each; `file` is what the scenario itself is called. */
void complaints_print(struct complaints *complaints, const char *file, FILE *to);
void complaints_name_file(struct complaints *complaints, unsigned number, const char *name);
void complaints_free(struct complaints *complaints);
/** " (did you mean X?)" with the nearest of some words, or "" when none is near. Valid until the next call.
 */
struct nearest {
    const char *wrong, *best;
    unsigned distance;
    char text[120];
};
void nearest_begin(struct nearest *nearest, const char *wrong);
void nearest_try(struct nearest *nearest, const char *word);
const char *nearest_text(struct nearest *nearest);

/** What there is to read. */
struct scenario_input {
    const char *file;        /**< What it is called; the folder it is in is where includes are looked for. */
    const char *text;        /**< NULL: `load` gives it. */
    size_t length;
    const char *const *sets; /**< "NAME=VALUE": parameters that are given. */
    unsigned set_count;
    /** Gets a file; `text` is malloc'ed. NULL: nothing can be included. @return 0 or a negative errno. */
    int (*load)(void *context, const char *path, char **text, size_t *length);
    void *context;
    bool only_parameters; /**< Nothing but the parameters is looked at, and one may lack its value. */
    FILE *expanded;       /**< Gets the scenario as YAML without includes, templates and parameters; or NULL. */
};
/** A `load` that reads files. */
int scenario_load_file(void *context, const char *path, char **text, size_t *length);
/** Reads a scenario. @return 0; -EINVAL with complaints; -ENOENT ... when the file cannot be read. */
int scenario_read(struct scenario **scenario, const struct scenario_input *input, struct complaints *complaints);
/** The same from a file, with the defaults of its parameters. */
int scenario_load(struct scenario **scenario, const char *file, struct complaints *complaints);
/** The same from memory; `file` is what complaints call it. It cannot include others. */
int scenario_parse(struct scenario **scenario, const char *file, const char *text, size_t length,
                   struct complaints *complaints);
void scenario_free(struct scenario *scenario);
/** Looks for mistakes of meaning and ties names to things. */
void scenario_verify(struct scenario *scenario, struct complaints *complaints);

/** What a check looked at, as a number: of bytes, frames, a counter; a time is in nanoseconds. */
struct scenario_value {
    bool there; /**< Not every check has one. */
    bool is_time;
    bool in_billionths; /**< A number with decimals, such as a share: 0.5 is 500,000,000. */
    bool is_rate;       /**< Bits per second. */
    int64_t number;
};
struct scenario_result {
    const char *name;
    bool ok;
    char *detail;
    struct scenario_value value;
};
/** One run of a scenario. */
struct scenario_run {
    struct scenario *scenario;
    struct arena arena; /**< What lives as long as the run; a scenario may run many times. */
    struct strata_world *world;
    struct scenario_result *results;
    unsigned result_count;
    bool ok;
    struct segment_log *segment_logs;
    struct window_log *window_logs;
    strata_time ended;    /**< When the last program that is waited for ended. */
    unsigned events_left; /**< That have not happened yet, starts of programs included. */
    unsigned awaited;     /**< Programs whose end is waited for. */
    bool stopped;         /**< Before its end, as the options say; nothing was judged. */
    struct scenario_value value; /**< Of the check that is being judged. */
    struct measure measure; /**< Of the cables that a check measures. */
};
struct scenario_options {
    uint64_t seed;        /**< 0: the scenario's. */
    strata_time duration; /**< 0: the scenario's. */
    bool trace_hosts;
    strata_time until; /**< Stop when that time has come, before the end; 0: do not. */
    /** Asked after every moment in which something happened, unless NULL: whether to stop. */
    bool (*stop)(void *context);
    void *stop_context;
    bool open_end; /**< It runs until it is told to stop, and its checks are judged then. */
    /** What stands for a node that is outside; NULL: there are none. */
    struct strata_device (*outside)(void *context, const struct scenario_node *node);
    void *outside_context;
};
/** Whether a check counts something that only a bus has; what it counted. */
bool is_bus_count(const char *word);
int64_t bus_count(const struct strata_cable *cable, const char *word);
/** Makes the world; listeners may then be added to run->world. @return 0, or a negative errno. */
int scenario_build(struct scenario_run *run, struct scenario *scenario,
                   const struct scenario_options *options);
/** Lets it run and judges the checks, unless it was told to stop. @return 0 (see run->ok), or a negative errno. */
int scenario_go(struct scenario_run *run, const struct scenario_options *options);
void scenario_run_free(struct scenario_run *run);
/** What the check is called that fails when a world reaches one of its limits. */
extern const char scenario_limit_check[];
/** Judges one check. `detail` gets a sentence that is malloc'ed. */
bool scenario_judge(struct scenario_run *run, const struct scenario_check *check, char **detail);
/** One JSON object with the results, malloc'ed. */
char *scenario_json(const struct scenario_run *run);

/** The content of a file as the scenario describes it, malloc'ed. */
uint8_t *scenario_file_bytes(const struct scenario_file *file);

#endif
