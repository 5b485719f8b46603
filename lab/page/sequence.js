/*
 * The time-space diagram. The browser scrolls a spacer as high as all of time; on it lies a canvas of the size that is
 * seen, and only what lies within is drawn. Arrows that would cover one another to the pixel are drawn once, and labels
 * are written where there is room.
 */
(function (strata) {
    "use strict";

    const HEAD = 38, HEIGHT_MOST = 6e6, OVERVIEW = 18, LABELS_MOST = 1200, ROW = 11.5;
    const {app, byId} = strata;
    const KINDS = Object.keys(strata.KINDS), AGAIN = KINDS.indexOf("again");

    class Sequence {
        constructor() {
            this.box = byId("sequence");
            this.spacer = byId("sequence-spacer");
            this.canvas = byId("sequence-canvas");
            this.mode = "hops";
            this.readable = true;
            this.zoom = 1;
            this.hover = -1;
            this.draw = strata.soon(() => this.paint());
            this.listen();
        }

        listen() {
            this.box.addEventListener("scroll", () => {
                this.draw();
                app.tell("viewport");
            }, {passive: true});
            this.box.addEventListener("wheel", (event) => {
                if (!event.ctrlKey && !event.metaKey)
                    return;
                event.preventDefault();
                this.zoomBy(Math.exp(-event.deltaY / 300), event.offsetY);
            }, {passive: false});
            this.canvas.addEventListener("mousemove", (event) => this.point(event));
            this.canvas.addEventListener("mouseleave", () => this.setHover(-1));
            this.canvas.addEventListener("click", (event) => this.click(event));
            this.box.addEventListener("keydown", (event) => this.key(event));
            for (const [id, name, value] of [["hops", "mode", "hops"], ["ends", "mode", "ends"],
                ["readable", "readable", true], ["linear", "readable", false]])
                byId(id).addEventListener("click", () => this.choose(name, value));
            byId("zoom-in").addEventListener("click", () => this.zoomBy(1.5));
            byId("zoom-out").addEventListener("click", () => this.zoomBy(1 / 1.5));
            byId("zoom-fit").addEventListener("click", () => this.fit());
            new ResizeObserver(() => this.resize()).observe(this.box);
        }

        choose(name, value) {
            const time = this.arrows ? this.timeAt(this.box.scrollTop) : 0;
            this[name] = value;
            byId("hops").setAttribute("aria-pressed", this.mode === "hops");
            byId("ends").setAttribute("aria-pressed", this.mode === "ends");
            byId("readable").setAttribute("aria-pressed", this.readable);
            byId("linear").setAttribute("aria-pressed", !this.readable);
            this.zoom = 1;
            this.load();
            this.box.scrollTop = this.place(time);
        }

        /** Another conversation, another mode, or more frames. */
        load() {
            const model = app.model, conversation = model.conversations[app.talk] || null;
            const made = strata.arrowsOf(model, conversation, this.mode);
            this.conversation = conversation;
            this.arrows = made.arrows;
            this.lanes = made.lanes;
            this.leftOut = made.leftOut;
            this.scale = strata.scaleOf(this.arrows, this.readable);
            this.measure();
            this.starts = this.arrows.start.subarray(0, this.arrows.count);
            this.states = this.statesOf();
            this.overview = null;
            this.legend();
            this.resize();
        }

        /** Where every arrow begins and ends at zoom 1, and its kind, so that drawing has nothing to look for. */
        measure() {
            const {arrows, scale} = this, n = arrows.count;
            this.tops = new Float64Array(n);
            this.bottoms = new Float64Array(n);
            this.kinds = new Uint8Array(n);
            this.longest = 0;
            for (let i = 0; i < n; i++) {
                this.tops[i] = scale.y(arrows.start[i]);
                this.bottoms[i] = scale.y(arrows.end[i]);
                this.kinds[i] = KINDS.indexOf(strata.kindOf(app.model, arrows.frame[i]));
                this.longest = Math.max(this.longest, this.bottoms[i] - this.tops[i]);
            }
        }

        /** What both TCPs say of their state: lane, time, name. */
        statesOf() {
            const c = this.conversation, list = [];
            if (!c || c.kind !== "TCP")
                return list;
            for (let side = 0; side < 2; side++) {
                const tcp = app.model.tcpOf(c, side), lane = this.lanes.indexOf(c.ends[side].node);
                if (!tcp || lane < 0)
                    continue;
                const {time, values} = tcp.states;
                for (let i = 0; i < time.length; i++)
                    if (time[i] >= c.first - 5e9)
                        list.push({lane, time: time[i], name: strata.TCP_STATES[values.to[i]] || "?"});
            }
            return list;
        }

        legend() {
            const kinds = new Set();
            const stride = Math.max(1, Math.floor(this.arrows.count / 5000));
            let lost = false;
            for (let i = 0; i < this.arrows.count; i += stride) {
                kinds.add(KINDS[this.kinds[i]]);
                lost = lost || this.arrows.lost[i] === 1 || this.arrows.lost[i] === 2;
            }
            const items = Object.keys(strata.KINDS).filter((kind) => kinds.has(kind)).map((kind) => {
                const look = strata.KINDS[kind];
                const line = strata.svg("line", {x1: 1, y1: 7, x2: 27, y2: 7, "stroke-width": 2.5,
                    "stroke-dasharray": look.dash.join(" ")});
                line.style.stroke = "var(--" + look.colour + ")";
                return strata.element("li", {}, strata.svg("svg", {width: 28, height: 14, "aria-hidden": "true"}, line),
                    look.says);
            });
            if (lost) {
                const cross = strata.svg("path", {d: "M8 2 L18 12 M18 2 L8 12", "stroke-width": 3});
                cross.style.stroke = "var(--lost)";
                items.push(strata.element("li", {},
                    strata.svg("svg", {width: 28, height: 14, "aria-hidden": "true"}, cross), "lost"));
            }
            if (this.leftOut > 0)
                items.push(strata.element("li", {}, this.leftOut + " more nodes have no lane"));
            byId("sequence-legend").replaceChildren(...items);
        }

        /* ---- Places -------------------------------------------------------------------------------------------- */

        resize() {
            if (!this.arrows)
                return;
            const width = this.box.clientWidth;
            const narrow = width < 560;
            this.left = narrow ? 62 : this.states.length ? 190 : 104;
            this.right = narrow ? 26 : this.states.length ? 112 : 64;
            const least = narrow ? 64 : 72;
            this.width = Math.max(width, this.left + this.right + least * (this.lanes.length - 1));
            this.height = this.box.clientHeight;
            const whole = this.total();
            this.spacer.style.height = Math.max(this.height, whole) + "px";
            this.spacer.style.width = this.width + "px";
            this.draw();
        }
        total() {
            const whole = this.scale.height * this.zoom + HEAD + 60;
            if (whole > HEIGHT_MOST)
                this.zoom = (HEIGHT_MOST - HEAD - 60) / this.scale.height;
            return Math.min(whole, HEIGHT_MOST);
        }
        x(lane) {
            const n = this.lanes.length;
            return n < 2 ? this.width / 2
                : this.left + lane * (this.width - this.left - this.right - OVERVIEW) / (n - 1);
        }
        /** Where a moment is in the scrolled paper. */
        place(time) {
            return this.scale.y(time) * this.zoom;
        }
        y(time) {
            return this.place(time) + HEAD + 22 - this.box.scrollTop;
        }
        timeAt(scroll) {
            return this.scale.time(scroll / this.zoom);
        }
        /** The first and the last moment that are seen. */
        viewport() {
            return [this.timeAt(this.box.scrollTop), this.timeAt(this.box.scrollTop + this.height - HEAD - 22)];
        }

        zoomBy(factor, at) {
            at = at === undefined ? this.height / 2 : at;
            const time = this.timeAt(this.box.scrollTop + at - HEAD - 22);
            const least = Math.min(1, (this.height - HEAD - 60) / Math.max(1, this.scale.height));
            this.zoom = Math.max(least, Math.min(this.zoom * factor, 2000));
            this.resize();
            this.box.scrollTop = this.place(time) - at + HEAD + 22;
            this.draw();
            app.tell("viewport");
        }
        fit() {
            this.zoom = (this.height - HEAD - 60) / Math.max(1, this.scale.height);
            this.resize();
            this.box.scrollTop = 0;
            app.tell("viewport");
        }
        /** Scrolls so that a frame is seen. */
        reveal(frame) {
            const i = this.indexOf(frame);
            if (i < 0)
                return;
            const y = this.y(this.arrows.start[i]);
            if (y < HEAD + 20 || y > this.height - 60)
                this.box.scrollTop += y - this.height / 3;
            this.draw();
        }
        indexOf(frame) {
            if (frame < 0)
                return -1;
            const time = app.model.frames.sent[frame];
            for (let i = strata.lowerBound(this.starts, time); i < this.arrows.count && this.arrows.start[i] === time; i++)
                if (this.arrows.frame[i] === frame)
                    return i;
            // The diagram from end to end has an arrow for the whole way.
            const first = app.model.frames.journey[frame];
            return first !== frame ? this.indexOf(first) : -1;
        }

        /* ---- Drawing ------------------------------------------------------------------------------------------- */

        paint() {
            if (!this.arrows || this.height === 0)
                return;
            const context = strata.sharpen(this.canvas, this.width, this.height);
            this.drawOn(context, this.height);
        }
        drawOn(context, height) {
            context.clearRect(0, 0, this.width, height);
            context.font = "12px " + getComputedStyle(document.body).fontFamily;
            context.textBaseline = "middle";
            this.paintLanes(context, height);
            this.paintFolds(context, height);
            this.paintArrows(context, height);
            this.paintStates(context, height);
            this.paintClock(context, height);
            this.paintHead(context);
            this.paintOverview(context, height);
        }

        paintLanes(context, height) {
            context.strokeStyle = strata.colour("quiet");
            context.lineWidth = 1.4;
            for (let lane = 0; lane < this.lanes.length; lane++) {
                context.beginPath();
                context.moveTo(this.x(lane), HEAD);
                context.lineTo(this.x(lane), height);
                context.stroke();
            }
        }

        /** Silence that was folded: a break in every lane, and how long it was. */
        paintFolds(context, height) {
            const {times, folds} = this.scale;
            if (folds.length === 0 || this.zoom < 0.25)
                return;
            const first = Math.max(0, strata.lowerBound(folds, strata.lowerBound(times, this.viewport()[0])) - 1);
            context.font = "11px " + getComputedStyle(document.body).fontFamily;
            for (let k = first; k < folds.length; k++) {
                const i = folds[k], y = (this.y(times[i - 1]) + this.y(times[i])) / 2;
                if (y > height)
                    break;
                for (let lane = 0; lane < this.lanes.length; lane++) {
                    const x = this.x(lane);
                    context.fillStyle = strata.colour("panel");
                    context.fillRect(x - 5, y - 5, 10, 10);
                    context.strokeStyle = strata.colour("quiet");
                    context.lineWidth = 1.2;
                    context.beginPath();
                    for (const shift of [-4, 2]) {
                        context.moveTo(x - 5, y + shift + 3);
                        context.lineTo(x + 5, y + shift - 1);
                    }
                    context.stroke();
                }
                context.fillStyle = strata.colour("quiet");
                context.textAlign = "right";
                context.fillText(strata.span(times[i] - times[i - 1]), this.x(0) - 10, y);
            }
        }

        /** Arrows that are seen, from the first that may still be under way at the upper edge. */
        paintArrows(context, height) {
            const {arrows} = this, drawn = new Set(), labels = [];
            const above = this.scale.time((this.box.scrollTop - 22) / this.zoom - this.longest - 1);
            const shift = HEAD + 22 - this.box.scrollTop;
            let lastTime = -1e9;
            for (let i = strata.lowerBound(this.starts, above); i < arrows.count; i++) {
                const y1 = this.tops[i] * this.zoom + shift, y2 = this.bottoms[i] * this.zoom + shift;
                if (y1 > height + 4)
                    break;
                if (y2 < HEAD - 4)
                    continue;
                const key = (((arrows.from[i] * 32 + arrows.to[i]) * 16384 + clamp(y1)) * 16384 + clamp(y2)) * 8 +
                    arrows.lost[i] + (this.kinds[i] === AGAIN ? 4 : 0);
                const chosen = arrows.frame[i] === app.frame || arrows.frame[i] === this.hover;
                if (drawn.has(key) && !chosen)
                    continue;
                drawn.add(key);
                const kind = KINDS[this.kinds[i]];
                this.paintArrow(context, i, kind, y1, y2, chosen);
                if (chosen || labels.length < LABELS_MOST)
                    labels.push({i, kind, y1, y2, chosen});
                if (y1 - lastTime > 15 && y1 > HEAD + 6) {
                    this.paintTime(context, arrows.start[i], y1);
                    lastTime = y1;
                }
            }
            this.paintLabels(context, labels);
        }

        paintTime(context, time, y) {
            context.font = "11px " + getComputedStyle(document.body).fontFamily;
            context.fillStyle = strata.colour("quiet");
            context.textAlign = "left";
            context.fillText(strata.seconds(time, this.width < 560 ? 4 : 6), 6, y);
        }

        paintArrow(context, i, kind, y1, y2, chosen) {
            const {arrows} = this, look = strata.KINDS[kind];
            const x1 = this.x(arrows.from[i]);
            let x2 = this.x(arrows.to[i]);
            const lost = arrows.lost[i];
            if (lost === 1 || lost === 2) {
                const share = lost === 1 ? 0.16 : 0.66;
                x2 = x1 + (x2 - x1) * share;
                y2 = y1 + (y2 - y1) * share;
            }
            const colour = strata.colour(lost === 1 || lost === 2 ? "lost" : look.colour);
            context.strokeStyle = context.fillStyle = colour;
            context.lineWidth = chosen ? 4 : kind === "pure" ? 1.2 : 1.7;
            context.setLineDash(lost === 3 ? [2, 4] : look.dash);
            context.beginPath();
            context.moveTo(x1, y1);
            context.lineTo(x2, y2);
            context.stroke();
            context.setLineDash([]);
            if (lost === 1 || lost === 2)
                this.paintCross(context, x2, y2);
            else
                this.paintTip(context, x1, y1, x2, y2);
            if (app.model.frames.flags[arrows.frame[i]] & (strata.FLAG.corrupt | strata.FLAG.mark)) {
                const x = (x1 + x2) / 2, y = (y1 + y2) / 2;
                context.beginPath();
                context.arc(x, y, 4, 0, 7);
                context.fillStyle = strata.colour("panel");
                context.fill();
                context.lineWidth = 2;
                context.strokeStyle = strata.colour("lost");
                context.stroke();
            }
        }
        paintTip(context, x1, y1, x2, y2) {
            const angle = Math.atan2(y2 - y1, x2 - x1), size = 7;
            context.beginPath();
            context.moveTo(x2, y2);
            context.lineTo(x2 - size * Math.cos(angle - 0.4), y2 - size * Math.sin(angle - 0.4));
            context.lineTo(x2 - size * Math.cos(angle + 0.4), y2 - size * Math.sin(angle + 0.4));
            context.fill();
        }
        paintCross(context, x, y) {
            context.lineWidth = 3;
            context.beginPath();
            context.moveTo(x - 6, y - 6);
            context.lineTo(x + 6, y + 6);
            context.moveTo(x + 6, y - 6);
            context.lineTo(x - 6, y + 6);
            context.stroke();
        }

        /** Labels lie on their arrows, where no other label of the same lanes is near. */
        paintLabels(context, labels) {
            const taken = new Map(), {arrows} = this;
            context.font = "11.5px " + getComputedStyle(document.body).fontFamily;
            context.textAlign = "center";
            labels.sort((a, b) => b.chosen - a.chosen);
            for (const {i, kind, y1, y2, chosen} of labels) {
                const low = Math.min(arrows.from[i], arrows.to[i]), high = Math.max(arrows.from[i], arrows.to[i]);
                const x1 = this.x(low), x2 = this.x(high);
                const lost = arrows.lost[i] === 1 || arrows.lost[i] === 2;
                const share = [0.5, 0.72, 0.28].find((one) => this.isFree(taken, low, high, y1 + (y2 - y1) * one));
                if (share === undefined && !chosen)
                    continue;
                const place = share === undefined ? 0.5 : share, y = y1 + (y2 - y1) * place;
                const level = isSteep(x2 - x1, y2 - y1); // then the label does not lie along the arrow
                const room = level ? x2 - x1 + 16
                    : (Math.hypot(x2 - x1, y2 - y1) - 20) * 2 * Math.min(place, 1 - place);
                const trouble = lost ? strata.trouble(app.model, this.lostHop(arrows.frame[i])) + " · " : "";
                const text = fitting(context, strata.labelsOf(app.model, arrows.frame[i]).map((one) => trouble + one), room);
                if (!text)
                    continue;
                for (let lane = low; lane < high; lane++)
                    taken.set(lane * 4096 + Math.round(y / ROW), y);
                this.paintLabel(context, text, arrows.from[i] < arrows.to[i] ? [x1, y1, x2, y2] : [x2, y1, x1, y2], place,
                    strata.colour(lost ? "lost" : strata.KINDS[kind].colour));
            }
        }
        lostHop(frame) {
            return this.ends || this.mode === "ends" ? app.model.lastHop[frame] : frame;
        }
        /** Whether no label is near a height, between all the lanes that an arrow crosses. */
        isFree(taken, low, high, y) {
            const near = Math.round(y / ROW);
            for (let lane = low; lane < high; lane++)
                for (let row = near - 1; row <= near + 1; row++)
                    if (Math.abs((taken.get(lane * 4096 + row) ?? 1e9) - y) < ROW)
                        return false;
            return true;
        }
        paintLabel(context, text, [x1, y1, x2, y2], place, colour) {
            let angle = Math.atan2(y2 - y1, x2 - x1);
            if (angle > Math.PI / 2)
                angle -= Math.PI;
            if (isSteep(x2 - x1, y2 - y1))
                angle = 0;
            context.save();
            context.translate(x1 + (x2 - x1) * place, y1 + (y2 - y1) * place);
            context.rotate(angle);
            context.lineJoin = "round";
            context.lineWidth = 3.5;
            context.strokeStyle = strata.colour("panel");
            context.strokeText(text, 0, -6);
            context.fillStyle = colour;
            context.fillText(text, 0, -6);
            context.restore();
        }

        paintStates(context, height) {
            context.font = "600 10.5px " + getComputedStyle(document.body).fontFamily;
            if (this.width < 560)
                return;
            const last = [-1e9, -1e9];
            for (const state of this.states) {
                const y = this.y(state.time), leftmost = state.lane === 0;
                if (y < HEAD - 6 || y > height + 6 || y - last[leftmost ? 0 : 1] < 13)
                    continue;
                last[leftmost ? 0 : 1] = y;
                const x = this.x(state.lane) + (leftmost ? -8 : 8);
                context.textAlign = leftmost ? "right" : "left";
                context.lineWidth = 4;
                context.strokeStyle = strata.colour("panel");
                context.strokeText(state.name, x, y);
                context.fillStyle = strata.colour("ink");
                context.fillText(state.name, x, y);
                context.beginPath();
                context.arc(this.x(state.lane), y, 3, 0, 7);
                context.fill();
            }
        }

        paintClock(context, height) {
            const y = this.y(app.time);
            if (app.time <= 0 || y < HEAD || y > height)
                return;
            context.strokeStyle = strata.colour("accent");
            context.lineWidth = 1;
            context.setLineDash([6, 4]);
            context.beginPath();
            context.moveTo(this.left - 40, y);
            context.lineTo(this.width - OVERVIEW, y);
            context.stroke();
            context.setLineDash([]);
        }

        paintHead(context) {
            context.fillStyle = strata.colour("panel");
            context.fillRect(0, 0, this.width, HEAD);
            context.strokeStyle = strata.colour("line");
            context.lineWidth = 1;
            context.beginPath();
            context.moveTo(0, HEAD - 0.5);
            context.lineTo(this.width, HEAD - 0.5);
            context.stroke();
            const family = getComputedStyle(document.body).fontFamily;
            context.textAlign = "center";
            const room = this.lanes.length > 1 ? this.x(1) - this.x(0) - 8 : 200;
            this.lanes.forEach((node, lane) => {
                context.font = "600 13px " + family;
                context.fillStyle = strata.colour("ink");
                const name = fitting(context, [app.model.nodeName(node)], Math.min(room, lane === 0 ? this.left * 1.6 : room));
                context.fillText(name || "…", this.x(lane), HEAD / 2);
            });
            context.font = "11px " + family;
            context.fillStyle = strata.colour("quiet");
            context.textAlign = "left";
            if (this.left > 80)
                context.fillText("time (s)", 6, HEAD / 2);
        }

        /** The whole conversation at the right edge: how dense it is, what was lost, and what is seen of it. */
        paintOverview(context, height) {
            const x = this.width - OVERVIEW + 2, top = HEAD, tall = height - HEAD;
            if (this.spacer.offsetHeight <= this.height * 1.2)
                return;
            if (!this.overview || this.overview.tall !== tall) {
                const rows = Math.max(1, Math.floor(tall)), dense = new Float32Array(rows), lost = new Uint8Array(rows);
                const whole = Math.max(1e-9, this.scale.height);
                let most = 1;
                for (let i = 0; i < this.arrows.count; i++) {
                    const row = Math.min(rows - 1, Math.floor(this.tops[i] / whole * rows));
                    most = Math.max(most, ++dense[row]);
                    if (this.arrows.lost[i] === 1 || this.arrows.lost[i] === 2)
                        lost[row] = 1;
                }
                this.overview = {tall, dense, lost, most};
            }
            const {dense, lost, most} = this.overview;
            context.fillStyle = strata.colour("paper");
            context.fillRect(x, top, OVERVIEW - 2, tall);
            for (let row = 0; row < dense.length; row++) {
                if (dense[row] > 0) {
                    context.fillStyle = strata.colour("pure");
                    context.fillRect(x, top + row, 3 + (OVERVIEW - 5) * Math.sqrt(dense[row] / most), 1);
                }
            }
            context.fillStyle = strata.colour("lost");
            for (let row = 0; row < dense.length; row++)
                if (lost[row])
                    context.fillRect(x, top + row - 1, OVERVIEW - 2, 2);
            const whole = this.spacer.offsetHeight;
            context.strokeStyle = strata.colour("accent");
            context.lineWidth = 2;
            context.strokeRect(x + 1, top + this.box.scrollTop / whole * tall, OVERVIEW - 4,
                Math.max(6, this.height / whole * tall));
        }

        /* ---- Hands --------------------------------------------------------------------------------------------- */

        /** The arrow under a point, or -1. */
        at(px, py) {
            const {arrows} = this;
            const shift = HEAD + 22 - this.box.scrollTop;
            let best = -1, nearest = 8;
            const above = this.scale.time((this.box.scrollTop - 22) / this.zoom - this.longest - 1);
            for (let i = strata.lowerBound(this.starts, above); i < arrows.count; i++) {
                const y1 = this.tops[i] * this.zoom + shift, y2 = this.bottoms[i] * this.zoom + shift;
                if (y1 > py + 10)
                    break;
                const x1 = this.x(arrows.from[i]), x2 = this.x(arrows.to[i]);
                if (px < Math.min(x1, x2) - 4 || px > Math.max(x1, x2) + 4)
                    continue;
                const share = (px - x1) / (x2 - x1), y = y1 + share * (y2 - y1);
                const slant = Math.cos(Math.atan2(y2 - y1, Math.abs(x2 - x1)));
                const far = Math.abs(py - y) * slant;
                if (far < nearest) {
                    nearest = far;
                    best = i;
                }
            }
            return best;
        }
        point(event) {
            const i = event.offsetY < HEAD ? -1 : this.at(event.offsetX, event.offsetY);
            this.setHover(i < 0 ? -1 : this.arrows.frame[i]);
        }
        setHover(frame) {
            if (frame === this.hover)
                return;
            this.hover = frame;
            this.canvas.title = frame < 0 ? "" : strata.seconds(app.model.frames.sent[frame]) + " s  " +
                strata.describe(app.model, frame, true) + (strata.trouble(app.model, frame) &&
                "  (" + strata.trouble(app.model, frame) + ")");
            this.canvas.style.cursor = frame < 0 ? "crosshair" : "pointer";
            this.draw();
        }
        click(event) {
            if (event.offsetX > this.width - OVERVIEW && event.offsetY > HEAD) {
                const share = (event.offsetY - HEAD) / (this.height - HEAD);
                this.box.scrollTop = share * this.spacer.offsetHeight - this.height / 2;
                return;
            }
            const i = this.at(event.offsetX, event.offsetY);
            if (i >= 0)
                app.set("frame", this.arrows.frame[i]);
        }
        /** The next or previous arrow becomes the chosen one. */
        go(by) {
            let i = this.indexOf(app.frame);
            if (i < 0)
                i = strata.lowerBound(this.starts, this.viewport()[0]) - (by > 0 ? 1 : 0);
            i = Math.max(0, Math.min(this.arrows.count - 1, i + by));
            if (this.arrows.count > 0)
                app.set("frame", this.arrows.frame[i]);
        }
        key(event) {
            const keys = {ArrowDown: () => this.go(1), ArrowUp: () => this.go(-1), "+": () => this.zoomBy(1.5),
                "=": () => this.zoomBy(1.5), "-": () => this.zoomBy(1 / 1.5)};
            if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key])
                return;
            event.preventDefault();
            keys[event.key]();
        }

        /** For paper: the first part of the diagram as a picture of its own. */
        forPrint() {
            const canvas = document.createElement("canvas");
            const height = Math.min(this.scale.height * this.zoom + HEAD + 60, 1500);
            const scrolled = this.box.scrollTop;
            const context = strata.sharpen(canvas, this.width, height, 2);
            this.drawOn(context, height);
            canvas.style.width = "100%";
            canvas.style.height = "auto";
            const shown = (scrolled + height - HEAD - 60) / Math.max(1, this.scale.height * this.zoom);
            byId("sequence-print").replaceChildren(canvas, strata.element("p", {class: "table-note"},
                shown < 1 ? "The part from " + strata.seconds(this.viewport()[0], 3) + " s on; the page on a screen " +
                "scrolls through all of it." : ""));
        }
    }

    function isSteep(dx, dy) {
        return Math.abs(dy) > 1.26 * Math.abs(dx);
    }

    /** A place near the canvas as a whole number that fits a key. */
    function clamp(y) {
        return Math.max(0, Math.min(16383, Math.round(y) + 6000));
    }

    /** The first of some texts that fits, or as much of the last as fits with a mark that something is missing, or
     * null. */
    function fitting(context, texts, room) {
        const whole = texts.find((one) => context.measureText(one).width <= room);
        if (whole !== undefined)
            return whole;
        const text = texts[texts.length - 1];
        const letters = Math.floor(text.length * room / context.measureText(text).width) - 1;
        return letters >= 4 ? text.slice(0, letters) + "…" : null;
    }

    strata.Sequence = Sequence;
})(globalThis.strata = globalThis.strata || {});
