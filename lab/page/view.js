/*
 * What the views share: making elements (text is always text, never HTML), the colours of the theme, and what is chosen,
 * with those who want to hear when that changes.
 */
(function (strata) {
    "use strict";

    const SVG = "http://www.w3.org/2000/svg";

    function fill(element, attributes, children) {
        for (const [name, value] of Object.entries(attributes || {})) {
            if (name.startsWith("on"))
                element.addEventListener(name.slice(2), value);
            else if (value === true)
                element.setAttribute(name, "");
            else if (value !== undefined && value !== null && value !== false)
                element.setAttribute(name, value);
        }
        for (const child of children.flat())
            if (child !== null && child !== undefined)
                element.append(child);
        return element;
    }
    strata.element = function (name, attributes, ...children) {
        return fill(document.createElement(name), attributes, children);
    };
    strata.svg = function (name, attributes, ...children) {
        return fill(document.createElementNS(SVG, name), attributes, children);
    };
    strata.byId = (id) => document.getElementById(id);

    /** A colour of the theme by its name in page.css. */
    let colours = {};
    strata.colour = function (name) {
        if (!colours[name])
            colours[name] = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim() || "#888";
        return colours[name];
    };
    strata.forgetColours = function () {
        colours = {};
    };

    /** Each kind of frame: its colour, how its line is dashed, and what the legend says. */
    strata.KINDS = {
        syn: {colour: "syn", dash: [], says: "SYN, FIN"},
        data: {colour: "data", dash: [], says: "data"},
        pure: {colour: "pure", dash: [], says: "acknowledgement"},
        again: {colour: "again", dash: [7, 4], says: "sent again"},
        reset: {colour: "reset", dash: [2, 3], says: "reset"},
        arp: {colour: "arp", dash: [], says: "ARP"},
        dhcp: {colour: "dhcp", dash: [], says: "DHCP"},
        dns: {colour: "dns", dash: [], says: "DNS"},
        icmp: {colour: "icmp", dash: [], says: "ICMP"},
        udp: {colour: "udp", dash: [], says: "UDP"},
        ip: {colour: "udp", dash: [], says: "other IP"},
        frames: {colour: "udp", dash: [], says: "other frames"},
    };

    /** What is chosen. Views call on() for what they show and set() when somebody chooses. */
    strata.app = {
        model: null,
        talk: -1,         // a conversation; -1: everything
        frame: -1,        // a frame; -1: none
        time: 0,          // where the player stands
        from: 0, to: 1,   // what the curves show
        heard: {},
        on(names, listener) {
            for (const name of names.split(" "))
                (this.heard[name] = this.heard[name] || []).push(listener);
        },
        tell(name) {
            for (const listener of this.heard[name] || [])
                listener(this);
        },
        set(name, value) {
            if (this[name] === value)
                return;
            this[name] = value;
            this.tell(name);
        },
        show(from, to) {
            const end = Math.max(1, this.model.now);
            const least = 1000;
            from = Math.max(0, Math.min(from, end - least));
            to = Math.min(end, Math.max(to, from + least));
            if (from === this.from && to === this.to)
                return;
            this.from = from;
            this.to = to;
            this.tell("range");
        },
    };

    /** Calls a function once before the next picture, however often it is asked for. */
    strata.soon = function (work) {
        let asked = false;
        return function () {
            if (asked)
                return;
            asked = true;
            requestAnimationFrame(() => {
                asked = false;
                work();
            });
        };
    };

    /** A canvas that is sharp on every screen. @return its context, in CSS pixels. */
    strata.sharpen = function (canvas, width, height, ratio) {
        ratio = ratio || Math.min(window.devicePixelRatio || 1, 3);
        const w = Math.round(width * ratio), h = Math.round(height * ratio);
        if (canvas.width !== w || canvas.height !== h) {
            canvas.width = w;
            canvas.height = h;
            canvas.style.width = width + "px";
            canvas.style.height = height + "px";
        }
        const context = canvas.getContext("2d");
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        return context;
    };
})(globalThis.strata = globalThis.strata || {});
