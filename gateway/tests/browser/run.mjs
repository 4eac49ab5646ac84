// Walks the screens in a headless Chromium, as an administrator and as a sales representative, with the mouse, with the
// keyboard alone, and on a phone. Needs a server with the demo company; writes a screenshot of every station.
//
// STEWARD_TEST_BASE_URL and STEWARD_TEST_DEMO_JSON say where the server is and how to log in, CHROMIUM where the browser is, and
// STEWARD_TEST_SCREENSHOTS where the screenshots go. What a page says on the console, and every answer with an error that no
// station expects, fails the run.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { byKeyboardAlone as keyboard } from "./keyboard.mjs";
import { hostileAnswersStayText } from "./hostile.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const env = (...names) => names.map((name) => process.env[name]).find((value) => value);
const demo = JSON.parse(await readFile(env("STEWARD_TEST_DEMO_JSON", "DEMO_JSON") ?? path.join(root, "var/demo.json"), "utf8"));
const base = (env("STEWARD_TEST_BASE_URL", "BASE_URL") ?? demo.base_url).replace(/\/$/, "");
const shots = env("STEWARD_TEST_SCREENSHOTS") ?? path.join(root, "target/screenshots");
const company = demo.tenants.find((tenant) => tenant.tenant === "demo");
assert.ok(company, "the demo company is there");
const userOf = (role) => {
  const user = company.users.find((candidate) => candidate.role === role);
  assert.ok(user, `the demo company has a user in the role ${role}`);
  return user;
};

await mkdir(shots, { recursive: true });
const browser = await chromium.launch({ executablePath: env("CHROMIUM") ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });

/** A browser of its own, with what its pages complain about. */
async function visitor(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, locale: "en-GB", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  const expected = new Set();
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    // Chromium writes a line for each answer with an error status; those are judged below, by their status.
    if (message.text().startsWith("Failed to load resource")) return;
    complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error}`));
  page.on("response", (response) => {
    if (response.status() >= 400 && !expected.has(response.status())) complaints.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  return { context, page, complaints, expected };
}

let station = 0;
async function shot(page, name) {
  station += 1;
  await page.screenshot({ path: path.join(shots, `${String(station).padStart(2, "0")}-${name}.png`) });
}

async function logIn(page, role) {
  const user = userOf(role);
  await page.goto(`${base}/login`);
  await page.getByLabel(/Company|Firma/).fill(company.tenant);
  await page.getByLabel("E-Mail").fill(user.email);
  await page.getByLabel(/Password|Passwort/).fill(user.password);
  await page.locator("button[type=submit]").click();
  await page.waitForURL(`${base}/`);
}

async function fitsItsWidth(page, name) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${name} is ${overflow} pixels wider than the screen`);
}

/** Types the beginning of a title into a picker and takes the first record that is offered. */
async function pick(page, box, beginning) {
  await box.fill(beginning);
  const id = await box.getAttribute("aria-controls");
  await page.locator(`[id="${id}"].show [role=option]`).first().waitFor();
  await box.press("ArrowDown");
  await box.press("Enter");
  await assertPicked(box);
}
async function assertPicked(box) {
  const value = await box.locator("xpath=ancestor::*[@data-picker]").locator("[data-picker-id]").inputValue();
  assert.match(value, /^[0-9a-f-]{36}$/, "the picker holds a record");
}

const title = (page) => page.locator("h1.page-title");
const status = (page) => page.locator("#status");
const count = (page) => page.locator("#list tbody tr").count();

async function logsInAndOut() {
  const { context, page, complaints, expected } = await visitor();
  await page.goto(`${base}/app/sales/orders?sort=number`);
  assert.match(page.url(), /\/login\?next=/, "without a session every page leads to the log-in");
  await page.fill("#tenant", company.tenant);
  await page.fill("#email", userOf("administrator").email);
  await page.fill("#password", "not the password");
  expected.add(401);
  await page.click("button[type=submit]");
  await page.locator("#error").waitFor();
  assert.equal(await page.inputValue("#email"), userOf("administrator").email, "what was typed is still there");
  assert.equal(await page.inputValue("#password"), "", "a password is not sent back");
  await shot(page, "login-refused");
  await page.fill("#password", userOf("administrator").password);
  await page.click("button[type=submit]");
  await page.waitForURL(`${base}/app/sales/orders?sort=number`);
  await page.locator("form[action='/logout'] button").click();
  await page.waitForURL(`${base}/login`);
  await page.goto(`${base}/`);
  assert.match(page.url(), /\/login/, "after the log-out the session is gone");
  await page.goto(`${base}/login?next=//evil.example`);
  await logInHere(page);
  assert.equal(page.url(), `${base}/`, "one is never led to another site");
  assert.deepEqual(complaints, []);
  await context.close();
}

