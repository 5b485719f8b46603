/*
 * Stations on a shared medium (IEEE 802.3 4.2.3 for CSMA/CD).
 *
 * What is on the air is a short list of signals: who sends, since when, until when. A signal is at station y from
 * its beginning plus the distance until its end plus the distance, and a frame is understood there when no other
 * signal is in that time. So everything that a station can hear, and everything that ruins a frame, is worked out
 * from that list when it is needed; nothing is done per station and signal in advance. Signals leave the list when
 * nobody can hear them any more.
 *
 * A sender's end is known before it comes, unless a collision ends it early. Stations that wait for silence sleep
 * until the end that is planned, and are told when it comes earlier.
 */
#include "lab/medium.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "lab/medium_parts.h"

#define MILLION 1000000u
#define STATIONS_MAX 100000u
/** The back-off doubles so often at most (IEEE 802.3 4.2.3.2.5). */
#define BACKOFF_LIMIT 10u

/* ---- What is due ------------------------------------------------------------------------------------------ */

static bool before(const struct due *a, const struct due *b)
{
    return a->time != b->time ? a->time < b->time : a->sequence < b->sequence;
}

static void due_at(struct medium *m, strata_time time, enum due_kind kind, unsigned station,
                   struct signal *signal)
{
    if (m->due_count == m->due_room) {
        size_t room = m->due_room ? m->due_room * 2 : 64;
        struct due *larger = realloc(m->due, room * sizeof *larger);
        if (!larger) {
            m->error = -ENOMEM;
            return;
        }
        m->due = larger;
        m->due_room = room;
    }
    struct due due = {
        .time = time, .sequence = ++m->sequence, .kind = kind, .station = station, .signal = signal};
    size_t at = m->due_count++;
    for (; at > 0 && before(&due, &m->due[(at - 1) / 2]); at = (at - 1) / 2)
        m->due[at] = m->due[(at - 1) / 2];
    m->due[at] = due;
}

static struct due take_due(struct medium *m)
{
    struct due first = m->due[0], last = m->due[--m->due_count];
    size_t at = 0, child;
    while ((child = at * 2 + 1) < m->due_count) {
        if (child + 1 < m->due_count && before(&m->due[child + 1], &m->due[child]))
            child++;
        if (!before(&m->due[child], &last))
            break;
        m->due[at] = m->due[child];
        at = child;
    }
    m->due[at] = last;
    return first;
}

/** The station looks again then; whatever it waited for before no longer counts. */
static void set_timer(struct medium *m, struct station *station, strata_time time)
{
    station->timer = time;
    due_at(m, time, DUE_TIMER, station->index, NULL);
}

/* ---- Space and time --------------------------------------------------------------------------------------- */

strata_time medium_distance(const struct medium *m, unsigned a, unsigned b)
{
    if (a == b)
        return 0;
    if (m->config.star)
        return m->config.span_ns;
    strata_time difference = m->stations[a].position - m->stations[b].position;
    return difference < 0 ? -difference : difference;
}

/** Whether two signals are at a station at the same time. */
static bool overlap_at(const struct medium *m, const struct signal *a, const struct signal *b, unsigned station)
{
    strata_time to_a = medium_distance(m, a->station, station);
    strata_time to_b = medium_distance(m, b->station, station);
    return a->start + to_a < b->end + to_b && b->start + to_b < a->end + to_a;
}

/** Whether there is a station at which they are: one of the two senders is, if any. */
static bool overlap_anywhere(const struct medium *m, const struct signal *a, const struct signal *b)
{
    return overlap_at(m, a, b, a->station) || overlap_at(m, a, b, b->station);
}

/** Whether a frame was understood by a station, or MEDIUM_ALL. All that could ruin it has begun by now. */
static bool is_intact(const struct medium *m, const struct signal *signal, int station)
{
    if (signal->aborted)
        return false;
    for (const struct signal *other = m->signals; other; other = other->next)
        if (other != signal && (station == MEDIUM_ALL ? overlap_anywhere(m, signal, other)
                                                      : overlap_at(m, signal, other, (unsigned)station)))
            return false;
    return true;
}

