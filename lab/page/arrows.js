/*
 * What a time-space diagram shows, before it is drawn: who has a lane, which arrows there are, and where on the paper a
 * moment of time lies. No document needed.
 *
 * Time to scale leaves crowds that nobody can read, and miles of silence. The readable scale keeps the order of
 * everything and the slope of what is long, gives each moment a little room and folds what is longer than it is worth.
 */
(function (strata) {
    "use strict";

    const LANES_MOST = 24;
    const STEP_LEAST = 14, STEP_MOST = 54; // pixels between two moments, at zoom 1
    const NEAR_REASONS = ["queue full", "RED", "CoDel", "cable is cut", "node is down", "too long for the cable"];

    /** The nodes that frames of a conversation come by, from its first end on. */
    function lanesOf(model, frames, start) {
        const seen = new Map();
        for (const frame of frames) {
            const from = model.from(frame), to = model.to(frame);
            seen.set(from, (seen.get(from) || 0) + 1);
            seen.set(to, (seen.get(to) || 0) + 1);
        }
        let nodes = [...seen.keys()];
        const left = nodes.length - LANES_MOST;
        if (left > 0)
            nodes = nodes.sort((a, b) => seen.get(b) - seen.get(a) || a - b).slice(0, LANES_MOST);
        const far = strata.distances(model.vertices, model.edges, start);
        nodes.sort((a, b) => far[a] - far[b] || a - b);
        return {nodes, leftOut: Math.max(0, left)};
    }

    /** For everything: in the order in which the network is drawn, from left to right. */
    function lanesOfAll(model, frames) {
        const lanes = lanesOf(model, frames, frames.length ? model.from(frames[0]) : 0);
        if (model.place)
            lanes.nodes.sort((a, b) => model.place.x[a] - model.place.x[b] || a - b);
        return lanes;
    }

    /** How long a frame that was lost would have been under way: as long as the last one that arrived. */
    function usualTimes(model, frames) {
        const last = new Map();
        for (const frame of frames)
            if (model.frames.fate[frame] === strata.FATE.delivered)
                last.set(model.frames.cable[frame] * 2 + model.frames.direction[frame], model.frames.took[frame]);
        return last;
    }

    /** The arrows of a conversation (or of all, with null), in the order in which they begin. */
    strata.arrowsOf = function (model, conversation, mode) {
        const f = model.frames;
        const frames = conversation ? conversation.frames : everyFrame(model);
        const ends = conversation && mode === "ends" && conversation.ends.every((end) => end.node >= 0);
        const start = conversation && conversation.ends[0].node >= 0 ? conversation.ends[0].node
            : frames.length ? model.from(frames[0]) : 0;
        const lanes = ends ? {nodes: [conversation.ends[0].node, conversation.ends[1].node], leftOut: 0}
            : conversation ? lanesOf(model, frames, start) : lanesOfAll(model, frames);
        const lane = new Map(lanes.nodes.map((node, i) => [node, i]));
        const list = ends ? conversation.journeys : frames, usual = usualTimes(model, frames);
        const room = list.length + (ends ? 0 : copiesOf(model, list));
        const arrows = {count: 0, frame: new Uint32Array(room), from: new Uint8Array(room), to: new Uint8Array(room),
            start: new Float64Array(room), end: new Float64Array(room), lost: new Uint8Array(room)};
        const add = (frame, from, to, end) => {
            if (from === undefined || to === undefined || from === to)
                return -1;
            arrows.frame[arrows.count] = frame;
            arrows.from[arrows.count] = from;
            arrows.to[arrows.count] = to;
            arrows.start[arrows.count] = f.sent[frame];
            arrows.end[arrows.count] = end;
            return arrows.count++;
        };
        for (const frame of list) {
            const last = ends ? model.lastHop[frame] : frame;
            const from = lane.get(model.from(frame));
            const i = add(frame, from, ends ? (from === 0 ? 1 : 0) : lane.get(model.to(frame)), model.arrived(last));
            for (const copy of ends ? [] : model.copies.get(frame) || [])
                add(frame, from, lane.get(copy.to), copy.arrived);
            if (i < 0)
                continue;
            if (f.fate[last] === strata.FATE.lost) {
                const near = NEAR_REASONS.includes(model.texts[f.reason[last]]);
                arrows.lost[i] = near && last === frame ? 1 : 2;
                const took = usual.get(f.cable[last] * 2 + f.direction[last]) || 0;
                arrows.end[i] = arrows.lost[i] === 1 ? arrows.start[i] : Math.max(arrows.end[i], f.sent[last] + took);
            } else if (f.fate[last] === strata.FATE.underWay) {
                arrows.lost[i] = 3;
                arrows.end[i] = Math.max(arrows.start[i], model.now);
            }
        }
        return {arrows, lanes: lanes.nodes, leftOut: lanes.leftOut, ends: Boolean(ends)};
    };
    function copiesOf(model, frames) {
        let count = 0;
        if (model.copies.size > 0)
            for (const frame of frames)
                count += (model.copies.get(frame) || []).length;
        return count;
    }
    function everyFrame(model) {
        if (!model.every || model.every.length !== model.frames.count)
            model.every = Uint32Array.from({length: model.frames.count}, (_, i) => i);
        return model.every;
    }

    /** From moments to paper and back. */
    class Scale {
        constructor(times, places, folds) {
            this.times = times;
            this.places = places;
            this.folds = folds;
        }
        get height() {
            return this.places.length ? this.places[this.places.length - 1] : 0;
        }
        y(time) {
            const {times, places} = this, n = times.length;
            if (n === 0)
                return 0;
            if (time <= times[0])
                return places[0];
            if (time >= times[n - 1])
                return places[n - 1];
            const i = strata.lowerBound(times, time);
            if (times[i] === time)
                return places[i];
            const share = (time - times[i - 1]) / (times[i] - times[i - 1]);
            return places[i - 1] + share * (places[i] - places[i - 1]);
        }
        time(y) {
            const {times, places} = this, n = times.length;
            if (n === 0)
                return 0;
            if (y <= places[0])
                return times[0];
            if (y >= places[n - 1])
                return times[n - 1];
            const i = Math.max(1, strata.lowerBound(places, y));
            const height = places[i] - places[i - 1];
            return height > 0 ? times[i - 1] + (y - places[i - 1]) / height * (times[i] - times[i - 1]) : times[i];
        }
    }

    function moments(arrows) {
        const all = new Float64Array(arrows.count * 2);
        for (let i = 0; i < arrows.count; i++) {
            all[2 * i] = arrows.start[i];
            all[2 * i + 1] = arrows.end[i];
        }
        all.sort();
        let n = 0;
        for (let i = 0; i < all.length; i++)
            if (i === 0 || all[i] !== all[n - 1])
                all[n++] = all[i];
        return all.slice(0, n);
    }

    /** How many pixels a nanosecond is, so that the usual arrow falls by about 60. */
    function usualSlope(arrows) {
        const took = [];
        const stride = Math.max(1, Math.floor(arrows.count / 1000));
        for (let i = 0; i < arrows.count; i += stride)
            if (arrows.end[i] > arrows.start[i])
                took.push(arrows.end[i] - arrows.start[i]);
        took.sort((a, b) => a - b);
        return took.length ? 60 / took[Math.floor(took.length / 2)] : 1e-4;
    }

    strata.scaleOf = function (arrows, readable) {
        const times = moments(arrows), places = new Float64Array(times.length), folds = [];
        const slope = usualSlope(arrows);
        if (times.length === 0)
            return new Scale(times, places, folds);
        for (let i = 1; i < times.length; i++) {
            const step = (times[i] - times[i - 1]) * slope;
            if (readable) {
                places[i] = places[i - 1] + Math.min(STEP_MOST, Math.max(STEP_LEAST, step));
                if (step > 4 * STEP_MOST)
                    folds.push(i);
            } else {
                places[i] = places[i - 1] + step;
            }
        }
        return new Scale(times, places, folds);
    };
})(globalThis.strata = globalThis.strata || {});
