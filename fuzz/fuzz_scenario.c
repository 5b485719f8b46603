/*
 * Any bytes as a scenario: the reader either complains, with a place in the file for each complaint, or gives
 * a scenario from which a world can be built. Nothing is run: that would be other people's programs.
 */
#include "lab/scenario.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct complaints complaints = {0};
    struct scenario *scenario = NULL;
    int error = scenario_parse(&scenario, "fuzz", (const char *)data, size, &complaints);
    if ((error != 0) != (complaints.count > 0))
        abort();
    for (unsigned i = 0; i < complaints.count; i++)
        if (complaints.items[i].place.line == 0 || complaints.items[i].place.column == 0)
            abort();
    // Small worlds only: building a large one finds nothing that a small one does not.
    if (scenario && scenario->nodes.count < 20 && scenario->links.count < 40) {
        uint64_t bytes = 0;
        for (unsigned i = 0; i < scenario->nodes.count; i++)
            for (unsigned j = 0; j < scenario->nodes.items[i].files.count; j++)
                bytes += scenario->nodes.items[i].files.items[j].bytes;
        if (bytes < (1u << 20)) {
            struct scenario_run run;
            struct scenario_options options = {0};
            scenario_build(&run, scenario, &options);
            scenario_run_free(&run);
        }
    }
    scenario_free(scenario);
    complaints_free(&complaints);
    return 0;
}
