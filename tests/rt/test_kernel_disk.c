/*
 * Files of the kernel, by the pool of threads while other fibers go on.
 *
 * ctest: label os
 */
#include "tests/test.h"

#include <strata/rt.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

/** Runs a program in the kernel's world with a folder of its own as its argument, which it leaves empty. */
static void run(strata_program program)
{
    char folder[] = "/tmp/strata-rt-XXXXXX";
    char name[] = "program";
    char *argv[] = {name, folder, NULL};
    REQUIRE(mkdtemp(folder) != NULL);
    CHECK_EQ(strata_rt_main(program, 2, argv), 7);
    CHECK_EQ(rmdir(folder), 0);
}

/** A path in the folder; valid until the same `slot` is used again. */
static const char *path(char **argv, int slot, const char *name)
{
    static char paths[4][128];
    snprintf(paths[slot], sizeof paths[slot], "%s/%s", argv[1], name);
    return paths[slot];
}

static int uses_files(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_file *file;
    struct strata_stat stat;
    char text[32];
    (void)argc;
    CHECK_EQ(strata_rt_file_open(rt, path(argv, 0, "new"), O_RDWR, &file), -ENOENT);
    REQUIRE(strata_rt_file_open(rt, path(argv, 0, "new"), O_RDWR | O_CREAT | O_EXCL, &file) == 0);
    CHECK_EQ(strata_rt_file_write(file, "hello world", 11, 0), 11);
    CHECK_EQ(strata_rt_file_write(file, "W", 1, 6), 1);
    CHECK_EQ(strata_rt_file_sync(file), 0);
    CHECK_EQ(strata_rt_file_read(file, text, sizeof text, 4), 7);
    CHECK_MEM(text, "o World", 7);
    CHECK_EQ(strata_rt_file_read(file, text, sizeof text, 11), 0);
    CHECK_EQ(strata_rt_file_read(file, text, sizeof text, 1000), 0);
    CHECK_EQ(strata_rt_file_truncate(file, 5), 0);
    CHECK_EQ(strata_rt_stat(rt, path(argv, 0, "new"), &stat), 0);
    CHECK_EQ(stat.size_bytes, 5);
    CHECK(stat.modified_s > 1700000000);
    CHECK(!stat.folder);
    strata_rt_file_close(file);
    REQUIRE(strata_rt_file_open(rt, path(argv, 0, "new"), O_WRONLY, &file) == 0);
    CHECK_EQ(strata_rt_file_read(file, text, sizeof text, 0), -EBADF);
    strata_rt_file_close(file);
    CHECK_EQ(strata_rt_rename(rt, path(argv, 0, "new"), path(argv, 1, "old")), 0);
    CHECK_EQ(strata_rt_stat(rt, path(argv, 0, "new"), &stat), -ENOENT);
    CHECK_EQ(strata_rt_unlink(rt, path(argv, 1, "old")), 0);
    CHECK_EQ(strata_rt_unlink(rt, path(argv, 1, "old")), -ENOENT);
    CHECK_EQ(strata_rt_file_open(rt, argv[1], O_RDONLY, &file), -EISDIR);
    return 7;
}

TEST(files_of_the_kernel_read_write_and_rename)
{
    run(uses_files);
}

static int lists(struct strata_rt *rt, int argc, char **argv)
{
    static const char *const names[] = {"b", "a", "Z", "c"}, *const sorted[] = {"Z", "a", "b", "c"};
    struct strata_stat stat;
    char found[8];
    (void)argc;
    CHECK_EQ(strata_rt_list(rt, argv[1], 0, found, sizeof found), -ENOENT);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(strata_rt_mkdir(rt, path(argv, 0, names[i])), 0);
    CHECK_EQ(strata_rt_mkdir(rt, path(argv, 0, "a")), -EEXIST);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(strata_rt_list(rt, argv[1], i, found, sizeof found), 0);
        CHECK_STR(found, sorted[i]);
    }
    CHECK_EQ(strata_rt_list(rt, argv[1], 4, found, sizeof found), -ENOENT);
    CHECK_EQ(strata_rt_list(rt, argv[1], 0, found, 1), -ENAMETOOLONG);
    CHECK_EQ(strata_rt_list(rt, path(argv, 0, "no"), 0, found, sizeof found), -ENOENT);
    CHECK_EQ(strata_rt_stat(rt, argv[1], &stat), 0);
    CHECK(stat.folder);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(strata_rt_unlink(rt, path(argv, 0, names[i])), 0);
    return 7;
}

TEST(folders_of_the_kernel_list_sorted)
{
    run(lists);
}

/** Sixteen fibers on one file, each with its own block. */
struct block {
    struct strata_rt *rt;
    struct strata_file *file;
    int index;
};

