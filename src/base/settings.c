/*
 * The table of settings, looked up by name. Settings change rarely, so that a walk over the table will do.
 */
#include "base/settings.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define SETTING(identifier, name, minimum, maximum, default, meaning)                                        \
    _Static_assert((minimum) <= (default) && (default) <= (maximum), name ": the default is out of bounds");
#include "base/settings.def"
#undef SETTING

struct setting {
    const char *name, *meaning;
    int64_t minimum, maximum, initial;
    size_t offset;
};

static const struct setting table[] = {
#define SETTING(identifier, name, minimum, maximum, default, meaning)                                        \
    {name, meaning, minimum, maximum, default, offsetof(struct settings, identifier)},
#include "base/settings.def"
#undef SETTING
};

#define SETTINGS (sizeof table / sizeof *table)

static int64_t *value_of(const struct settings *settings, const struct setting *setting)
{
    return (int64_t *)(void *)((char *)settings + setting->offset);
}

void settings_init(struct settings *settings)
{
    for (size_t i = 0; i < SETTINGS; i++)
        *value_of(settings, &table[i]) = table[i].initial;
}

static const struct setting *find(const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

int settings_set(struct settings *settings, const char *name, int64_t value)
{
    const struct setting *setting = find(name);
    if (!setting)
        return -ENOENT;
    if (value < setting->minimum || value > setting->maximum)
        return -ERANGE;
    *value_of(settings, setting) = value;
    return 0;
}

int settings_get(const struct settings *settings, const char *name, int64_t *value)
{
    const struct setting *setting = find(name);
    if (!setting)
        return -ENOENT;
    *value = *value_of(settings, setting);
    return 0;
}

const char *settings_name(unsigned index, int64_t *minimum, int64_t *maximum, int64_t *initial,
                          const char **meaning)
{
    if (index >= SETTINGS)
        return NULL;
    *minimum = table[index].minimum;
    *maximum = table[index].maximum;
    *initial = table[index].initial;
    *meaning = table[index].meaning;
    return table[index].name;
}
