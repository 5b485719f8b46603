/*
 * The bytes of TCP streams that were recorded: per direction of a conversation a list of ranges, ascending
 * and apart. Positions are sequence numbers unrolled to 64 bits from where the stream was when it was last
 * heard.
 */
#include "lab/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"

struct span {
    uint64_t start, end;
};
struct seen_stream {
    struct seen_stream *next;
    struct strata_endpoint source, destination;
    seq_t last;
    uint64_t last_position;
    struct span *spans;
    size_t count, room;
};

static struct seen_stream *stream_of(struct seen *seen, const struct description *segment)
{
    struct seen_stream *stream = seen->streams;
    while (stream && !(endpoint_equal(&stream->source, &segment->source) &&
                       endpoint_equal(&stream->destination, &segment->destination)))
        stream = stream->next;
    bool again = stream && (segment->tcp.flags & TCP_SYN) && segment->tcp.seq != stream->last;
    if (stream && !again)
        return stream;
    if (!stream) {
        stream = calloc(1, sizeof *stream);
        if (!stream)
            return NULL;
        stream->source = segment->source;
        stream->destination = segment->destination;
        stream->next = seen->streams;
        seen->streams = stream;
    }
    // A connection begins: in the middle of 64 bits, so that earlier bytes have a place too.
    stream->last = segment->tcp.seq;
    stream->last_position = UINT64_C(1) << 40;
    stream->count = 0;
    return stream;
}

/** Puts a span in its place, joined with those it touches. It overlaps none. */
static bool add(struct seen_stream *stream, struct span span)
{
    size_t at = stream->count;
    while (at > 0 && stream->spans[at - 1].start >= span.end)
        at--;
    if (at > 0 && stream->spans[at - 1].end == span.start) {
        stream->spans[at - 1].end = span.end;
        if (at < stream->count && stream->spans[at].start == span.end) {
            stream->spans[at - 1].end = stream->spans[at].end;
            memmove(&stream->spans[at], &stream->spans[at + 1], (stream->count - at - 1) * sizeof span);
            stream->count--;
        }
        return true;
    }
    if (at < stream->count && stream->spans[at].start == span.end) {
        stream->spans[at].start = span.start;
        return true;
    }
    if (stream->count == stream->room) {
        size_t room = stream->room ? stream->room * 2 : 4;
        struct span *spans = realloc(stream->spans, room * sizeof *spans);
        if (!spans)
            return false;
        stream->spans = spans;
        stream->room = room;
    }
    memmove(&stream->spans[at + 1], &stream->spans[at], (stream->count - at) * sizeof span);
    stream->spans[at] = span;
    stream->count++;
    return true;
}

/** Where the bytes of a segment are. */
static struct span span_of(const struct seen_stream *stream, const struct description *segment)
{
    struct span span;
    span.start = stream->last_position + (uint64_t)(int64_t)(int32_t)(segment->tcp.seq - stream->last);
    span.end = span.start + segment->payload_bytes;
    return span;
}

bool seen_is_new(struct seen *seen, const struct description *segment)
{
    struct seen_stream *stream = stream_of(seen, segment);
    if (!stream || segment->payload_bytes == 0)
        return true;
    struct span span = span_of(stream, segment);
    // From the end: what is new is mostly the newest.
    for (size_t i = stream->count; i > 0 && stream->spans[i - 1].end > span.start; i--)
        if (stream->spans[i - 1].start < span.end)
            return false;
    stream->last = segment->tcp.seq;
    stream->last_position = span.start;
    return add(stream, span);
}

size_t seen_new_bytes(struct seen *seen, const struct description *segment)
{
    struct seen_stream *stream = stream_of(seen, segment);
    if (!stream || segment->payload_bytes == 0)
        return 0;
    struct span span = span_of(stream, segment);
    stream->last = segment->tcp.seq;
    stream->last_position = span.start;
    size_t fresh = 0;
    // The gaps between what is there, one after the other.
    for (uint64_t at = span.start; at < span.end;) {
        size_t i = stream->count;
        while (i > 0 && stream->spans[i - 1].start > at)
            i--;
        if (i > 0 && stream->spans[i - 1].end > at) {
            at = stream->spans[i - 1].end;
            continue;
        }
        uint64_t until = i < stream->count && stream->spans[i].start < span.end ? stream->spans[i].start : span.end;
        if (!add(stream, (struct span){at, until}))
            break;
        fresh += (size_t)(until - at);
        at = until;
    }
    return fresh;
}

void seen_free(struct seen *seen)
{
    while (seen->streams) {
        struct seen_stream *stream = seen->streams;
        seen->streams = stream->next;
        free(stream->spans);
        free(stream);
    }
}
