/*
 * Where the nodes of a network are drawn: stress majorization (Gansner, Koren, North 2004), which makes the distance of
 * two nodes on paper like their distance in cables. It takes a fixed number of steps from a fixed beginning, so the same
 * network is always drawn in the same way. Large networks are laid out in rings around their middle. No document needed.
 */
(function (strata) {
    "use strict";

    const SMALL = 220, STEPS = 300;

    function neighbours(count, cables) {
        const list = Array.from({length: count}, () => []);
        for (const cable of cables) {
            list[cable.a].push(cable.b);
            list[cable.b].push(cable.a);
        }
        return list;
    }
    /** How many cables every node is away from one of them; -1: no way. */
    function distances(list, from) {
        const far = new Int32Array(list.length).fill(-1), queue = [from];
        far[from] = 0;
        for (let i = 0; i < queue.length; i++)
            for (const other of list[queue[i]])
                if (far[other] < 0) {
                    far[other] = far[queue[i]] + 1;
                    queue.push(other);
                }
        return far;
    }
    strata.distances = function (count, cables, from) {
        return distances(neighbours(count, cables), from);
    };

    function majorize(list) {
        const n = list.length, far = list.map((_, i) => distances(list, i));
        const longest = Math.max(1, ...far.map((row) => Math.max(...row)));
        const x = new Float64Array(n), y = new Float64Array(n);
        // It begins at one end: what is as far from it stands in a column. A line is a line from the first step on.
        const end = far[0].indexOf(Math.max(...far[0])), column = new Map();
        for (let i = 0; i < n; i++) {
            const d = far[end][i] < 0 ? longest + 1 : far[end][i];
            column.set(d, (column.get(d) || []).concat(i));
        }
        for (const [d, nodes] of column)
            nodes.forEach((node, rank) => {
                x[node] = d;
                y[node] = rank - (nodes.length - 1) / 2;
            });
        for (let step = 0; step < (n < 40 ? 900 : n < 80 ? STEPS : 80); step++)
            for (let i = 0; i < n; i++) {
                let sumX = 0, sumY = 0, weight = 0;
                for (let j = 0; j < n; j++) {
                    if (i === j)
                        continue;
                    const d = far[i][j] < 0 ? longest + 1 : far[i][j], w = 1 / (d * d);
                    const dx = x[i] - x[j], dy = y[i] - y[j], length = Math.sqrt(dx * dx + dy * dy) || 1e-6;
                    sumX += w * (x[j] + d * dx / length);
                    sumY += w * (y[j] + d * dy / length);
                    weight += w;
                }
                if (weight > 0) {
                    x[i] = sumX / weight;
                    y[i] = sumY / weight;
                }
            }
        return {x, y};
    }

    function rings(list) {
        const n = list.length, x = new Float64Array(n), y = new Float64Array(n);
        let middle = 0;
        list.forEach((others, i) => {
            if (others.length > list[middle].length)
                middle = i;
        });
        const far = distances(list, middle), byRing = [];
        far.forEach((d, i) => (byRing[d < 0 ? 0 : d] = byRing[d < 0 ? 0 : d] || []).push(i));
        byRing.forEach((ring, d) => ring && ring.forEach((node, i) => {
            const angle = 2 * Math.PI * i / ring.length;
            x[node] = d === 0 && ring.length === 1 ? 0 : Math.cos(angle) * (d + 0.2);
            y[node] = d === 0 && ring.length === 1 ? 0 : Math.sin(angle) * (d + 0.2);
        }));
        return {x, y};
    }

    /** Turns the drawing so that it is wide rather than high, with the first node on the left. */
    function turn({x, y}) {
        const n = x.length;
        let mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
        for (let i = 0; i < n; i++) {
            mx += x[i] / n;
            my += y[i] / n;
        }
        for (let i = 0; i < n; i++) {
            xx += (x[i] - mx) * (x[i] - mx);
            yy += (y[i] - my) * (y[i] - my);
            xy += (x[i] - mx) * (y[i] - my);
        }
        let angle = 0.5 * Math.atan2(2 * xy, xx - yy);
        for (let pass = 0; pass < 2; pass++) {
            const c = Math.cos(angle), s = Math.sin(angle);
            if (n > 1 && pass === 0 && (x[0] - mx) * c + (y[0] - my) * s > 1e-9) {
                angle += Math.PI;
                continue;
            }
            for (let i = 0; i < n; i++) {
                const dx = x[i] - mx, dy = y[i] - my;
                x[i] = dx * c + dy * s;
                y[i] = -dx * s + dy * c;
            }
            break;
        }
        return {x, y};
    }

    /** @return {x, y}, between 0 and 1 in both directions. `ratio` is how much wider than high the paper is. */
    strata.layout = function (count, cables, ratio) {
        if (count === 0)
            return {x: [], y: []};
        const list = neighbours(count, cables);
        const {x, y} = turn(count <= SMALL ? majorize(list) : rings(list));
        const minX = Math.min(...x), maxX = Math.max(...x), minY = Math.min(...y), maxY = Math.max(...y);
        const width = maxX - minX, height = maxY - minY, flat = height < width * 0.02;
        // Never stretched in height: a line stays a line.
        const stretch = flat ? 0 : Math.min(1 / (height || 1), ratio / (width || 1));
        return {
            x: Array.from(x, (value) => width ? (value - minX) / width : 0.5),
            y: Array.from(y, (value) => 0.5 + (value - (minY + maxY) / 2) * stretch),
        };
    };
})(globalThis.strata = globalThis.strata || {});