static void uses_block(void *argument)
{
    const struct block *block = argument;
    uint8_t bytes[3000], found[3000];
    for (int round = 0; round < 5; round++) {
        memset(bytes, block->index * 16 + round, sizeof bytes);
        uint64_t offset = (uint64_t)block->index * sizeof bytes;
        CHECK_EQ(strata_rt_file_write(block->file, bytes, sizeof bytes, offset), sizeof bytes);
        CHECK_EQ(strata_rt_file_read(block->file, found, sizeof found, offset), sizeof bytes);
        CHECK_MEM(found, bytes, sizeof bytes);
    }
}

static int shares_a_file(struct strata_rt *rt, int argc, char **argv)
{
    struct strata_file *file;
    struct block blocks[16];
    uint8_t byte;
    (void)argc;
    REQUIRE(strata_rt_file_open(rt, path(argv, 0, "shared"), O_RDWR | O_CREAT, &file) == 0);
    for (int i = 0; i < 16; i++) {
        blocks[i] = (struct block){rt, file, i};
        strata_rt_spawn(rt, "block", uses_block, &blocks[i], NULL);
    }
    CHECK_EQ(strata_rt_join(rt, STRATA_NEVER), 0);
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(strata_rt_file_read(file, &byte, 1, (uint64_t)i * 3000 + 2999), 1);
        CHECK_EQ(byte, i * 16 + 4);
    }
    CHECK_EQ(strata_rt_unlink(rt, path(argv, 0, "shared")), 0);
    return 7; /* the runtime closes the file */
}

TEST(many_fibers_use_the_pool_at_once)
{
    run(shares_a_file);
}

/** Work that waits until it is let go by a fiber: the two run at the same time or never end. */
struct gate {
    struct strata_rt *rt;
    pthread_t runner;
    int ends[2];
    bool other_thread, passed;
};

static void wait_at_gate(void *argument)
{
    struct gate *gate = argument;
    char byte;
    gate->other_thread = !pthread_equal(gate->runner, pthread_self());
    CHECK_EQ(read(gate->ends[0], &byte, 1), 1);
}

static void passes_gate(void *argument)
{
    struct gate *gate = argument;
    CHECK_EQ(strata_rt_blocking(gate->rt, wait_at_gate, gate), 0);
    gate->passed = true;
}

static int opens_gate(struct strata_rt *rt, int argc, char **argv)
{
    struct gate gate = {.rt = rt, .runner = pthread_self()};
    struct strata_fiber *fiber;
    (void)argc;
    (void)argv;
    REQUIRE(pipe(gate.ends) == 0);
    strata_rt_spawn(rt, "blocks", passes_gate, &gate, &fiber);
    strata_rt_yield(rt);
    strata_rt_cancel(rt, fiber); /* does not undo what another thread is at */
    strata_rt_yield(rt);
    CHECK(!gate.passed);
    CHECK_EQ(write(gate.ends[1], "x", 1), 1);
    CHECK_EQ(strata_rt_join(rt, STRATA_NEVER), 0);
    CHECK(gate.passed);
    CHECK(gate.other_thread);
    close(gate.ends[0]);
    close(gate.ends[1]);
    return 7;
}

TEST(blocking_work_leaves_other_fibers_running)
{
    run(opens_gate);
}

static void writes_for_ever(void *argument)
{
    struct strata_file *file = argument;
    while (strata_rt_file_write(file, "x", 1, 0) == 1)
        continue;
}

TEST(a_runtime_is_freed_while_the_pool_works)
{
    struct strata_kernel *kernel;
    struct strata_rt *rt;
    struct strata_rt_config config = {.size = sizeof config};
    struct strata_file *file;
    char name[] = "/tmp/strata-rt-XXXXXX";
    REQUIRE(strata_kernel_new(&kernel) == 0);
    strata_kernel_config(kernel, &config);
    REQUIRE(strata_rt_new(&rt, &config) == 0);
    int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    close(fd);
    REQUIRE(strata_rt_file_open(rt, name, O_RDWR, &file) == 0); /* in place, outside of fibers */
    for (int i = 0; i < 6; i++)
        strata_rt_spawn(rt, "writes", writes_for_ever, file, NULL);
    CHECK_EQ(strata_rt_run(rt), 6);
    strata_rt_free(rt);
    strata_kernel_free(kernel);
    CHECK_EQ(unlink(name), 0);
}

TEST_MAIN(TEST_ENTRY(files_of_the_kernel_read_write_and_rename),
          TEST_ENTRY(folders_of_the_kernel_list_sorted), TEST_ENTRY(many_fibers_use_the_pool_at_once),
          TEST_ENTRY(blocking_work_leaves_other_fibers_running),
          TEST_ENTRY(a_runtime_is_freed_while_the_pool_works))
