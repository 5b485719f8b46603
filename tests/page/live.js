/*
 * The page of --live in a browser: it follows the lab, its buttons move the lab, and another page can neither see nor
 * move it.
 */
"use strict";

const {spawn} = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const {STRATA, expect, equal, main, launch, open, drawn} = require("./_support.js");

const WORLD = `title: A transfer by hand
nodes:
  client: {address: 10.0.0.1/24, gateway: 10.0.0.254, programs: ["fetch http://10.0.1.1/f -o /f"]}
  r: {kind: router, address: {eth1: 10.0.0.254/24, eth2: 10.0.1.254/24}}
  server: {address: 10.0.1.1/24, gateway: 10.0.1.254, files: {/www/f: {size: 300KiB}}, programs: [http-server /www]}
links:
  - {endpoints: [client, r], name: near, delay: 5ms, rate: 2mbit}
  - {endpoints: [r, server], name: far, delay: 10ms}
`;

let browser;

/** A live lab; ends with the test. */
async function lab(folder, name) {
    const file = path.join(folder, name + ".yaml");
    fs.writeFileSync(file, WORLD);
    const process = spawn(STRATA, ["lab", file, "--json", "--live"], {stdio: ["ignore", "pipe", "pipe"]});
    const made = {process, out: "", err: ""};
    process.stdout.on("data", (data) => made.out += data);
    made.ended = new Promise((done) => process.on("exit", (code) => done(code)));
    made.address = await new Promise((done, fail) => {
        process.on("exit", () => fail(new Error("it ended: " + made.err)));
        process.stderr.on("data", (data) => {
            made.err += data;
            const found = /open (http:\S+)/.exec(made.err);
            if (found)
                done(found[1]);
        });
    });
    made.end = () => {
        process.kill("SIGINT");
        return made.ended;
    };
    return made;
}

const visit = (made) => open(browser, made.address, {}, (url) => url.startsWith(made.address));
const until = (page, condition, argument) => page.waitForFunction(condition, argument, {timeout: 90000});

async function begin() {
    browser = await launch();
}

async function buttons_move_the_lab(folder) {
    const made = await lab(folder, "buttons"), page = await visit(made);
    await until(page, () => strata.app.model.nodes.length === 3);
    equal(await page.textContent("#title"), "A transfer by hand", "the title");
    await until(page, () => document.getElementById("clock-said").textContent === "0.000000 s, paused");
    expect(await page.evaluate(() => strata.app.model.now === 0), "nothing happens before somebody plays");
    for (let i = 1; i <= 3; i++) {
        const before = await page.evaluate(() => strata.app.model.head.frames_sent);
        await page.click("#live-step");
        await until(page, (old) => strata.app.model.head.frames_sent > old ||
            strata.app.model.events.count > 0, before);
    }
    await page.selectOption("#speed", "0.1");
    await page.click("#play");
    await until(page, () => strata.lab.state.running && strata.app.model.frames.count > 12);
    expect((await page.textContent("#play")).includes("pause"), "the button pauses now");
    await until(page, () => document.querySelectorAll("#topology .dot").length > 0);
    await page.click("#play");
    await until(page, () => !strata.lab.state.running);
    const paused = await page.evaluate(() => strata.lab.state.now);
    await drawn(page);
    expect(await page.evaluate(() => strata.lab.now()) === paused, "time stands still");
    await page.locator(".cable-group").nth(0).focus();
    await page.keyboard.press("Enter");
    await page.click("[data-verb=cut]");
    await until(page, () => document.querySelectorAll("#topology .cable.cut").length === 1);
    await until(page, () => document.querySelector("[data-verb=mend]"));
    expect(/at: 0\.\d{9}s, cut: "near"/.test(await page.textContent("#actions")), "what was done can be pasted");
    await page.click("[data-verb=mend]");
    await until(page, () => document.querySelectorAll("#topology .cable.cut").length === 0);
    await page.locator(".node-group").nth(1).focus();
    await page.keyboard.press("Enter");
    await page.click("[data-verb=crash]");
    await until(page, () => document.querySelectorAll("#topology .node-group.down").length === 1);
    await page.click("[data-verb=restart]");
    await until(page, () => document.querySelectorAll("#topology .node-group.down").length === 0);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#packets")]);
    const file = path.join(folder, "packets.pcapng");
    await download.saveAs(file);
    equal(fs.readFileSync(file).subarray(0, 4).toString("hex"), "0a0d0d0a", "packets");
    await page.selectOption("#speed", "0");
    await page.click("#play");
    await until(page, () => strata.lab.state.over && strata.app.model.head.judged && strata.app.model.checks.length > 0);
    await until(page, () => /check/.test(document.getElementById("verdict").textContent));
    expect(await page.isDisabled("#play"), "it is over");
    await until(page, () => strata.views.sequence.arrows.count > 0);
    const hash = await page.evaluate(() => strata.app.model.head.hash);
    await until(page, (wanted) => document.getElementById("facts").textContent.includes(wanted), hash);
    await page.close();
    await made.end();
    equal(JSON.parse(made.out).hash, hash, "the page and the command agree");
}

