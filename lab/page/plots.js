/*
 * The curves, drawn by uPlot: sequence numbers against time as Stevens drew them, windows, round-trip times, queues and
 * what arrives. All show the same stretch of time: to zoom one is to zoom all.
 */
(function (strata) {
    "use strict";

    const {app, byId, element} = strata;
    const PIECES = 240, HEIGHT = 200;

    const axisOf = () => ({stroke: () => strata.colour("quiet"), grid: {stroke: () => strata.colour("line"), width: 1},
        ticks: {stroke: () => strata.colour("line"), width: 1}, font: "12px system-ui, sans-serif"});
    const bytes = (value) => value === null || value === undefined ? "–" : strata.amount(value);
    const axisBytes = (plot, values) => values.map((value) =>
        value >= 1e6 ? value / 1e6 + " MB" : value >= 1e4 ? value / 1e3 + " kB" : value + "");

    class Plots {
        constructor() {
            this.plots = [];
            this.box = byId("plots");
            this.side = 0;
            this.talk = -1;
            byId("curve-talk").addEventListener("change", (event) => this.choose(Number(event.target.value)));
            byId("side-a").addEventListener("click", () => this.setSide(0));
            byId("side-b").addEventListener("click", () => this.setSide(1));
            const move = (shift, factor) => () => {
                const width = app.to - app.from, middle = (app.from + app.to) / 2 + shift * width;
                app.show(middle - width * factor / 2, middle + width * factor / 2);
            };
            byId("time-left").addEventListener("click", move(-0.3, 1));
            byId("time-right").addEventListener("click", move(0.3, 1));
            byId("time-in").addEventListener("click", move(0, 0.5));
            byId("time-out").addEventListener("click", move(0, 2));
            byId("time-all").addEventListener("click", () => this.showAll());
            new ResizeObserver(strata.soon(() => this.resize())).observe(this.box);
            this.follow = strata.soon(() => this.redraw());
            this.point = strata.soon(() => this.moment());
        }

        showAll() {
            const c = app.model.conversations[this.talk];
            app.show(c ? Math.max(0, c.first - (c.last - c.first) * 0.02) : 0,
                c ? c.last + (c.last - c.first) * 0.02 : app.model.now);
        }

        /** The TCP conversations, busiest first. */
        offer() {
            const list = app.model.conversations.map((c, i) => ({c, i})).filter(({c}) => c && c.kind === "TCP");
            list.sort((a, b) => b.c.bytes - a.c.bytes || a.i - b.i);
            this.offered = list.slice(0, 300);
            byId("curve-talk").replaceChildren(...this.offered.map(({c, i}) =>
                element("option", {value: i}, strata.conversationName(app.model, c))));
            byId("curve-talk").disabled = this.offered.length === 0;
            if (!app.model.conversations[this.talk] && this.offered.length)
                this.talk = this.offered[0].i;
            byId("curve-talk").value = String(this.talk);
        }
        /** Somebody chose a conversation elsewhere: the curves follow if it has any. */
        chosen() {
            const c = app.model.conversations[app.talk];
            if (c && c.kind === "TCP" && app.talk !== this.talk)
                this.choose(app.talk);
        }
        choose(talk) {
            this.talk = talk;
            byId("curve-talk").value = String(talk);
            this.side = strata.senderOf(app.model, app.model.conversations[talk]);
            this.load();
            this.showAll();
            app.tell("transfer");
        }
        setSide(side) {
            this.side = side;
            this.load();
            app.tell("transfer");
        }

        load() {
            const c = app.model.conversations[this.talk];
            for (let side = 0; side < 2; side++) {
                const button = byId(side ? "side-b" : "side-a");
                button.textContent = c ? strata.endName(app.model, c, side) + " sends" : "";
                button.hidden = !c;
                button.setAttribute("aria-pressed", this.side === side);
            }
            this.transfer = c ? strata.transferOf(app.model, c, this.side) : null;
            for (const plot of this.plots)
                plot.destroy();
            this.plots = [];
            this.box.replaceChildren();
            if (this.transfer) {
                this.stevens(c);
                this.congestion(c);
                this.roundTrips(c);
                this.goodput();
            }
            this.queues();
            if (this.box.children.length === 0)
                this.box.append(element("p", {class: "hint"}, "No TCP connection and no queue: nothing to draw."));
        }

        make(title, explanation, options, data) {
            const holder = element("div", {class: "plot"}, element("h3", {}, title),
                explanation ? element("p", {class: "hint"}, explanation) : null);
            this.box.append(holder);
            if (data[0].length === 0) {
                holder.append(element("p", {class: "nothing"}, "Nothing was measured."));
                return;
            }
            const plot = new uPlot(Object.assign({
                width: this.width(), height: HEIGHT,
                cursor: {sync: {key: "time"}, drag: {x: true, y: false}, points: {size: 6}},
                legend: {live: true},
                hooks: {},
            }, options, {
                scales: Object.assign({x: {time: false, range: () => [app.from / 1e9, app.to / 1e9]}}, options.scales),
                series: [{label: "time", value: (_, value) => value === null ? "–" : value.toFixed(6) + " s"}]
                    .concat(options.series),
                axes: [Object.assign(axisOf(), {size: 36, values: (_, values) => values.map((value) => value + " s")}),
                    Object.assign(axisOf(), {size: 64}, options.axis)],
                hooks: {
                    draw: options.paint ? [options.paint] : [],
                    setSize: [(drawn) => drawn.marks && this.mark(drawn)],
                    setSelect: [(drawn) => {
                        const {left, width} = drawn.select;
                        if (width > 3)
                            app.show(drawn.posToVal(left, "x") * 1e9, drawn.posToVal(left + width, "x") * 1e9);
                        drawn.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
                    }],
                },
            }), data, holder);
            // Its own answer to a double click would show what is there; ours shows the conversation, everywhere.
            plot.over.addEventListener("dblclick", (event) => {
                event.stopImmediatePropagation();
                this.showAll();
            }, true);
            plot.usual = options.height || HEIGHT;
            plot.marks = {view: element("div", {class: "plot-view"}), clock: element("div", {class: "plot-clock"})};
            plot.over.append(plot.marks.view, plot.marks.clock);
            this.mark(plot);
            this.plots.push(plot);
        }
        width() {
            return Math.max(260, this.box.clientWidth);
        }
        resize() {
            for (const plot of this.plots)
                plot.setSize({width: this.width(), height: plot.usual});
        }
        redraw() {
            for (const plot of this.plots)
                plot.setScale("x", {min: app.from / 1e9, max: app.to / 1e9});
            this.moment();
            byId("time-range").textContent = strata.seconds(app.from, 6) + " to " + strata.seconds(app.to, 6) + " s";
        }
        retheme() {
            for (const plot of this.plots)
                plot.redraw(false, true);
        }

        /** Where the player stands, and what the diagram shows: marks over the curves, which need not be drawn anew. */
        moment() {
            for (const plot of this.plots)
                this.mark(plot);
        }
        mark(plot) {
            const wide = plot.over.clientWidth, at = (time) => (time - app.from) / (app.to - app.from) * wide;
            const inside = (x) => Math.max(0, Math.min(wide, x));
            const x = at(app.time), {view, clock} = plot.marks;
            clock.hidden = app.time <= 0 || x < 0 || x > wide;
            clock.style.transform = "translateX(" + x + "px)";
            view.hidden = !app.view;
            if (app.view) {
                const left = inside(at(app.view[0]));
                view.style.left = left + "px";
                view.style.width = Math.max(2, inside(at(app.view[1])) - left) + "px";
            }
        }

        /* ---- Stevens ------------------------------------------------------------------------------------------- */

        stevens() {
            const {sent, heard} = this.transfer;
            const x = [], top = [];
            for (const one of sent) {
                x.push(one.time / 1e9);
                top.push(one.end);
            }
            this.make("Sequence numbers against time",
                "Each segment is a bar from its first to its last byte, as it leaves the sender. Below them what has " +
                "been acknowledged, above them how far the receiver's window reaches.", {
                    height: 300,
                    scales: {y: {range: () => this.sequenceRange(sent, heard)}},
                    series: [{label: "sent up to", value: (_, value) => bytes(value), stroke: () => strata.colour("data"),
                        paths: () => null, points: {show: false}}],
                    axis: {values: axisBytes},
                    paint: (plot) => this.paintStevens(plot),
                }, [x, top]);
            const holder = this.box.lastElementChild;
            holder.append(legend([["data", "data"], ["again", "sent again"], ["lost", "lost"],
                ["syn", "acknowledged"], ["icmp", "edge of the window"]]));
        }
        /** The bytes of the time that is shown, not those of the whole run. */
        sequenceRange(sent, heard) {
            const first = Math.max(0, strata.lastBefore(sent, app.from, (one) => one.time));
            const last = strata.lastBefore(sent, app.to, (one) => one.time);
            let low = Infinity, high = 0;
            for (let i = first; i <= last; i++) {
                low = Math.min(low, sent[i].start);
                high = Math.max(high, sent[i].end);
            }
            const ack = heard[strata.lastBefore(heard, app.from, (one) => one.time)];
            if (ack)
                low = Math.min(low, ack.ack);
            if (low >= high)
                return [0, Math.max(1, high)];
            const room = (high - low) * 0.06;
            return [Math.max(0, low - room), high + room];
        }
        paintStevens(plot) {
            const {ctx, bbox} = plot, {sent, heard} = this.transfer, ratio = devicePixelRatio;
            const x = (time) => plot.valToPos(time / 1e9, "x", true), y = (value) => plot.valToPos(value, "y", true);
            ctx.save();
            ctx.beginPath();
            ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
            ctx.clip();
            this.stairs(ctx, heard, (one) => one.ack, x, y, strata.colour("syn"), 1.6 * ratio);
            this.stairs(ctx, heard, (one) => one.edge, x, y, strata.colour("icmp"), 1.2 * ratio);
            const first = Math.max(0, strata.lastBefore(sent, app.from, (one) => one.time));
            const last = strata.lastBefore(sent, app.to, (one) => one.time);
            const crosses = [];
            let lastKey = "";
            for (let i = first; i <= last; i++) {
                const one = sent[i], px = Math.round(x(one.time)), y1 = y(one.start), y2 = y(one.end);
                const key = px + "." + Math.round(y1 / 2) + "." + one.again;
                if (one.lost)
                    crosses.push([px, (y1 + y2) / 2]);
                if (key === lastKey)
                    continue;
                lastKey = key;
                ctx.fillStyle = strata.colour(one.again ? "again" : "data");
                const wide = (one.again ? 3 : 2) * ratio, tall = Math.max(2 * ratio, y1 - y2);
                ctx.fillRect(px - wide / 2, (y1 + y2) / 2 - tall / 2, wide, tall);
            }
            ctx.strokeStyle = strata.colour("lost");
            ctx.lineWidth = 2 * ratio;
            ctx.beginPath();
            for (const [px, py] of crosses) {
                const arm = 4 * ratio;
                ctx.moveTo(px - arm, py - arm);
                ctx.lineTo(px + arm, py + arm);
                ctx.moveTo(px + arm, py - arm);
                ctx.lineTo(px - arm, py + arm);
            }
            ctx.stroke();
            ctx.restore();
        }
        stairs(ctx, list, value, x, y, colour, width) {
            const first = Math.max(0, strata.lastBefore(list, app.from, (one) => one.time));
            ctx.strokeStyle = colour;
            ctx.lineWidth = width;
            ctx.beginPath();
            let most = 0, lastX = -1, begun = false, py = 0;
            for (let i = first; i < list.length; i++) {
                most = Math.max(most, value(list[i]));
                const px = Math.round(x(list[i].time));
                if (begun && px === lastX)
                    continue;
                if (begun)
                    ctx.lineTo(px, py);
                py = y(most);
                begun ? ctx.lineTo(px, py) : ctx.moveTo(px, py);
                begun = true;
                lastX = px;
                if (list[i].time > app.to)
                    break;
            }
            ctx.stroke();
        }

        /* ---- The others ---------------------------------------------------------------------------------------- */

        congestion(c) {
            const tcp = app.model.tcpOf(c, this.side);
            const time = tcp ? tcp.cwnd.time.map((at) => at / 1e9) : [];
            const values = tcp ? tcp.cwnd.values : {};
            const offered = this.transfer.heard.map((ack) => ack.edge - ack.ack);
            const tables = [[time, values.cwnd || [], (values.ssthresh || []).map((v) => v < 0 ? null : v),
                values.flight || []]];
            if (offered.length)
                tables.push([this.transfer.heard.map((ack) => ack.time / 1e9), offered]);
            const data = time.length ? joined(tables) : [[]];
            this.make("Windows of the sender", null, {
                scales: {y: {range: (_, low, high) => [0, Math.max(1, high * 1.08)]}},
                series: [steps("cwnd", "data", 2), steps("ssthresh", "again", 1.5, [8, 5]),
                    steps("flight", "pure", 1.2)].concat(offered.length ? [Object.assign(
                    steps("offered window", "icmp", 1.2, [2, 3]), {show: reasonable(offered, values.cwnd || [])})] : []),
                axis: {values: axisBytes},
            }, data);
        }
        roundTrips(c) {
            const tcp = app.model.tcpOf(c, this.side);
            const values = tcp ? tcp.rtt.values : {}, ms = (list) => (list || []).map((value) => value / 1e6);
            const text = (_, value) => value === null || value === undefined ? "–" : strata.span(value * 1e6);
            this.make("Round-trip time and timeout", null, {
                scales: {y: {range: (_, low, high) => [0, Math.max(0.001, high * 1.08)]}},
                series: [
                    {label: "sample", stroke: () => strata.colour("dns"), paths: () => null, value: text,
                        points: {show: true, size: 4, stroke: () => strata.colour("dns")}},
                    Object.assign(steps("smoothed", "data", 2), {value: text}),
                    Object.assign(steps("timeout", "lost", 1.5, [8, 5]), {value: text})],
                axis: {values: (_, list) => list.map((value) => value + " ms")},
            }, [tcp ? tcp.rtt.time.map((at) => at / 1e9) : [], ms(values.sample), ms(values.srtt), ms(values.rto)]);
        }
        goodput() {
            const c = app.model.conversations[this.talk];
            const {time, bits} = strata.goodputOf(this.transfer, c.first, Math.max(c.last, c.first + 1), PIECES);
            const text = (_, value) => value === null || value === undefined ? "–" : strata.rate(value);
            this.make("What arrives", null, {
                height: 160,
                scales: {y: {range: (_, low, high) => [0, Math.max(1, high * 1.08)]}},
                series: [{label: "new bytes", stroke: () => strata.colour("syn"), width: 1.5, value: text,
                    fill: () => strata.colour("transport-fill"), paths: uPlot.paths.stepped({align: 1}),
                    points: {show: false}}],
                axis: {values: (_, list) => list.map((value) => strata.rate(value)), size: 84},
            }, [time.map((at) => at / 1e9), bits]);
        }
        queues() {
            const list = [...app.model.queues.values()].map((queue) => ({queue,
                most: queue.length.values.frames ? greatest(queue.length.values.frames) : 0}));
            const busy = list.filter(({most}) => most > 0).sort((a, b) => b.most - a.most ||
                a.queue.cable - b.queue.cable || a.queue.direction - b.queue.direction).slice(0, 6);
            if (busy.length === 0)
                return;
            const looks = [["data", []], ["again", [8, 5]], ["syn", [2, 3]], ["lost", []], ["icmp", [8, 5]], ["arp", []]];
            this.make("Frames that wait for a cable", null, {
                scales: {y: {range: (_, low, high) => [0, Math.max(1, high * 1.08)]}},
                series: busy.map(({queue}, i) => {
                    const cable = app.model.cables[queue.cable];
                    const ends = [cable.a, cable.b].map((node) => app.model.nodeName(node));
                    const name = queue.direction ? ends[1] + " → " + ends[0] : ends[0] + " → " + ends[1];
                    return Object.assign(steps(name, looks[i][0], 1.5, looks[i][1]),
                        {value: (_, value) => value === null || value === undefined ? "–" : String(value)});
                }),
            }, joined(busy.map(({queue}) =>
                [queue.length.time.map((at) => at / 1e9), queue.length.values.frames])));
        }

        /** For paper, and for a page that changed its width. */
        forPrint(width) {
            for (const plot of this.plots)
                plot.setSize({width, height: 200});
        }
    }

    function steps(label, colour, width, dash) {
        return {label, width, dash, stroke: () => strata.colour(colour), spanGaps: true,
            paths: uPlot.paths.stepped({align: 1}), points: {show: false},
            value: (_, value) => bytes(value)};
    }
    function greatest(list) {
        let most = 0;
        for (const value of list)
            most = Math.max(most, value);
        return most;
    }
    /** A window that is far above everything else would press the others to the floor. */
    function reasonable(offered, cwnd) {
        return greatest(offered) < 4 * greatest(cwnd);
    }
    /** Tables of times and values as one; every column goes on with its last value. */
    function joined(tables) {
        const data = tables.length > 1 ? uPlot.join(tables) : tables[0].map((column) => Array.from(column));
        for (const column of data.slice(1)) {
            let last = null;
            for (let i = 0; i < column.length; i++)
                if (column[i] === undefined || (column[i] === null && tables.length > 1))
                    column[i] = last;
                else
                    last = column[i];
        }
        return data;
    }
    function legend(entries) {
        return element("ul", {class: "legend"}, entries.map(([colour, words]) => {
            const box = strata.svg("rect", {x: 1, y: 2, width: 10, height: 10, rx: 2});
            box.style.fill = "var(--" + colour + ")";
            return element("li", {}, strata.svg("svg", {width: 13, height: 14, "aria-hidden": "true"}, box), words);
        }));
    }

    strata.Plots = Plots;
    strata.legend = legend;
})(globalThis.strata = globalThis.strata || {});
