/*
 * How long the page of a hundred thousand frames takes: `node tests/page/measure.js`. No test: times are those of this
 * machine, on which the browser draws without a graphics card.
 */
"use strict";

const fs = require("node:fs");
const {main, report, launch, open} = require("./_support.js");

const SCENARIO = `title: A hundred thousand frames
nodes:
  server: {address: 10.0.0.1/24, gateway: 10.0.0.254, files: {/www/f: {size: 46MiB}}, programs: [http-server /www]}
  r: {kind: router, address: {eth1: 10.0.0.254/24, eth2: 10.0.1.254/24}}
  client: {address: 10.0.1.1/24, gateway: 10.0.1.254, programs: ["fetch http://10.0.0.1/f -o /f"]}
links:
  - {endpoints: [server, r], rate: 1gbit, delay: 1ms}
  - {endpoints: [r, client], rate: 100mbit, delay: 10ms, limit: 100, loss: 0.01%}
`;

async function measure(folder) {
    const begun = performance.now(), file = report(folder, SCENARIO, "many");
    const written = performance.now() - begun, browser = await launch();
    const opening = performance.now(), page = await open(browser, file);
    const opened = performance.now() - opening;
    const about = await page.evaluate(async () => {
        const sequence = strata.views.sequence, times = {};
        const time = (name, work) => {
            const start = performance.now();
            work();
            times[name] = Math.round(performance.now() - start);
        };
        time("the diagram where it begins", () => sequence.paint());
        time("the diagram, the whole conversation", () => {
            sequence.fit();
            sequence.paint();
        });
        time("the conversation of all", () => strata.app.set("talk", -1));
        time("all curves", () => strata.views.plots.load());
        time("the windows", () => {
            strata.app.set("time", strata.app.model.now / 2);
            strata.views.windows.paint();
        });
        time("the lines, searched", () => {
            document.getElementById("event-search").value = "lost";
            strata.views.happened.load();
        });
        sequence.zoom = 1;
        sequence.resize();
        let pictures = 0;
        const end = performance.now() + 2000;
        await new Promise((done) => {
            const next = () => {
                pictures++;
                sequence.box.scrollTop += 60;
                performance.now() < end ? requestAnimationFrame(next) : done();
            };
            next();
        });
        return {frames: strata.app.model.frames.count, times, pictures: pictures / 2};
    });
    await browser.close();
    console.log(`${about.frames} frames, a page of ${(fs.statSync(file).size / 1e6).toFixed(1)} MB`);
    console.log(`${Math.round(written)} ms to run and write it, ${Math.round(opened)} ms to open it`);
    for (const [name, ms] of Object.entries(about.times))
        console.log(`${ms} ms for ${name}`);
    console.log(`${about.pictures} pictures a second while it scrolls`);
}

main([() => null, () => null], {short: [measure]});
