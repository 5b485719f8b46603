/**
 * What the programs of reliable data transfer share.
 */
#include "app/rdt/program.h"

#include <errno.h>
#include <stdio.h>

#include "app/options.h"
#include "base/bytes.h"

const char *rdt_name(const char *what, uint32_t number, uint32_t numbers, char room[RDT_NAME])
{
    if (numbers > 1)
        snprintf(room, RDT_NAME, "%s %u", what, (unsigned)number);
    else
        snprintf(room, RDT_NAME, "%s", what);
    return room;
}

uint32_t rdt_feedback_numbers(const struct rdt_sender *sender)
{
    return sender->version == &rdt_2_1 ? 1 : sender->numbers;
}

static uint8_t pattern(uint32_t index, size_t i)
{
    return (uint8_t)(index * 31 + i * 7);
}

void rdt_fill(uint8_t *data, size_t size, uint32_t index)
{
    bytes_put32(data, index);
    for (size_t i = RDT_FILL_MIN; i < size; i++)
        data[i] = pattern(index, i);
}

int64_t rdt_check(const uint8_t *data, size_t size)
{
    if (size < RDT_FILL_MIN)
        return -1;
    uint32_t index = bytes_get32(data);
    for (size_t i = RDT_FILL_MIN; i < size; i++)
        if (data[i] != pattern(index, i))
            return -1;
    return index;
}

const struct rdt_version *rdt_choose(struct strata_rt *rt, const char *program, const char *name)
{
    const struct rdt_version *version = rdt_find(name);
    if (version)
        return version;
    strata_rt_complain(rt, "%s: there is no protocol %s; there are:\n", program, name);
    for (unsigned i = 0; (version = rdt_version(i)); i++)
        strata_rt_complain(rt, "  %-5s%s\n", version->name, version->help);
    return NULL;
}

void rdt_complain(struct strata_rt *rt, const char *program, const struct rdt_version *version, int error)
{
    if (error != -EINVAL)
        strata_rt_complain(rt, "%s: %s\n", program, error_text(error));
    else if (!version->pipelined)
        strata_rt_complain(rt, "%s: rdt %s stops and waits: --window and --numbers are for gbn and sr\n", program,
                           version->name);
    else
        strata_rt_complain(rt, "%s: the window may be as large as the numbers at most\n", program);
}
