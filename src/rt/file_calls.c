/*
 * The disk calls of programs: made in place, or, where there is a pool, by one of its threads while the fiber
 * waits.
 */
#include "rt/runtime.h"

#include <errno.h>
#include <stdlib.h>

enum file_verb {
    FILE_OPEN,
    FILE_READ,
    FILE_WRITE,
    FILE_SYNC,
    FILE_TRUNCATE,
    FILE_STAT,
    FILE_RENAME,
    FILE_UNLINK,
    FILE_MKDIR,
    FILE_LIST
};

/** One call on its way to another thread and back; it lies on the stack of the fiber, which waits. */
struct file_call {
    const struct strata_disk_ops *ops;
    void *disk, *file;
    const char *path, *to;
    void *data;
    const void *source;
    struct strata_stat *stat;
    uint64_t offset;
    size_t size;
    enum file_verb verb;
    int flags;
    unsigned index;
    int64_t result;
};

static void file_call_work(void *argument)
{
    struct file_call *call = argument;
    const struct strata_disk_ops *ops = call->ops;
    switch (call->verb) {
    case FILE_OPEN:
        call->result = ops->open(call->disk, call->path, call->flags, &call->file);
        break;
    case FILE_READ:
        call->result = ops->read(call->disk, call->file, call->data, call->size, call->offset);
        break;
    case FILE_WRITE:
        call->result = ops->write(call->disk, call->file, call->source, call->size, call->offset);
        break;
    case FILE_SYNC:
        call->result = ops->sync(call->disk, call->file);
        break;
    case FILE_TRUNCATE:
        call->result = ops->truncate(call->disk, call->file, call->offset);
        break;
    case FILE_STAT:
        call->result = ops->stat(call->disk, call->path, call->stat);
        break;
    case FILE_RENAME:
        call->result = ops->rename(call->disk, call->path, call->to);
        break;
    case FILE_UNLINK:
        call->result = ops->unlink(call->disk, call->path);
        break;
    case FILE_MKDIR:
        call->result = ops->mkdir(call->disk, call->path);
        break;
    case FILE_LIST:
        call->result = ops->list(call->disk, call->path, call->index, call->data, call->size);
        break;
    }
}

static int64_t file_call(struct strata_rt *rt, struct file_call *call)
{
    call->ops = rt->config.disk;
    call->disk = rt->config.disk_self;
    if (!call->ops)
        return -ENOSYS;
    int error = strata_rt_blocking(rt, file_call_work, call);
    return error < 0 ? error : call->result;
}

int strata_rt_file_open(struct strata_rt *rt, const char *path, int flags, struct strata_file **file)
{
    struct strata_file *made = malloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    struct file_call call = {.verb = FILE_OPEN, .path = path, .flags = flags};
    int error = (int)file_call(rt, &call);
    if (error < 0) {
        free(made);
        return error;
    }
    made->rt = rt;
    made->self = call.file;
    list_push_back(&rt->files, &made->link);
    *file = made;
    return 0;
}

int64_t strata_rt_file_read(struct strata_file *file, void *data, size_t size, uint64_t offset)
{
    struct strata_rt *rt = file->rt;
    if (rt->config.disk->read_now) {
        int error = fiber_turn(rt);
        if (error < 0)
            return error;
        int64_t length = rt->config.disk->read_now(rt->config.disk_self, file->self, data, size, offset);
        if (length != -EAGAIN)
            return length;
    }
    struct file_call call = {
        .verb = FILE_READ, .file = file->self, .data = data, .size = size, .offset = offset};
    return file_call(rt, &call);
}

int64_t strata_rt_file_write(struct strata_file *file, const void *data, size_t size, uint64_t offset)
{
    struct file_call call = {
        .verb = FILE_WRITE, .file = file->self, .source = data, .size = size, .offset = offset};
    return file_call(file->rt, &call);
}

int strata_rt_file_sync(struct strata_file *file)
{
    struct file_call call = {.verb = FILE_SYNC, .file = file->self};
    return (int)file_call(file->rt, &call);
}

int strata_rt_file_truncate(struct strata_file *file, uint64_t size)
{
    struct file_call call = {.verb = FILE_TRUNCATE, .file = file->self, .offset = size};
    return (int)file_call(file->rt, &call);
}

void strata_rt_file_close(struct strata_file *file)
{
    if (!file)
        return;
    /* In place: closing what went through the page cache does not wait, and it works when cancelled. */
    file->rt->config.disk->close(file->rt->config.disk_self, file->self);
    list_remove(&file->link);
    free(file);
}

int strata_rt_stat(struct strata_rt *rt, const char *path, struct strata_stat *stat)
{
    struct file_call call = {.verb = FILE_STAT, .path = path, .stat = stat};
    return (int)file_call(rt, &call);
}

int strata_rt_rename(struct strata_rt *rt, const char *from, const char *to)
{
    struct file_call call = {.verb = FILE_RENAME, .path = from, .to = to};
    return (int)file_call(rt, &call);
}

int strata_rt_unlink(struct strata_rt *rt, const char *path)
{
    struct file_call call = {.verb = FILE_UNLINK, .path = path};
    return (int)file_call(rt, &call);
}

int strata_rt_mkdir(struct strata_rt *rt, const char *path)
{
    struct file_call call = {.verb = FILE_MKDIR, .path = path};
    return (int)file_call(rt, &call);
}

int strata_rt_list(struct strata_rt *rt, const char *path, unsigned index, char *name, size_t size)
{
    struct file_call call = {.verb = FILE_LIST, .path = path, .index = index, .data = name, .size = size};
    return (int)file_call(rt, &call);
}
