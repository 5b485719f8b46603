/*
 * The page takes frames apart in JavaScript. Here it does so beside tshark, field by field, on the frames of examples; and
 * with frames that are cut or scrambled, where it must say so and never fail.
 */
"use strict";

const {execFileSync} = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const {STRATA, SOURCE, expect, equal, main} = require("./_support.js");

globalThis.strata = {};
for (const name of ["data", "words", "dissect", "layout", "arrows", "series"])
    require(path.join(SOURCE, "lab/page", name + ".js"));
const {strata} = globalThis;

/** What tshark calls a field, the layer and name that we have for it, and how to compare. */
const first = (value) => value.split(/[ ,]/)[0];
const FIELDS = [
    ["eth.dst", "Ethernet", "destination", first], ["eth.src", "Ethernet", "source", first],
    ["eth.type", "Ethernet", "type", first],
    ["arp.opcode", "ARP", "operation", first], ["arp.src.proto_ipv4", "ARP", "sender", first],
    ["arp.dst.proto_ipv4", "ARP", "target", first], ["arp.src.hw_mac", "ARP", "sender's hardware", first],
    ["ip.src", "IPv4", "source", first], ["ip.dst", "IPv4", "destination", first], ["ip.ttl", "IPv4", "time to live", first],
    ["ip.len", "IPv4", "total length", first], ["ip.id", "IPv4", "identification", first],
    ["ip.checksum", "IPv4", "header checksum", first], ["ip.proto", "IPv4", "protocol", first],
    ["icmp.type", "ICMP", "type", first], ["icmp.seq", "ICMP", "sequence", first],
    ["udp.srcport", "UDP", "source port", first], ["udp.dstport", "UDP", "destination port", first],
    ["udp.length", "UDP", "length", first], ["udp.checksum", "UDP", "checksum", first],
    ["tcp.srcport", "TCP", "source port", first], ["tcp.dstport", "TCP", "destination port", first],
    ["tcp.seq_raw", "TCP", "sequence number", first], ["tcp.ack_raw", "TCP", "acknowledgement", first],
    ["tcp.window_size_value", "TCP", "window", first], ["tcp.checksum", "TCP", "checksum", first],
    ["tcp.hdr_len", "TCP", "header length, flags", first],
    ["tcp.options.mss_val", "TCP", "maximum segment size", first], ["tcp.options.timestamp.tsval", "TCP", "timestamps", first],
    ["dns.id", "DNS", "identifier", first], ["dns.qry.name", "DNS", "question", (value) => value.split(" of ")[1]],
    ["dns.count.answers", "DNS", "answers", first],
    ["dhcp.id", "DHCP", "transaction", first], ["dhcp.ip.your", "DHCP", "your address", first],
    ["dhcp.option.ip_address_lease_time", "DHCP", "lease time", first],
];

function recordOf(folder, scenario) {
    const data = path.join(folder, "run.json"), pcap = path.join(folder, "run.pcapng");
    execFileSync(STRATA, ["lab", path.join(SOURCE, "examples", scenario), "--quiet", "--report", data, "--pcap", pcap],
        {stdio: "ignore"});
    const model = new strata.Model();
    model.append(JSON.parse(fs.readFileSync(data, "utf8")));
    return {model, pcap};
}

function valueOf(layers, layer, name) {
    const found = layers.find((one) => one.name === layer);
    const field = found && found.fields.find((one) => one.name === name);
    return field ? field.value : "";
}

function fields_are_what_tshark_says(folder) {
    for (const scenario of ["day-in-the-life/day.yaml", "lossy-link/transfer.yaml", "first-steps/ping.yaml"]) {
        const {model, pcap} = recordOf(folder, scenario);
        const words = ["-r", pcap, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=f", "-o",
            "tcp.relative_sequence_numbers:false"].concat(FIELDS.flatMap(([name]) => ["-e", name]));
        const rows = execFileSync("tshark", words, {encoding: "utf8", stdio: ["ignore", "pipe", "ignore"],
            maxBuffer: 1 << 27}).replace(/\n$/, "").split("\n").map((row) => row.split("\t"));
        equal(rows.length, model.frames.count, scenario + ": frames");
        let compared = 0, wrong = 0;
        rows.forEach((row, frame) => {
            const layers = strata.dissect(model.bytesOf(frame), model.cables[model.frames.cable[frame]].link);
            FIELDS.forEach(([name, layer, field, show], i) => {
                const ours = valueOf(layers, layer, field);
                if (row[i] === "" || (ours === "" && layer !== "Ethernet" && !layers.some((one) => one.name === layer)))
                    return;
                compared++;
                if (ours === "" || show(ours) !== row[i])
                    if (++wrong < 5)
                        expect(false, `${scenario}, frame ${frame + 1}: ${name} is ${row[i]}, not ${ours}`);
            });
        });
        expect(compared > model.frames.count * 5, scenario + ": compared " + compared);
    }
}

