/*
 * Takes pictures of reports for the book: the diagram of time and space of each.
 *
 *     node pictures.js REPORT.html PICTURE.png [REPORT.html PICTURE.png ...]
 *
 * Drives the Chromium that is installed, by the playwright-core of tests/page. Without either it exits with 77.
 */
"use strict";

const {execFileSync} = require("node:child_process");
const path = require("node:path");

async function main(words) {
    let chromium, executablePath;
    try {
        ({chromium} = require(path.join(__dirname, "../../tests/page/node_modules/playwright-core")));
        executablePath = execFileSync("sh", ["-c", "command -v chromium"], {encoding: "utf8"}).trim();
    } catch (error) {
        process.exit(77);
    }
    const browser = await chromium.launch({executablePath, args: ["--no-sandbox", "--disable-gpu"]});
    const page = await browser.newPage({viewport: {width: 1100, height: 1500}, reducedMotion: "reduce"});
    page.setDefaultTimeout(120000);
    for (let i = 0; i + 1 < words.length; i += 2) {
        await page.goto("file://" + path.resolve(words[i]));
        await page.waitForSelector("#talks li");
        await page.evaluate(() => new Promise((done) =>
            requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))));
        const diagram = await page.$("#diagram .sequence");
        await (diagram || page).screenshot({path: words[i + 1]});
    }
    await browser.close();
}

main(process.argv.slice(2));
