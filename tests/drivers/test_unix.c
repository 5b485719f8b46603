/*
 * Ports over Unix sockets: frames keep their boundaries whatever pieces the stream comes in and however long
 * the other end does not read; what is wrong is told by its own error.
 */
#include <strata/driver.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "drivers/frames.h"
#include "tests/test.h"

/** A driver and the plain socket at its other end. */
static struct strata_driver *driver_and_peer(int *peer)
{
    int ends[2];
    struct strata_driver *driver;
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(strata_unix_attach(&driver, ends[0], 0) == 0);
    *peer = ends[1];
    return driver;
}

/** A frame that tells its number and length. */
static size_t make_frame(uint8_t *frame, uint32_t number)
{
    uint64_t state = number;
    size_t length = 4 + test_below(&state, 1500);
    for (unsigned i = 0; i < 4; i++)
        frame[i] = (uint8_t)(number >> (8 * i));
    test_fill(&state, frame + 4, length - 4);
    return length;
}

static void check_frame(const uint8_t *frame, long length, uint32_t number)
{
    uint8_t expected[1600];
    CHECK_EQ(length, make_frame(expected, number));
    CHECK_MEM(frame, expected, (size_t)length);
}

static void say(int peer, const void *bytes, size_t size)
{
    REQUIRE(write(peer, bytes, size) == (ssize_t)size);
}

TEST(a_frame_has_its_length_in_front)
{
    int peer;
    struct strata_driver *driver = driver_and_peer(&peer);
    CHECK_EQ(strata_driver_link(driver), STRATA_LINK_ETHERNET);
    CHECK_EQ(strata_driver_mtu(driver), -EOPNOTSUPP);
    CHECK_EQ(strata_driver_send(driver, "abcdef", 6), 0);
    CHECK_EQ(strata_driver_send(driver, "g", 1), 0);
    CHECK_EQ(strata_driver_flush(driver), 0);
    uint8_t bytes[64];
    REQUIRE(read(peer, bytes, sizeof bytes) == 15);
    CHECK_MEM(bytes, "\0\0\0\6abcdef\0\0\0\1g", 15);

    say(peer, "\0\0\0\3xyz\0\0\0\2pq", 13);
    CHECK_EQ(strata_driver_receive(driver, bytes, sizeof bytes), 3);
    CHECK_MEM(bytes, "xyz", 3);
    CHECK_EQ(strata_driver_receive(driver, bytes, sizeof bytes), 2);
    CHECK_MEM(bytes, "pq", 2);
    CHECK_EQ(strata_driver_receive(driver, bytes, sizeof bytes), 0);
    strata_driver_close(driver);
    close(peer);
}

TEST(frames_come_whole_from_any_pieces)
{
    int peer;
    struct strata_driver *driver = driver_and_peer(&peer);
    static uint8_t stream[400 * 1600], frame[2048];
    size_t size = 0, position = 0;
    for (uint32_t i = 0; i < 400; i++) {
        size_t length = make_frame(stream + size + FRAMES_PREFIX_BYTES, i);
        frames_prefix(stream + size, length);
        size += FRAMES_PREFIX_BYTES + length;
    }
    uint64_t state = 9;
    uint32_t next = 0;
    while (position < size) {
        size_t piece = 1 + test_below(&state, test_below(&state, 4) ? 7 : 9000);
        piece = piece > size - position ? size - position : piece;
        say(peer, stream + position, piece);
        position += piece;
        long length;
        // A driver may say once that there is nothing more, and find more when asked again.
        for (int empty = 0; empty < 2;) {
            length = strata_driver_receive(driver, frame, sizeof frame);
            REQUIRE(length >= 0);
            if (length == 0)
                empty++;
            else
                check_frame(frame, length, next++);
        }
    }
    CHECK_EQ(next, 400);
    strata_driver_close(driver);
    close(peer);
}

