/*
 * The table of calls of the disk in memory, and what the lab does to it. Names are journalled: they are safe
 * at once and in order. The content of a file is safe when it was synced.
 */
#include "rt/memory_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

int strata_memory_disk_new(struct strata_memory_disk **disk, const uint8_t seed[32])
{
    struct strata_memory_disk *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    random_init(&made->random, seed);
    *disk = made;
    return 0;
}

void strata_memory_disk_free(struct strata_memory_disk *disk)
{
    if (!disk)
        return;
    node_remove(&disk->root);
    free(disk);
}

void strata_memory_disk_set_clock(struct strata_memory_disk *disk, const struct strata_clock_ops *clock,
                                  void *clock_self)
{
    disk->clock = clock;
    disk->clock_self = clock_self;
}

static int64_t date(const struct strata_memory_disk *disk, int64_t otherwise)
{
    return disk->clock ? disk->clock->wall(disk->clock_self) / STRATA_SECOND : otherwise;
}

static void crash_content(struct content *content, void *context)
{
    struct strata_memory_disk *disk = context;
    content_crash(content, &disk->random);
}

void strata_memory_disk_crash(struct strata_memory_disk *disk)
{
    disk->crashes++;
    tree_each(&disk->root, crash_content, disk);
}

int strata_memory_disk_put(struct strata_memory_disk *disk, const char *path, const void *data, size_t size,
                           int64_t modified_s)
{
    struct node *folder, *node;
    char name[256];
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    int error = 0;
    for (char *slash = strchr(copy, '/'); slash && error == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        error = tree_find(&disk->root, copy, &folder);
        if (error == -ENOENT && (error = tree_find_parent(&disk->root, copy, &folder, name)) == 0)
            error = node_add(folder, name, NULL, &node);
        *slash = '/';
    }
    free(copy);
    if (error == 0)
        error = tree_find_parent(&disk->root, path, &folder, name);
    if (error < 0)
        return error;
    node = node_child(folder, name);
    if (node && !node->content)
        return -EISDIR;
    if (!node) {
        struct content *content = content_new(modified_s);
        if (!content || node_add(folder, name, content, &node) < 0) {
            free(content);
            return -ENOMEM;
        }
    }
    error = content_truncate(node->content, 0);
    if (error == 0 && content_write(node->content, data, size, 0) < 0)
        error = -ENOSPC;
    content_sync(node->content);
    node->content->modified_s = modified_s;
    return error;
}

int64_t strata_memory_disk_get(struct strata_memory_disk *disk, const char *path, const void **data)
{
    struct node *node;
    int error = tree_find(&disk->root, path, &node);
    if (error < 0)
        return error;
    if (!node->content)
        return -EISDIR;
    *data = node->content->bytes;
    return (int64_t)node->content->size;
}

/* ---- The table ----------------------------------------------------------------------------------- */

static int disk_find_or_make(struct strata_memory_disk *disk, const char *path, int flags,
                             struct node **found)
{
    struct node *folder;
    char name[256];
    int error = tree_find(&disk->root, path, found);
    if (error == 0)
        return (flags & O_CREAT) && (flags & O_EXCL) ? -EEXIST : 0;
    if (error != -ENOENT || !(flags & O_CREAT))
        return error;
    error = tree_find_parent(&disk->root, path, &folder, name);
    if (error < 0)
        return error;
    struct content *content = content_new(date(disk, 0));
    if (!content)
        return -ENOSPC;
    error = node_add(folder, name, content, found);
    if (error < 0)
        content_release(content);
    else
        folder->modified_s = content->modified_s;
    return error;
}

static int disk_open(void *self, const char *path, int flags, void **file)
{
    struct strata_memory_disk *disk = self;
    struct node *node;
    int error = disk_find_or_make(disk, path, flags, &node);
    if (error < 0)
        return error;
    if (!node->content)
        return -EISDIR;
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && (flags & O_TRUNC)) {
        error = content_truncate(node->content, 0);
        if (error < 0)
            return error;
        node->content->modified_s = date(disk, node->content->modified_s);
    }
    struct memory_file *made = malloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    *made = (struct memory_file){.content = node->content, .crashes = disk->crashes, .flags = flags};
    made->content->references++;
    *file = made;
    return 0;
}

