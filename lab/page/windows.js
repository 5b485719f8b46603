/*
 * The windows as textbooks draw them: the bytes of a transfer in a row, cut into segments; what is acknowledged, what is
 * on its way, what may be sent, and beyond the edge what may not. Below them the same bytes as the receiver has them.
 */
(function (strata) {
    "use strict";

    const {app, byId, element, svg} = strata;
    const WIDE = 1000, CELLS_MOST = 64;

    /** Where bytes are on paper: cells of one segment each, from a little before the window to its end. */
    function paperOf(state, segment) {
        let cell = Math.max(segment, 1), top = state.top;
        // A window that is far larger than what is in it goes on beyond the paper: what is in it shall be seen.
        const inside = Math.max(state.next, state.una + (state.cwnd || 0), ...state.early.map(([, to]) => to));
        if ((top - state.una) / cell > CELLS_MOST * 0.5)
            top = Math.min(top, inside + 8 * cell);
        while ((top - state.una) / cell > CELLS_MOST * 0.72)
            cell *= 2;
        // Data begin with number 1, after the SYN: so do the cells.
        const at = Math.max(0, Math.floor((state.una - 1) / cell));
        const from = (at - Math.min(at, Math.ceil(CELLS_MOST * 0.1))) * cell + 1;
        const count = Math.min(CELLS_MOST, Math.max(16, Math.ceil((top - from) / cell) + (top < state.top ? 0 : 3)));
        const wide = WIDE / count;
        return {from, cell, count, wide, end: from + count * cell, x: (byte) => Math.max(0, Math.min(WIDE, (byte - from) / cell * wide))};
    }

    function overlaps(ranges, start, end) {
        return ranges.some(([from, to]) => from < end && to > start);
    }

    function row(paper, y, classOf) {
        const cells = [];
        for (let i = 0; i < paper.count; i++) {
            const start = paper.from + i * paper.cell;
            cells.push(svg("rect", {x: i * paper.wide + 1, y, width: Math.max(1, paper.wide - 2), height: 30, rx: 2,
                class: "cell " + classOf(start, start + paper.cell)}));
        }
        return cells;
    }

    function bracket(paper, from, to, y, words, below) {
        const x1 = paper.x(from), x2 = paper.x(to), turn = below ? -6 : 6;
        if (x2 - x1 < 2)
            return [];
        const beyond = to > paper.end;
        const path = `M${x1} ${y + turn} V${y} H${x2 - (beyond ? 2 : 0)}` +
            (beyond ? ` m-7 -4 l7 4 l-7 4` : ` V${y + turn}`);
        const text = svg("text", {x: (x1 + x2) / 2, y: below ? y + 15 : y - 5, "text-anchor": "middle"}, words);
        const estimate = words.length * 6.4;
        if (estimate > x2 - x1 + 60 && !below)
            return [svg("path", {class: "bracket", d: path})];
        if ((x1 + x2) / 2 < estimate / 2)
            text.setAttribute("text-anchor", "start"), text.setAttribute("x", x1);
        if ((x1 + x2) / 2 > WIDE - estimate / 2)
            text.setAttribute("text-anchor", "end"), text.setAttribute("x", x2);
        return [svg("path", {class: "bracket", d: path}), text];
    }
    function mark(paper, byte, y, name, number) {
        const x = paper.x(byte), end = x > WIDE - 90 ? "end" : x < 60 ? "start" : "middle";
        return [svg("path", {class: "mark-line", d: `M${x} ${y} v13`}),
            svg("text", {x, y: y + 26, "text-anchor": end}, name),
            svg("text", {x, y: y + 40, "text-anchor": end, class: "quiet"}, String(number))];
    }

    class Windows {
        constructor(plots) {
            this.plots = plots;
            this.box = byId("windows-drawing");
            this.draw = strata.soon(() => this.paint());
        }

        paint() {
            const model = app.model, c = model.conversations[this.plots.talk], transfer = this.plots.transfer;
            if (!c || !transfer || transfer.sent.length === 0) {
                this.box.replaceChildren(element("p", {class: "hint"}, "There is no TCP connection with data."));
                return;
            }
            const state = strata.windowsAt(model, c, transfer, app.time);
            const segment = transfer.segment;
            const paper = paperOf(state, segment);
            const allowed = Math.min(state.edge, state.cwnd === null ? Infinity : state.una + state.cwnd);
            const names = [strata.endName(model, c, transfer.side), strata.endName(model, c, 1 - transfer.side)];
            this.box.replaceChildren(
                element("h3", {}, "Sender: " + names[0]), this.sender(paper, state, allowed),
                element("p", {}, this.senderWords(state, allowed)),
                element("h3", {}, "Receiver: " + names[1]), this.receiver(paper, state),
                element("p", {}, this.receiverWords(state)),
                cellLegend(paper.cell, segment));
        }

        sender(paper, state, allowed) {
            const classOf = (start, end) => end <= state.una ? "done"
                : start < state.next ? overlaps(state.again, start, end) ? "again" : "flight"
                    : start < allowed ? "room" : "shut";
            return element("div", {class: "window-row"}, svg("svg",
                {viewBox: `0 0 ${WIDE} 124`, role: "img", "aria-label": this.senderWords(state, allowed)},
                ...bracket(paper, state.una, state.edge, 22, "offered window " + strata.amount(state.window)),
                ...(state.cwnd === null ? [] : bracket(paper, state.una, state.una + state.cwnd, 46,
                    "cwnd " + strata.amount(state.cwnd))),
                ...row(paper, 52, classOf),
                ...mark(paper, state.una, 82, "snd_una", state.una),
                ...(paper.x(state.next) - paper.x(state.una) > 70 ? mark(paper, state.next, 82, "snd_nxt", state.next) : [])));
        }
        senderWords(state, allowed) {
            return "Acknowledged up to " + state.una + "; " + strata.amount(state.next - state.una) +
                " sent and not acknowledged; may send " + strata.amount(Math.max(0, allowed - state.next)) + " more" +
                (state.cwnd === null ? "" : "; cwnd " + strata.amount(state.cwnd) +
                    (state.ssthresh > 0 ? ", ssthresh " + strata.amount(state.ssthresh) : "")) +
                "; offered window " + strata.amount(state.window) + ".";
        }
        receiver(paper, state) {
            const classOf = (start, end) => end <= state.received ? "done"
                : overlaps(state.early, start, end) ? "early" : start < state.receivedEdge ? "room" : "shut";
            return element("div", {class: "window-row"}, svg("svg",
                {viewBox: `0 0 ${WIDE} 100`, role: "img", "aria-label": this.receiverWords(state)},
                ...bracket(paper, state.received, state.receivedEdge, 22, "window it offers " +
                    strata.amount(state.receivedEdge - state.received)),
                ...row(paper, 28, classOf),
                ...mark(paper, state.received, 58, "rcv_nxt", state.received)));
        }
        receiverWords(state) {
            let early = 0, top = state.received;
            for (const [from, to] of state.early) {
                early += Math.max(0, to - Math.max(from, top));
                top = Math.max(top, to);
            }
            return "Received and acknowledged up to " + state.received + "; " +
                (early > 0 ? strata.amount(early) + " arrived and not acknowledged yet" : "nothing is waiting behind it") +
                "; offers " + strata.amount(state.receivedEdge - state.received) + ".";
        }
    }

    function cellLegend(cell, segment) {
        const entries = [["done", "acknowledged"], ["flight", "sent, not acknowledged"], ["again", "sent again"],
            ["early", "arrived, not acknowledged yet"], ["room", "inside the window"], ["shut", "outside"]];
        return element("ul", {class: "legend"}, entries.map(([name, words]) => element("li", {},
            svg("svg", {width: 16, height: 14, "aria-hidden": "true"},
                svg("rect", {x: 1, y: 1, width: 13, height: 12, rx: 2, class: "cell " + name})), words)),
        element("li", {}, cell === segment ? "a cell is a segment of " + segment + " bytes"
            : "a cell is " + cell / segment + " segments of " + segment + " bytes"));
    }

    strata.Windows = Windows;
})(globalThis.strata = globalThis.strata || {});
