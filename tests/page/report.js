/*
 * The page of --report in a browser: it shows what happened, can be used by hand, keyboard and on paper, and asks nobody
 * for anything.
 */
"use strict";

const {expect, equal, main, report, launch, open, drawn} = require("./_support.js");

const NASTY = `title: "<script>alert('title')</script>"
description: "</script><img src=x onerror=alert(1)>"
nodes:
  "<b>&a": {address: 10.0.0.1/24, programs: ["ping 10.0.0.2 --count 2"]}
  b: {address: 10.0.0.2/24}
links: [{endpoints: ["<b>&a", b], name: "<img src=x onerror=alert(3)>", delay: 5ms}]
events: [{at: 10ms, note: "<img src=x onerror=alert(2)>"}]
`;
const MANY = `title: Many frames
nodes:
  server: {address: 10.0.0.1/24, gateway: 10.0.0.254, files: {/www/f: {size: 24MiB}}, programs: [http-server /www]}
  r: {kind: router, address: {eth1: 10.0.0.254/24, eth2: 10.0.1.254/24}}
  client: {address: 10.0.1.1/24, gateway: 10.0.1.254, programs: ["fetch http://10.0.0.1/f -o /f"]}
links:
  - {endpoints: [server, r], rate: 1gbit, delay: 1ms}
  - {endpoints: [r, client], rate: 100mbit, delay: 10ms, limit: 100, loss: 0.05%}
`;

let browser;

/** How many pixels of the diagram have a colour of the theme. */
const pixels = (page, name) => page.evaluate((colour) => {
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--" + colour).trim();
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const canvas = document.getElementById("sequence-canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
        if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 6 && data[i + 3] > 200)
            count++;
    return count;
}, name);

async function begin() {
    browser = await launch();
}

async function a_day_is_shown(folder) {
    const page = await open(browser, report(folder, "day-in-the-life/day.yaml", "day"));
    equal(await page.textContent("#title"), "A day in the life of a web page request", "the title");
    expect((await page.textContent("#verdict")).includes("All 4 checks hold"), "the verdict");
    expect(await page.isHidden("#trouble") && await page.isHidden("#left-out"), "no trouble");
    equal(await page.locator(".node-group").count(), 9, "nodes are drawn");
    equal(await page.locator(".cable-group").count(), 8, "cables are drawn");
    expect((await page.textContent("#topology")).includes("4 lost"), "losses stand at their cable");
    const inside = await page.evaluate(() => strata.views.topology.at.every(([x, y]) =>
        x >= 0 && y >= 0 && x <= strata.views.topology.width && y < 900));
    expect(inside, "every node is on the paper");
    equal(await page.locator("#talks [role=option]").count(), 23, "22 conversations, and everything");
    equal(await page.locator("#check-table tbody tr").count(), 4, "checks");
    expect((await page.textContent("#number-tables")).includes("tcp_segments_sent") ||
        (await page.textContent("#number-tables")).includes("tcp_"), "counters");
    await page.locator(".node-group").first().focus();
    await page.keyboard.press("Enter");
    expect((await page.textContent("#thing")).includes("laptop, host"), "a node tells of itself, by the keyboard");
    await page.locator(".cable-group").nth(2).click({force: true});
    expect((await page.textContent("#thing")).includes("Cable line"), "a cable tells of itself");
    await page.close();
}

