/**
 * The page that shows the record of a run: one HTML file with everything in it, which asks nobody for
 * anything. Its sources are in lab/page/, put into the program when it is built.
 */
#ifndef LAB_PAGE_H
#define LAB_PAGE_H

#include "lab/record.h"

struct page_part {
    const char *text;
    size_t length;
};
extern const struct page_part page_html, page_style, page_script;

/** What the page may do, as Content-Security-Policy has it. `live` allows it to talk with whom it comes from.
 */
enum { PAGE_POLICY_BYTES = 400 };
void page_policy(char policy[PAGE_POLICY_BYTES], bool live);

/** Writes the page with the record in it; with `record` NULL, the page that asks its server for one.
 * @return 0, or a negative errno. */
int page_write(struct record *record, const struct record_story *story, record_sink sink, void *context);

#endif
