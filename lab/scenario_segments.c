/*
 * Listens to the segments on some cables and compares them with lines of a scenario. Bytes are numbered from 0 in
 * each direction, as in the textbook: a SYN has no number.
 */
#include "lab/scenario_segments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/seq.h"
#include "lab/describe.h"
#include "lab/world.h"

/** So much may a time differ that a line gives. */
#define TOLERANCE_NS STRATA_MILLISECOND
/** More segments of a cable are not looked at. */
#define SEEN_MAX 1000000u
#define TIMES_MAX 10000
/** Of a list that fits a sentence. */
#define TOLD_BYTES 300u

struct seen {
    strata_time time;
    uint64_t number; /**< Of the frame. */
    uint32_t connection;
    int side;
    bool lost;
    unsigned flags;
    int64_t first, bytes, ack, window; /**< Numbered from 0; the window as it is meant. */
};
struct connection {
    struct strata_endpoint end[2]; /**< By side. */
    seq_t isn[2];
    bool known[2], scales[2];
    uint8_t scale[2];
};
struct segment_log {
    struct segment_log *next;
    const struct strata_cable *cable;
    struct seen *seen;
    struct connection *connections;
    unsigned seen_count, seen_room, connection_count, connection_room;
    bool overflow;
};

/* ---- Reading --------------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    unsigned flag;
} flag_words[] = {{"SYN", TCP_SYN}, {"FIN", TCP_FIN}, {"RST", TCP_RST}, {"ECE", TCP_ECE}, {"CWR", TCP_CWR}};
/** Those whose absence is said by not naming them. */
#define FLAGS_ALWAYS (TCP_SYN | TCP_FIN | TCP_RST)

static bool parse_whole(const char *text, size_t length, int64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || i > 15)
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return length > 0;
}

/** Takes one word, and the one behind it where it needs that. @return how many, 0: not understood. */
static unsigned take_word(struct segment_line *line, char *const *words, unsigned count)
{
    for (size_t i = 0; i < sizeof flag_words / sizeof *flag_words; i++)
        if (strcmp(words[0], flag_words[i].word) == 0) {
            line->flags |= flag_words[i].flag;
            line->flags_told |= flag_words[i].flag;
            return 1;
        }
    const char *slash = strchr(words[0], '/');
    if (slash) {
        line->has_data = true;
        return parse_whole(words[0], (size_t)(slash - words[0]), &line->first) &&
               parse_whole(slash + 1, strlen(slash + 1), &line->bytes) && line->bytes > 0;
    }
    if (strcmp(words[0], "lost") == 0)
        return line->lost = true;
    if (count < 2)
        return 0;
    size_t length = strlen(words[1]);
    if (strcmp(words[0], "ack") == 0)
        return 2 * (unsigned)(line->has_ack = parse_whole(words[1], length, &line->ack));
    if (strcmp(words[0], "window") == 0)
        return 2 * (unsigned)(line->has_window = parse_whole(words[1], length, &line->window));
    if (strcmp(words[0], "times") == 0)
        return parse_whole(words[1], length, &line->times) && line->times > 0 && line->times <= TIMES_MAX ? 2 : 0;
    if (strcmp(words[0], "at") == 0)
        return 2 * (unsigned)(line->has_at = parse_duration(words[1], &line->at) == 0);
    if (strcmp(words[0], "after") == 0)
        return 2 * (unsigned)(line->has_gap = parse_duration(words[1], &line->gap) == 0);
    return 0;
}

