/*
 * Addresses, endpoints and prefixes as text: whatever is taken has one form in which it is written, and that
 * form is taken as the same. The C library agrees about addresses.
 */
#include "base/address.h"
#include "base/assert.h"

#include <arpa/inet.h>

static void address(const char *text)
{
    struct strata_address parsed, again;
    uint8_t v4[4], v6[16];
    bool ours = strata_address_parse(text, &parsed) == 0;
    bool is_v4 = inet_pton(AF_INET, text, v4) == 1, is_v6 = inet_pton(AF_INET6, text, v6) == 1;
    ASSERT(ours == (is_v4 || is_v6));
    if (!ours)
        return;
    ASSERT(memcmp(is_v4 ? parsed.bytes + 12 : parsed.bytes, is_v4 ? v4 : v6, is_v4 ? 4 : 16) == 0);
    char form[STRATA_ADDRESS_TEXT];
    size_t length = strata_address_format(&parsed, form, sizeof form);
    ASSERT(length == strlen(form) && length > 1);
    ASSERT(strata_address_parse(form, &again) == 0 && address_equal(&parsed, &again));
}

static void endpoint(const char *text)
{
    struct strata_endpoint parsed, again;
    if (strata_endpoint_parse(text, &parsed) < 0)
        return;
    char form[STRATA_ENDPOINT_TEXT];
    ASSERT(strata_endpoint_format(&parsed, form, sizeof form) == strlen(form));
    ASSERT(strata_endpoint_parse(form, &again) == 0 && endpoint_equal(&parsed, &again));
}

static void prefix(const char *text)
{
    struct strata_address parsed;
    unsigned length;
    if (strata_prefix_parse(text, &parsed, &length) == 0)
        ASSERT(length <= (strata_address_is_ipv4(&parsed) ? 32 : 128));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[100];
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    address(text);
    endpoint(text);
    prefix(text);
    return 0;
}
