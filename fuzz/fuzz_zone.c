/**
 * Master files of zones; a zone that is accepted must answer.
 */
#include "app/dns/answer.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_zone zone;
    struct dns_zone_error error;
    int result = dns_zone_parse(&zone, (const char *)data, size, NULL, &error);
    if (result == 0) {
        static uint8_t reply[DNS_MESSAGE_MAX_BYTES];
        uint8_t query[512];
        for (size_t i = 0; i < zone.count && i < 20; i++) {
            ASSERT(dns_name_is_within(&zone.records[i].name, &zone.origin));
            ASSERT(dns_rdata_check(zone.records[i].type, zone.records[i].data, zone.records[i].length) == 0);
            struct dns_question question = {zone.records[i].name, zone.records[i].type, DNS_CLASS_IN};
            size_t length = dns_query_emit(query, sizeof query, 1, false, &question, 0);
            length = dns_answer(&zone, 1, query, length, true, 0, reply, sizeof reply);
            ASSERT(length > 0 && dns_message_check(reply, length) == 0);
        }
    } else {
        ASSERT(error.text[0] != 0);
    }
    dns_zone_free(&zone);
    return 0;
}
