/*
 * A frame in envelopes: each layer with its fields and the bytes in which they stand. Bytes that are cut off or make no
 * sense end the layer with a field that says so. No document needed.
 */
(function (strata) {
    "use strict";

    const PROTOCOLS = {1: "ICMP", 2: "IGMP", 4: "IP in IP", 6: "TCP", 17: "UDP", 41: "IPv6", 58: "ICMPv6"};
    const ETHERTYPES = {0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "VLAN tag"};
    const ICMP_TYPES = {0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded",
        12: "parameter problem"};
    const ICMP6_TYPES = {1: "unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem",
        128: "echo request", 129: "echo reply", 133: "router solicitation", 134: "router advertisement",
        135: "neighbour solicitation", 136: "neighbour advertisement"};
    const DNS_TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 41: "OPT"};
    const DNS_CODES = ["no error", "format error", "server failure", "no such name", "not implemented", "refused"];
    const DHCP_TYPES = ["", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"];
    const DHCP_OPTIONS = {1: "subnet mask", 3: "router", 6: "name server", 12: "host name", 50: "requested address",
        51: "lease time", 53: "message type", 54: "server", 55: "parameters wanted", 57: "longest message",
        58: "renew after", 59: "rebind after", 61: "client identifier"};
    const ECN = ["not ECN-capable", "ECT(1)", "ECT(0)", "congestion experienced"];

    const hex = (value, digits) => "0x" + value.toString(16).padStart(digits, "0");

    /** Reads bytes of one layer; beyond the end it throws, which ends the layer. */
    class Reader {
        constructor(bytes, at, end) {
            this.bytes = bytes;
            this.at = at;
            this.end = Math.min(end, bytes.length);
        }
        number(count) {
            if (this.at + count > this.end)
                throw new RangeError("cut off");
            let value = 0;
            for (let i = 0; i < count; i++)
                value = value * 256 + this.bytes[this.at++];
            return value;
        }
        mac() {
            return Array.from({length: 6}, () => this.number(1).toString(16).padStart(2, "0")).join(":");
        }
        ipv4() {
            return Array.from({length: 4}, () => this.number(1)).join(".");
        }
        ipv6() {
            const groups = Array.from({length: 8}, () => this.number(2));
            let best = 0, start = -1;
            for (let i = 0; i < 8; i++) {
                let j = i;
                while (j < 8 && groups[j] === 0)
                    j++;
                if (j - i > best && j - i > 1) {
                    best = j - i;
                    start = i;
                }
            }
            const text = groups.map((group) => group.toString(16));
            if (start < 0)
                return text.join(":");
            return text.slice(0, start).join(":") + "::" + text.slice(start + best).join(":");
        }
    }

    function layer(layers, name, colour, bytes, at, end, read) {
        const made = {name, colour, start: at, end: Math.min(end, bytes.length), fields: []};
        layers.push(made);
        const reader = new Reader(bytes, at, end);
        const field = (label, take, show) => {
            const start = reader.at, value = take();
            made.fields.push({name: label, value: show ? show(value) : String(value), start, end: reader.at});
            return value;
        };
        const number = (label, count, show) => field(label, () => reader.number(count), show);
        try {
            return read({made, reader, field, number});
        } catch (error) {
            if (!(error instanceof RangeError))
                throw error;
            made.fields.push({name: "cut off", value: "the rest was not kept, or is missing", start: made.end,
                end: made.end});
            return null;
        } finally {
            made.headerEnd = reader.at;
        }
    }

    /** What is left, as content. */
    function content(layers, name, bytes, at, end) {
        if (at >= Math.min(end, bytes.length))
            return;
        const slice = bytes.subarray(at, Math.min(end, bytes.length));
        const text = printable(slice);
        layers.push({name, colour: "content", start: at, end: Math.min(end, bytes.length), headerEnd: at,
            text, fields: [{name: "length", value: slice.length + " bytes", start: at, end: at + slice.length}]});
    }
    function printable(bytes) {
        let good = 0, text = "";
        for (const byte of bytes.subarray(0, 2000)) {
            const plain = byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127);
            good += plain ? 1 : 0;
            text += plain ? String.fromCharCode(byte) : "·";
        }
        return good >= 0.9 * Math.min(bytes.length, 2000) ? text : null;
    }

    /* ---- Link ---------------------------------------------------------------------------------------------- */

    function ethernet(layers, bytes) {
        const next = layer(layers, "Ethernet", "link", bytes, 0, bytes.length, ({made, reader, field, number}) => {
            const to = field("destination", () => reader.mac(), (mac) =>
                mac + (mac === "ff:ff:ff:ff:ff:ff" ? " (everyone)" : ""));
            const from = field("source", () => reader.mac());
            let type = number("type", 2, (value) => hex(value, 4) + named(ETHERTYPES, value));
            if (type === 0x8100) {
                number("VLAN", 2, (value) => (value & 0xfff) + ", priority " + (value >> 13));
                type = number("type", 2, (value) => hex(value, 4) + named(ETHERTYPES, value));
            }
            made.summary = from + " → " + to;
            return {type, at: reader.at};
        });
        if (!next)
            return;
        if (next.type === 0x0806)
            arp(layers, bytes, next.at);
        else if (next.type === 0x0800 || next.type === 0x86dd)
            ip(layers, bytes, next.at);
        else
            content(layers, "Content", bytes, next.at, bytes.length);
    }
    const named = (names, value) => names[value] ? " (" + names[value] + ")" : "";

    function arp(layers, bytes, at) {
        layer(layers, "ARP", "network", bytes, at, bytes.length, ({made, reader, field, number}) => {
            number("hardware", 2, (value) => value === 1 ? "1 (Ethernet)" : String(value));
            number("protocol", 2, (value) => hex(value, 4) + named(ETHERTYPES, value));
            number("hardware length", 1);
            number("protocol length", 1);
            const what = number("operation", 2, (value) => value + (value === 1 ? " (request)" : " (reply)"));
            const mac = field("sender's hardware", () => reader.mac());
            const sender = field("sender", () => reader.ipv4());
            field("target's hardware", () => reader.mac());
            const target = field("target", () => reader.ipv4());
            made.summary = what === 1 ? "who has " + target + "? tell " + sender : sender + " is at " + mac;
        });
    }

    /* ---- Network ------------------------------------------------------------------------------------------- */

    function ip(layers, bytes, at) {
        if (at < bytes.length && bytes[at] >> 4 === 6)
            ipv6(layers, bytes, at);
        else
            ipv4(layers, bytes, at);
    }

    function ipv4(layers, bytes, at) {
        const next = layer(layers, "IPv4", "network", bytes, at, bytes.length, ({made, reader, field, number}) => {
            const words = (number("version, header length", 1, (value) =>
                (value >> 4) + ", " + (value & 15) * 4 + " bytes") & 15) * 4;
            number("service", 1, (value) => "DSCP " + (value >> 2) + ", " + ECN[value & 3]);
            const total = number("total length", 2);
            number("identification", 2, (value) => hex(value, 4));
            const fragment = number("flags, offset", 2, (value) => (value & 0x4000 ? "do not fragment" :
                value & 0x2000 ? "more fragments" : "last") + ", offset " + (value & 0x1fff) * 8);
            number("time to live", 1);
            const protocol = number("protocol", 1, (value) => value + named(PROTOCOLS, value));
            number("header checksum", 2, (value) => hex(value, 4));
            const source = field("source", () => reader.ipv4());
            const destination = field("destination", () => reader.ipv4());
            if (words > 20)
                field("options", () => skip(reader, at + words - reader.at));
            made.summary = source + " → " + destination;
            return {protocol, at: at + Math.max(words, 20), end: at + total, later: (fragment & 0x1fff) > 0};
        });
        if (!next)
            return;
        if (next.later)
            content(layers, "Fragment", bytes, next.at, next.end);
        else
            transport(layers, next.protocol, bytes, next.at, next.end);
        padding(layers, bytes, next.end);
    }
    function padding(layers, bytes, end) {
        if (end >= 20 && end < bytes.length)
            content(layers, "Padding", bytes, end, bytes.length);
    }
    function skip(reader, count) {
        const words = [];
        for (let i = 0; i < count; i++)
            words.push(reader.number(1).toString(16).padStart(2, "0"));
        return words.join(" ");
    }

    function ipv6(layers, bytes, at) {
        const next = layer(layers, "IPv6", "network", bytes, at, bytes.length, ({made, reader, field, number}) => {
            number("version, class, flow label", 4, (value) =>
                "6, class " + ((value >>> 20) & 255) + ", flow " + hex(value & 0xfffff, 5));
            const length = number("payload length", 2);
            const protocol = number("next header", 1, (value) => value + named(PROTOCOLS, value));
            number("hop limit", 1);
            const source = field("source", () => reader.ipv6());
            const destination = field("destination", () => reader.ipv6());
            made.summary = source + " → " + destination;
            return {protocol, at: at + 40, end: at + 40 + length};
        });
        if (next)
            transport(layers, next.protocol, bytes, next.at, next.end);
    }

    /* ---- Transport ----------------------------------------------------------------------------------------- */

    function transport(layers, protocol, bytes, at, end) {
        if (protocol === 6)
            tcp(layers, bytes, at, end);
        else if (protocol === 17)
            udp(layers, bytes, at, end);
        else if (protocol === 1 || protocol === 58)
            icmp(layers, protocol, bytes, at, end);
        else
            content(layers, PROTOCOLS[protocol] || "Protocol " + protocol, bytes, at, end);
    }

    function icmp(layers, protocol, bytes, at, end) {
        const names = protocol === 1 ? ICMP_TYPES : ICMP6_TYPES;
        const next = layer(layers, PROTOCOLS[protocol], "transport", bytes, at, end, ({made, reader, number}) => {
            const type = number("type", 1, (value) => value + named(names, value));
            number("code", 1);
            number("checksum", 2, (value) => hex(value, 4));
            made.summary = names[type] || "type " + type;
            if (made.summary.startsWith("echo")) {
                number("identifier", 2);
                const sequence = number("sequence", 2);
                made.summary += " " + sequence;
                return {at: reader.at};
            }
            number("rest of header", 4, (value) => hex(value, 8));
            const error = protocol === 1 ? [3, 4, 5, 11, 12].includes(type) : type < 128;
            return {at: reader.at, quotes: error};
        });
        if (next && next.quotes && bytes.length > next.at)
            quote(layers, bytes, next.at, end);
        else if (next)
            content(layers, "Content", bytes, next.at, end);
    }
    /** What an error quotes is a datagram of its own, cut. */
    function quote(layers, bytes, at, end) {
        const inner = [];
        ip(inner, bytes.subarray(0, Math.min(end, bytes.length)), at);
        for (const one of inner.slice(0, 1)) {
            one.name = "Quoted " + one.name;
            layers.push(one);
            content(layers, "Quoted content", bytes, one.headerEnd, end);
        }
    }

    function udp(layers, bytes, at, end) {
        const next = layer(layers, "UDP", "transport", bytes, at, end, ({made, reader, number}) => {
            const source = number("source port", 2), destination = number("destination port", 2);
            const length = number("length", 2);
            number("checksum", 2, (value) => hex(value, 4) + (value === 0 ? " (none)" : ""));
            made.summary = "port " + source + " → " + destination;
            return {source, destination, at: reader.at, end: at + Math.max(length, 8)};
        });
        if (!next)
            return;
        const ports = [next.source, next.destination];
        if (ports.includes(53))
            dns(layers, bytes, next.at, next.end);
        else if (ports.includes(67) || ports.includes(68))
            dhcp(layers, bytes, next.at, next.end);
        else
            content(layers, "Content", bytes, next.at, Math.min(end, next.end));
    }

    function tcp(layers, bytes, at, end) {
        const next = layer(layers, "TCP", "transport", bytes, at, end, ({made, reader, number, field}) => {
            const source = number("source port", 2), destination = number("destination port", 2);
            number("sequence number", 4);
            number("acknowledgement", 4);
            const bits = number("header length, flags", 2, (value) =>
                (value >> 12) * 4 + " bytes, " + (strata.tcpFlags(value & 255) || "none"));
            number("window", 2);
            number("checksum", 2, (value) => hex(value, 4));
            number("urgent pointer", 2);
            const header = at + (bits >> 12) * 4;
            while (reader.at < header && reader.at < reader.end)
                if (!tcpOption(reader, field, header))
                    break;
            made.summary = "port " + source + " → " + destination + ", " + (strata.tcpFlags(bits & 255) || "no flags");
            return {source, destination, at: Math.max(header, at + 20)};
        });
        if (!next)
            return;
        const ports = [next.source, next.destination];
        if (ports.includes(53) && Math.min(end, bytes.length) > next.at + 14)
            dns(layers, bytes, next.at + 2, end);
        else
            content(layers, ports.includes(80) ? "HTTP" : "Content", bytes, next.at, end);
    }
    function tcpOption(reader, field, header) {
        const kind = reader.bytes[reader.at], length = reader.bytes[reader.at + 1];
        if (kind === 0) {
            field("end of options", () => skip(reader, header - reader.at));
            return false;
        }
        if (kind === 1) {
            field("no operation", () => reader.number(1), () => "");
            return true;
        }
        const names = {2: "maximum segment size", 3: "window scale", 4: "SACK permitted", 5: "SACK", 8: "timestamps",
            28: "user timeout", 34: "fast open"};
        if (!(length >= 2) || reader.at + length > header) {
            field("option of no sense", () => skip(reader, Math.max(0, header - reader.at)));
            return false;
        }
        field(names[kind] || "option " + kind, () => {
            reader.at += 2;
            const rest = length - 2;
            if (kind === 2 && rest === 2)
                return reader.number(2);
            if (kind === 3 && rest === 1) {
                const shift = reader.number(1);
                return shift + " (times " + Math.pow(2, shift) + ")";
            }
            if (kind === 8 && rest === 8)
                return reader.number(4) + ", echo " + reader.number(4);
            if (kind === 5)
                return Array.from({length: rest / 8 | 0}, () => reader.number(4) + "–" + reader.number(4)).join(", ");
            return skip(reader, rest);
        });
        return true;
    }

    /* ---- Applications -------------------------------------------------------------------------------------- */

    /** A name, with pointers; bounded, since a pointer may lead in a circle. */
    function dnsName(reader, base) {
        const labels = [];
        let at = reader.at, jumped = false;
        for (let steps = 0; steps < 128; steps++) {
            if (at >= reader.end)
                throw new RangeError("cut off");
            const length = reader.bytes[at];
            if (length >= 192) {
                if (!jumped)
                    reader.at = at + 2;
                jumped = true;
                at = base + (length & 63) * 256 + reader.bytes[at + 1];
                continue;
            }
            at++;
            if (length === 0)
                break;
            labels.push(String.fromCharCode(...reader.bytes.subarray(at, Math.min(at + length, reader.end))));
            at += length;
        }
        if (!jumped)
            reader.at = at;
        return labels.length ? labels.join(".") : ".";
    }
    function dns(layers, bytes, at, end) {
        layer(layers, "DNS", "application", bytes, at, end, ({made, reader, field, number}) => {
            number("identifier", 2, (value) => hex(value, 4));
            const flags = number("flags", 2, (value) => (value & 0x8000 ? "response" : "query") +
                (value & 0x0400 ? ", authoritative" : "") + (value & 0x0200 ? ", truncated" : "") +
                (value & 0x0100 ? ", recursion desired" : "") + (value & 0x0080 ? ", recursion available" : "") +
                (value & 0x8000 ? ", " + (DNS_CODES[value & 15] || "code " + (value & 15)) : ""));
            const counts = ["questions", "answers", "authorities", "additional"].map((name) => number(name, 2));
            for (let i = 0; i < Math.min(counts[0], 20); i++) {
                const name = field("question", () => {
                    const asked = dnsName(reader, at), type = reader.number(2);
                    reader.number(2);
                    return (DNS_TYPES[type] || "type " + type) + " of " + asked;
                });
                made.summary = (flags & 0x8000 ? "answer: " : "question: ") + name;
            }
            const titles = ["answer", "authority", "additional"];
            for (let section = 0; section < 3; section++)
                for (let i = 0; i < Math.min(counts[section + 1], 40); i++)
                    field(titles[section], () => dnsRecord(reader, at));
        });
    }
    function dnsRecord(reader, base) {
        const name = dnsName(reader, base), type = reader.number(2);
        reader.number(2);
        const ttl = reader.number(4), length = reader.number(2), next = reader.at + length;
        const shown = DNS_TYPES[type] || "type " + type;
        let data = length + " bytes";
        if (type === 1 && length === 4)
            data = reader.ipv4();
        else if (type === 28 && length === 16)
            data = reader.ipv6();
        else if (type === 2 || type === 5 || type === 12)
            data = dnsName(reader, base);
        else if (type === 15)
            data = reader.number(2) + " " + dnsName(reader, base);
        if (next > reader.end)
            throw new RangeError("cut off");
        reader.at = next;
        return type === 41 ? "EDNS" : name + " " + shown + " " + data + " (" + ttl + " s)";
    }

    function dhcp(layers, bytes, at, end) {
        layer(layers, "DHCP", "application", bytes, at, end, ({made, reader, field, number}) => {
            number("operation", 1, (value) => value + (value === 1 ? " (request)" : " (reply)"));
            number("hardware", 1);
            number("hardware length", 1);
            number("hops", 1);
            number("transaction", 4, (value) => hex(value, 8));
            number("seconds", 2);
            number("flags", 2, (value) => hex(value, 4) + (value & 0x8000 ? " (broadcast)" : ""));
            for (const name of ["client's address", "your address", "next server", "relay"])
                field(name, () => reader.ipv4());
            field("client's hardware", () => reader.mac());
            field("(padding, server name, boot file)", () => {
                skip(reader, 202);
                return "202 bytes";
            });
            number("magic", 4, (value) => hex(value, 8));
            for (let i = 0; i < 64 && reader.at < reader.end; i++) {
                const code = reader.bytes[reader.at];
                if (code === 255 || code === 0) {
                    field(code ? "end of options" : "padding", () => reader.number(1), () => "");
                    if (code)
                        break;
                    continue;
                }
                field(DHCP_OPTIONS[code] || "option " + code, () => dhcpOption(reader, code, made));
            }
        });
    }
    function dhcpOption(reader, code, made) {
        reader.at++;
        const length = reader.number(1);
        if (code === 53 && length === 1) {
            const type = reader.number(1);
            made.summary = DHCP_TYPES[type] || "type " + type;
            return made.summary;
        }
        if ([1, 3, 6, 50, 54].includes(code) && length >= 4 && length % 4 === 0)
            return Array.from({length: length / 4}, () => reader.ipv4()).join(", ");
        if ([51, 58, 59].includes(code) && length === 4)
            return reader.number(4) + " s";
        return skip(reader, length);
    }

    /** The layers of a frame, the outermost first. */
    strata.dissect = function (bytes, link) {
        const layers = [];
        if (bytes.length === 0)
            return layers;
        if (link === "ip")
            ip(layers, bytes, 0);
        else
            ethernet(layers, bytes);
        return layers;
    };
})(globalThis.strata = globalThis.strata || {});