/** When a station that judges by the signals that came to it before `heard` may speak. */
static strata_time silent_at(const struct medium *m, const struct station *station, strata_time heard)
{
    strata_time time = 0;
    for (const struct signal *signal = m->signals; signal; signal = signal->next) {
        strata_time distance = medium_distance(m, signal->station, station->index);
        strata_time free = signal->end + distance + m->config.gap_ns;
        if (signal->start + distance < heard && free > time)
            time = free;
    }
    return time;
}

/** Forgets signals that nobody hears any more and that can ruin nothing. */
static void forget_signals(struct medium *m)
{
    strata_time least = m->now;
    for (const struct signal *signal = m->signals; signal; signal = signal->next)
        if (!signal->judged && signal->start < least)
            least = signal->start;
    struct signal **link = &m->signals, *signal;
    while ((signal = *link)) {
        if (signal->judged && signal->end + m->config.span_ns + m->config.gap_ns < least) {
            *link = signal->next;
            signal->next = m->spare;
            m->spare = signal;
        } else {
            link = &signal->next;
        }
    }
}

/* ---- Queues ------------------------------------------------------------------------------------------------ */

static int queue_frame(struct station *station, const struct medium_frame *frame)
{
    if (station->count == station->room) {
        uint32_t room = station->room ? station->room * 2 : 4;
        struct medium_frame *frames = malloc(room * sizeof *frames);
        if (!frames)
            return -ENOMEM;
        for (uint32_t i = 0; i < station->count; i++)
            frames[i] = station->frames[(station->first + i) % station->room];
        free(station->frames);
        station->frames = frames;
        station->room = room;
        station->first = 0;
    }
    station->frames[(station->first + station->count++) % station->room] = *frame;
    return 0;
}

static void drop_first(struct medium *m, struct station *station)
{
    station->first = (station->first + 1) % station->room;
    station->count--;
    station->attempts = 0;
    m->waiting--;
}

static const struct medium_frame *first_of(const struct station *station)
{
    return &station->frames[station->first];
}

static bool is_up(const struct medium *m, unsigned station)
{
    return !m->calls.is_up || m->calls.is_up(m->self, station);
}

static void release(struct medium *m, const struct medium_frame *frame, enum medium_end end, bool arrived)
{
    switch (end) {
    case MEDIUM_SENT:
        if (arrived) {
            m->counts.sent++;
            m->counts.carried_ns += frame->air_ns;
        } else {
            m->counts.unnoticed++;
        }
        break;
    case MEDIUM_EXCESSIVE:
        m->counts.excessive++;
        break;
    case MEDIUM_LATE:
        m->counts.late++;
        break;
    case MEDIUM_DOWN:
        m->counts.lost_down++;
        break;
    }
    if (m->calls.release)
        m->calls.release(m->self, frame, end, arrived);
}

/** A station that is down says nothing, and what it wanted to say is gone. */
static void lose_queue(struct medium *m, struct station *station)
{
    while (station->count > 0) {
        struct medium_frame frame = *first_of(station);
        drop_first(m, station);
        release(m, &frame, MEDIUM_DOWN, false);
    }
    station->state = RESTS;
}

/* ---- Speaking ---------------------------------------------------------------------------------------------- */

/** A station hears the other one while it speaks, if it does: then it jams. */
static void plan_detection(struct medium *m, struct signal *speaker, const struct signal *other)
{
    strata_time distance = medium_distance(m, speaker->station, other->station);
    strata_time heard = other->start + distance;
    if (heard < m->now)
        heard = m->now;
    if (speaker->aborted || heard >= speaker->end || other->end + distance <= m->now)
        return;
    struct station *station = &m->stations[speaker->station];
    if (station->detects == STRATA_NEVER || heard < station->detects) {
        station->detects = heard;
        due_at(m, heard, DUE_DETECTION, speaker->station, NULL);
    }
}

/** Counts the times that the medium is ruined, however many stations have their part in one. */
static void note_overlaps(struct medium *m, struct signal *signal)
{
    bool alone = true, counted = false;
    for (struct signal *other = signal->next; other; other = other->next)
        if (overlap_anywhere(m, signal, other)) {
            alone = false;
            counted = counted || other->ruined;
            other->ruined = true;
        }
    signal->ruined = !alone;
    if (!alone && !counted)
        m->counts.collisions++;
}

