/**
 * Settings: every bound and every run-time option of a host (settings.def).
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdint.h>

struct settings {
#define SETTING(identifier, name, minimum, maximum, default, meaning) int64_t identifier;
#include "base/settings.def"
#undef SETTING
};

void settings_init(struct settings *settings);
/** @return 0, -ENOENT, -ERANGE. */
int settings_set(struct settings *settings, const char *name, int64_t value);
int settings_get(const struct settings *settings, const char *name, int64_t *value);
/** The index-th setting's name, NULL after the last; for documents and completion. */
const char *settings_name(unsigned index, int64_t *minimum, int64_t *maximum, int64_t *initial, const char **meaning);

#endif
