/*
 * What the tests of pages share: expectations, a folder that goes away, runs of strata, and a browser that tells of every
 * complaint and of every request that leaves the page.
 */
"use strict";

const {execFileSync} = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const STRATA = process.env.STRATA || path.join(__dirname, "../../build/strata");
const SOURCE = process.env.STRATA_SOURCE || path.join(__dirname, "../..");

let failures = 0;
function expect(condition, what) {
    if (!condition) {
        failures++;
        console.log("FAILED: " + what);
    }
}
function equal(found, wanted, what) {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    expect(a === b, what + ": " + a + ", not " + b);
}

/** Runs a group of tests (or with a word those whose names contain it, or all) one after the other, between `begin` and
 * `end`, with a folder of their own; the status says whether all is well. */
async function main([begin, end], groups) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "strata-page-")), word = process.argv[2] || "";
    const tests = groups[word] || Object.values(groups).flat().filter((test) => test.name.includes(word));
    try {
        await begin(folder);
        for (const test of tests)
            await run(test, folder);
        await end(folder);
    } catch (error) {
        expect(false, error.stack);
    } finally {
        fs.rmSync(folder, {recursive: true, force: true});
    }
    expect(tests.length > 0, "no test is called " + word);
    process.exitCode = failures ? 1 : 0;
}
async function run(test, folder) {
    const before = failures;
    try {
        await test(folder);
    } catch (error) {
        expect(false, test.name + ": " + error.stack);
    }
    console.log((failures === before ? "ok   " : "BAD  ") + test.name);
}

/** The page of a scenario: a file of the examples, or the text of one. */
function report(folder, scenario, name) {
    let file = path.join(SOURCE, "examples", scenario);
    if (scenario.includes("\n")) {
        file = path.join(folder, name + ".yaml");
        fs.writeFileSync(file, scenario);
    }
    const out = path.join(folder, name + ".html");
    execFileSync(STRATA, ["lab", file, "--quiet", "--report", out], {stdio: ["ignore", "ignore", "inherit"]});
    return out;
}

async function launch() {
    const {chromium} = require("playwright-core");
    const found = execFileSync("sh", ["-c", "command -v chromium"], {encoding: "utf8"}).trim();
    // As root, and in a container, Chromium's own sandbox cannot be had.
    return chromium.launch({executablePath: found, args: ["--no-sandbox", "--disable-gpu"]});
}

/** A page whose complaints are failures. `allowed` says which requests may be made. */
async function open(browser, address, options, allowed) {
    const page = await browser.newPage(Object.assign({viewport: {width: 1280, height: 860}, reducedMotion: "reduce"},
        options));
    page.setDefaultTimeout(90000); // a machine may be busy with other tests
    page.on("console", (message) => {
        const ours = message.text().includes("willReadFrequently"); // the tests read the canvas, the page does not
        if ((message.type() === "error" || message.type() === "warning") && !ours)
            expect(false, "the console says: " + message.text());
    });
    page.on("pageerror", (error) => expect(false, "the page says: " + error.stack));
    page.on("dialog", (dialog) => {
        expect(false, "a dialog says: " + dialog.message());
        dialog.dismiss();
    });
    page.on("request", (request) => {
        const url = request.url();
        expect(url.startsWith("data:") || (allowed ? allowed(url) : url.startsWith("file:")), "a request to " + url);
    });
    await page.goto(address.startsWith("http") ? address : "file://" + address);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    return page;
}

/** Waits until the page has drawn what it was told. */
const drawn = (page) => page.evaluate(() => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))));

module.exports = {STRATA, SOURCE, expect, equal, main, report, launch, open, drawn};