static void speak(struct medium *m, struct station *station)
{
    struct signal *signal = m->spare;
    if (signal)
        m->spare = signal->next;
    else if (!(signal = malloc(sizeof *signal))) {
        m->error = -ENOMEM;
        return;
    }
    *signal = (struct signal){.next = m->signals,
                              .station = station->index,
                              .start = m->now,
                              .end = m->now + first_of(station)->air_ns,
                              .frame = *first_of(station)};
    m->signals = signal;
    station->state = SPEAKS;
    station->signal = signal;
    station->timer = station->detects = STRATA_NEVER;
    m->counts.attempts++;
    if (m->counts.first_ns < 0)
        m->counts.first_ns = m->now;
    due_at(m, signal->end, DUE_END, station->index, signal);
    note_overlaps(m, signal);
    if (m->config.access != STRATA_ACCESS_CSMA_CD)
        return;
    for (struct signal *other = signal->next; other; other = other->next) {
        plan_detection(m, signal, other);
        if (other->end > m->now)
            plan_detection(m, other, signal);
    }
}

static bool happens(struct medium *m, uint32_t ppm)
{
    return random_below(&m->random, MILLION) < ppm;
}

/** A time of up to 2^k units, k being how often it went wrong, within a limit. */
static void back_off(struct medium *m, struct station *station, unsigned failures)
{
    unsigned doublings = failures < BACKOFF_LIMIT ? failures : BACKOFF_LIMIT;
    strata_time wait;
    switch (m->config.access) {
    case STRATA_ACCESS_CSMA_CD:
    case STRATA_ACCESS_SLOTTED_ALOHA: // counted from the slot's end that comes next
        wait = (strata_time)random_below(&m->random, UINT64_C(1) << doublings) * m->config.slot_ns;
        break;
    default:
        wait = (strata_time)random_below(&m->random, (uint64_t)m->config.unit_ns << doublings);
    }
    station->state = WAITS;
    set_timer(m, station, m->now + wait);
}

static void look(struct medium *m, struct station *station, bool deferred);

static void go_on(struct medium *m, struct station *station)
{
    if (station->state == RESTS && station->count > 0)
        look(m, station, false);
}

/** The station is done with its first frame. */
static void end_frame(struct medium *m, struct station *station, enum medium_end end)
{
    struct medium_frame frame = *first_of(station);
    drop_first(m, station);
    station->state = RESTS;
    if (m->calls.ended)
        m->calls.ended(m->self, station->index, &frame, end);
}

/** An attempt came to nothing. @return whether it was the last. */
static bool fail(struct medium *m, struct station *station, bool spoke)
{
    struct medium_frame frame = *first_of(station);
    station->attempts++;
    if (spoke) {
        m->counts.collided++;
        if (m->calls.collided)
            m->calls.collided(m->self, station->index, &frame, station->attempts);
    }
    if (station->attempts < m->config.attempts) {
        back_off(m, station, station->attempts);
        return false;
    }
    end_frame(m, station, MEDIUM_EXCESSIVE);
    return true;
}

static void defer(struct medium *m, struct station *station, strata_time until)
{
    if (station->state != DEFERS)
        m->counts.deferred++;
    station->state = DEFERS;
    set_timer(m, station, until);
}

/** The medium is taken, as far as a station can hear. */
static void find_taken(struct medium *m, struct station *station, strata_time until)
{
    if (m->config.access != STRATA_ACCESS_CSMA_NON_PERSISTENT) {
        defer(m, station, until);
        return;
    }
    // To find it taken counts as an attempt: with a limit of one, nobody comes back.
    m->counts.deferred++;
    struct medium_frame frame = *first_of(station);
    if (fail(m, station, false))
        release(m, &frame, MEDIUM_EXCESSIVE, false);
}

/** A station with something to say looks whether it may. `deferred`: it waited for silence until now. */
static void look(struct medium *m, struct station *station, bool deferred)
{
    const struct medium_config *config = &m->config;
    if (!is_up(m, station->index)) {
        lose_queue(m, station);
        return;
    }
    if (config->access == STRATA_ACCESS_ALOHA) {
        speak(m, station);
        return;
    }
    if (config->access == STRATA_ACCESS_SLOTTED_ALOHA) {
        strata_time into = m->now % config->slot_ns;
        if (into == 0) {
            speak(m, station);
            return;
        }
        station->state = WAITS;
        set_timer(m, station, m->now - into + config->slot_ns);
        return;
    }
    // Who has waited for the gap no longer listens in its last third, or nobody else would ever get a turn
    // (IEEE 802.3 4.2.3.2.2).
    strata_time until = silent_at(m, station, deferred ? m->now - config->gap_ns / 3 : m->now);
    if (until > m->now)
        find_taken(m, station, until);
    else if (config->access != STRATA_ACCESS_CSMA_P_PERSISTENT || happens(m, config->persistence_ppm))
        speak(m, station);
    else {
        station->state = WAITS;
        set_timer(m, station, m->now + config->slot_ns);
    }
}

