/*
 * Files of the kernel, relative to the working directory. These calls block; the runtime has them made by the
 * pool.
 *
 * A rename is where programs commit (write a new file, sync it, rename it), so the folder is synced with it.
 * A read of what the page cache holds is made in place by preadv2 with RWF_NOWAIT.
 */
#define _FILE_OFFSET_BITS 64 /* on 32-bit machines, too */

#include "rt/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fd_of(void *file)
{
    return (int)(intptr_t)file;
}

static int disk_open(void *self, const char *path, int flags, void **file)
{
    (void)self;
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    struct stat stat;
    if (fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode)) {
        close(fd);
        return -EISDIR;
    }
    *file = (void *)(intptr_t)fd;
    return 0;
}

static int64_t disk_read(void *self, void *file, void *data, size_t size, uint64_t offset)
{
    size_t done = 0;
    (void)self;
    while (done < size) {
        ssize_t length = pread(fd_of(file), (uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return done ? (int64_t)done : -errno;
        if (length == 0)
            break;
        done += (size_t)length;
    }
    return (int64_t)done;
}

static int64_t disk_read_now(void *self, void *file, void *data, size_t size, uint64_t offset)
{
    size_t done = 0;
    (void)self;
    while (done < size) {
        struct iovec piece = {.iov_base = (uint8_t *)data + done, .iov_len = size - done};
        ssize_t length = preadv2(fd_of(file), &piece, 1, (off_t)(offset + done), RWF_NOWAIT);
        if (length < 0)
            return -EAGAIN; /* not in the cache, or not possible here: disk_read will say what is wrong */
        if (length == 0)
            break;
        done += (size_t)length;
    }
    return (int64_t)done;
}

static int64_t disk_write(void *self, void *file, const void *data, size_t size, uint64_t offset)
{
    size_t done = 0;
    (void)self;
    while (done < size) {
        ssize_t length =
            pwrite(fd_of(file), (const uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return length < 0 ? -errno : -EIO;
        done += (size_t)length;
    }
    return (int64_t)done;
}

static int disk_sync(void *self, void *file)
{
    (void)self;
    return fsync(fd_of(file)) < 0 ? -errno : 0;
}

static int disk_truncate(void *self, void *file, uint64_t size)
{
    (void)self;
    return ftruncate(fd_of(file), (off_t)size) < 0 ? -errno : 0;
}

static int disk_stat(void *self, const char *path, struct strata_stat *stat_)
{
    struct stat found;
    (void)self;
    if (stat(*path ? path : ".", &found) < 0)
        return -errno;
    *stat_ = (struct strata_stat){
        .size_bytes = S_ISDIR(found.st_mode) ? 0 : (uint64_t)found.st_size,
        .modified_s = found.st_mtime,
        .folder = S_ISDIR(found.st_mode),
    };
    return 0;
}

/** Makes the names in a path's folder safe. Where that cannot be done (some file systems) nothing is lost by
 * it. */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

static int disk_rename(void *self, const char *from, const char *to)
{
    (void)self;
    if (rename(from, to) < 0)
        return -errno;
    sync_folder_of(to);
    return 0;
}

static int disk_unlink(void *self, const char *path)
{
    (void)self;
    return remove(path) < 0 ? -errno : 0;
}

static int disk_mkdir(void *self, const char *path)
{
    (void)self;
    return mkdir(path, 0777) < 0 ? -errno : 0;
}

static void disk_close(void *self, void *file)
{
    (void)self;
    close(fd_of(file));
}

/* ---- Listing ------------------------------------------------------------------------------------- */

void kernel_listing_init(struct kernel_listing *listing)
{
    pthread_mutex_init(&listing->mutex, NULL);
}

static void listing_clear(struct kernel_listing *listing)
{
    for (unsigned i = 0; i < listing->count; i++)
        free(listing->names[i]);
    free(listing->names);
    free(listing->path);
    listing->names = NULL;
    listing->path = NULL;
    listing->count = 0;
}

void kernel_listing_free(struct kernel_listing *listing)
{
    listing_clear(listing);
    pthread_mutex_destroy(&listing->mutex);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int listing_add(struct kernel_listing *listing, const char *name)
{
    if ((listing->count & (listing->count - 1)) == 0) {
        size_t capacity = listing->count ? (size_t)listing->count * 2 : 1;
        char **grown = realloc(listing->names, capacity * sizeof(char *));
        if (!grown)
            return -ENOMEM;
        listing->names = grown;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    listing->names[listing->count++] = copy;
    return 0;
}

static int listing_read(struct kernel_listing *listing, const char *path)
{
    listing_clear(listing);
    DIR *folder = opendir(*path ? path : ".");
    if (!folder)
        return -errno;
    int error = 0;
    struct dirent *entry;
    while (error == 0 && (entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = listing_add(listing, entry->d_name);
    closedir(folder);
    listing->path = error == 0 ? strdup(path) : NULL;
    if (!listing->path) {
        listing_clear(listing);
        return -ENOMEM;
    }
    if (listing->count > 1)
        qsort(listing->names, listing->count, sizeof(char *), by_bytes);
    return 0;
}

static int disk_list(void *self, const char *path, unsigned index, char *name, size_t size)
{
    struct kernel_listing *listing = &((struct strata_kernel *)self)->listing;
    int error = 0;
    pthread_mutex_lock(&listing->mutex);
    if (index == 0 || !listing->path || strcmp(listing->path, path) != 0)
        error = listing_read(listing, path);
    if (error == 0 && index >= listing->count)
        error = -ENOENT;
    if (error == 0 && strlen(listing->names[index]) >= size)
        error = -ENAMETOOLONG;
    if (error == 0)
        strcpy(name, listing->names[index]);
    pthread_mutex_unlock(&listing->mutex);
    return error;
}

const struct strata_disk_ops kernel_disk_ops = {
    .name = "kernel",
    .open = disk_open,
    .read = disk_read,
    .write = disk_write,
    .sync = disk_sync,
    .truncate = disk_truncate,
    .stat = disk_stat,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .mkdir = disk_mkdir,
    .list = disk_list,
    .close = disk_close,
    .read_now = disk_read_now,
};