async function two_pages_see_the_same(folder) {
    const made = await lab(folder, "two"), one = await visit(made);
    await one.selectOption("#speed", "0");
    await one.click("#play");
    await until(one, () => strata.lab.state.over && strata.app.model.head.judged);
    const late = await visit(made);
    await until(late, () => strata.lab.state.over && strata.app.model.head.judged);
    const about = () => ({hash: strata.app.model.head.hash, frames: strata.app.model.frames.count,
        fates: [...strata.app.model.frames.fate.subarray(0, strata.app.model.frames.count)].join(""),
        bytes: strata.app.model.byteCount, texts: strata.app.model.texts.length});
    equal(await late.evaluate(about), await one.evaluate(about), "who comes late sees all");
    await late.close();
    await made.end();
    await until(one, () => document.getElementById("trouble").textContent.includes("The lab has ended"));
    await one.close();
}

/** A page from elsewhere knows even the token, and still gets nothing. */
async function another_page_can_do_nothing(folder) {
    const made = await lab(folder, "another");
    const server = http.createServer((request, response) => {
        response.setHeader("Content-Type", "text/html");
        response.end("<!doctype html><title>elsewhere</title>");
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const page = await browser.newPage(); // its console is full of refusals, which are meant
    await page.goto("http://127.0.0.1:" + server.address().port + "/");
    const tried = await page.evaluate(async (address) => {
        const results = {};
        const attempt = async (name, work) => {
            results[name] = await work().then((value) => value, () => "refused");
        };
        const cut = JSON.stringify({do: "cut", name: "near"});
        await attempt("json", () => fetch(address + "do", {method: "POST", body: cut,
            headers: {"Content-Type": "application/json"}}).then((response) => response.status));
        await attempt("blind", () => fetch(address + "do", {method: "POST", body: cut, mode: "no-cors"})
            .then((response) => response.type));
        await attempt("events", () => new Promise((done) => {
            const source = new EventSource(address + "events");
            source.onopen = () => done("opened");
            source.onerror = () => done("refused");
        }));
        await attempt("frame", () => new Promise((done) => {
            const frame = document.createElement("iframe");
            frame.onload = () => {
                let seen = "refused";
                try {
                    seen = frame.contentDocument.title || "refused";
                } catch (error) {
                    seen = "refused";
                }
                done(seen);
            };
            frame.src = address;
            document.body.append(frame);
        }));
        await attempt("script", () => new Promise((done) => {
            const script = document.createElement("script");
            script.src = address + "packets.pcapng";
            script.onload = () => done("loaded");
            script.onerror = () => done("refused");
            document.body.append(script);
        }));
        return results;
    }, made.address);
    equal([tried.json, tried.events, tried.frame, tried.script], ["refused", "refused", "refused", "refused"],
        "what another page got");
    expect(tried.blind === "opaque" || tried.blind === "refused", "blind: " + tried.blind);
    await page.close();
    server.close();
    const ours = await visit(made);
    await until(ours, () => strata.app.model.cables.length === 2 && strata.lab.since);
    expect(await ours.evaluate(() => strata.app.model.cables[0].up && strata.lab.state.actions.length === 0),
        "nothing was cut");
    await ours.close();
    equal(await made.end(), 130, "ended by hand before its end");
}

async function end() {
    await browser.close();
}

main([begin, end], {
    short: [buttons_move_the_lab, another_page_can_do_nothing],
    long: [two_pages_see_the_same],
});