async function arrows_are_drawn_and_open_their_frames(folder) {
    const page = await open(browser, report(folder, "lossy-link/transfer.yaml", "lossy"));
    await page.locator("#talks [role=option]", {hasText: "TCP"}).click();
    await drawn(page);
    const about = await page.evaluate(() => {
        const {arrows} = strata.views.sequence, c = strata.app.model.conversations[strata.app.talk];
        const lost = arrows.lost.subarray(0, arrows.count).filter((one) => one === 1 || one === 2).length;
        const copies = c.frames.reduce((sum, frame) => sum + (strata.app.model.copies.get(frame) || []).length, 0);
        return {count: arrows.count, frames: c.frames.length + copies, copies, lost, wanted: c.lost,
            states: strata.views.sequence.states.map((state) => state.name)};
    });
    equal(about.count, about.frames, "an arrow for each frame, and each copy");
    expect(about.copies > 0, "copies");
    equal(about.lost, about.wanted, "a cross for each loss");
    expect(about.states.includes("SYN-SENT") && about.states.includes("ESTABLISHED"), "states: " + about.states);
    for (const colour of ["data", "pure", "syn", "lost"])
        expect(await pixels(page, colour) > 40, "arrows in the colour of " + colour);
    // A click on the middle of the first arrow: the SYN.
    const at = await page.evaluate(() => {
        const s = strata.views.sequence;
        return {x: (s.x(s.arrows.from[0]) + s.x(s.arrows.to[0])) / 2,
            y: (s.y(s.arrows.start[0]) + s.y(s.arrows.end[0])) / 2};
    });
    await page.locator("#sequence-canvas").click({position: at});
    expect(await page.isVisible("#inspector"), "the frame opens");
    equal(await page.locator("#frame-body .envelope > h3").evaluateAll((heads) =>
        heads.map((head) => head.firstChild.textContent)), ["Ethernet", "IPv4", "TCP"], "envelopes");
    equal(await page.locator("#frame-body .envelope.link .envelope.network .envelope.transport").count(), 1,
        "each lies in the other");
    await page.locator(".field", {hasText: "maximum segment size"}).click();
    equal(await page.locator(".hex .pairs .lit").allTextContents(), ["02", "04", "05", "b4"], "its bytes are lit");
    await page.locator(".hex .pairs b").nth(12).click();
    equal(await page.locator(".field[aria-pressed=true] .name").allTextContents(), ["type"], "a byte shows its field");
    const first = await page.textContent("#frame-title");
    await page.locator("#sequence").focus();
    await page.keyboard.press("ArrowDown");
    expect(await page.textContent("#frame-title") !== first, "the next frame, by the keyboard");
    expect((await page.textContent("#sequence-said")).includes("SYN,ACK"), "and it is said aloud");
    await page.keyboard.press("Escape");
    expect(await page.isHidden("#inspector"), "and it closes");
    await page.close();
}

async function the_diagram_has_its_scales(folder) {
    const page = await open(browser, report(folder, "lossy-link/transfer.yaml", "scales"));
    const height = () => page.evaluate(() => strata.views.sequence.spacer.offsetHeight);
    const readable = await height();
    await page.click("#zoom-in");
    expect(await height() > readable * 1.4, "larger");
    await page.click("#zoom-fit");
    expect(await height() <= 660, "the whole conversation");
    await page.click("#linear");
    expect(await page.getAttribute("#linear", "aria-pressed") === "true", "to scale");
    const straight = await page.evaluate(() => {
        const {scale} = strata.views.sequence, [a, b, c] = [0.1e9, 0.6e9, 1.1e9].map((time) => scale.y(time));
        return Math.abs((b - a) - (c - b)) < 1e-6 * (c - a);
    });
    expect(straight, "time runs evenly");
    await page.click("#ends");
    await page.locator("#talks [role=option]", {hasText: "TCP"}).click();
    equal(await page.evaluate(() => strata.views.sequence.lanes.length), 2, "from end to end");
    // Every moment goes to its place and back.
    const worst = await page.evaluate(() => {
        const {scale} = strata.views.sequence;
        return Math.max(...[...scale.times].map((time) => Math.abs(scale.time(scale.y(time)) - time)));
    });
    expect(worst < 2, "moments and places agree within " + worst + " ns");
    await page.close();
}

async function curves_zoom_together(folder) {
    const page = await open(browser, report(folder, "lossy-link/transfer.yaml", "curves"));
    expect(await page.locator(".plot .u-over").count() >= 4, "curves are drawn");
    const box = await page.locator(".plot .u-over").nth(1).boundingBox();
    await page.locator(".plot").nth(1).scrollIntoViewIfNeeded();
    const seen = await page.locator(".plot .u-over").nth(1).boundingBox();
    await page.mouse.move(seen.x + seen.width * 0.25, seen.y + 60);
    await page.mouse.down();
    await page.mouse.move(seen.x + seen.width * 0.5, seen.y + 60, {steps: 4});
    await page.mouse.up();
    await drawn(page);
    const zoomed = await page.evaluate(() => ({from: strata.app.from, to: strata.app.to, now: strata.app.model.now,
        scales: strata.views.plots.plots.map((plot) => [plot.scales.x.min, plot.scales.x.max])}));
    expect(zoomed.from > 0.3e9 && zoomed.to < 0.62 * zoomed.now, "a stretch of time was chosen: " + JSON.stringify(zoomed));
    expect(zoomed.scales.every(([min, max]) => Math.abs(min * 1e9 - zoomed.from) < 10 &&
        Math.abs(max * 1e9 - zoomed.to) < 10), "all curves show it");
    await page.locator(".plot .u-over").nth(2).dblclick();
    await drawn(page);
    expect(await page.evaluate(() => strata.app.from === 0 && strata.app.to > 2e9), "a double click shows all");
    await page.click("#time-in");
    expect(await page.evaluate(() => strata.app.to - strata.app.from < 1.3e9), "and so do buttons");
    expect(box.width > 400, "wide enough");
    await page.close();
}

