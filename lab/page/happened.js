/*
 * What happened, line by line: frames where they begin, what went wrong with them, what programs say, notes, states of
 * TCP. Only the lines that are seen are in the document.
 */
(function (strata) {
    "use strict";

    const {app, byId, element} = strata;
    const LINE = 24, HEIGHT_MOST = 6e6, PRINTED = 400;

    class Happened {
        constructor() {
            this.box = byId("events");
            this.spacer = byId("events-spacer");
            this.current = -1;
            this.draw = strata.soon(() => this.paint());
            this.box.addEventListener("scroll", this.draw, {passive: true});
            this.box.addEventListener("keydown", (event) => this.key(event));
            byId("event-filter").addEventListener("change", () => this.load());
            byId("event-search").addEventListener("input", () => this.load());
            new ResizeObserver(this.draw).observe(this.box);
        }

        /** The lines in order: at or above 0 a frame; below, -1 - index of an event; with losses a line of their own. */
        load() {
            const model = app.model, f = model.frames, lines = [], times = [];
            const filter = byId("event-filter").value, search = byId("event-search").value.trim().toLowerCase();
            const talk = filter === "talk" ? app.talk : -1;
            let event = 0;
            const add = (line, time) => {
                if (search && !this.wordsOf(line).join(" ").toLowerCase().includes(search))
                    return;
                lines.push(line);
                times.push(time);
            };
            for (let frame = 0; frame <= f.count; frame++) {
                const until = frame < f.count ? f.sent[frame] : Infinity;
                for (; event < model.events.count && model.events.time[event] <= until; event++)
                    if (this.wantsEvent(event, filter))
                        add(-1 - event, model.events.time[event]);
                if (frame < f.count && this.wantsFrame(frame, filter, talk))
                    add(frame, f.sent[frame]);
            }
            this.lines = lines;
            this.times = times;
            this.current = -1;
            byId("event-count").textContent = strata.count(lines.length) + (lines.length === 1 ? " line" : " lines");
            this.spacer.style.height = Math.min(lines.length * LINE, HEIGHT_MOST) + "px";
            this.draw();
        }
        wantsFrame(frame, filter, talk) {
            const f = app.model.frames;
            const trouble = f.fate[frame] === strata.FATE.lost || (f.flags[frame] & 30) !== 0;
            if (filter === "words")
                return false;
            if (filter === "trouble")
                return trouble || (f.journey[frame] === frame && (f.flags[frame] & strata.FLAG.again) !== 0);
            if (talk >= 0 && f.conversation[frame] !== talk)
                return false;
            return f.journey[frame] === frame || trouble;
        }
        wantsEvent(event, filter) {
            const kind = app.model.events.kind[event];
            if (filter === "trouble")
                return kind === strata.EVENT.drop;
            if (filter === "talk")
                return false;
            return filter === "words" ? kind !== strata.EVENT.drop : true;
        }

        /** @return [who, what, class] */
        wordsOf(line) {
            const model = app.model;
            if (line >= 0) {
                const who = model.nodeName(model.from(line)) + " → " + model.nodeName(
                    model.frames.journey[line] === line ? model.to(model.lastHop[line]) : model.to(line));
                const trouble = strata.trouble(model, line);
                const lost = model.frames.fate[line] === strata.FATE.lost;
                const again = model.frames.flags[line] & strata.FLAG.again;
                return [who, strata.describe(model, line, true) + (trouble ? "  " + (lost ? trouble.toUpperCase() : trouble)
                    : ""), trouble ? "trouble" : again ? "again" : ""];
            }
            const events = model.events, i = -1 - line, kind = events.kind[i];
            const node = events.node[i] >= 0 ? model.nodeName(events.node[i])
                : events.cable[i] >= 0 ? model.cables[events.cable[i]].name : "the lab";
            const text = model.texts[events.text[i]] || "";
            if (kind === strata.EVENT.print)
                return [node, "| " + text.replace(/\n/g, "  ⏎  "), "says"];
            if (kind === strata.EVENT.start)
                return [node, "starts " + text, "says"];
            if (kind === strata.EVENT.end)
                return [node, text + (events.value[i] === 0 ? " ends" : " ends with status " + events.value[i]),
                    events.value[i] === 0 ? "says" : "says trouble"];
            if (kind === strata.EVENT.drop)
                return [node, "drops: " + text, "trouble"];
            return [node, text, "note"];
        }

        paint() {
            if (!this.lines)
                return;
            const height = this.box.clientHeight, count = this.lines.length;
            // Beyond what a browser can make high, the scrolled share of the box is the share of the lines.
            const whole = count * LINE, tall = Math.min(whole, HEIGHT_MOST);
            const shift = whole > tall && tall > height
                ? this.box.scrollTop / (tall - height) * (whole - height) - this.box.scrollTop : 0;
            const first = Math.max(0, Math.floor((this.box.scrollTop + shift) / LINE) - 4);
            const last = Math.min(count, Math.ceil((this.box.scrollTop + shift + height) / LINE) + 4);
            const shown = [];
            for (let i = first; i < last; i++)
                shown.push(this.line(i, i * LINE - shift));
            this.spacer.replaceChildren(...shown);
            if (this.current >= 0)
                this.box.setAttribute("aria-activedescendant", "line-" + this.current);
        }
        line(i, top) {
            const line = this.lines[i], [who, what, name] = this.wordsOf(line);
            const chosen = i === this.current || (line >= 0 && line === app.frame);
            const made = element("div", {class: "line " + name + (chosen ? " chosen" : ""), role: "option",
                id: "line-" + i, "aria-selected": String(chosen), onclick: () => this.choose(i)},
            element("span", {class: "when"}, strata.seconds(this.times[i])), element("span", {class: "who"}, who),
            element("span", {class: "what", title: what}, what));
            made.style.top = top + "px";
            return made;
        }
        choose(i) {
            this.current = i;
            const line = this.lines[i];
            if (line >= 0)
                app.set("frame", line);
            app.set("time", this.times[i]);
            this.draw();
        }
        key(event) {
            const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
            if (!by || this.lines.length === 0)
                return;
            event.preventDefault();
            const i = Math.max(0, Math.min(this.lines.length - 1, this.current + by));
            this.choose(i);
            this.reveal(i);
        }
        reveal(i) {
            const whole = this.lines.length * LINE, tall = Math.min(whole, HEIGHT_MOST);
            const place = tall < whole ? i / this.lines.length * tall : i * LINE;
            if (place < this.box.scrollTop || place > this.box.scrollTop + this.box.clientHeight - 2 * LINE)
                this.box.scrollTop = place - this.box.clientHeight / 3;
        }
        /** Another frame was chosen elsewhere. */
        follow() {
            if (app.frame < 0 || !this.lines)
                return;
            let i = strata.lowerBound(this.times, app.model.frames.sent[app.frame]);
            for (; i < this.lines.length && this.times[i] === app.model.frames.sent[app.frame]; i++)
                if (this.lines[i] === app.frame) {
                    this.current = i;
                    this.reveal(i);
                    break;
                }
            this.draw();
        }
        forPrint() {
            const rows = this.lines.slice(0, PRINTED).map((line, i) => {
                const [who, what] = this.wordsOf(line);
                return element("tr", {}, element("td", {class: "number"}, strata.seconds(this.times[i])),
                    element("td", {}, who), element("td", {}, what));
            });
            byId("events-print").replaceChildren(element("table", {}, rows),
                this.lines.length > PRINTED ? element("p", {class: "table-note"},
                    strata.count(this.lines.length - PRINTED) + " more lines are on the page.") : "");
        }
    }

    strata.Happened = Happened;
})(globalThis.strata = globalThis.strata || {});
