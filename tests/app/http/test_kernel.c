// ctest: label os
/**
 * The same HTTP server on the kernel's sockets and files: what is served, and that no link leads out of the
 * folder.
 */
#include "app/programs.h"
#include "tests/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64], folder[128];
static uint16_t port;

static void put(const char *path, const char *text)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%s", root, path);
    FILE *file = fopen(name, "w");
    REQUIRE(file);
    fputs(text, file);
    fclose(file);
}

static void make(const char *path)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%s", root, path);
    REQUIRE(mkdir(name, 0700) == 0);
}

static void tie(const char *to, const char *path)
{
    char name[256], target[256];
    snprintf(name, sizeof name, "%s/%s", root, path);
    snprintf(target, sizeof target, "%s/%s", root, to);
    REQUIRE(symlink(target, name) == 0);
}

/** A port that nobody listens at just now. */
static uint16_t free_port(struct strata_rt *rt)
{
    struct strata_endpoint local = {.address = strata_ipv4(127, 0, 0, 1)};
    struct strata_conn *conn;
    REQUIRE(strata_rt_listen(rt, &local, 1, &conn) == 0 && strata_rt_local(conn, &local) == 0);
    strata_rt_close(conn);
    return local.port;
}

/** Asks on a connection of its own. @return the status, and the whole answer in `reply`. */
static int ask(struct strata_rt *rt, const char *target, char *reply, size_t size)
{
    struct strata_endpoint server = {.address = strata_ipv4(127, 0, 0, 1), .port = port};
    struct strata_conn *conn;
    char request[256];
    strata_time deadline = strata_rt_now(rt) + 20 * STRATA_SECOND;
    while (strata_rt_dial(rt, &server, deadline, &conn) < 0)
        REQUIRE(strata_rt_sleep(rt, strata_rt_now(rt) + STRATA_MILLISECOND) == 0 &&
                strata_rt_now(rt) < deadline);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n", target);
    strata_rt_write(conn, request, strlen(request), deadline);
    int64_t got = strata_rt_read_full(conn, reply, size - 1, deadline);
    reply[got > 0 ? got : 0] = 0;
    strata_rt_close(conn);
    return got > 12 ? atoi(reply + 9) : -1;
}

static int scene(struct strata_rt *rt, int argc, char **argv)
{
    static const struct {
        const char *target;
        int status;
        const char *content;
    } cases[] = {
        {"/a.txt", 200, "\r\n\r\nfile a"},
        {"/sub/b.txt", 200, "\r\n\r\nfile b"},
        {"/sub", 301, "Location: /sub/"},
        {"/sub/", 403, ""},
        {"/", 200, "\r\n\r\nindex"},
        {"/none", 404, ""},
        {"/a.txt/x", 404, ""},
        {"/link.txt", 403, ""},        // to a file outside
        {"/away/secret.txt", 403, ""}, // through a folder outside
        {"/away/", 403, ""},
        {"/away", 403, ""},
        {"/pipe", 200, "Content-Length: 0"}, // a pipe without a writer is not waited for
        {"/../secret/secret.txt", 400, ""},
    };
    (void)argc;
    (void)argv;
    port = free_port(rt);
    char number[8];
    snprintf(number, sizeof number, "%u", port);
    char *words[] = {"http-server", folder, "--port", number};
    struct strata_fiber *fiber;
    REQUIRE(strata_rt_start(rt, "http-server", program_http_server, 4, words, NULL, NULL, &fiber) == 0);
    char reply[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good = CHECK_EQ(ask(rt, cases[i].target, reply, sizeof reply), cases[i].status) &&
                    CHECK(strstr(reply, cases[i].content) != NULL) && CHECK(!strstr(reply, "hidden"));
        if (!good)
            printf("        %s\n%s\n", cases[i].target, reply);
    }
    strata_rt_cancel(rt, fiber);
    return 0;
}

TEST(files_of_the_kernel)
{
    snprintf(root, sizeof root, "/tmp/strata-http-XXXXXX");
    REQUIRE(mkdtemp(root));
    make("real");
    make("real/sub");
    make("secret");
    put("real/a.txt", "file a");
    put("real/index.html", "index");
    put("real/sub/b.txt", "file b");
    put("secret/secret.txt", "hidden");
    tie("secret/secret.txt", "real/link.txt");
    tie("secret", "real/away");
    tie("real", "served"); // The folder itself may be reached by a link.
    char pipe[128];
    snprintf(pipe, sizeof pipe, "%s/real/pipe", root);
    REQUIRE(mkfifo(pipe, 0600) == 0);
    snprintf(folder, sizeof folder, "%s/served", root);
    CHECK_EQ(strata_rt_main(scene, 0, NULL), 0);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    CHECK_EQ(system(command), 0);
}

TEST_MAIN(TEST_ENTRY(files_of_the_kernel))