static void read_line(struct reader_state *reader, const yaml_node_t *item, void *into)
{
    struct scenario_segments *segments = into;
    struct segment_line line = {.place = place_of(item), .times = 1, .flags_told = FLAGS_ALWAYS};
    const char *text = read_text(reader, item);
    char *copy = arena_text(&reader->scenario->arena, text, strlen(text)), *words[16], *rest = NULL;
    unsigned count = 0;
    for (char *word = strtok_r(copy, " ", &rest); word && count < 16; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    line.any = count == 1 && strcmp(words[0], "...") == 0;
    line.node_name = count > 0 ? words[0] : "";
    for (unsigned i = 1; i < count;) {
        unsigned taken = take_word(&line, words + i, count - i);
        if (taken == 0) {
            complain(reader->complaints, line.place,
                     "a segment has nothing like \"%s\"; it is a node and any of SYN FIN RST ECE CWR, FIRST/BYTES, "
                     "ack N, window N, lost, times N, at TIME, after TIME",
                     words[i]);
            return;
        }
        i += taken;
    }
    for (int64_t i = 0; i < line.times; i++, line.first += line.bytes)
        *(struct segment_line *)LIST_APPEND(reader->scenario, segments->lines) = line;
}

void read_segments_shows(struct reader_state *reader, const yaml_node_t *value, struct scenario_segments *to)
{
    read_items(reader, value, "shows", true, read_line, to);
}

static void read_number(struct reader_state *reader, const yaml_node_t *key, const yaml_node_t *value, void *into)
{
    struct scenario_segments *segments = into;
    const char *name = (const char *)key->data.scalar.value;
    if (segments->number_count == 2) {
        complain(reader->complaints, place_of(key), "a link has two ends");
        return;
    }
    unsigned i = segments->number_count++;
    segments->numbers[i].place = place_of(key);
    segments->numbers[i].node_name = arena_text(&reader->scenario->arena, name, strlen(name));
    segments->numbers[i].number = read_integer(reader, value, 0, INT64_C(1) << 40);
}

void read_segments_numbers(struct reader_state *reader, const yaml_node_t *value, struct scenario_segments *to)
{
    read_entries(reader, value, "numbers", read_number, to);
}

static int side_of(const struct scenario_link *link, struct place place, const char *name,
                   struct complaints *complaints)
{
    for (int side = 0; side < 2; side++)
        if (strcmp(link->end[side].node_name, name) == 0)
            return side;
    complain(complaints, place, "%s is at no end of %s: that is %s and %s", name, link->name,
             link->end[0].node_name, link->end[1].node_name);
    return 0;
}

void segments_verify(const struct scenario_check *check, struct complaints *complaints)
{
    struct scenario_segments *segments = check->segments;
    if (!check->link || !segments)
        return;
    segments->from_side = segments->from ? side_of(check->link, segments->from_place, segments->from, complaints) : -1;
    segments->first[0] = segments->first[1] = -1;
    for (unsigned i = 0; i < segments->number_count; i++)
        segments->first[side_of(check->link, segments->numbers[i].place, segments->numbers[i].node_name,
                                complaints)] = segments->numbers[i].number;
    for (unsigned i = 0; i < segments->lines.count; i++) {
        struct segment_line *line = &segments->lines.items[i];
        if (!line->any)
            line->side = side_of(check->link, line->place, line->node_name, complaints);
    }
}

/* ---- Listening ------------------------------------------------------------------------------------------- */

static struct connection *connection_of(struct segment_log *log, const struct description *what, int side)
{
    for (unsigned i = log->connection_count; i-- > 0;) {
        struct connection *c = &log->connections[i];
        if (!endpoint_equal(&c->end[side], &what->source) || !endpoint_equal(&c->end[!side], &what->destination))
            continue;
        bool other = what->tcp.flags & TCP_SYN && c->known[side] && c->isn[side] != what->tcp.seq;
        return other ? NULL : c;
    }
    return NULL;
}

static struct connection *connection_find(struct segment_log *log, const struct description *what, int side)
{
    struct connection *c = connection_of(log, what, side);
    if (!c) {
        if (array_grow(&log->connections, sizeof *c, log->connection_count, &log->connection_room) != 0)
            return NULL;
        c = &log->connections[log->connection_count++];
        *c = (struct connection){.scales = {true, true}};
        c->end[side] = what->source;
        c->end[!side] = what->destination;
    }
    if (what->tcp.flags & TCP_SYN) {
        c->scales[side] = what->tcp.options.has_scale;
        c->scale[side] = what->tcp.options.scale;
    }
    if (!c->known[side]) {
        c->known[side] = true;
        c->isn[side] = what->tcp.flags & TCP_SYN ? what->tcp.seq : what->tcp.seq - 1;
    }
    return c;
}

static void remember(struct segment_log *log, const struct strata_lab_event *event)
{
    struct description what;
    describe(strata_cable_link(event->cable), event->frame, event->length, &what);
    if (what.subject != SUBJECT_TCP)
        return;
    int side = event->direction;
    struct connection *c = connection_find(log, &what, side);
    if (!c || log->seen_count >= SEEN_MAX ||
        array_grow(&log->seen, sizeof *log->seen, log->seen_count, &log->seen_room) != 0) {
        log->overflow = true;
        return;
    }
    bool syn = what.tcp.flags & TCP_SYN, scaled = !syn && c->scales[0] && c->scales[1];
    log->seen[log->seen_count++] = (struct seen){
        .time = event->time,
        .number = event->frame_number,
        .connection = (uint32_t)(c - log->connections),
        .side = side,
        .flags = what.tcp.flags,
        .first = syn ? 0 : (int64_t)(int32_t)(what.tcp.seq - c->isn[side] - 1),
        .bytes = (int64_t)what.payload_bytes,
        .ack = c->known[!side] ? (int64_t)(int32_t)(what.tcp.ack - c->isn[!side] - 1) : 0,
        .window = (int64_t)what.tcp.window << (scaled ? c->scale[side] : 0),
    };
}

static void hear(void *context, const struct strata_lab_event *event)
{
    struct segment_log *log = context;
    if (event->cable != log->cable)
        return;
    if (event->kind == STRATA_LAB_SENT)
        remember(log, event);
    for (unsigned i = log->seen_count; event->kind == STRATA_LAB_LOST && i-- > 0;)
        if (log->seen[i].number == event->frame_number) {
            log->seen[i].lost = true;
            return;
        }
}

int segments_listen(struct scenario_run *run)
{
    for (unsigned i = 0; i < run->scenario->checks.count; i++) {
        const struct scenario_check *check = &run->scenario->checks.items[i];
        const struct segment_log *log = run->segment_logs;
        while (log && check->link && log->cable != check->link->made)
            log = log->next;
        if (check->kind != CHECK_SEGMENTS || log)
            continue;
        struct segment_log *made = calloc(1, sizeof *made);
        if (!made)
            return -ENOMEM;
        made->cable = check->link->made;
        made->next = run->segment_logs;
        run->segment_logs = made;
        int error = strata_world_listen(run->world, hear, made);
        if (error)
            return error;
    }
    return 0;
}

void segments_free(struct scenario_run *run)
{
    while (run->segment_logs) {
        struct segment_log *log = run->segment_logs;
        run->segment_logs = log->next;
        free(log->seen);
        free(log->connections);
        free(log);
    }
}

/* ---- Judging --------------------------------------------------------------------------------------------- */

/** The segments that a check looks at, numbered as it wants them. */
struct selection {
    const struct scenario_check *check;
    struct seen *items;
    unsigned count;
};

static int select_seen(struct selection *to, const struct segment_log *log, const struct scenario_check *check)
{
    const struct scenario_segments *segments = check->segments;
    int64_t next[2] = {0, 0}, base[2] = {0, 0};
    to->check = check;
    to->items = malloc((log->seen_count + 1) * sizeof *to->items);
    if (!to->items)
        return -ENOMEM;
    // What each side would send next when the check begins to look.
    for (unsigned i = 0; i < log->seen_count && log->seen[i].time < segments->after; i++) {
        const struct seen *seen = &log->seen[i];
        if (seen->connection + 1 == segments->connection && seen->first + seen->bytes > next[seen->side])
            next[seen->side] = seen->first + seen->bytes;
    }
    for (int side = 0; side < 2; side++)
        base[side] = segments->first[side] >= 0 ? segments->first[side] - next[side] : 0;
    for (unsigned i = 0; i < log->seen_count; i++) {
        struct seen seen = log->seen[i];
        if (seen.connection + 1 != segments->connection || seen.time < segments->after ||
            (segments->from_side >= 0 && seen.side != segments->from_side))
            continue;
        seen.first += base[seen.side];
        seen.ack += base[!seen.side];
        to->items[to->count++] = seen;
    }
    return 0;
}

static bool near(strata_time time, strata_time expected)
{
    return time > expected - TOLERANCE_NS && time < expected + TOLERANCE_NS;
}

/** Whether the index-th segment is what a line says. */
static bool fits(const struct selection *selection, unsigned index, const struct segment_line *line)
{
    const struct seen *seen = &selection->items[index];
    strata_time before = index > 0 ? seen[-1].time : selection->check->segments->after;
    if (line->side != seen->side || line->lost != seen->lost ||
        ((line->flags ^ seen->flags) & line->flags_told) != 0)
        return false;
    if (line->has_data ? line->first != seen->first || line->bytes != seen->bytes : seen->bytes > 0)
        return false;
    return (!line->has_ack || (line->ack == seen->ack && seen->flags & TCP_ACK)) &&
           (!line->has_window || line->window == seen->window) && (!line->has_at || near(seen->time, line->at)) &&
           (!line->has_gap || near(seen->time - before, line->gap));
}

/** Lines against segments, "..." as a joker. @return -1: all fit; else the line where it ends, and the segment. */
static int compare(const struct selection *selection, unsigned *segment)
{
    const struct scenario_segments *segments = selection->check->segments;
    unsigned line = 0, seen = 0, far_line = 0, far_seen = 0, joker = UINT32_MAX, joker_seen = 0;
    while (seen < selection->count || line < segments->lines.count) {
        const struct segment_line *want = line < segments->lines.count ? &segments->lines.items[line] : NULL;
        if (line > far_line || (line == far_line && seen > far_seen && joker == UINT32_MAX))
            far_line = line, far_seen = seen;
        if (want && want->any) {
            joker = line++;
            joker_seen = seen;
        } else if (want && seen < selection->count && fits(selection, seen, want)) {
            line++, seen++;
        } else if (joker != UINT32_MAX && joker_seen < selection->count) {
            line = joker + 1;
            seen = ++joker_seen;
        } else {
            *segment = far_line == line ? seen : far_seen;
            return (int)far_line;
        }
    }
    return -1;
}

static void tell(struct text_log *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct text_log *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to->text + to->length, to->room - to->length, format, arguments);
    va_end(arguments);
    if (length > 0)
        to->length = to->length + (size_t)length < to->room ? to->length + (size_t)length : to->room - 1;
}