/* One wake-up, many frames: what was gathered goes out as one piece. */
TEST(frames_are_gathered)
{
    int peer;
    struct strata_driver *driver = driver_and_peer(&peer);
    uint8_t frame[1600], byte;
    for (uint32_t i = 0; i < 40; i++)
        CHECK_EQ(strata_driver_send(driver, frame, make_frame(frame, i)), 0);
    CHECK(recv(peer, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    CHECK_EQ(strata_driver_flush(driver), 0);
    struct strata_driver *other;
    REQUIRE(strata_unix_attach(&other, peer, 0) == 0);
    for (uint32_t i = 0; i < 40; i++)
        check_frame(frame, strata_driver_receive(other, frame, sizeof frame), i);
    strata_driver_close(driver);
    strata_driver_close(other);
}

TEST(who_does_not_read_holds_up_whole_frames)
{
    int peer;
    struct strata_driver *driver = driver_and_peer(&peer), *other;
    REQUIRE(strata_unix_attach(&other, peer, 0) == 0);
    uint8_t frame[1600], heard[1600];
    uint32_t sent = 0, got = 0;
    uint64_t state = 3;
    for (int round = 0; round < 50; round++) {
        int error;
        while ((error = strata_driver_send(driver, frame, make_frame(frame, sent))) == 0)
            sent++;
        CHECK_EQ(error, -EAGAIN);
        CHECK_EQ(strata_driver_flush(driver), -EAGAIN);
        for (uint64_t left = 1 + test_below(&state, 300); left > 0; left--) {
            long length = strata_driver_receive(other, heard, sizeof heard);
            if (length > 0)
                check_frame(heard, length, got++);
        }
    }
    CHECK(sent > 1000);
    while (got < sent) {
        long length = strata_driver_receive(other, heard, sizeof heard);
        REQUIRE(length >= 0);
        if (length > 0)
            check_frame(heard, length, got++);
        else
            strata_driver_flush(driver);
    }
    CHECK_EQ(strata_driver_flush(driver), 0);
    strata_driver_close(driver);
    strata_driver_close(other);
}

TEST(frames_too_long_or_empty_are_passed_over)
{
    int peer;
    struct strata_driver *driver = driver_and_peer(&peer);
    uint8_t stream[4 + 300] = {0, 0, 1, 44}, frame[256];
    say(peer, stream, sizeof stream);
    say(peer, "\0\0\0\0\0\0\0\0\0\0\0\1!", 13);
    CHECK_EQ(strata_driver_receive(driver, frame, sizeof frame), 1);
    CHECK_EQ(frame[0], '!');
    static uint8_t giant[FRAMES_LONGEST_BYTES + 1];
    CHECK_EQ(strata_driver_send(driver, giant, sizeof giant), -EMSGSIZE);
    CHECK_EQ(strata_driver_send(driver, giant, 0), -EMSGSIZE);
    CHECK_EQ(strata_driver_send(driver, giant, FRAMES_LONGEST_BYTES), 0);
    strata_driver_close(driver);
    close(peer);
}

TEST(a_length_beyond_all_frames_ends_it)
{
    int peer;
    struct strata_driver *driver = driver_and_peer(&peer);
    uint8_t frame[256];
    say(peer, "\0\0\0\1aHTTP/1.1", 13);
    CHECK_EQ(strata_driver_receive(driver, frame, sizeof frame), 1);
    CHECK_EQ(strata_driver_receive(driver, frame, sizeof frame), -EPROTO);
    CHECK_EQ(strata_driver_receive(driver, frame, sizeof frame), -EPROTO);
    strata_driver_close(driver);
    close(peer);
}

TEST(the_end_comes_after_the_last_frame)
{
    int peer;
    struct strata_driver *driver = driver_and_peer(&peer);
    uint8_t frame[256] = {0};
    say(peer, "\0\0\0\1a\0\0\0\1b\0\0\0\7cut", 17);
    close(peer);
    CHECK_EQ(strata_driver_receive(driver, frame, sizeof frame), 1);
    CHECK_EQ(strata_driver_receive(driver, frame, sizeof frame), 1);
    long length = 0;
    for (int i = 0; i < 2 && length == 0; i++)
        length = strata_driver_receive(driver, frame, sizeof frame);
    CHECK_EQ(length, -EPIPE);
    CHECK_EQ(strata_driver_send(driver, frame, 10), 0);
    CHECK_EQ(strata_driver_flush(driver), -EPIPE);
    strata_driver_close(driver);
}

/* ---- Paths ------------------------------------------------------------------------------------------------
 */

static char folder[] = "/tmp/strata-unix-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

TEST(a_path_that_cannot_be_is_told_why)
{
    REQUIRE(mkdtemp(folder) != NULL);
    struct strata_driver *driver;
    char longest[109];
    memset(longest, 'x', 108);
    longest[108] = 0;
    CHECK_EQ(strata_unix_open(&driver, ""), -EINVAL);
    CHECK_EQ(strata_unix_open(&driver, NULL), -EINVAL);
    CHECK_EQ(strata_unix_open(&driver, longest), -ENAMETOOLONG);
    CHECK_EQ(strata_unix_listen(longest), -ENAMETOOLONG);
    CHECK_EQ(strata_unix_open(&driver, path_of("none")), -ENOENT);
    CHECK_EQ(strata_unix_listen(path_of("none/below")), -ENOENT);
    close(open(path_of("file"), O_CREAT | O_WRONLY, 0600));
    CHECK_EQ(strata_unix_open(&driver, path_of("file")), -ECONNREFUSED);
    CHECK_EQ(strata_unix_listen(path_of("file")), -EEXIST);
    CHECK_EQ(access(path_of("file"), F_OK), 0);
    unlink(path_of("file"));
}

TEST(a_listener_is_found_and_a_dead_one_replaced)
{
    const char *path = path_of("socket");
    int listener = strata_unix_listen(path);
    REQUIRE(listener >= 0);
    CHECK_EQ(strata_unix_listen(path), -EADDRINUSE);
    int other = accept(listener, NULL, NULL); // the question whether somebody listens
    close(other);
    struct strata_driver *driver, *accepted;
    REQUIRE(strata_unix_open(&driver, path) == 0);
    int fd = accept(listener, NULL, NULL);
    REQUIRE(fd >= 0 && strata_unix_attach(&accepted, fd, 1 << 20) == 0);
    CHECK_EQ(strata_driver_send(accepted, "hello", 5), 0);
    CHECK_EQ(strata_driver_flush(accepted), 0);
    char frame[16];
    CHECK_EQ(strata_driver_receive(driver, frame, sizeof frame), 5);
    strata_driver_close(driver);
    strata_driver_close(accepted);
    close(listener); // as a crash would leave it: the path is there, and nobody listens
    CHECK_EQ(strata_unix_open(&driver, path), -ECONNREFUSED);
    listener = strata_unix_listen(path);
    CHECK(listener >= 0);
    close(listener);
    unlink(path);
    CHECK_EQ(rmdir(folder), 0);
}

/* ---- In the loop ------------------------------------------------------------------------------------------
 */

/** A device that has `to_say` frames to say and counts what it hears. */
struct talker {
    uint32_t to_say, said, heard;
};

static void talker_input(void *self, int port, const void *frame, size_t length,
                         const struct strata_meta *meta, strata_time now)
{
    struct talker *talker = self;
    (void)port, (void)meta, (void)now;
    check_frame(frame, (long)length, talker->heard++);
}

static int talker_ready(void *self)
{
    struct talker *talker = self;
    return talker->said < talker->to_say ? 1 : -1;
}

static size_t talker_output(void *self, int port, void *room, size_t size, struct strata_meta *meta,
                            strata_time now)
{
    struct talker *talker = self;
    (void)port, (void)size, (void)meta, (void)now;
    return talker->said < talker->to_say ? make_frame(room, talker->said++) : 0;
}

static void talker_advance(void *self, strata_time now)
{
    (void)self, (void)now;
}

static strata_time talker_deadline(void *self)
{
    (void)self;
    return STRATA_NEVER;
}

static const struct strata_device_ops talker_ops = {.input = talker_input,
                                                    .ready = talker_ready,
                                                    .output = talker_output,
                                                    .advance = talker_advance,
                                                    .deadline = talker_deadline};

static struct strata_loop *loop_around(struct talker *talker, int fd)
{
    struct strata_loop *loop;
    struct strata_driver *driver;
    REQUIRE(strata_loop_new(&loop) == 0);
    REQUIRE(strata_unix_attach(&driver, fd, 0) == 0);
    REQUIRE(strata_loop_add(loop, (struct strata_device){.ops = &talker_ops, .self = talker}, 1, driver) ==
            0);
    return loop;
}

TEST(two_loops_talk_in_both_directions)
{
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    struct talker a = {.to_say = 5000}, b = {.to_say = 3000};
    struct strata_loop *left = loop_around(&a, ends[0]), *right = loop_around(&b, ends[1]);
    // The right one sleeps at first, until nothing of the left one fits any more.
    uint32_t said = 1;
    while (a.said != said) {
        said = a.said;
        CHECK(strata_loop_work(left) > 0);
    }
    CHECK(a.said < 5000);
    CHECK(strata_loop_blocked(left));
    for (int i = 0; i < 10000 && (a.heard < 3000 || b.heard < 5000); i++) {
        CHECK(strata_loop_work(i % 3 ? right : left) > 0);
    }
    CHECK_EQ(a.heard, 3000);
    CHECK_EQ(b.heard, 5000);
    CHECK(strata_loop_work(left) > 0);
    CHECK(!strata_loop_blocked(left));
    strata_loop_free(right);
    long result = 0;
    for (int i = 0; i < 3 && result >= 0; i++)
        result = strata_loop_work(left);
    CHECK_EQ(result, -EPIPE);
    strata_loop_free(left);
}

TEST_MAIN(TEST_ENTRY(a_frame_has_its_length_in_front), TEST_ENTRY(frames_come_whole_from_any_pieces),
          TEST_ENTRY(frames_are_gathered), TEST_ENTRY(who_does_not_read_holds_up_whole_frames),
          TEST_ENTRY(frames_too_long_or_empty_are_passed_over),
          TEST_ENTRY(a_length_beyond_all_frames_ends_it), TEST_ENTRY(the_end_comes_after_the_last_frame),
          TEST_ENTRY(a_path_that_cannot_be_is_told_why),
          TEST_ENTRY(a_listener_is_found_and_a_dead_one_replaced),
          TEST_ENTRY(two_loops_talk_in_both_directions))