/* ---- What becomes of it -------------------------------------------------------------------------------------- */

/** Somebody fell silent early: those who wait for that wait less. */
static void tell_waiting(struct medium *m)
{
    for (unsigned i = 0; i < m->config.stations; i++) {
        struct station *station = &m->stations[i];
        if (station->state != DEFERS)
            continue;
        strata_time until = silent_at(m, station, m->now);
        if (until < m->now)
            until = m->now;
        if (until != station->timer)
            set_timer(m, station, until);
    }
}

static void detect(struct medium *m, struct station *station)
{
    struct signal *signal = station->signal;
    if (station->state != SPEAKS || station->detects != m->now || signal->aborted || signal->end <= m->now)
        return;
    station->detects = STRATA_NEVER;
    strata_time preamble_end = signal->start + m->config.preamble_ns;
    signal->aborted = true;
    signal->late = m->now - signal->start > m->config.slot_ns;
    signal->end = (m->now > preamble_end ? m->now : preamble_end) + m->config.jam_ns;
    due_at(m, signal->end, DUE_END, station->index, signal);
    tell_waiting(m);
}

static void deliver(struct medium *m, const struct signal *signal)
{
    if (!m->calls.arrived)
        return;
    for (unsigned i = 0; i < m->config.stations; i++)
        if (i != signal->station)
            due_at(m, signal->end + medium_distance(m, signal->station, i), DUE_ARRIVAL, i,
                   (struct signal *)signal);
}

/** A station has fallen silent. */
static void finish(struct medium *m, struct station *station, struct signal *signal)
{
    if (signal != station->signal || signal->ended || signal->end != m->now)
        return; // it ended earlier, or goes on
    signal->ended = true;
    if (m->now > m->counts.last_ns)
        m->counts.last_ns = m->now;
    strata_time heard_by_all = m->now + m->config.span_ns;
    if (signal->aborted) {
        struct medium_frame frame = signal->frame;
        signal->judged = true;
        forget_signals(m);
        if (signal->late) {
            m->counts.collided++;
            end_frame(m, station, MEDIUM_LATE);
            release(m, &frame, MEDIUM_LATE, false);
        } else if (fail(m, station, true)) {
            release(m, &frame, MEDIUM_EXCESSIVE, false);
        }
        go_on(m, station);
        return;
    }
    deliver(m, signal);
    switch (m->config.access) {
    case STRATA_ACCESS_CSMA_CD:
        due_at(m, heard_by_all, DUE_VERDICT, station->index, signal);
        end_frame(m, station, MEDIUM_SENT);
        go_on(m, station);
        break;
    case STRATA_ACCESS_TOKEN:
        due_at(m, heard_by_all, DUE_VERDICT, station->index, signal);
        end_frame(m, station, MEDIUM_SENT);
        token_pass(m, station->index);
        break;
    default: // the acknowledgement needs as long to come back
        station->state = ASKS;
        due_at(m, heard_by_all + m->config.span_ns, DUE_VERDICT, station->index, signal);
    }
}

/** All who can hear a frame have heard it. */
static void judge(struct medium *m, struct station *station, struct signal *signal)
{
    struct medium_frame frame = signal->frame;
    bool intact = is_intact(m, signal, frame.to);
    signal->judged = true;
    forget_signals(m);
    if (m->config.access == STRATA_ACCESS_CSMA_CD || m->config.access == STRATA_ACCESS_TOKEN) {
        release(m, &frame, MEDIUM_SENT, intact);
        return;
    }
    if (intact) {
        end_frame(m, station, MEDIUM_SENT);
        release(m, &frame, MEDIUM_SENT, true);
    } else if (fail(m, station, true)) {
        release(m, &frame, MEDIUM_EXCESSIVE, false);
    }
    go_on(m, station);
}

/* ---- The token ------------------------------------------------------------------------------------------------ */

