/*
 * The disk in memory: files and names as any disk has them, and what is left of them after a crash.
 */
#include "tests/rt/world.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>

static const uint8_t seed[32] = {1, 2, 3};

/** A disk with its table, and one file that most tests need. */
struct scene {
    struct strata_memory_disk *disk;
    const struct strata_disk_ops *ops;
    void *file;
};

static struct scene scene_new(void)
{
    struct scene scene = {.ops = strata_memory_disk_ops()};
    REQUIRE(strata_memory_disk_new(&scene.disk, seed) == 0);
    return scene;
}

static void open_file(struct scene *scene, const char *path, int flags)
{
    REQUIRE(scene->ops->open(scene->disk, path, flags, &scene->file) == 0);
}

static void write_text(struct scene *scene, const char *text, uint64_t offset)
{
    size_t length = strlen(text);
    CHECK_EQ(scene->ops->write(scene->disk, scene->file, text, length, offset), length);
}

static void close_file(struct scene *scene)
{
    scene->ops->close(scene->disk, scene->file);
}

/** The whole of a file as a string. */
static const char *content(struct scene *scene, const char *path)
{
    static char text[256];
    const void *data;
    int64_t size = strata_memory_disk_get(scene->disk, path, &data);
    if (size < 0)
        return NULL;
    REQUIRE((size_t)size < sizeof text);
    if (size > 0)
        memcpy(text, data, (size_t)size);
    text[size] = '\0';
    return text;
}

static bool begins(const char *whole, const char *beginning)
{
    return whole && strncmp(whole, beginning, strlen(beginning)) == 0;
}

TEST(reads_and_writes_at_offsets)
{
    struct scene scene = scene_new();
    char text[32];
    CHECK_EQ(scene.ops->open(scene.disk, "a", O_RDWR, &scene.file), -ENOENT);
    open_file(&scene, "a", O_RDWR | O_CREAT);
    CHECK_EQ(scene.ops->read(scene.disk, scene.file, text, 10, 0), 0);
    write_text(&scene, "hello world", 0);
    write_text(&scene, "W", 6);
    CHECK_EQ(scene.ops->read(scene.disk, scene.file, text, sizeof text, 4), 7);
    CHECK_MEM(text, "o World", 7);
    write_text(&scene, "!", 13); /* a hole reads as zeros */
    CHECK_EQ(scene.ops->read(scene.disk, scene.file, text, sizeof text, 11), 3);
    CHECK_MEM(text, "\0\0!", 3);
    CHECK_EQ(scene.ops->truncate(scene.disk, scene.file, 5), 0);
    CHECK_EQ(scene.ops->truncate(scene.disk, scene.file, 7), 0);
    CHECK_EQ(scene.ops->read(scene.disk, scene.file, text, sizeof text, 0), 7);
    CHECK_MEM(text, "hello\0\0", 7);
    close_file(&scene);
    open_file(&scene, "a", O_RDONLY);
    CHECK_EQ(scene.ops->write(scene.disk, scene.file, "x", 1, 0), -EBADF);
    close_file(&scene);
    open_file(&scene, "a", O_WRONLY | O_TRUNC);
    CHECK_EQ(scene.ops->read(scene.disk, scene.file, text, 1, 0), -EBADF);
    close_file(&scene);
    open_file(&scene, "a", O_WRONLY | O_APPEND);
    write_text(&scene, "one", 0);
    write_text(&scene, "two", 0);
    close_file(&scene);
    CHECK_STR(content(&scene, "a"), "onetwo");
    strata_memory_disk_free(scene.disk);
}

