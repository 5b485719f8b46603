/**
 * Circular doubly linked lists whose links live inside the things that are listed.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/** A link, or the head of a list. A link that is in no list points to itself (list_init). */
struct list {
    struct list *next, *previous;
};

/** The struct that holds `member` at address `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *link)
{
    link->next = link->previous = link;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/** Whether a link is in some list. */
static inline bool list_is_linked(const struct list *link)
{
    return link->next != link;
}

static inline void list_insert_before(struct list *position, struct list *link)
{
    link->previous = position->previous;
    link->next = position;
    position->previous->next = link;
    position->previous = link;
}

static inline void list_push_back(struct list *head, struct list *link)
{
    list_insert_before(head, link);
}

static inline void list_push_front(struct list *head, struct list *link)
{
    list_insert_before(head->next, link);
}

/** Takes a link out of its list; harmless when it is in none. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/** The first link, or NULL. */
static inline struct list *list_first(struct list *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

#define LIST_FOR_EACH(link, head) for (struct list *link = (head)->next; link != (head); link = link->next)

/** As above; the body may remove `link`. */
#define LIST_FOR_EACH_SAFE(link, head)                                                                      \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);                       \
         link = link##_next, link##_next = link->next)

#endif
