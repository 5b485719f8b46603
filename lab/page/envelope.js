/*
 * One frame, opened: envelope in envelope, each with its fields; a field that is chosen shows its bytes, a byte that is
 * chosen shows its field.
 */
(function (strata) {
    "use strict";

    const {app, byId, element} = strata;

    class Inspector {
        constructor(sequence) {
            this.sequence = sequence;
            this.box = byId("inspector");
            byId("frame-close").addEventListener("click", () => this.close());
            byId("frame-next").addEventListener("click", () => this.step(1));
            byId("frame-previous").addEventListener("click", () => this.step(-1));
            document.addEventListener("keydown", (event) => {
                if (event.key === "Escape" && !this.box.hidden)
                    this.close();
            });
        }
        close() {
            app.set("frame", -1);
            if (this.cameFrom && document.contains(this.cameFrom))
                this.cameFrom.focus({preventScroll: true});
        }
        step(by) {
            this.sequence.go(by);
        }

        show() {
            const frame = app.frame, model = app.model;
            if (frame < 0) {
                this.box.hidden = true;
                document.body.classList.remove("inspecting");
                return;
            }
            if (this.box.hidden)
                this.cameFrom = document.activeElement;
            this.box.hidden = false;
            document.body.classList.add("inspecting");
            const f = model.frames, bytes = model.bytesOf(frame), link = model.cables[f.cable[frame]].link;
            const layers = strata.dissect(bytes, link);
            byId("frame-title").textContent = "Frame " + (frame + 1);
            const trouble = strata.trouble(model, frame);
            const facts = element("p", {class: "frame-facts"},
                strata.seconds(f.sent[frame], 9) + " s, " + model.nodeName(model.from(frame)) + " → " +
                model.nodeName(model.to(frame)) + ", " + f.length[frame] + " bytes. ", this.fate(frame),
                trouble ? element("strong", {class: "bad"}, " " + trouble + ".") : null,
                element("br"), strata.describe(model, frame, true));
            this.pressed = null;
            const body = byId("frame-body");
            body.replaceChildren(facts, this.hopList(frame), ...this.envelopes(layers, 0), this.hex(bytes, layers, frame));
            if (bytes.length < f.length[frame])
                body.append(element("p", {class: "hint"}, (f.length[frame] - bytes.length) +
                    " more bytes of it were not kept."));
            this.box.scrollTop = 0;
            byId("sequence-said").textContent = byId("frame-title").textContent + ": " +
                strata.describe(model, frame, true) + (trouble ? ", " + trouble : "");
        }
        fate(frame) {
            const f = app.model.frames, last = app.model.lastHop[f.journey[frame]];
            if (last !== frame && f.fate[last] === strata.FATE.lost)
                return "Its datagram was lost between " + app.model.nodeName(app.model.from(last)) + " and " +
                    app.model.nodeName(app.model.to(last)) + ": " + app.model.texts[f.reason[last]] + ".";
            if (f.fate[frame] === strata.FATE.delivered)
                return "It took " + strata.span(f.took[frame]) + ".";
            return f.fate[frame] === strata.FATE.lost ? "" : "It is still under way.";
        }
        /** The other cables that the same datagram crossed. */
        hopList(frame) {
            const model = app.model, hops = [];
            for (let hop = model.frames.journey[frame]; hop >= 0 && hops.length < 30; hop = model.hops[hop])
                hops.push(hop);
            if (hops.length < 2)
                return null;
            return element("p", {class: "actions"}, hops.map((hop) => element("button", {
                "aria-pressed": hop === frame, title: strata.seconds(model.frames.sent[hop], 6) + " s",
                onclick: () => app.set("frame", hop)},
            model.nodeName(model.from(hop)) + " → " + model.nodeName(model.to(hop)))));
        }

        /** Each layer lies in the envelope of the one around it. */
        envelopes(layers, index) {
            if (index >= layers.length)
                return [];
            const layer = layers[index];
            const inside = layers[index + 1] && layers[index + 1].start >= layer.start &&
                layers[index + 1].name !== "Padding" && layer.colour !== "content";
            const own = element("section", {class: "envelope " + layer.colour},
                element("h3", {}, layer.name, layer.summary ? element("small", {}, layer.summary) : null),
                element("div", {class: "fields"}, layer.fields.map((field) => this.field(field))),
                layer.text ? element("pre", {class: "words"}, layer.text) : null,
                inside ? this.envelopes(layers, index + 1) : null);
            return inside ? [own] : [own, ...this.envelopes(layers, index + 1)];
        }
        field(field) {
            const button = element("button", {class: "field", "aria-pressed": "false",
                onclick: () => this.press(button, field)},
            element("span", {class: "name"}, field.name), element("span", {class: "value"}, field.value));
            field.button = button;
            return button;
        }
        press(button, field) {
            const again = this.pressed === button;
            if (this.pressed)
                this.pressed.setAttribute("aria-pressed", "false");
            for (const cell of this.box.querySelectorAll(".hex .lit"))
                cell.classList.remove("lit");
            this.pressed = again ? null : button;
            if (again)
                return;
            button.setAttribute("aria-pressed", "true");
            for (let i = field.start; i < field.end; i++)
                for (const cell of this.cells[i] || [])
                    cell.classList.add("lit");
            const first = this.cells[field.start];
            if (first)
                first[0].scrollIntoView({block: "nearest"});
        }

        /** The bytes, each in the colour of its layer; sixteen in a line, eight where there is little room. */
        hex(bytes, layers, frame) {
            const wide = this.box.clientWidth >= 440 ? 16 : 8;
            const colours = new Array(bytes.length).fill(""), fields = new Array(bytes.length);
            for (const layer of layers)
                for (const field of layer.fields)
                    for (let i = field.start; i < field.end && i < bytes.length; i++) {
                        colours[i] = layer.colour;
                        fields[i] = field;
                    }
            const flips = (app.model.flips.get(frame) || []).map((flip) => flip.offset);
            this.cells = [];
            const holder = element("div", {class: "hex", role: "group", "aria-label": "Bytes in hexadecimal"});
            for (let at = 0; at < bytes.length; at += wide) {
                const pairs = element("span", {class: "pairs"}), letters = element("span", {class: "letters"});
                for (let i = at; i < Math.min(at + wide, bytes.length); i++) {
                    const plain = bytes[i] >= 32 && bytes[i] < 127;
                    const name = colours[i] + (flips.includes(i) ? " flipped" : "");
                    const pair = element("b", {class: name}, bytes[i].toString(16).padStart(2, "0"));
                    const letter = element("b", {class: name}, plain ? String.fromCharCode(bytes[i]) : "·");
                    for (const cell of [pair, letter])
                        cell.addEventListener("click", () => fields[i] && this.press(fields[i].button, fields[i]));
                    pairs.append(pair, i % 8 === 7 && i % wide !== wide - 1 ? "  " : " ");
                    letters.append(letter);
                    this.cells[i] = [pair, letter];
                }
                holder.append(element("span", {class: "offset"}, at.toString(16).padStart(4, "0")), pairs, letters);
            }
            return holder;
        }
    }

    strata.Inspector = Inspector;
})(globalThis.strata = globalThis.strata || {});