TEST(names_form_a_tree_and_list_sorted)
{
    struct scene scene = scene_new();
    const struct strata_disk_ops *ops = scene.ops;
    struct strata_memory_disk *disk = scene.disk;
    CHECK_EQ(strata_memory_disk_put(disk, "www/docs/b.txt", "bb", 2, 1234), 0);
    CHECK_EQ(strata_memory_disk_put(disk, "/www/docs/a.txt", "a", 1, 5), 0);
    CHECK_EQ(strata_memory_disk_put(disk, "www/docs/C.txt", "", 0, 5), 0);
    CHECK_EQ(ops->mkdir(disk, "www/empty"), 0);
    CHECK_EQ(ops->mkdir(disk, "www/empty"), -EEXIST);
    CHECK_EQ(ops->mkdir(disk, "nowhere/x"), -ENOENT);
    CHECK_EQ(ops->mkdir(disk, "www/docs/a.txt/x"), -ENOTDIR);
    char name[8];
    CHECK_EQ(ops->list(disk, "www//docs/", 0, name, sizeof name), 0);
    CHECK_STR(name, "C.txt");
    CHECK_EQ(ops->list(disk, "./www/docs", 1, name, sizeof name), 0);
    CHECK_STR(name, "a.txt");
    CHECK_EQ(ops->list(disk, "www/empty/../docs", 2, name, sizeof name), 0);
    CHECK_STR(name, "b.txt");
    CHECK_EQ(ops->list(disk, "www/docs", 3, name, sizeof name), -ENOENT);
    CHECK_EQ(ops->list(disk, "www/docs", 0, name, 5), -ENAMETOOLONG);
    CHECK_EQ(ops->list(disk, "../../", 0, name, sizeof name), 0); /* above the root is the root */
    CHECK_STR(name, "www");
    struct strata_stat stat;
    CHECK_EQ(ops->stat(disk, "www/docs/b.txt", &stat), 0);
    CHECK_EQ(stat.size_bytes, 2);
    CHECK_EQ(stat.modified_s, 1234);
    CHECK(!stat.folder);
    CHECK_EQ(ops->stat(disk, "", &stat), 0);
    CHECK(stat.folder);
    CHECK_EQ(ops->stat(disk, "www/docs/d", &stat), -ENOENT);
    CHECK_EQ(ops->open(disk, "www", O_RDONLY, &scene.file), -EISDIR);
    CHECK_EQ(ops->open(disk, "www/docs/a.txt", O_RDWR | O_CREAT | O_EXCL, &scene.file), -EEXIST);
    strata_memory_disk_free(disk);
}

TEST(renames_replace_and_removals_leave_open_files_alone)
{
    struct scene scene = scene_new();
    const struct strata_disk_ops *ops = scene.ops;
    struct strata_memory_disk *disk = scene.disk;
    strata_memory_disk_put(disk, "a", "new", 3, 0);
    strata_memory_disk_put(disk, "f/b", "old", 3, 0);
    CHECK_EQ(ops->rename(disk, "a", "f/b"), 0);
    CHECK_STR(content(&scene, "f/b"), "new");
    CHECK_STR(content(&scene, "a"), NULL);
    CHECK_EQ(ops->rename(disk, "a", "c"), -ENOENT);
    CHECK_EQ(ops->rename(disk, "f", "f/g"), -EINVAL);
    CHECK_EQ(ops->rename(disk, "f/b", "f"), -EISDIR);
    CHECK_EQ(ops->rename(disk, "f", "g"), 0);
    CHECK_STR(content(&scene, "g/b"), "new");
    CHECK_EQ(ops->rename(disk, "g/b", "g/b"), 0);
    CHECK_EQ(ops->unlink(disk, "g"), -ENOTEMPTY);
    open_file(&scene, "g/b", O_RDWR);
    CHECK_EQ(ops->unlink(disk, "g/b"), 0);
    CHECK_EQ(ops->unlink(disk, "g/b"), -ENOENT);
    CHECK_EQ(ops->unlink(disk, "g"), 0);
    CHECK_EQ(ops->unlink(disk, ""), -EBUSY);
    char text[3];
    CHECK_EQ(ops->read(disk, scene.file, text, 3, 0), 3);
    CHECK_MEM(text, "new", 3);
    close_file(&scene);
    strata_memory_disk_free(disk);
}

TEST(a_crash_brings_back_what_was_synced)
{
    struct scene scene = scene_new();
    open_file(&scene, "log", O_RDWR | O_CREAT);
    write_text(&scene, "0123456789", 0);
    CHECK_EQ(scene.ops->sync(scene.disk, scene.file), 0);
    write_text(&scene, "xx", 2);
    write_text(&scene, "yyyy", 1);
    CHECK_EQ(scene.ops->truncate(scene.disk, scene.file, 4), 0); /* no last write is left to tear */
    write_text(&scene, "zzz", 20);
    CHECK_EQ(scene.ops->truncate(scene.disk, scene.file, 3), 0);
    strata_memory_disk_crash(scene.disk);
    CHECK_STR(content(&scene, "log"), "0123456789");
    /* The file that was open is gone for who had it; it opens again. */
    CHECK_EQ(scene.ops->write(scene.disk, scene.file, "x", 1, 0), -EIO);
    CHECK_EQ(scene.ops->sync(scene.disk, scene.file), -EIO);
    close_file(&scene);
    open_file(&scene, "log", O_RDWR);
    write_text(&scene, "A", 0);
    scene.ops->sync(scene.disk, scene.file);
    close_file(&scene);
    strata_memory_disk_crash(scene.disk);
    CHECK_STR(content(&scene, "log"), "A123456789");
    strata_memory_disk_free(scene.disk);
}