/** The next station in the ring that is up, at most once round. */
static unsigned next_station(const struct medium *m, unsigned station)
{
    unsigned next = station;
    do
        next = next + 1 == m->config.stations ? 0 : next + 1;
    while (next != station && !is_up(m, next));
    return next;
}

/** How long the token needs from one station to another. */
static strata_time token_step(const struct medium *m, unsigned from, unsigned to)
{
    return m->config.token_ns + m->config.gap_ns + medium_distance(m, from, to);
}

/** Moves the token, which nobody held, to where it is by now. A token that goes round while nobody has anything to
 * say is no event: it is worked out when somebody has. */
static void token_catch_up(struct medium *m)
{
    if (m->token_time >= m->now)
        return;
    strata_time round = 0;
    unsigned at = m->token_at, steps = 0;
    do {
        unsigned next = next_station(m, at);
        round += token_step(m, at, next);
        at = next;
        steps++;
    } while (at != m->token_at && steps <= m->config.stations);
    if (round == 0) {
        m->token_time = m->now;
        return;
    }
    strata_time rounds = (m->now - m->token_time) / round;
    m->token_time += rounds * round;
    m->counts.tokens += (uint64_t)rounds * steps;
    while (m->token_time < m->now) {
        unsigned next = next_station(m, m->token_at);
        m->token_time += token_step(m, m->token_at, next);
        m->token_at = next;
        m->counts.tokens++;
    }
}

/** Finds out who speaks next, and when. */
static void token_plan(struct medium *m)
{
    if (m->token_held)
        return;
    token_catch_up(m);
    unsigned at = m->token_at;
    strata_time time = m->token_time;
    for (unsigned steps = 0; steps <= m->config.stations; steps++) {
        if (m->stations[at].count > 0 && is_up(m, at)) {
            if (m->token_due != time || m->token_for != at)
                due_at(m, time, DUE_TOKEN, at, NULL);
            m->token_due = time;
            m->token_for = at;
            return;
        }
        unsigned next = next_station(m, at);
        time += token_step(m, at, next);
        at = next;
    }
}

/** The token reaches the station that was planned for. */
static void token_arrive(struct medium *m, unsigned station)
{
    if (m->token_held || m->token_due != m->now || m->token_for != station)
        return;
    m->token_due = STRATA_NEVER;
    token_catch_up(m);
    if (m->token_time == m->now && m->token_at != station && token_step(m, m->token_at, station) == 0)
        m->token_at = station; // where a round takes no time it is everywhere at once
    if (m->token_at != station || m->token_time != m->now || m->stations[station].count == 0 ||
        !is_up(m, station)) {
        token_plan(m); // somebody came up or went down meanwhile
        return;
    }
    m->token_held = true;
    speak(m, &m->stations[station]);
}

void token_pass(struct medium *m, unsigned station)
{
    unsigned next = next_station(m, station);
    m->token_held = false;
    m->token_time = m->now + token_step(m, station, next);
    m->token_at = next;
    m->counts.tokens++;
    m->token_due = STRATA_NEVER;
    token_plan(m);
}

/* ---- The boundary ------------------------------------------------------------------------------------------- */

static bool is_possible(const struct medium_config *config)
{
    if (config->stations < 2 || config->stations > STATIONS_MAX || config->attempts == 0 || config->span_ns < 0 ||
        config->gap_ns < 0 || config->preamble_ns < 0 || config->jam_ns < 0 || config->token_ns < 0 ||
        config->slot_ns <= 0 || config->unit_ns <= 0 || config->queue_frames == 0 ||
        config->persistence_ppm > MILLION)
        return false;
    for (unsigned i = 0; config->positions && i < config->stations; i++)
        if (config->positions[i] < 0 || config->positions[i] > config->span_ns)
            return false;
    // No sum of a few of them overflows.
    const strata_time longest = 3600 * STRATA_SECOND;
    return config->span_ns < longest && config->slot_ns < longest && config->unit_ns < longest &&
           config->gap_ns < longest && config->preamble_ns < longest && config->jam_ns < longest &&
           config->token_ns < longest;
}

