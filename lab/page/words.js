/*
 * Numbers and frames in words, in the way the timeline of `strata lab` has them. No document needed.
 */
(function (strata) {
    "use strict";

    const TCP_LETTERS = [["SYN", 2], ["FIN", 1], ["RST", 4], ["PSH", 8], ["ACK", 16], ["URG", 32], ["ECE", 64],
        ["CWR", 128]];
    strata.TCP_STATES = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
        "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"];
    strata.TIMERS = ["", "retransmission", "persist", "delayed ACK", "keep-alive", "TIME-WAIT", "user timeout"];

    /** Nanoseconds as seconds with so many digits behind the point. */
    strata.seconds = function (ns, digits) {
        return (ns / 1e9).toFixed(digits === undefined ? 6 : digits);
    };
    strata.span = function (ns) {
        if (ns < 0)
            return "-" + strata.span(-ns);
        if (ns < 1e3)
            return ns + " ns";
        if (ns < 1e6)
            return trim(ns / 1e3) + " µs";
        if (ns < 1e9)
            return trim(ns / 1e6) + " ms";
        return trim(ns / 1e9) + " s";
    };
    strata.amount = function (bytes) {
        if (bytes < 10000)
            return bytes + " B";
        if (bytes < 1e7)
            return trim(bytes / 1e3) + " kB";
        if (bytes < 1e10)
            return trim(bytes / 1e6) + " MB";
        return trim(bytes / 1e9) + " GB";
    };
    strata.rate = function (bits) {
        if (bits < 1e4)
            return trim(bits) + " bit/s";
        if (bits < 1e6)
            return trim(bits / 1e3) + " kbit/s";
        if (bits < 1e9)
            return trim(bits / 1e6) + " Mbit/s";
        return trim(bits / 1e9) + " Gbit/s";
    };
    strata.share = function (ppm) {
        return trim(ppm / 1e4) + " %";
    };
    strata.count = function (number) {
        return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
    };
    function trim(number) {
        return String(Number(number.toPrecision(4)));
    }

    strata.tcpFlags = function (flags) {
        return TCP_LETTERS.filter(([, bit]) => flags & bit).map(([name]) => name).join(",");
    };

    /** The endpoint of a conversation as people read it: the node's name where it is known. */
    strata.endName = function (model, conversation, side) {
        const end = conversation.ends[side];
        const name = end.node >= 0 ? model.nodeName(end.node) : end.address;
        return end.port ? name + ":" + end.port : name;
    };
    strata.conversationName = function (model, conversation) {
        if (conversation.kind === "DHCP")
            return "DHCP clients – servers";
        return strata.endName(model, conversation, 0) + " – " + strata.endName(model, conversation, 1);
    };

    function relative(value, side) {
        return side.first === undefined ? value : (value - side.first) >>> 0;
    }

    /** What a frame says; `long` with everything, otherwise what fits on an arrow. */
    strata.describe = function (model, frame, long) {
        const f = model.frames, c = model.conversations[f.conversation[frame]];
        if (!c || c.kind !== "TCP")
            return model.texts[f.text[frame]] || "frame of " + f.length[frame] + " bytes";
        const own = c.ends[f.side[frame]], other = c.ends[1 - f.side[frame]];
        const flags = f.tcp[frame], words = [];
        const shown = strata.tcpFlags(long || flags & 2 ? flags : flags & (1 | 4));
        if (long)
            words.push("TCP");
        if (shown)
            words.push(shown);
        if (f.payload[frame] > 0) {
            const start = relative(f.seq[frame], own);
            words.push((long ? "bytes " : "") + start + "–" + (start + f.payload[frame] - 1));
        } else if (long) {
            words.push("seq " + relative(f.seq[frame], own));
        }
        if (flags & 16 && !(flags & 2 && !long))
            words.push("ack " + relative(f.ack[frame], other));
        if (long) {
            const scale = flags & 2 || own.scale === undefined || own.scale < 0 || other.scale < 0 ? 0 : own.scale;
            words.push("window " + f.window[frame] * Math.pow(2, scale));
        }
        if (f.flags[frame] & strata.FLAG.again)
            words.push("(again)");
        return words.join(" ");
    };

    /** What an arrow says, from the longest to the shortest. */
    strata.labelsOf = function (model, frame) {
        const text = strata.describe(model, frame, false), c = model.conversations[model.frames.conversation[frame]];
        if (!c || c.kind === "TCP")
            return [text, text.replace(/(–\d+) ack \d+/, "$1")];
        const bare = text.replace(/^(ARP|DHCP|ICMP) /, "");
        return [text, bare, bare.replace(/: (is|no|I|what|somebody) .*/, "").replace(/^(.{3,}?)\? tell .*/, "$1?")
            .replace(/^(DNS [a-z]+: [A-Z]+) of ([^:?]+).*/, "$1 $2"), bare.replace(/[:?] ?.*/, "")];
    };

    /** What the cable did to it, or "". */
    strata.trouble = function (model, frame) {
        const f = model.frames, flags = f.flags[frame], words = [];
        if (f.fate[frame] === strata.FATE.lost)
            words.push("lost: " + (model.texts[f.reason[frame]] || "?"));
        if (flags & strata.FLAG.corrupt)
            words.push("damaged");
        if (flags & strata.FLAG.duplicate)
            words.push("doubled");
        if (flags & strata.FLAG.reorder)
            words.push("out of order");
        if (flags & strata.FLAG.mark)
            words.push("marked");
        return words.join(", ");
    };

    /** The class of a frame: which colour its arrow has. */
    strata.kindOf = function (model, frame) {
        const f = model.frames, c = model.conversations[f.conversation[frame]];
        const kind = c ? c.kind : "frames";
        if (kind !== "TCP")
            return kind.toLowerCase();
        if (f.flags[frame] & strata.FLAG.again)
            return "again";
        if (f.tcp[frame] & 4)
            return "reset";
        if (f.tcp[frame] & 3)
            return "syn";
        return f.payload[frame] > 0 ? "data" : "pure";
    };
})(globalThis.strata = globalThis.strata || {});