TEST(a_crash_leaves_some_beginning_of_the_last_write)
{
    unsigned lengths = 0; /* one bit for each length that was seen */
    struct scene scene = scene_new();
    for (int i = 0; i < 200; i++) {
        strata_memory_disk_put(scene.disk, "log", "first,", 6, 0);
        open_file(&scene, "log", O_WRONLY);
        write_text(&scene, "lost", 6);
        write_text(&scene, "last", 10);
        strata_memory_disk_crash(scene.disk);
        close_file(&scene);
        const char *found = content(&scene, "log");
        const void *data;
        int64_t size = strata_memory_disk_get(scene.disk, "log", &data);
        CHECK(begins(found, "first,"));
        if (size > 6) { /* the write before it was never on the disk */
            CHECK_MEM(found + 6, "\0\0\0\0", 4);
            CHECK_MEM(found + 10, "last", (size_t)size - 10);
        }
        lengths |= 1u << (size > 6 ? size - 10 : 0);
    }
    CHECK_EQ(lengths, 0x1f);
    strata_memory_disk_free(scene.disk);
}

/** A hundred random steps on a few files, then a crash. @return a hash of what is left. */
static uint64_t random_life(const uint8_t disk_seed[32])
{
    struct scene scene = {.ops = strata_memory_disk_ops()};
    strata_memory_disk_new(&scene.disk, disk_seed);
    uint64_t random = 99, hash = 0;
    char name[2] = "a", bytes[64];
    for (int i = 0; i < 300; i++) {
        name[0] = (char)('a' + test_below(&random, 5));
        open_file(&scene, name, O_RDWR | O_CREAT);
        test_fill(&random, bytes, sizeof bytes);
        scene.ops->write(scene.disk, scene.file, bytes, test_below(&random, 64), test_below(&random, 1000));
        if (test_below(&random, 4) == 0)
            scene.ops->truncate(scene.disk, scene.file, test_below(&random, 800));
        if (test_below(&random, 3) == 0)
            scene.ops->sync(scene.disk, scene.file);
        close_file(&scene);
        if (test_below(&random, 20) == 0)
            strata_memory_disk_crash(scene.disk);
    }
    strata_memory_disk_crash(scene.disk);
    for (name[0] = 'a'; name[0] <= 'e'; name[0]++) {
        const void *data;
        int64_t size = strata_memory_disk_get(scene.disk, name, &data);
        for (int64_t i = 0; i < size; i++)
            hash = hash * 1099511628211u + ((const uint8_t *)data)[i] + 1;
    }
    strata_memory_disk_free(scene.disk);
    return hash;
}

TEST(the_same_seed_tears_the_same_bytes)
{
    static const uint8_t other[32] = {9};
    CHECK_EQ(random_life(seed), random_life(seed));
    CHECK(random_life(seed) != random_life(other));
}

/** Against a model that copies everything: what a file without a torn write must hold after a crash. */
TEST(random_writes_and_crashes_agree_with_a_simple_model)
{
    struct scene scene = scene_new();
    uint64_t random = 5;
    uint8_t live[512] = {0}, safe[512] = {0}, bytes[64], found[512];
    size_t live_size = 0, safe_size = 0;
    open_file(&scene, "f", O_RDWR | O_CREAT);
    for (int i = 0; i < 3000; i++) {
        size_t offset = test_below(&random, 400), size = test_below(&random, 64);
        switch (test_below(&random, 8)) {
        case 0:
            scene.ops->sync(scene.disk, scene.file);
            memcpy(safe, live, sizeof live);
            safe_size = live_size;
            break;
        case 1:
            CHECK_EQ(scene.ops->truncate(scene.disk, scene.file, offset), 0);
            if (offset < live_size)
                memset(live + offset, 0, live_size - offset);
            live_size = offset;
            break;
        case 2:
            if (test_below(&random, 4) != 0)
                break;
            scene.ops->truncate(scene.disk, scene.file, 0); /* nothing to tear */
            strata_memory_disk_crash(scene.disk);
            close_file(&scene);
            open_file(&scene, "f", O_RDWR);
            memcpy(live, safe, sizeof live);
            live_size = safe_size;
            break;
        default:
            test_fill(&random, bytes, size);
            CHECK_EQ(scene.ops->write(scene.disk, scene.file, bytes, size, offset), size);
            memcpy(live + offset, bytes, size);
            if (size > 0 && offset + size > live_size)
                live_size = offset + size;
        }
        CHECK_EQ(scene.ops->read(scene.disk, scene.file, found, sizeof found, 0), live_size);
        if (!CHECK_MEM(found, live, live_size))
            break;
    }
    close_file(&scene);
    strata_memory_disk_free(scene.disk);
}