static void tell_seen(struct text_log *to, const struct scenario_check *check, const struct seen *seen)
{
    tell(to, "%s", check->link->end[seen->side].node_name);
    for (size_t i = 0; i < sizeof flag_words / sizeof *flag_words; i++)
        if (seen->flags & flag_words[i].flag)
            tell(to, " %s", flag_words[i].word);
    if (seen->bytes > 0)
        tell(to, " %" PRId64 "/%" PRId64, seen->first, seen->bytes);
    if (seen->flags & TCP_ACK)
        tell(to, " ack %" PRId64, seen->ack);
    if (seen->flags & TCP_ACK && seen->bytes == 0)
        tell(to, " window %" PRId64, seen->window);
    if (seen->lost)
        tell(to, " lost");
}

static void tell_mistake(struct text_log *to, const struct selection *selection, int line, unsigned index)
{
    const struct scenario_segments *segments = selection->check->segments;
    bool more = (unsigned)line < segments->lines.count;
    if (more)
        tell(to, "line %d of shows is not met: ", line + 1);
    else
        tell(to, "after the last line of shows ");
    if (index >= selection->count) {
        tell(to, "only %u segments were sent", selection->count);
        return;
    }
    const struct seen *seen = &selection->items[index];
    tell(to, "at %" PRId64 ".%06" PRId64 " came \"", seen->time / STRATA_SECOND,
         seen->time % STRATA_SECOND / STRATA_MICROSECOND);
    tell_seen(to, selection->check, seen);
    tell(to, "\"");
}

bool segments_judge(const struct scenario_run *run, const struct scenario_check *check, char **detail)
{
    const struct segment_log *log = run->segment_logs;
    while (log && log->cable != check->link->made)
        log = log->next;
    struct selection selection = {0};
    struct text_log text = {.text = malloc(TOLD_BYTES + 200), .room = TOLD_BYTES + 200};
    *detail = text.text;
    if (text.text)
        text.text[0] = '\0';
    if (!log || !text.text || select_seen(&selection, log, check) != 0)
        return false;
    unsigned index = 0;
    int line = compare(&selection, &index);
    if (log->overflow)
        tell(&text, "there are too many segments to look at");
    else if (line >= 0)
        tell_mistake(&text, &selection, line, index);
    else
        tell(&text, "%u segments: ", selection.count);
    for (unsigned i = 0; line < 0 && i < selection.count; i++) {
        if (text.length > TOLD_BYTES) {
            tell(&text, " ...");
            break;
        }
        tell(&text, i ? "; " : "");
        tell_seen(&text, check, &selection.items[i]);
    }
    free(selection.items);
    return line < 0 && !log->overflow;
}