async function logInHere(page) {
  await page.fill("#tenant", company.tenant);
  await page.fill("#email", userOf("administrator").email);
  await page.fill("#password", userOf("administrator").password);
  await page.click("button[type=submit]");
  await page.waitForURL((url) => url.pathname !== "/login");
}

async function searchAnswersWhileOneTypes(page) {
  await page.goto(`${base}/app/crm/parties`);
  const name = await page.locator("#list a.steward-title").first().innerText();
  await page.locator("h1").click();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "find", "the key / leads to the search box");
  await page.keyboard.type(name);
  const option = page.locator("#found.show [role=option]", { hasText: name }).first();
  await option.waitFor();
  await shot(page, "search-typed");
  await page.keyboard.press("ArrowDown");
  const href = await page.locator("#found [role=option][aria-selected=true]").getAttribute("href");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#found.show").count(), 0, "Escape closes what was found");
  await page.keyboard.press("ArrowDown");
  await page.locator("#found.show").waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}${href}`);
  await page.locator("#find").fill(name);
  await page.locator("#find").press("Enter");
  await page.waitForURL(/\/search\?q=/);
  await page.locator("main .steward-result mark").first().waitFor();
  await shot(page, "search-page");
}

async function listsAreFilteredAndSorted(page) {
  await page.goto(`${base}/`);
  await shot(page, "home");
  await page.locator("main a[href='/app/sales/orders']").click();
  await title(page).waitFor();
  assert.ok((await count(page)) > 10, "there are orders");
  assert.match(await page.locator("#list .card-footer strong").innerText(), /^1,000\+$/, "a count is exact up to a bound");
  await shot(page, "list");

  const answered = (part) => page.waitForResponse((response) => response.url().includes(part) && response.ok());
  await Promise.all([answered("sort=number"), page.locator("th a.steward-sort", { hasText: "Number" }).click()]);
  await page.locator("th[aria-sort=ascending]").waitFor();
  assert.match(page.url(), /sort=number/, "the order stands in the address");
  const numbers = await page.locator("#list a.steward-title").allInnerTexts();
  assert.deepEqual(numbers, [...numbers].sort(), "the list is in the order that was asked for");

  await page.locator(".steward-more > summary").click();
  await page.selectOption("select[name='filter[status][eq]']", "quotation");
  await page.waitForURL(/filter\[status\]\[eq\]=quotation/);
  const states = new Set(await page.locator("#list tbody .badge").allInnerTexts());
  assert.deepEqual([...states], ["quotation"], "only what fits the filter is shown");
  await shot(page, "list-filtered");

  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "find", "the key / leads to the search box");
  await page.locator("#search").focus();
  await page.keyboard.type("does-not-exist");
  await page.locator("#list .empty").waitFor();
  await shot(page, "list-empty");
  await page.locator("#list a", { hasText: "Clear" }).click();
  await page.waitForURL(`${base}/app/sales/orders`);

  const first = await page.locator("#list a.steward-title").first().innerText();
  await page.locator("a[rel=next]").click();
  await page.waitForURL(/cursor=/);
  assert.notEqual(await page.locator("#list a.steward-title").first().innerText(), first, "the next page has other rows");
  await page.goBack();
  assert.equal(await page.locator("#list a.steward-title").first().innerText(), first, "the browser leads back");

  await page.locator(".steward-columns > summary").click();
  await Promise.all([answered("columns="), page.locator("input[name=columns][value=reference]").check()]);
  await page.locator("#list th", { hasText: "Customer's reference" }).waitFor();
  assert.match(page.url(), /columns=/, "the columns stand in the address");

  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#list a[download]").click()]);
  assert.match(download.suggestedFilename(), /\.csv$/, "a list can be exported");
}

async function anOrderIsWrittenConfirmedAndTakenBack(page, expected) {
  await page.goto(`${base}/app/sales/orders`);
  await page.locator("[data-command='sales.order.create']").click();
  await title(page).waitFor();

  // What is missing is told at its place, and nothing that was typed is lost.
  await page.fill("[name='reference']", "Browser test");
  expected.add(422);
  await page.evaluate(() => document.querySelector("form[data-command-form]").setAttribute("novalidate", ""));
  await page.click("#save");
  await page.locator(".invalid-feedback").first().waitFor();
  assert.equal(await page.inputValue("[name='reference']"), "Browser test", "nothing typed is lost");
  await shot(page, "form-errors");
  expected.delete(422);

  const customer = page.locator("#f-customer");
  await customer.click();
  await page.locator("#f-customer-options.show [role=option]").first().waitFor();
  await pick(page, customer, "A");
  const items = page.locator("[data-line] [data-picker-text]");
  await pick(page, items.nth(0), "Folding");
  await page.fill("[name='lines[0][quantity][value]']", "2");
  await page.locator("[name='lines[0][quantity][value]']").press("Enter");
  assert.equal(await items.count(), 2, "Enter in the last row begins another one");
  await pick(page, items.nth(1), "Hand saw");
  await page.fill("[name='lines[1][quantity][value]']", "1");
  await page.click("[data-lines-add]");
  assert.equal(await items.count(), 3);
  await page.locator("[data-lines-remove]").nth(2).click();
  assert.equal(await items.count(), 2, "rows come and go");
  await shot(page, "form-order");

  // On a company that saw this test before, the order is a likely duplicate: it is said so, and may be written anyway.
  expected.add(409);
  await page.click("#preview");
  const anyway = page.locator("[name='allow_duplicate']");
  await page.locator(".steward-preview").or(anyway).first().waitFor();
  if ((await anyway.count()) > 0) {
    await shot(page, "form-duplicate");
    await anyway.check();
    await page.click("#preview");
    await page.locator(".steward-preview").waitFor();
  }
  expected.delete(409);
  await shot(page, "form-preview");
  await page.click("#confirm");
  await status(page).waitFor();
  assert.equal(await status(page).getAttribute("data-status"), "draft");
  assert.equal(await page.locator("[data-child='sales.order_line'] tbody tr, [data-child='sales.line'] tbody tr").count(), 2, "the order has its two lines");
  await page.locator("#flash").waitFor();
  await shot(page, "order-created");
  const order = page.url();

  // The dialog shows what would happen; only the confirmation does it.
  await page.locator("[data-command='sales.order.confirm']").click();
  await page.locator("dialog[open] .steward-preview").waitFor();
  const preview = await page.locator("dialog[open] .steward-preview").innerText();
  assert.match(preview, /draft/, "the preview shows the old value");
  assert.match(preview, /confirmed/, "the preview shows the new value");
  await shot(page, "confirm-preview");
  await page.keyboard.press("Escape");
  await page.reload();
  assert.equal(await status(page).getAttribute("data-status"), "draft", "a preview changes nothing");
  await page.locator("[data-command='sales.order.confirm']").click();
  await page.locator("dialog[open] #confirm").click();
  await page.locator("#undo").waitFor();
  assert.equal(await status(page).getAttribute("data-status"), "confirmed");
  assert.equal(await page.locator("[data-command='sales.order.confirm']").count(), 0, "a confirmed order is not confirmed again");
  assert.equal(await page.locator("[data-command='sales.order.update']").count(), 0, "a confirmed order is not edited");
  await page.locator("#history").scrollIntoViewIfNeeded();
  await shot(page, "order-confirmed");
  await page.click("#undo");
  await page.locator("#flash").waitFor();
  assert.equal(page.url(), order);
  assert.notEqual(await status(page).getAttribute("data-status"), "confirmed", "the confirmation is taken back");
  assert.match(await page.locator("#history").innerText(), /confirmed/, "the history tells of it");
  await shot(page, "order-undone");

  await conflicts(page, expected, order);
}

/** Two windows, one record: the second one to save is told, and keeps what it typed. */
async function conflicts(page, expected, order) {
  if ((await page.locator("[data-command='sales.order.update']").count()) === 0) return;
  const other = await page.context().newPage();
  await page.goto(`${order}/edit`);
  await other.goto(`${order}/edit`);
  await other.fill("[name='ship_city']", "Kiel");
  await other.click("#save");
  await other.locator("#flash").waitFor();
  await other.close();
  await page.fill("[name='ship_city']", "Lübeck");
  expected.add(412);
  await page.click("#save");
  await page.locator(".alert-danger").waitFor();
  assert.equal(await page.inputValue("[name='ship_city']"), "Lübeck", "what was typed is still there");
  await shot(page, "edit-conflict");
  expected.delete(412);
}

async function recordsAndReports(page, expected) {
  await page.goto(`${base}/app/crm/parties`);
  await page.locator("#list a.steward-title").first().click();
  await page.locator("[data-related='sales.order']").waitFor();
  await shot(page, "party");
  await page.locator("[data-related='sales.order'] a", { hasText: "All" }).click();
  await page.waitForURL(/filter\[customer\]\[eq\]=/);
  assert.notEqual(await page.locator("[id='f-filter-customer--eq-']").inputValue(), "", "the filter names the record");

  await page.goto(`${base}/app/reports/sales.backlog`);
  await page.locator("table[data-report] tbody tr").first().waitFor();
  await page.locator("table[data-report] tfoot").scrollIntoViewIfNeeded();
  await shot(page, "report");
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("a[download]").click()]);
  assert.match(download.suggestedFilename(), /\.csv$/);

  await page.goto(`${base}/app/models`);
  assert.equal(await page.locator("h1").innerText(), "Models");
  await shot(page, "models");
  await page.goto(`${base}/app/ai/keys/new`);
  await page.locator("form[data-command='ai.key.create'], main form").first().waitFor();
  await shot(page, "model-key");

  expected.add(404);
  const missing = await page.goto(`${base}/app/sales/orders/00000000-0000-7000-8000-000000000000`);
  assert.equal(missing.status(), 404);
  assert.match(await page.locator("main").innerText(), /not_found/, "an error has its code");
  await shot(page, "not-found");
  expected.delete(404);
}

async function theChatAnswersAndActs(page) {
  await page.goto(`${base}/`);
  await page.fill("#ask", "Top 3 customers by revenue");
  await page.press("#ask", "Enter");
  const answer = page.locator("[data-answer]:not(.steward-busy)");
  await answer.first().waitFor({ timeout: 60_000 });
  assert.match(await answer.first().innerText(), /\d/, "the answer has figures");
  await shot(page, "chat-answer");

  // A quotation to confirm, found by the list.
  const number = await quotation(page.context());
  await page.fill("#message", `Confirm quotation ${number}`);
  await page.press("#message", "Enter");
  const card = page.locator("[data-proposal]");
  await card.locator("[data-confirm]").waitFor({ timeout: 60_000 });
  const given = await card.locator("[data-arguments] [data-step='sales.order.confirm']").innerText();
  assert.ok(given.includes(number), `the card names the order that it would confirm: ${given}`);
  await shot(page, "chat-card");
  await card.locator("[data-confirm]").click();
  await card.locator("[data-undo]").waitFor();
  assert.ok((await card.locator("a.btn").count()) > 0, "what was done can be opened");
  await shot(page, "chat-done");
  await page.reload();
  await card.locator("[data-undo]").waitFor();
  await card.locator("[data-undo]").click();
  await card.locator(".alert-info").waitFor();
  assert.equal(await page.locator("[data-answer] a, [data-answer] img").count(), 0, "what is said holds no links and no pictures");
  await shot(page, "chat-undone");
  await page.reload();
  await card.locator(".alert-info").waitFor();
  assert.equal(await card.locator("[data-undo]").count(), 0, "what was taken back stays so when the page is loaded again");
}

/** A citation leads to the record with its place marked; what was said is held by the thread, until it is deleted. */
async function theChatCitesStopsAndForgets(page) {
  await page.goto(`${base}/app/chat`);
  const answer = page.locator("[data-answer]:not(.steward-busy)");
  await page.fill("#message", "Which hotel rate may I claim in Berlin?");
  await page.press("#message", "Enter");
  await answer.first().waitFor({ timeout: 60_000 });
  assert.match(await answer.first().innerText(), /130/, "the policy answers");
  const thread = page.locator(`[data-thread="${page.url().split("/").pop()}"]`);
  await thread.waitFor();
  await page.locator(".steward-sources summary").click();
  await shot(page, "chat-citation");
  await page.locator("a[data-citation]").first().click();
  await page.locator("mark#cited").waitFor();
  assert.match(await page.locator("mark#cited").innerText(), /Berlin/, "the place that was cited is marked");
  await shot(page, "citation-opened");
  // A mark that is none, or of another text, marks nothing.
  await page.goto(page.url().replace(/mark=[^#]*/, "mark=body%3A0-5%3A0123456789abcdef"));
  await page.locator("[data-cited='changed']").waitFor();
  assert.equal(await page.locator("mark#cited").count(), 0);

  await aProposalIsRejected(page);
  await aStreamIsStopped(page, answer);
  await aStreamIsPickedUp(page, answer);

  // The thread goes with everything in it.
  const id = page.url().split("/").pop();
  page.once("dialog", (dialog) => dialog.accept());
  await page.locator(`[data-forget="${id}"]`).click();
  await page.waitForURL(`${base}/app/chat`);
  await page.locator("#threads .steward-thread, #threads .list-group-item").first().waitFor();
  assert.equal(await page.locator(`[data-thread="${id}"]`).count(), 0, "the conversation is deleted");
  await shot(page, "chat-deleted");
}

async function aProposalIsRejected(page) {
  const number = await quotation(page.context());
  await page.goto(`${base}/app/chat`);
  await page.fill("#message", `Confirm quotation ${number}`);
  await page.press("#message", "Enter");
  const card = page.locator("[data-proposal]");
  await card.locator("[data-reject]").click({ timeout: 60_000 });
  await card.locator(".alert-info").waitFor();
  assert.equal(await card.locator("[data-confirm]").count(), 0, "what was rejected cannot be confirmed");
  await page.reload();
  await card.locator(".alert-info").waitFor();
  assert.equal(await card.locator("[data-confirm]").count(), 0);
  const after = await page.context().request.get(`${base}/api/v1/sales/orders?filter[number]=${encodeURIComponent(number)}&fields=status`);
  assert.equal((await after.json()).items[0].status, "quotation", "a rejected proposal changes nothing");
  await shot(page, "chat-rejected");
}

/** Stop ends the answer, also one of which the server has said nothing yet; after it one can ask again. */
async function aStreamIsStopped(page, answer) {
  await page.goto(`${base}/app/chat`);
  // The answer is held back on its way, so that there is something to stop.
  let release;
  const held = new Promise((resume) => (release = resume));
  await page.route("**/api/v1/assistant/messages", async (route) => {
    await held;
    await route.abort().catch(() => {});
  });
  await page.fill("#message", "How many orders are there?");
  await page.press("#message", "Enter");
  await page.locator("#stop").click();
  await page.locator("[data-stopped]").waitFor();
  assert.ok(await page.locator("#send").isVisible(), "after a stop one can ask again");
  release();
  await page.unroute("**/api/v1/assistant/messages");
  await shot(page, "chat-stopped");
  await page.fill("#message", "How many orders are there?");
  await page.press("#message", "Enter");
  await answer.nth(1).waitFor({ timeout: 60_000 });
  assert.match(await answer.nth(1).innerText(), /\d/);
}

/** A stream that breaks after its first event is taken up behind it. */
async function aStreamIsPickedUp(page, answer) {
  await page.goto(`${base}/app/chat`);
  let resumed = 0;
  await page.route("**/api/v1/assistant/messages", async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    await route.fulfill({ response, body: `${text.split("\n\n")[0]}\n\n` });
  });
  page.on("request", (request) => {
    if (/\/assistant\/messages\/[^/]+\/events$/.test(request.url()) && request.headers()["last-event-id"] === "1") resumed += 1;
  });
  await page.fill("#message", "How many orders are there?");
  await page.press("#message", "Enter");
  await answer.first().waitFor({ timeout: 60_000 });
  assert.match(await answer.first().innerText(), /\d/, "the answer is whole");
  assert.equal(resumed, 1, "it was taken up behind the first event");
  await page.unroute("**/api/v1/assistant/messages");
  await shot(page, "chat-picked-up");
}

async function quotation(context) {
  const response = await context.request.get(`${base}/api/v1/sales/orders?filter[status]=quotation&limit=1&fields=number`);
  assert.ok(response.ok());
  return (await response.json()).items[0].number;
}

async function aRepresentativeSeesLess() {
  const { context, page, complaints, expected } = await visitor({ colorScheme: "dark" });
  await logIn(page, "sales-representative");
  await shot(page, "representative-home-dark");
  const menu = await page.locator("#menu a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  for (const path of ["/app/identity/roles", "/app/platform/settings", "/app/reports/platform.audit", "/app/models", "/app/ai/keys"]) {
    assert.ok(!menu.includes(path), `${path} is not in the menu of a representative`);
  }
  assert.ok(menu.includes("/app/sales/orders"));
  await page.goto(`${base}/app/sales/orders`);
  assert.equal(await page.locator("[data-command='sales.order.bring_in']").count(), 0, "the cut-over is not offered");
  await page.locator("#list a.steward-title").first().click();
  await title(page).waitFor();
  assert.equal(await page.locator("[data-command='sales.order.assign']").count(), 0, "orders are handed over by managers");
  await page.goto(`${base}/app/inventory/items`);
  assert.equal(await page.locator("[data-command='inventory.item.create']").count(), 0, "items are not for representatives to make");
  await page.locator("#list a.steward-title").first().click();
  await title(page).waitFor();
  assert.equal(await page.locator("[data-command='inventory.item.update']").count(), 0);
  expected.add(403);
  const refused = await page.goto(`${base}/app/inventory/items/new`);
  assert.equal(refused.status(), 403, "what is not offered is refused as well");
  await shot(page, "representative-refused");
  const hidden = await page.goto(`${base}/app/identity/roles`);
  assert.equal(hidden.status(), 403);
  assert.deepEqual(complaints, []);
  await context.close();
}

async function onAPhone() {
  const { context, page, complaints } = await visitor({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, locale: "de-DE" });
  await page.goto(`${base}/login`);
  assert.match(await page.locator("h1").innerText(), /Anmelden/, "the log-in speaks the browser's language");
  await fitsItsWidth(page, "the log-in");
  await shot(page, "phone-login");
  await logIn(page, "sales-representative");
  for (const [name, path] of [
    ["home", "/"],
    ["list", "/app/sales/orders"],
    ["form", "/app/sales/orders/new"],
    ["report", "/app/reports/sales.backlog"],
    ["chat", "/app/chat"],
  ]) {
    await page.goto(`${base}${path}`);
    await fitsItsWidth(page, name);
    await shot(page, `phone-${name}`);
  }
  await page.goto(`${base}/app/sales/orders`);
  await page.locator("#list a.steward-title").first().click();
  await title(page).waitFor();
  await fitsItsWidth(page, "a record");
  await shot(page, "phone-record");
  await page.locator("[data-menu-toggle]").click();
  await page.locator("#menu.show a[href='/app/chat']").waitFor();
  await shot(page, "phone-menu");
  assert.deepEqual(complaints, []);
  await context.close();
}

const byKeyboardAlone = () => keyboard({ base, company, shot, user: userOf("sales-representative"), visitor });

async function asAdministrator() {
  const { context, page, complaints, expected } = await visitor();
  await logIn(page, "administrator");
  await searchAnswersWhileOneTypes(page);
  await listsAreFilteredAndSorted(page);
  await anOrderIsWrittenConfirmedAndTakenBack(page, expected);
  await recordsAndReports(page, expected);
  await theChatAnswersAndActs(page);
  await theChatCitesStopsAndForgets(page);
  assert.deepEqual(complaints, []);
  await context.close();
}

async function aHostileModelIsHarmless() {
  const { context, page, complaints } = await visitor();
  await logIn(page, "administrator");
  await hostileAnswersStayText(page, base, shot);
  assert.deepEqual(complaints, []);
  await context.close();
}

const parts = [logsInAndOut, asAdministrator, aHostileModelIsHarmless, aRepresentativeSeesLess, onAPhone, byKeyboardAlone].filter((part) => process.argv.length < 3 || process.argv.slice(2).includes(part.name));
let failed = 0;
for (const part of parts) {
  const started = Date.now();
  try {
    await part();
    console.log(`ok   ${part.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    for (const context of browser.contexts()) {
      for (const page of context.pages()) await page.screenshot({ path: path.join(shots, `failed-${part.name}.png`) }).catch(() => {});
      await context.close();
    }
    console.error(`FAIL ${part.name}: ${error.stack}`);
  }
}
await browser.close();
console.log(`${parts.length - failed} of ${parts.length} passed; screenshots in ${shots}`);
process.exitCode = failed > 0 ? 1 : 0;