async function windows_follow_the_player(folder) {
    const page = await open(browser, report(folder, "lossy-link/transfer.yaml", "windows"));
    await page.evaluate(() => strata.app.set("time", 0.0600e9));
    await drawn(page);
    const words = await page.textContent("#windows-drawing");
    expect(/snd_una/.test(words) && /rcv_nxt/.test(words) && /cwnd/.test(words), "both windows: " + words);
    expect(await page.locator("#windows-drawing .cell.flight").count() > 0, "bytes on their way");
    expect(await page.locator("#windows-drawing .cell.early").count() > 0, "bytes behind a hole");
    const dots = await page.locator("#topology .dot").count();
    expect(dots > 0, "frames are under way in the network");
    const before = await page.inputValue("#clock");
    await page.click("#step");
    await page.click("#step");
    await drawn(page);
    expect(await page.evaluate(() => strata.app.time > 0.06e9), "a step goes on");
    await page.click("#play");
    await page.waitForFunction((old) => Number(document.getElementById("clock").value) > Number(old) + 5, before);
    await page.click("#play");
    expect((await page.textContent("#play")).includes("play"), "and it pauses");
    await page.close();
}

async function lines_are_filtered_and_found(folder) {
    const page = await open(browser, report(folder, "day-in-the-life/day.yaml", "lines"));
    const lines = () => page.evaluate(() => strata.views.happened.lines.length);
    const all = await lines();
    expect(all > 100, "lines: " + all);
    await page.selectOption("#event-filter", "trouble");
    await drawn(page);
    equal(await page.locator("#events .line.trouble", {hasText: "LOST: LOSS"}).count(), 4, "losses");
    await page.selectOption("#event-filter", "words");
    await drawn(page);
    expect((await page.textContent("#events")).includes("200, 40000 bytes"), "what a program said");
    await page.selectOption("#event-filter", "all");
    await drawn(page);
    await page.fill("#event-search", "DNS question");
    await drawn(page);
    expect(await lines() === 4, "four questions are found: " + await lines());
    await page.locator("#events .line").first().click();
    expect((await page.textContent("#frame-body")).includes("A of www.example.test"), "a line opens its frame");
    await page.locator("#events").focus();
    await page.keyboard.press("ArrowDown");
    expect((await page.textContent("#frame-title")).length > 0 && await page.isVisible("#inspector"), "keys walk");
    await page.close();
}

async function an_address_says_what_is_shown(folder) {
    const file = report(folder, "day-in-the-life/day.yaml", "address");
    const page = await open(browser, file + "#only=diagram&talk=tcp&mode=ends&scale=linear&zoom=2&time=4.25");
    expect(await page.isVisible("#diagram") && await page.isHidden("#network") && await page.isHidden(".player"),
        "only the diagram");
    const about = await page.evaluate(() => ({kind: strata.app.model.conversations[strata.app.talk].kind,
        mode: strata.views.sequence.mode, readable: strata.views.sequence.readable, time: strata.app.time}));
    equal(about, {kind: "TCP", mode: "ends", readable: false, time: 4.25e9}, "what was asked for");
    await page.close();
    const other = await open(browser, file + "#only=nothing&talk=x&frame=99999&time=y&zoom=z&mode=<b>");
    expect(await other.isVisible("#network") && await other.isHidden("#inspector"), "nonsense shows the whole page");
    await other.close();
}

async function nothing_of_a_scenario_is_html(folder) {
    const page = await open(browser, report(folder, NASTY, "nasty"));
    equal(await page.textContent("#title"), "<script>alert('title')</script>", "the title is text");
    equal(await page.textContent("#description"), "</script><img src=x onerror=alert(1)>", "the description is text");
    equal(await page.locator("img").count(), 0, "no pictures were smuggled in");
    expect((await page.textContent("#topology")).includes("<b>&a"), "names are text");
    const file = new URL(page.url()).pathname;
    await page.close();
    // Even a script that got in would not run, nor reach anybody. Its complaints are meant.
    const plain = await browser.newPage();
    await plain.goto("file://" + file);
    const done = await plain.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "window.smuggled = true";
        document.body.append(script);
        return fetch("http://127.0.0.1:9/").then(() => "fetched", () => window.smuggled ? "ran" : "neither");
    });
    equal(done, "neither", "what a script that got in could do");
    await plain.close();
}

