/*
 * The book in a browser: light and dark, on a desk and in a hand. No complaint in the console, no request to elsewhere,
 * nothing wider than the page; the switch between light and dark and the search work. house.book calls this with the
 * folder of a book in $BOOK.
 */
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const {expect, equal, main, launch, open, drawn} = require("./_support.js");

const BOOK = process.env.BOOK || path.join(__dirname, "../../build/book");
let browser;

async function begin() {
    browser = await launch();
}

async function end() {
    await browser.close();
}

/** All pages of the book but the index of names. */
function pages(folder) {
    return fs.readdirSync(folder, {withFileTypes: true}).flatMap((entry) => {
        const full = path.join(folder, entry.name);
        if (entry.isDirectory())
            return /^(_|reports$)/.test(entry.name) ? [] : pages(full);
        return /\.html$/.test(entry.name) && !/^(genindex|search)/.test(entry.name) ? [full] : [];
    });
}

/** How light a colour is, 0 to 255. */
const lightness = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
    return 0.3 * r + 0.6 * g + 0.1 * b;
};

const looks = (page) => page.evaluate(() => ({
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    ground: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.querySelector("article p, article li, article td")).color,
    broken: [...document.images].filter((image) => image.complete && image.naturalWidth === 0).map((image) => image.src),
}));

async function every_page_fits_a_hand() {
    const all = pages(BOOK);
    const page = await open(browser, all[0], {viewport: {width: 390, height: 800}});
    for (const file of all) {
        await page.goto("file://" + file, {waitUntil: "domcontentloaded"});
        const seen = await looks(page);
        const name = path.relative(BOOK, file);
        equal(seen.wider, 0, name + " is wider than a telephone");
        equal(seen.broken, [], name + " has pictures that are not there");
    }
    await page.close();
}

async function it_is_light_and_dark() {
    for (const name of ["docs/tour", "api/lab", "examples/shared-medium/README"])
        for (const colorScheme of ["light", "dark"]) {
            const page = await open(browser, path.join(BOOK, name + ".html"), {colorScheme});
            const seen = await looks(page), dark = colorScheme === "dark";
            expect(lightness(seen.ground) < 128 === dark, name + ": ground " + seen.ground + " when " + colorScheme);
            expect(Math.abs(lightness(seen.ground) - lightness(seen.ink)) > 120,
                name + ": ink " + seen.ink + " on " + seen.ground);
            equal(seen.wider, 0, name + " is wider than a screen");
            await page.close();
        }
}

async function the_switch_changes_it() {
    const page = await open(browser, path.join(BOOK, "index.html"), {colorScheme: "light"});
    await page.click(".content-icon-container .theme-toggle");
    await drawn(page);
    expect(lightness((await looks(page)).ground) < 128, "a click makes the page dark");
    await page.close();
}

async function the_search_finds() {
    const page = await open(browser, path.join(BOOK, "index.html"), {}, (url) => url.startsWith("file:"));
    await page.fill(".sidebar-search", "ALOHA");
    await page.press(".sidebar-search", "Enter");
    await page.waitForSelector("ul.search li a", {timeout: 20000});
    const found = await page.$$eval("ul.search li a", (links) => links.map((link) => link.getAttribute("href")));
    expect(found.some((link) => link.includes("shared-medium")), "ALOHA is found among " + found);
    await page.close();
}

async function one_leads_to_the_next() {
    const page = await open(browser, path.join(BOOK, "docs/tour.html"), {});
    const next = await page.$eval(".related-pages .next-page", (link) => link.getAttribute("href"));
    expect(next.endsWith("house.html"), "the house follows the tour: " + next);
    await page.close();
}

main([begin, end], {
    short: [every_page_fits_a_hand, it_is_light_and_dark, the_switch_changes_it, the_search_finds,
        one_leads_to_the_next],
});
