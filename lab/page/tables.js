/*
 * What was counted and what was checked, in tables.
 */
(function (strata) {
    "use strict";

    const {app, byId, element} = strata;
    const ROWS_MOST = 300;

    /** A table; a column whose heading begins with # holds numbers. */
    function table(headings, rows, left) {
        const number = headings.map((heading) => heading.startsWith("#"));
        return element("div", {class: "wide"}, element("table", {},
            element("thead", {}, element("tr", {}, headings.map((heading, i) =>
                element("th", {class: number[i] && "number", scope: "col"}, heading.replace("#", ""))))),
            element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell, i) =>
                cell instanceof Node ? cell : element("td", {class: number[i] && "number"}, String(cell))))))),
        left > 0 ? element("p", {class: "table-note"}, "and " + strata.count(left) + " more") : null);
    }
    strata.table = table;

    function checks(model) {
        if (model.checks.length === 0)
            return element("p", {class: "hint"}, model.head.judged ? "This scenario checks nothing."
                : "The checks are judged when the run is over.");
        const mark = (check) => element("td", {class: "mark " + (check.ok ? "good" : "bad")},
            check.ok ? "✓ holds" : "✗ failed");
        return table(["", "check", "what was found"], model.checks.map((check) => [mark(check), check.name, check.detail]));
    }

    function talks(model) {
        const list = model.conversations.filter(Boolean).slice().sort((a, b) => b.bytes - a.bytes ||
            b.frames.length - a.frames.length);
        return table(["kind", "between", "#datagrams", "#bytes of content", "#sent again", "#lost", "#from", "#to (s)"],
            list.slice(0, ROWS_MOST).map((c) => [c.kind, strata.conversationName(model, c),
                strata.count(c.journeys.length), strata.count(c.bytes), strata.count(c.again), strata.count(c.lost),
                strata.seconds(c.first, 3), strata.seconds(c.last, 3)]), list.length - ROWS_MOST);
    }

    const CABLE_COUNTS = ["sent", "delivered", "bytes_delivered", "lost", "lost_queue", "lost_down", "marked",
        "duplicated", "reordered", "corrupted", "queue_most"];
    const CABLE_HEADS = ["#sent", "#delivered", "#bytes", "#lost", "#queue full", "#cut, down", "#marked", "#doubled",
        "#late", "#damaged", "#longest queue"];
    function cables(model) {
        const rows = [];
        for (const cable of model.cables.filter((one) => !one.bus))
            for (let direction = 0; direction < 2; direction++) {
                const counts = cable.directions[direction];
                const ends = [model.nodeName(cable.a), model.nodeName(cable.b)];
                rows.push([cable.name, direction ? ends[1] + " → " + ends[0] : ends[0] + " → " + ends[1],
                    ...CABLE_COUNTS.map((name) => strata.count(counts[name] || 0))]);
            }
        return table(["cable", "direction", ...CABLE_HEADS], rows.slice(0, ROWS_MOST), rows.length - ROWS_MOST);
    }

    function counters(model) {
        return model.nodes.slice(0, 100).map((node) => element("details", {},
            element("summary", {}, node.name + " (" + node.kind + "): " + node.counters.length + " counters"),
            counterTable(model, node)));
    }
    function counterTable(model, node) {
        return table(["counter", "#value", "what it counts"], node.counters.map(([index, value]) =>
            [model.counters[index] ? model.counters[index][0] : index, strata.count(value),
                model.counters[index] ? model.counters[index][1] : ""]));
    }
    strata.counterTable = counterTable;

    /** What a cable is like, in the words of scenarios. */
    strata.cableWords = function (direction) {
        const words = [];
        if (direction.rate)
            words.push(strata.rate(direction.rate));
        if (direction.delay)
            words.push(strata.span(direction.delay));
        if (direction.jitter)
            words.push("± " + strata.span(direction.jitter));
        if (direction.loss_ppm)
            words.push("loss " + strata.share(direction.loss_ppm));
        if (direction.burst_ppm)
            words.push("bursts " + strata.share(direction.burst_ppm));
        if (direction.duplicate_ppm)
            words.push("doubles " + strata.share(direction.duplicate_ppm));
        if (direction.reorder_ppm)
            words.push("reorders " + strata.share(direction.reorder_ppm));
        if (direction.corrupt_ppm)
            words.push("damages " + strata.share(direction.corrupt_ppm));
        return words.join(", ");
    };

    strata.showTables = function () {
        const model = app.model;
        byId("check-table").replaceChildren(checks(model));
        byId("number-tables").replaceChildren(
            element("h3", {}, "Conversations"), talks(model), element("h3", {}, "Cables"), cables(model),
            element("h3", {}, "Counters"), ...counters(model));
    };

    /** The head of the page. */
    strata.showHead = function () {
        const head = app.model.head, model = app.model;
        document.title = (head.title || head.file || "A run") + " – Strata lab";
        byId("title").textContent = head.title || head.file || "A run";
        byId("description").textContent = head.description || "";
        const failed = model.checks.filter((check) => !check.ok).length, all = model.checks.length;
        const verdict = !head.judged ? element("span", {}, head.live ? "The run goes on." : "The run was not finished.")
            : head.ok ? element("span", {class: "good"}, all === 0 ? "✓ It ended well." : all === 1
                ? "✓ The check holds." : "✓ All " + all + " checks hold.")
                : element("a", {class: "bad", href: "#checks"}, "✗ " + failed + " of " + all + " checks failed.");
        byId("verdict").replaceChildren(verdict);
        const fact = (name, value) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
        byId("facts").replaceChildren(
            fact("virtual time", strata.seconds(head.now, 3) + " s"), fact("frames", strata.count(head.frames_sent)),
            fact("conversations", strata.count(model.conversations.length)), fact("seed", head.seed),
            fact("hash", element("code", {}, head.hash)),
            ...(head.command ? [fact("to see it again", element("code", {}, head.command))] : []));
        showLeftOut(head.left_out);
    };

    function showLeftOut(left) {
        const words = [];
        if (left.frames)
            words.push(strata.count(left.frames) + " frames, the last ones, are counted but not shown one by one");
        if (left.frames_cut)
            words.push("of " + strata.count(left.frames_cut) + " frames not all bytes were kept");
        if (left.points)
            words.push(strata.count(left.points) + " points of long curves were left out, peaks stayed");
        if (left.events)
            words.push(strata.count(left.events) + " lines were left out");
        if (left.conversations)
            words.push("not every conversation has its own entry");
        byId("left-out").hidden = words.length === 0;
        byId("left-out").textContent = words.length ? "This run is larger than what is kept of one: " + words.join("; ") +
            "." : "";
    }
})(globalThis.strata = globalThis.strata || {});