/** Contrast as WCAG 2 has it. */
function contrast(page, front, back) {
    return page.evaluate(([a, b]) => {
        const luminance = (name) => {
            const probe = document.createElement("canvas").getContext("2d");
            probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
            probe.fillRect(0, 0, 1, 1);
            const [r, g, blue] = [...probe.getImageData(0, 0, 1, 1).data].map((value) => {
                const share = value / 255;
                return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
        };
        const [one, two] = [luminance(a), luminance(b)].sort((x, y) => y - x);
        return (one + 0.05) / (two + 0.05);
    }, [front, back]);
}

async function light_and_dark_can_be_read(folder) {
    const file = report(folder, "first-steps/ping.yaml", "themes");
    const seen = [];
    for (const colorScheme of ["light", "dark"]) {
        const page = await open(browser, file, {colorScheme});
        for (const name of ["ink", "quiet", "good", "bad", "lost", "again", "data", "syn", "dns", "icmp", "arp", "udp"]) {
            const ratio = await contrast(page, name, "panel");
            expect(ratio >= 4.5, `${name} on ${colorScheme}: ${ratio.toFixed(2)}`);
        }
        expect(await contrast(page, "ink", "chosen") >= 4.5, "what is chosen, " + colorScheme);
        expect(await contrast(page, "accent-ink", "accent") >= 4.5, "buttons, " + colorScheme);
        for (const back of ["link-fill", "network-fill", "transport-fill", "application-fill", "content-fill"])
            expect(await contrast(page, "quiet", back) >= 4.5, `fields on ${back}, ${colorScheme}: ` +
                (await contrast(page, "quiet", back)).toFixed(2));
        seen.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
        await page.close();
    }
    expect(seen[0] !== seen[1], "dark is another colour");
}

async function a_phone_is_wide_enough(folder) {
    for (const scenario of ["day-in-the-life/day.yaml", "lossy-link/transfer.yaml"]) {
        const page = await open(browser, report(folder, scenario, "phone"), {viewport: {width: 360, height: 740},
            hasTouch: true, isMobile: true, deviceScaleFactor: 2});
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide <= 360, scenario + ": nothing is wider than the screen: " + wide);
        await page.evaluate(() => strata.app.set("frame", 5));
        await drawn(page);
        const box = await page.locator("#inspector").boundingBox();
        expect(box.x >= 0 && box.width <= 360 && box.y > 100, "a frame opens below: " + JSON.stringify(box));
        expect(await page.locator(".hex .offset").nth(1).textContent() === "0008", "eight bytes in a line");
        await page.close();
    }
}

async function paper_has_everything(folder) {
    const page = await open(browser, report(folder, "lossy-link/transfer.yaml", "paper"), {colorScheme: "dark"});
    const pdf = await page.pdf({format: "A4"});
    const pages = (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) || []).length;
    expect(pages >= 3 && pages <= 30, "sheets of paper: " + pages);
    await page.emulateMedia({media: "print", colorScheme: "dark"});
    await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    expect(await page.isHidden(".player") && await page.isHidden(".rooms"), "no buttons on paper");
    expect(await page.locator("#sequence-print canvas").isVisible(), "the diagram is");
    expect(await page.locator("#events-print tr").count() > 100, "and what happened");
    equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)", "white");
    const ink = await page.evaluate(() => strata.colour("ink"));
    equal(ink, "#1b2430", "dark ink");
    await page.close();
}

async function many_frames_are_thinned(folder) {
    const page = await open(browser, report(folder, MANY, "many"));
    const about = await page.evaluate(() => {
        const s = strata.views.sequence, drawn = [];
        const paint = s.paintArrow;
        let count = 0;
        s.paintArrow = function (...all) {
            count++;
            return paint.apply(s, all);
        };
        strata.app.set("talk", -1);
        for (const work of [() => null, () => s.fit(), () => { s.zoom = 0.05; s.resize(); }]) {
            work();
            count = 0;
            s.paint();
            drawn.push(count);
        }
        return {frames: strata.app.model.frames.count, drawn,
            lines: document.querySelectorAll("#events .line").length, all: strata.views.happened.lines.length};
    });
    expect(about.frames > 45000, "frames: " + about.frames);
    expect(about.drawn.every((count) => count > 10 && count < 6000), "what cannot be seen is not drawn: " + about.drawn);
    expect(about.all > 20000 && about.lines < 60, "nor written: " + about.lines + " of " + about.all);
    await page.evaluate(() => { document.getElementById("events").scrollTop = 1e9; });
    await drawn(page);
    const last = await page.evaluate(() => Math.max(...[...document.querySelectorAll("#events .line")].map((line) =>
        Number(line.id.slice(5)))) === strata.views.happened.lines.length - 1);
    expect(last, "the last line can be reached");
    await page.close();
}

async function end() {
    await browser.close();
}

main([begin, end], {
    short: [a_day_is_shown, arrows_are_drawn_and_open_their_frames, curves_zoom_together, nothing_of_a_scenario_is_html,
        light_and_dark_can_be_read],
    long: [the_diagram_has_its_scales, windows_follow_the_player, lines_are_filtered_and_found,
        an_address_says_what_is_shown, a_phone_is_wide_enough, paper_has_everything, many_frames_are_thinned],
});
