/*
 * The network, drawn: nodes, cables, what was lost on them, and the frames that are under way at the moment of the
 * player.
 */
(function (strata) {
    "use strict";

    const {app, byId, element, svg} = strata;
    const DOTS_MOST = 400;

    class Topology {
        constructor() {
            this.box = byId("topology");
            this.chosen = null;
            this.moment = strata.soon(() => this.paintDots());
            new ResizeObserver(strata.soon(() => this.resize())).observe(this.box);
        }

        place() {
            const model = app.model;
            if (!model.place || model.place.x.length !== model.vertices)
                model.place = strata.layout(model.vertices, model.edges, 2.4);
            return model.place;
        }
        resize() {
            if (app.model && app.model.revision > 0 && this.box.clientWidth !== this.width)
                this.load();
        }

        load() {
            const model = app.model, place = this.place(), n = model.nodes.length;
            this.width = this.box.clientWidth || 800;
            const spread = Math.max(...place.y, 0.5) - Math.min(...place.y, 0.5);
            const wide = this.width, inside = wide - 130;
            this.small = n > 60 || wide < 480;
            const tall = Math.max(140, Math.min(560, 130 + spread * Math.max(260, Math.min(inside / 2.4, 420)) *
                (n > 60 ? 1.3 : 1)));
            const least = Math.min(...place.y, 0.5), span = spread || 1;
            this.at = Array.from({length: model.vertices}, (_, i) => [65 + place.x[i] * inside,
                spread < 0.01 ? tall / 2 - 8 : 62 + (place.y[i] - least) / span * (tall - 124)]);
            this.dots = svg("g", {"aria-hidden": "true"});
            this.drawing = svg("svg", {viewBox: `0 0 ${wide} ${tall}`, role: "group",
                "aria-label": "The network: " + n + " nodes and " + model.cables.length + " cables"},
            model.cables.map((cable, i) => this.cable(cable, i)), this.dots, model.nodes.map((node, i) => this.node(node, i)));
            this.box.replaceChildren(this.drawing);
            this.paintDots();
        }

        cable(cable, index) {
            const lost = cable.directions.reduce((sum, d) => sum + (d.lost || 0) + (d.lost_queue || 0) + (d.lost_down || 0), 0);
            const [forward, backward] = cable.directions.map(strata.cableWords);
            const words = cable.bus ? strata.count(cable.bus.collisions) + " collisions"
                : forward === backward ? forward : [forward || "plain", backward || "plain"].join(" | ");
            const group = svg("g", {class: "cable-group", tabindex: 0, role: "button",
                "aria-label": (cable.bus ? "Bus " : "Cable ") + cable.name + (words ? ": " + words : "") +
                    (lost ? ", " + lost + " lost" : "")},
            cable.bus ? this.bus(cable, words, lost) : this.line(cable, words, lost));
            return this.choosable(group, "cable", index);
        }
        line(cable, words, lost) {
            const [x1, y1] = this.at[cable.a], [x2, y2] = this.at[cable.b], path = `M${x1} ${y1} L${x2} ${y2}`;
            const long = Math.hypot(x2 - x1, y2 - y1);
            let angle = Math.atan2(y2 - y1, x2 - x1) * 180 / Math.PI;
            if (angle > 90 || angle <= -90)
                angle += 180;
            const turn = `translate(${(x1 + x2) / 2} ${(y1 + y2) / 2}) rotate(${angle})`;
            const fits = words.length * 5.9 < long - 60;
            return [svg("path", {class: "cable" + (cable.up ? "" : " cut"), d: path}),
                svg("path", {class: "cable-hit", d: path}),
                words && fits && !this.small ? svg("text", {class: "cable-name halo", transform: turn, y: -8}, words) : null,
                lost && long > 70 ? svg("text", {class: "cable-lost halo", transform: turn, y: 17},
                    "✗ " + strata.count(lost) + " lost") : null];
        }
        /** A bus: what ties its stations, with a line to each. */
        bus(cable, words, lost) {
            const [x, y] = this.at[cable.vertex];
            const path = cable.stations.map(([node]) => `M${x} ${y} L${this.at[node][0]} ${this.at[node][1]}`).join(" ");
            return [svg("path", {class: "cable" + (cable.up ? "" : " cut"), d: path}),
                svg("path", {class: "cable-hit", d: path}),
                svg("rect", {class: "bus-shape", x: x - 52, y: y - 7, width: 104, height: 14, rx: 7}),
                svg("text", {class: "node-name halo", x, y: y - 14}, cable.name),
                svg("text", {class: "cable-name halo", x, y: y + 22}, words),
                lost ? svg("text", {class: "cable-lost halo", x, y: y + 36}, "✗ " + strata.count(lost) + " lost") : null];
        }

        node(node, index) {
            const [x, y] = this.at[index], r = this.small ? 9 : 17;
            const group = svg("g", {class: "node-group" + (node.down ? " down" : ""), tabindex: 0, role: "button",
                transform: `translate(${x} ${y})`,
                "aria-label": node.kind + " " + node.name + (node.down ? ", crashed" : "")}, shape(node.kind, r));
            if (app.model.nodes.length <= 60) {
                const addressed = !this.small && node.addresses.length > 0, above = this.hangs(index);
                group.append(svg("text", {class: "node-name halo", y: above ? -r - (addressed ? 23 : 8) : r + 17}, node.name));
                if (addressed)
                    group.append(svg("text", {class: "node-address halo", y: above ? -r - 8 : r + 32},
                        node.addresses[0][1] + (node.addresses.length > 1 ? " +" + (node.addresses.length - 1) : "")));
            }
            return this.choosable(group, "node", index);
        }

        /** Whether its cables go down rather than up, so that its name is better above it. */
        hangs(index) {
            let down = 0;
            for (const cable of app.model.edges)
                if (cable.a === index || cable.b === index) {
                    const other = this.at[cable.a === index ? cable.b : cable.a], own = this.at[index];
                    const far = Math.hypot(other[0] - own[0], other[1] - own[1]) || 1;
                    down += (other[1] - own[1]) / far;
                }
            return down > 0.5;
        }

        choosable(group, kind, index) {
            const choose = () => {
                for (const old of this.drawing.querySelectorAll(".chosen"))
                    old.classList.remove("chosen");
                group.classList.add("chosen");
                this.chosen = {kind, index};
                this.details();
            };
            group.addEventListener("click", choose);
            group.addEventListener("keydown", (event) => {
                if (event.key === "Enter" || event.key === " ") {
                    event.preventDefault();
                    choose();
                }
            });
            if (this.chosen && this.chosen.kind === kind && this.chosen.index === index)
                group.classList.add("chosen");
            return group;
        }

        /** What is known of the chosen node or cable. */
        details() {
            if (!this.chosen)
                return;
            const {kind, index} = this.chosen, model = app.model;
            const parts = kind === "node" ? nodeDetails(model, model.nodes[index]) : cableDetails(model, model.cables[index]);
            if (strata.liveActions)
                parts.push(strata.liveActions(kind, index));
            byId("thing").replaceChildren(...parts);
        }

        /** Frames that are on a cable at the moment of the player. */
        paintDots() {
            const model = app.model;
            if (!model || !this.dots)
                return;
            const f = model.frames, time = app.time, shown = [];
            const longest = this.longestFlight();
            for (let i = strata.lowerBound(f.sent, time - longest, f.count); i < f.count && f.sent[i] <= time; i++) {
                const took = this.took(i), end = f.sent[i] + took, lost = f.fate[i] === strata.FATE.lost;
                if (shown.length >= DOTS_MOST || time > end || (time === end && took > 0))
                    continue;
                const share = took > 0 ? (time - f.sent[i]) / took : 0.5;
                const [x, y] = this.underWay(model.cables[f.cable[i]], this.at[f.from[i]], this.at[f.to[i]], share);
                const dot = svg("circle", {class: "dot", r: f.length[i] > 200 ? 6 : 4.2,
                    cx: x, cy: y});
                dot.style.fill = "var(--" + (lost ? "lost" : strata.KINDS[strata.kindOf(model, i)].colour) + ")";
                shown.push(dot);
            }
            this.dots.replaceChildren(...shown);
        }
        /** Where a frame is that has gone so much of its way; over a bus it goes by the middle. */
        underWay(cable, from, to, share) {
            if (cable.stations) {
                const middle = this.at[cable.vertex];
                [from, to, share] = share < 0.5 ? [from, middle, share * 2] : [middle, to, share * 2 - 1];
            }
            return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
        }

        /** How long a frame is on its cable; one that has not arrived yet, as long as the cable needs at least. */
        took(i) {
            const f = app.model.frames;
            if (f.fate[i] !== strata.FATE.underWay)
                return f.took[i];
            const is = app.model.cables[f.cable[i]].directions[f.direction[i]];
            return (is.delay || 0) + (is.rate ? f.length[i] * 8e9 / is.rate : 0);
        }
        /** No frame is under way longer than that. */
        longestFlight() {
            const model = app.model;
            if (this.counted !== model.revision) {
                this.counted = model.revision;
                this.longest = 0;
                for (let i = 0; i < model.frames.count; i++)
                    this.longest = Math.max(this.longest, this.took(i));
            }
            return this.longest;
        }
    }

    function shape(kind, r) {
        const arrow = (x, y, dx, dy) => `M${x} ${y} l${dx} ${dy}`;
        if (kind === "router")
            return [svg("circle", {class: "node-shape", r}), svg("path", {class: "node-mark",
                d: arrow(-r * 0.6, 0, r * 1.2, 0) + arrow(0, -r * 0.6, 0, r * 1.2)})];
        if (kind === "switch" || kind === "hub")
            return [svg("rect", {class: "node-shape", x: -r, y: -r * 0.7, width: 2 * r, height: 1.4 * r, rx: 3}),
                svg("path", {class: "node-mark", d: kind === "switch"
                    ? arrow(-r * 0.6, -r * 0.25, r * 1.2, 0) + arrow(-r * 0.6, r * 0.25, r * 1.2, 0)
                    : arrow(-r * 0.6, 0, r * 1.2, 0)})];
        return [svg("rect", {class: "node-shape", x: -r, y: -r, width: 2 * r, height: 1.45 * r, rx: 4}),
            svg("path", {class: "node-mark", d: arrow(-r * 0.6, r * 0.85, r * 1.2, 0) + arrow(0, r * 0.45, 0, r * 0.4)})];
    }

    function nodeDetails(model, node) {
        return [element("h3", {}, node.name + ", " + node.kind + (node.down ? ", crashed" : "")),
            element("p", {}, node.addresses.length ? node.addresses.map(([port, address]) =>
                "eth" + port + " " + address).join(", ") : "no addresses"),
            element("details", {open: node.counters.length < 12}, element("summary", {}, "Counters"),
                strata.counterTable(model, node))];
    }
    function busDetails(model, cable) {
        const counts = Object.entries(cable.bus).filter(([, value]) => value > 0).map(([name, value]) =>
            [name.replace("_ppm", "").replace("_", " "), name.endsWith("_ppm") ? strata.share(value) : strata.count(value)]);
        return [element("h3", {}, "Bus " + cable.name + (cable.up ? "" : ", cut")),
            element("p", {}, cable.stations.map(([node, port]) => model.nodeName(node) + ":eth" + port).join(", ")),
            strata.table(["counter", "#value"], counts)];
    }
    function cableDetails(model, cable) {
        if (cable.bus)
            return busDetails(model, cable);
        const ends = [model.nodeName(cable.a) + ":eth" + cable.port_a, model.nodeName(cable.b) + ":eth" + cable.port_b];
        const names = [["sent", "sent"], ["delivered", "delivered"], ["lost", "lost"], ["lost_queue", "lost in the queue"],
            ["lost_down", "lost to cuts"], ["marked", "marked"], ["duplicated", "doubled"], ["reordered", "out of order"],
            ["corrupted", "damaged"], ["queue_most", "waited at most"]];
        const words = (d) => (strata.cableWords(d) || "no limits") + ": " + names.filter(([name]) => d[name])
            .map(([name, said]) => strata.count(d[name]) + " " + said).join(", ") +
            (d.bytes_delivered ? ", " + strata.amount(d.bytes_delivered) : "");
        return [element("h3", {}, "Cable " + cable.name + (cable.up ? "" : ", cut")),
            element("p", {}, ends[0] + " → " + ends[1] + ": " + words(cable.directions[0]), element("br"),
                ends[1] + " → " + ends[0] + ": " + words(cable.directions[1]))];
    }

    strata.Topology = Topology;
})(globalThis.strata = globalThis.strata || {});
