/*
 * A host's disk: the memory disk of the runtime, behind a switch. When a host crashes its programs unwind,
 * and an unwinding program may still write or sync; from the moment of the crash none of that reaches the
 * disk.
 */
#include "lab/world.h"

#include <errno.h>

#define DISK (strata_memory_disk_ops())

static bool gone(void *self)
{
    return ((struct strata_node *)self)->cut_off;
}

static void *disk_of(void *self)
{
    return ((struct strata_node *)self)->disk;
}

static int disk_open(void *self, const char *path, int flags, void **file)
{
    return gone(self) ? -EIO : DISK->open(disk_of(self), path, flags, file);
}

static int64_t disk_read(void *self, void *file, void *data, size_t size, uint64_t offset)
{
    return gone(self) ? -EIO : DISK->read(disk_of(self), file, data, size, offset);
}

static int64_t disk_write(void *self, void *file, const void *data, size_t size, uint64_t offset)
{
    return gone(self) ? -EIO : DISK->write(disk_of(self), file, data, size, offset);
}

static int disk_sync(void *self, void *file)
{
    return gone(self) ? -EIO : DISK->sync(disk_of(self), file);
}

static int disk_truncate(void *self, void *file, uint64_t size)
{
    return gone(self) ? -EIO : DISK->truncate(disk_of(self), file, size);
}

static int disk_stat(void *self, const char *path, struct strata_stat *stat)
{
    return gone(self) ? -EIO : DISK->stat(disk_of(self), path, stat);
}

static int disk_rename(void *self, const char *from, const char *to)
{
    return gone(self) ? -EIO : DISK->rename(disk_of(self), from, to);
}

static int disk_unlink(void *self, const char *path)
{
    return gone(self) ? -EIO : DISK->unlink(disk_of(self), path);
}

static int disk_mkdir(void *self, const char *path)
{
    return gone(self) ? -EIO : DISK->mkdir(disk_of(self), path);
}

static int disk_list(void *self, const char *path, unsigned index, char *name, size_t size)
{
    return gone(self) ? -EIO : DISK->list(disk_of(self), path, index, name, size);
}

static void disk_close(void *self, void *file)
{
    DISK->close(disk_of(self), file);
}

const struct strata_disk_ops *node_disk_ops(void)
{
    static const struct strata_disk_ops ops = {
        .name = "memory",
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
    };
    return &ops;
}
