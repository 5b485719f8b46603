/*
 * The numbers behind the curves: what a TCP connection looked like from where its data are sent. No document needed.
 */
(function (strata) {
    "use strict";

    /** Sequence numbers wrap; these do not: counted from the first number of the side, as textbooks do. */
    class Unwrapped {
        constructor(first) {
            this.first = first || 0;
            this.most = 0;
        }
        /** The place nearest to the furthest that was seen so far. */
        near(number) {
            const turn = 4294967296, place = (number - this.first) >>> 0;
            const base = Math.floor(this.most / turn) * turn + place;
            return base - this.most > turn / 2 ? base - turn : this.most - base > turn / 2 ? base + turn : base;
        }
        of(number) {
            const place = this.near(number);
            this.most = Math.max(this.most, place);
            return place;
        }
    }

    /** The shift of the windows that one side offers, once both have asked for it. */
    function scaleOf(conversation, side) {
        const own = conversation.ends[side].scale, other = conversation.ends[1 - side].scale;
        return own >= 0 && other >= 0 ? Math.pow(2, own) : 1;
    }

    /**
     * Everything about the bytes from `side` to the other: segments as they leave, acknowledgements as they come back.
     * sent: {frame, time, start, end, again, lost, arrived}; acks: {frame, time, ack, edge, left}, where `time` is when
     * the sender hears it and `left` when the receiver said it.
     */
    strata.transferOf = function (model, conversation, side) {
        const f = model.frames, sent = [], acks = [];
        const numbers = new Unwrapped(conversation.ends[side].first);
        const scale = scaleOf(conversation, 1 - side);
        for (const frame of conversation.journeys) {
            const last = model.lastHop[frame];
            const delivered = f.fate[last] === strata.FATE.delivered;
            if (f.side[frame] === side) {
                const start = numbers.of(f.seq[frame]);
                const length = f.payload[frame] + (f.tcp[frame] & 2 ? 1 : 0) + (f.tcp[frame] & 1 ? 1 : 0);
                if (length > 0)
                    sent.push({frame, time: f.sent[frame], start, end: start + length,
                        again: (f.flags[frame] & strata.FLAG.again) !== 0, lost: f.fate[last] === strata.FATE.lost,
                        arrived: delivered && !(f.flags[last] & strata.FLAG.corrupt) ? model.arrived(last) : Infinity});
            } else if (f.tcp[frame] & 16) {
                const ack = numbers.near(f.ack[frame]);
                const window = f.window[frame] * (f.tcp[frame] & 2 ? 1 : scale);
                acks.push({frame, time: delivered ? model.arrived(last) : Infinity, left: f.sent[frame], ack,
                    edge: ack + window});
            }
        }
        const heard = acks.filter((ack) => ack.time < Infinity).sort((a, b) => a.time - b.time);
        const segment = sent.reduce((most, one) => Math.max(most, f.payload[one.frame]), 1);
        return {side, sent, acks, heard, segment};
    };

    /** The busier side of a conversation. */
    strata.senderOf = function (model, conversation) {
        const bytes = [0, 0], f = model.frames;
        for (const frame of conversation.journeys)
            bytes[f.side[frame]] += f.payload[frame];
        return bytes[1] > bytes[0] ? 1 : 0;
    };

    /** Bytes that newly arrived, in bits per second, in equal pieces of time. */
    strata.goodputOf = function (transfer, from, to, pieces) {
        const width = (to - from) / pieces, bits = new Float64Array(pieces);
        const arrivals = transfer.sent.filter((one) => one.arrived < Infinity).sort((a, b) => a.arrived - b.arrived);
        let top = 0;
        for (const one of arrivals) {
            const fresh = Math.max(0, one.end - Math.max(top, one.start));
            // What was missing before counts when it comes: a repetition below the top fills a hole.
            const filled = one.end <= top && one.again ? one.end - one.start : fresh;
            top = Math.max(top, one.end);
            const piece = Math.floor((one.arrived - from) / width);
            if (piece >= 0 && piece < pieces)
                bits[piece] += filled * 8 / (width / 1e9);
        }
        return {time: Array.from({length: pieces}, (_, i) => from + (i + 0.5) * width), bits: Array.from(bits)};
    };

    /**
     * What sender and receiver know at a moment. The receiver's hole and what came early are found among the arrivals.
     */
    strata.windowsAt = function (model, conversation, transfer, time) {
        const {sent, acks, heard} = transfer;
        const state = {una: 0, next: 0, edge: 0, window: 0, cwnd: null, received: 0, receivedEdge: 0, early: [],
            again: [], top: 0};
        const last = lastBefore(heard, time, (ack) => ack.time);
        for (let i = last; i >= 0 && i > last - 200; i--) { // late ones may come out of order
            state.una = Math.max(state.una, heard[i].ack);
            state.edge = Math.max(state.edge, heard[i].edge);
        }
        const lastSent = lastBefore(sent, time, (one) => one.time);
        for (let i = lastSent; i >= 0 && i > lastSent - 3000; i--)
            state.next = Math.max(state.next, sent[i].end);
        state.next = Math.max(state.next, state.una);
        const said = acks[lastBefore(acks, time, (ack) => ack.left)];
        if (said) {
            state.received = said.ack;
            state.receivedEdge = Math.max(said.ack, said.edge);
        }
        for (let i = lastSent; i >= 0 && i > lastSent - 3000; i--) {
            const one = sent[i];
            if (one.again && one.end > state.una)
                state.again.push([one.start, one.end]);
            if (one.arrived <= time && one.end > state.received)
                state.early.push([Math.max(one.start, state.received), one.end]);
        }
        state.early.sort((a, b) => a[0] - b[0]);
        const tcp = model.tcpOf(conversation, transfer.side);
        if (tcp && tcp.cwnd.time.length) {
            const i = lastBefore(tcp.cwnd.time, time, (at) => at);
            if (i >= 0) {
                state.cwnd = tcp.cwnd.values.cwnd[i];
                state.ssthresh = tcp.cwnd.values.ssthresh[i];
            }
        }
        state.window = state.edge - state.una;
        state.top = Math.max(state.next, state.edge, state.receivedEdge);
        return state;
    };
    /** The index of the last element not after a time, or -1. */
    function lastBefore(list, time, when) {
        let low = 0, high = list.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (when(list[middle]) <= time)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }
    strata.lastBefore = lastBefore;
})(globalThis.strata = globalThis.strata || {});