/* The disk calls of a program, in place since there is no pool. */

static void uses_files(void *argument)
{
    struct strata_rt *rt = argument;
    struct strata_file *file;
    struct strata_stat stat;
    char text[16];
    CHECK_EQ(strata_rt_mkdir(rt, "spool"), 0);
    CHECK_EQ(strata_rt_file_open(rt, "spool/new", O_RDWR | O_CREAT | O_EXCL, &file), 0);
    CHECK_EQ(strata_rt_file_write(file, "message", 7, 0), 7);
    CHECK_EQ(strata_rt_file_truncate(file, 4), 0);
    CHECK_EQ(strata_rt_file_sync(file), 0);
    CHECK_EQ(strata_rt_file_read(file, text, sizeof text, 1), 3);
    CHECK_MEM(text, "ess", 3);
    CHECK_EQ(strata_rt_rename(rt, "spool/new", "spool/cur"), 0);
    CHECK_EQ(strata_rt_list(rt, "spool", 0, text, sizeof text), 0);
    CHECK_STR(text, "cur");
    CHECK_EQ(strata_rt_stat(rt, "spool/cur", &stat), 0);
    CHECK_EQ(stat.size_bytes, 4);
    CHECK_EQ(stat.modified_s, 1700000000);
    strata_rt_file_close(file);
    CHECK_EQ(strata_rt_unlink(rt, "spool/cur"), 0);
    CHECK_EQ(strata_rt_file_open(rt, "kept", O_WRONLY | O_CREAT, &file), 0);
    CHECK_EQ(strata_rt_sleep(rt, STRATA_NEVER), -ECANCELED);
    /* A cancelled fiber changes nothing any more. */
    CHECK_EQ(strata_rt_file_write(file, "x", 1, 0), -ECANCELED);
    CHECK_EQ(strata_rt_file_sync(file), -ECANCELED);
    /* and leaves the file open: the runtime closes it */
}

TEST(programs_call_the_disk_and_leave_nothing_open)
{
    struct test_clock clock = {0};
    struct scene scene = scene_new();
    struct strata_rt *rt;
    struct strata_rt_config config = {.size = sizeof config,
                                      .clock = &test_clock_ops,
                                      .clock_self = &clock,
                                      .random = &test_random_ops,
                                      .disk = scene.ops,
                                      .disk_self = scene.disk};
    strata_memory_disk_set_clock(scene.disk, &test_clock_ops, &clock);
    REQUIRE(strata_rt_new(&rt, &config) == 0);
    strata_rt_spawn(rt, "files", uses_files, rt, NULL);
    CHECK_EQ(strata_rt_run(rt), 1);
    strata_rt_free(rt);
    CHECK_STR(content(&scene, "kept"), "");
    strata_memory_disk_free(scene.disk);
}

TEST_MAIN(TEST_ENTRY(reads_and_writes_at_offsets), TEST_ENTRY(names_form_a_tree_and_list_sorted),
          TEST_ENTRY(renames_replace_and_removals_leave_open_files_alone),
          TEST_ENTRY(a_crash_brings_back_what_was_synced),
          TEST_ENTRY(a_crash_leaves_some_beginning_of_the_last_write),
          TEST_ENTRY(the_same_seed_tears_the_same_bytes),
          TEST_ENTRY(random_writes_and_crashes_agree_with_a_simple_model),
          TEST_ENTRY(programs_call_the_disk_and_leave_nothing_open))