/** Whatever comes, layers lie within the frame and nothing throws. */
function sound(bytes, what) {
    try {
        for (const link of ["ethernet", "ip"])
            for (const layer of strata.dissect(bytes, link))
                for (const field of layer.fields)
                    if (field.start > field.end || field.end > bytes.length)
                        throw new Error(layer.name + "." + field.name + " lies beyond the frame");
    } catch (error) {
        expect(false, what + ": " + error.message);
    }
}

function frames_that_are_cut_or_scrambled_do_no_harm(folder) {
    const {model} = recordOf(folder, "day-in-the-life/day.yaml");
    let state = 12345;
    const below = (limit) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % limit;
    };
    for (let frame = 0; frame < model.frames.count; frame++) {
        const bytes = model.bytesOf(frame);
        for (let length = 0; length < Math.min(bytes.length, 120); length += 3)
            sound(bytes.slice(0, length), `frame ${frame} cut to ${length}`);
        for (let round = 0; round < 12; round++) {
            const other = bytes.slice();
            for (let i = 0; i < 6; i++)
                other[below(Math.min(other.length, 90))] = below(256);
            sound(other, `frame ${frame} scrambled`);
        }
    }
    for (let round = 0; round < 3000; round++)
        sound(Uint8Array.from({length: below(200)}, () => below(256)), "noise");
}

function columns_come_out_as_they_went_in() {
    const write = (values) => {
        const bytes = [];
        let last = 0n;
        for (const value of values.map(BigInt)) {
            const change = value - last;
            let zigzag = change < 0n ? -change * 2n - 1n : change * 2n;
            last = value;
            for (; zigzag >= 128n; zigzag >>= 7n)
                bytes.push(Number(zigzag & 127n) | 128);
            bytes.push(Number(zigzag));
        }
        return Buffer.from(bytes).toString("base64");
    };
    for (const values of [[], [0], [-1, 1, -1], [127, 128, 129, 16384, 0], [4294967295, 0, 4294967296],
        [60000000000001, 3, 4503599627370495, 0]])
        equal([...strata.numbersOf(write(values), values.length, Float64Array)], values, "a column");
}

function networks_have_their_shape() {
    const line = strata.layout(5, [0, 1, 2, 3].map((i) => ({a: i, b: i + 1})), 2.4);
    expect(line.y.every((y) => Math.abs(y - 0.5) < 1e-6), "a line is a line: " + line.y);
    expect(line.x.every((x, i) => Math.abs(x - i / 4) < 0.01), "evenly spaced, from the first node on: " + line.x);
    const again = strata.layout(5, [0, 1, 2, 3].map((i) => ({a: i, b: i + 1})), 2.4);
    equal(line, again, "the same each time");
    const star = strata.layout(9, [1, 2, 3, 4, 5, 6, 7, 8].map((b) => ({a: 0, b})), 2.4);
    for (let i = 0; i < 9; i++)
        for (let j = 0; j < i; j++)
            expect(Math.hypot((star.x[i] - star.x[j]) * 2.4, star.y[i] - star.y[j]) > 0.1, `${i} and ${j} are apart`);
    const parts = strata.layout(4, [{a: 0, b: 1}, {a: 2, b: 3}], 2.4);
    expect(parts.x.concat(parts.y).every((value) => value >= -1e-9 && value <= 1 + 1e-9), "networks in parts");
    equal(strata.layout(1, [], 2.4).x.length, 1, "one node");
    const large = strata.layout(400, Array.from({length: 399}, (_, i) => ({a: 0, b: i + 1})), 2.4);
    expect(large.x.every(Number.isFinite), "a large one");
}

main([() => null, () => null], {
    short: [fields_are_what_tshark_says, frames_that_are_cut_or_scrambled_do_no_harm, columns_come_out_as_they_went_in,
        networks_have_their_shape],
});