int medium_new(struct medium **made, const struct medium_config *config, const struct medium_calls *calls,
               void *self)
{
    if (!is_possible(config))
        return -EINVAL;
    struct medium *m = calloc(1, sizeof *m);
    struct station *stations = calloc(config->stations, sizeof *stations);
    if (!m || !stations) {
        free(m);
        free(stations);
        return -ENOMEM;
    }
    m->config = *config;
    m->config.positions = NULL;
    m->calls = *calls;
    m->self = self;
    m->stations = stations;
    m->counts.size = sizeof m->counts;
    m->counts.first_ns = -1;
    m->token_due = STRATA_NEVER;
    for (unsigned i = 0; i < config->stations; i++) {
        m->stations[i].index = i;
        m->stations[i].timer = m->stations[i].detects = STRATA_NEVER;
        // At equal distances; the division comes last, so that the last one is at the end.
        m->stations[i].position = config->positions ? config->positions[i]
                                                    : config->span_ns * (strata_time)i /
                                                          (strata_time)(config->stations - 1);
    }
    random_init(&m->random, config->seed);
    *made = m;
    return 0;
}

/** Releases what the list of signals alone still holds. */
static void release_signals(struct medium *m)
{
    for (struct signal *signal = m->signals; signal; signal = signal->next) {
        struct station *station = &m->stations[signal->station];
        bool is_first = !signal->ended || station->state == ASKS; // then the queue holds it
        if (!signal->judged && !is_first)
            release(m, &signal->frame, MEDIUM_DOWN, false);
    }
    while (m->signals) {
        struct signal *signal = m->signals;
        m->signals = signal->next;
        signal->next = m->spare;
        m->spare = signal;
    }
}

void medium_silence(struct medium *m, strata_time now)
{
    if (now > m->now)
        m->now = now;
    release_signals(m);
    m->due_count = 0;
    m->token_held = false;
    m->token_due = STRATA_NEVER;
    m->token_time = m->now;
    for (unsigned i = 0; i < m->config.stations; i++) {
        m->stations[i].timer = m->stations[i].detects = STRATA_NEVER;
        lose_queue(m, &m->stations[i]);
    }
}

void medium_free(struct medium *m)
{
    if (!m)
        return;
    medium_silence(m, m->now);
    while (m->spare) {
        struct signal *signal = m->spare;
        m->spare = signal->next;
        free(signal);
    }
    for (unsigned i = 0; i < m->config.stations; i++)
        free(m->stations[i].frames);
    free(m->stations);
    free(m->due);
    free(m);
}

int medium_offer(struct medium *m, unsigned index, const struct medium_frame *frame, strata_time now)
{
    struct station *station = &m->stations[index];
    if (now > m->now)
        m->now = now;
    m->counts.frames++;
    // The one that is being sent does not wait.
    if (station->count > m->config.queue_frames) {
        m->counts.lost_queue++;
        return -ENOBUFS;
    }
    int error = queue_frame(station, frame);
    if (error)
        return error;
    m->waiting++;
    if (m->config.access == STRATA_ACCESS_TOKEN)
        token_plan(m);
    else
        go_on(m, station);
    return m->error;
}

static void handle(struct medium *m, const struct due *due)
{
    struct station *station = &m->stations[due->station];
    switch (due->kind) {
    case DUE_TIMER:
        if (station->timer == m->now && (station->state == WAITS || station->state == DEFERS)) {
            station->timer = STRATA_NEVER;
            look(m, station, station->state == DEFERS);
        }
        break;
    case DUE_DETECTION:
        detect(m, station);
        break;
    case DUE_END:
        finish(m, station, due->signal);
        break;
    case DUE_ARRIVAL:
        if (is_intact(m, due->signal, (int)due->station)) {
            struct medium_frame frame = due->signal->frame;
            m->calls.arrived(m->self, due->station, &frame);
        }
        break;
    case DUE_VERDICT:
        judge(m, station, due->signal);
        break;
    case DUE_TOKEN:
        token_arrive(m, due->station);
        break;
    }
}

int medium_advance(struct medium *m, strata_time now)
{
    while (!m->error && m->due_count > 0 && m->due[0].time <= now) {
        struct due due = take_due(m);
        m->now = due.time;
        handle(m, &due);
    }
    if (now > m->now)
        m->now = now;
    return m->error;
}

strata_time medium_deadline(const struct medium *m)
{
    return m->due_count > 0 ? m->due[0].time : STRATA_NEVER;
}

uint32_t medium_waiting(const struct medium *m)
{
    return m->waiting;
}

void medium_counts(const struct medium *m, struct strata_bus_counts *counts)
{
    *counts = m->counts;
}