/** A file that was open when the power went is no file any more. */
static int usable(struct strata_memory_disk *disk, const struct memory_file *file, bool to_write)
{
    if (file->crashes != disk->crashes)
        return -EIO;
    int mode = file->flags & O_ACCMODE;
    return mode == O_RDWR || mode == (to_write ? O_WRONLY : O_RDONLY) ? 0 : -EBADF;
}

static int64_t disk_read(void *self, void *file, void *data, size_t size, uint64_t offset)
{
    struct memory_file *open = file;
    int error = usable(self, open, false);
    return error < 0 ? error : content_read(open->content, data, size, offset);
}

static int64_t disk_write(void *self, void *file, const void *data, size_t size, uint64_t offset)
{
    struct memory_file *open = file;
    int error = usable(self, open, true);
    if (error < 0)
        return error;
    open->content->modified_s = date(self, open->content->modified_s);
    return content_write(open->content, data, size, open->flags & O_APPEND ? open->content->size : offset);
}

static int disk_sync(void *self, void *file)
{
    struct strata_memory_disk *disk = self;
    struct memory_file *open = file;
    if (open->crashes != disk->crashes)
        return -EIO;
    content_sync(open->content);
    return 0;
}

static int disk_truncate(void *self, void *file, uint64_t size)
{
    struct memory_file *open = file;
    int error = usable(self, open, true);
    if (error < 0)
        return error;
    open->content->modified_s = date(self, open->content->modified_s);
    return content_truncate(open->content, size);
}

static int disk_stat(void *self, const char *path, struct strata_stat *stat)
{
    struct strata_memory_disk *disk = self;
    struct node *node;
    int error = tree_find(&disk->root, path, &node);
    if (error < 0)
        return error;
    *stat = (struct strata_stat){
        .size_bytes = node->content ? node->content->size : 0,
        .modified_s = node->content ? node->content->modified_s : node->modified_s,
        .folder = !node->content,
    };
    return 0;
}

/** Whether `node` is `folder` or lies below it. */
static bool is_within(const struct node *node, const struct node *folder)
{
    while (node && node != folder)
        node = node->parent;
    return node != NULL;
}

static int disk_rename(void *self, const char *from, const char *to)
{
    struct strata_memory_disk *disk = self;
    struct node *node, *folder;
    char name[256];
    int error = tree_find(&disk->root, from, &node);
    if (error < 0)
        return error;
    error = tree_find_parent(&disk->root, to, &folder, name);
    if (error < 0)
        return error;
    if (!node->parent || is_within(folder, node))
        return -EINVAL;
    struct node *there = node_child(folder, name);
    if (there == node)
        return 0;
    if (there) {
        if (!there->content != !node->content)
            return there->content ? -ENOTDIR : -EISDIR;
        if (there->count > 0)
            return -ENOTEMPTY;
        node_remove(there);
    }
    return node_move(node, folder, name);
}

static int disk_unlink(void *self, const char *path)
{
    struct strata_memory_disk *disk = self;
    struct node *node;
    int error = tree_find(&disk->root, path, &node);
    if (error < 0)
        return error;
    if (!node->parent)
        return -EBUSY;
    if (node->count > 0)
        return -ENOTEMPTY;
    node_remove(node);
    return 0;
}

static int disk_mkdir(void *self, const char *path)
{
    struct strata_memory_disk *disk = self;
    struct node *folder, *node;
    char name[256];
    int error = tree_find_parent(&disk->root, path, &folder, name);
    if (error < 0)
        return error == -EISDIR ? -EEXIST : error;
    if (node_child(folder, name))
        return -EEXIST;
    error = node_add(folder, name, NULL, &node);
    if (error == 0)
        node->modified_s = date(disk, 0);
    return error;
}

static int disk_list(void *self, const char *path, unsigned index, char *name, size_t size)
{
    struct strata_memory_disk *disk = self;
    struct node *node;
    int error = tree_find(&disk->root, path, &node);
    if (error < 0)
        return error;
    if (node->content)
        return -ENOTDIR;
    if (index >= node->count)
        return -ENOENT;
    size_t length = strlen(node->children[index]->name);
    if (length >= size)
        return -ENAMETOOLONG;
    memcpy(name, node->children[index]->name, length + 1);
    return 0;
}

static void disk_close(void *self, void *file)
{
    struct memory_file *open = file;
    (void)self;
    content_release(open->content);
    free(open);
}

const struct strata_disk_ops *strata_memory_disk_ops(void)
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
