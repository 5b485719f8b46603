/*
 * The record of a run as the page has it: columns of numbers, unpacked from base64 (docs/trace.md, "The record").
 * A record comes whole, inside the page, or in pieces from a lab that still runs; both go through append().
 * Times are nanoseconds of virtual time. Nothing here touches the document, so that Node can test it.
 */
(function (strata) {
    "use strict";

    const FRAME_COLUMNS = {
        sent: Float64Array, took: Float64Array, cable: Uint32Array, direction: Uint8Array, from: Uint32Array,
        to: Uint32Array, length: Uint32Array,
        fate: Uint8Array, flags: Uint8Array, conversation: Int32Array, side: Uint8Array, journey: Uint32Array,
        text: Uint32Array, reason: Uint32Array, seq: Uint32Array, ack: Uint32Array, window: Uint16Array,
        tcp: Uint16Array, payload: Uint32Array, stored: Uint32Array,
    };
    const EVENT_COLUMNS = {
        time: Float64Array, kind: Uint8Array, node: Int32Array, cable: Int32Array, text: Uint32Array,
        program: Uint32Array, value: Int32Array,
    };
    strata.FATE = {underWay: 0, delivered: 1, lost: 2};
    strata.FLAG = {again: 1, corrupt: 2, duplicate: 4, reorder: 8, mark: 16, cut: 32};
    strata.EVENT = {print: 1, start: 2, end: 3, note: 4, drop: 5};
    strata.TCP = {fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128};

    function bytesOf(text) {
        const binary = atob(text);
        const bytes = new Uint8Array(binary.length);
        for (let i = 0; i < bytes.length; i++)
            bytes[i] = binary.charCodeAt(i);
        return bytes;
    }

    /** Differences, zigzagged, seven bits to a byte. Numbers beyond 32 bits are sums, not shifts. */
    function numbersOf(text, count, Type) {
        const bytes = bytesOf(text);
        const numbers = new Type(count);
        let last = 0, at = 0;
        for (let i = 0; i < count; i++) {
            let value = 0, weight = 1, byte;
            do {
                byte = bytes[at++];
                value += (byte & 127) * weight;
                weight *= 128;
            } while (byte >= 128);
            last += value % 2 ? -(value + 1) / 2 : value / 2;
            numbers[i] = last;
        }
        return numbers;
    }

    /** Columns of the same length that grow. */
    class Table {
        constructor(columns) {
            this.columns = columns;
            this.count = 0;
            for (const name of Object.keys(columns))
                this[name] = new columns[name](0);
        }
        add(part) {
            const count = this.count + part.count;
            for (const [name, Type] of Object.entries(this.columns)) {
                let column = this[name];
                if (column.length < count) {
                    const larger = new Type(this.count === 0 ? count : Math.max(count, column.length * 2));
                    larger.set(column.subarray(0, this.count));
                    column = this[name] = larger;
                }
                column.set(numbersOf(part[name], part.count, Type), this.count);
            }
            this.count = count;
        }
    }

    /** What one host says of one connection, or how long a queue is. */
    class Curve {
        constructor() {
            this.time = [];
            this.values = {};
        }
        add(part) {
            if (part.anew) {
                this.time = [];
                this.values = {};
            }
            append(this.time, numbersOf(part.time, part.count, Float64Array));
            for (const name of Object.keys(part)) {
                if (name === "count" || name === "anew" || name === "time")
                    continue;
                this.values[name] = this.values[name] || [];
                append(this.values[name], numbersOf(part[name], part.count, Float64Array));
            }
        }
    }

    function append(list, more) {
        for (let i = 0; i < more.length; i++)
            list.push(more[i]);
    }

    /** Everything that is known of a run. */
    class Model {
        constructor() {
            this.frames = new Table(FRAME_COLUMNS);
            this.events = new Table(EVENT_COLUMNS);
            this.at = new Float64Array(0);       // where the bytes of each frame are
            this.hops = new Int32Array(0);       // the next hop of the same datagram, or -1
            this.lastHop = new Int32Array(0);    // of a journey, by its first frame
            this.bytes = [];                     // pieces, each with the place where it begins
            this.byteCount = 0;
            this.texts = [];
            this.conversations = [];
            this.tcps = [];
            this.queues = new Map();
            this.copies = new Map();
            this.flips = new Map();
            this.nodes = [];
            this.cables = [];
            this.edges = [];
            this.vertices = 0;
            this.counters = [];
            this.checks = [];
            this.head = {};
            this.revision = 0;
        }

        append(part) {
            if (part.format !== "strata-record")
                throw new Error("this is no record of a run");
            if (part.version !== 1)
                throw new Error("this record is of version " + part.version + "; the page knows version 1");
            this.head = part;
            this.nodes = part.nodes;
            this.cables = part.cables;
            this.addEdges();
            this.checks = part.checks;
            if (part.counters)
                this.counters = part.counters;
            append(this.texts, part.texts);
            this.addConversations(part.conversations);
            const first = this.frames.count;
            this.frames.add(part.frames);
            this.addFrames(first);
            this.addChanges(part.changes);
            this.addPairs(this.copies, part.copies, ["to", "arrived"]);
            this.addPairs(this.flips, part.flips, ["offset", "value"]);
            const bytes = bytesOf(part.bytes);
            if (bytes.length > 0)
                this.bytes.push({from: this.byteCount, bytes});
            this.byteCount += bytes.length;
            this.events.add(part.events);
            this.addCurves(part);
            this.now = part.now;
            this.revision++;
        }

        /** Lines between vertices: each node is one, and each bus, to which its stations are tied. */
        addEdges() {
            this.edges = [];
            this.vertices = this.nodes.length;
            this.cables.forEach((cable, index) => {
                if (!cable.stations) {
                    this.edges.push({cable: index, a: cable.a, b: cable.b});
                    return;
                }
                cable.vertex = this.vertices++;
                for (const [node] of cable.stations)
                    this.edges.push({cable: index, a: cable.vertex, b: node});
            });
        }

        addConversations(list) {
            for (const news of list) {
                const old = this.conversations[news.index];
                this.conversations[news.index] = Object.assign(
                    old || {frames: [], journeys: [], bytes: 0, lost: 0, again: 0, first: Infinity, last: 0}, news);
            }
        }

        addFrames(first) {
            const f = this.frames, count = f.count;
            this.at = grown(this.at, count, Float64Array);
            this.hops = grown(this.hops, count, Int32Array);
            this.lastHop = grown(this.lastHop, count, Int32Array);
            let at = first > 0 ? this.at[first - 1] + f.stored[first - 1] : 0;
            for (let i = first; i < count; i++) {
                this.at[i] = at;
                at += f.stored[i];
                f.journey[i] = i - f.journey[i];
                this.hops[i] = -1;
                this.lastHop[i] = i;
                if (f.journey[i] !== i) {
                    this.hops[this.lastHop[f.journey[i]]] = i;
                    this.lastHop[f.journey[i]] = i;
                }
                const c = this.conversations[f.conversation[i]];
                if (!c)
                    continue;
                c.frames.push(i);
                c.first = Math.min(c.first, f.sent[i]);
                c.last = Math.max(c.last, f.sent[i] + f.took[i]);
                c.lost += f.fate[i] === strata.FATE.lost ? 1 : 0;
                if (f.journey[i] === i) {
                    c.journeys.push(i);
                    c.bytes += f.payload[i];
                    c.again += f.flags[i] & strata.FLAG.again ? 1 : 0;
                }
            }
        }

        addChanges(part) {
            const frame = numbersOf(part.frame, part.count, Uint32Array);
            const columns = ["took", "fate", "flags", "reason", "to"].map((name) =>
                numbersOf(part[name], part.count, FRAME_COLUMNS[name]));
            const f = this.frames;
            for (let i = 0; i < part.count; i++) {
                const index = frame[i], c = this.conversations[f.conversation[index]];
                const wasLost = f.fate[index] === strata.FATE.lost;
                f.took[index] = columns[0][i];
                f.fate[index] = columns[1][i];
                f.flags[index] = columns[2][i];
                f.reason[index] = columns[3][i];
                f.to[index] = columns[4][i];
                if (!c)
                    continue;
                c.last = Math.max(c.last, f.sent[index] + f.took[index]);
                c.lost += (f.fate[index] === strata.FATE.lost ? 1 : 0) - (wasLost ? 1 : 0);
            }
        }

        addPairs(map, part, names) {
            const frame = numbersOf(part.frame, part.count, Uint32Array);
            const columns = names.map((name) => numbersOf(part[name], part.count, Float64Array));
            for (let i = 0; i < part.count; i++) {
                const list = map.get(frame[i]) || [];
                list.push(Object.fromEntries(names.map((name, j) => [name, columns[j][i]])));
                map.set(frame[i], list);
            }
        }

        addCurves(part) {
            for (const news of part.tcp) {
                const tcp = this.tcps[news.index] = this.tcps[news.index] ||
                    {node: news.node, local: news.local, localPort: news.local_port, remote: news.remote,
                     remotePort: news.remote_port, cwnd: new Curve(), rtt: new Curve(), states: new Curve(),
                     timers: new Curve()};
                for (const name of ["cwnd", "rtt", "states", "timers"])
                    if (news[name])
                        tcp[name].add(news[name]);
            }
            for (const news of part.queues) {
                const key = news.cable + "." + news.direction;
                const queue = this.queues.get(key) ||
                    {cable: news.cable, direction: news.direction, length: new Curve()};
                queue.length.add(news.length);
                this.queues.set(key, queue);
            }
        }

        /** The nodes at both ends of the hop that a frame made. */
        from(frame) {
            return this.frames.from[frame];
        }
        to(frame) {
            return this.frames.to[frame];
        }
        arrived(frame) {
            return this.frames.sent[frame] + this.frames.took[frame];
        }

        /** The bytes of a frame as it was sent, as far as they were kept. */
        bytesOf(frame) {
            const f = this.frames, first = f.journey[frame];
            const own = this.slice(this.at[frame], f.stored[frame]);
            const none = own.length === 0 && f.flags[frame] & strata.FLAG.cut;
            if (first === frame || none || own.length >= f.length[frame])
                return own;
            const whole = this.slice(this.at[first], f.stored[first]);
            if (whole.length <= own.length)
                return own;
            const bytes = whole.slice();
            bytes.set(own);
            return bytes;
        }
        slice(at, count) {
            for (let i = this.bytes.length - 1; i >= 0; i--) {
                const piece = this.bytes[i];
                if (piece.from <= at)
                    return piece.bytes.subarray(at - piece.from, at - piece.from + count);
            }
            return new Uint8Array(0);
        }

        /** What the host of one side says of a TCP conversation, or null. */
        tcpOf(conversation, side) {
            const own = conversation.ends[side], other = conversation.ends[1 - side];
            return this.tcps.find((tcp) => tcp && tcp.local === own.address && tcp.localPort === own.port &&
                tcp.remote === other.address && tcp.remotePort === other.port &&
                (own.node < 0 || own.node === tcp.node)) || null;
        }

        nodeName(index) {
            return index >= 0 && this.nodes[index] ? this.nodes[index].name : "?";
        }
    }

    function grown(column, count, Type) {
        if (column.length >= count)
            return column;
        const larger = new Type(Math.max(count, column.length * 2));
        larger.set(column);
        return larger;
    }

    strata.Model = Model;
    strata.numbersOf = numbersOf;
    strata.bytesOf = bytesOf;

    /** The index of the first element of a sorted list that is not below a value. */
    strata.lowerBound = function (list, value, count) {
        let low = 0, high = count === undefined ? list.length : count;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (list[middle] < value)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    };
})(globalThis.strata = globalThis.strata || {});
