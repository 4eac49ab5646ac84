// The chat: sends a question, shows the events of its answer as they come, and picks a dropped stream up where it broke.

import { call, markBoxes, noticeBoxes, proposalCard, written } from "./card.js";
import { readEvents } from "./sse.js";
import { element, showText } from "./text.js";

const chat = document.getElementById("chat");
const words = JSON.parse(chat.dataset.words);
const names = JSON.parse(chat.dataset.names);
const language = chat.dataset.language;
const timeZone = chat.dataset.timeZone;
const messages = document.getElementById("messages");
const composer = document.getElementById("composer");
const input = document.getElementById("message");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const TRIES = 5;

let conversation = chat.dataset.conversation ?? null;
let running = null;

/** One answer on the screen, and what its events do to it. */
class Answer {
  constructor() {
    this.text = "";
    this.body = element("div", { class: "steward-bubble steward-busy", "data-answer": true }, element("p", { class: "text-secondary" }, words.thinking));
    this.after = element("div", { class: "steward-sources" });
    this.cards = element("div");
    this.node = element("article", { class: "steward-said", "aria-label": words.assistant }, this.body, this.cards, this.after);
    this.last = "";
    this.message = null;
    this.ended = false;
    messages.append(this.node);
  }

  take(id, name, data) {
    // A stream that was picked up may begin with what is known.
    if (id && Number(id) <= Number(this.last || 0)) return;
    if (id) this.last = id;
    const event = JSON.parse(data);
    if (this.unwanted && name !== "start") return;
    const follow = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
    this[`on_${name}`]?.(event);
    if (follow) messages.scrollTop = messages.scrollHeight;
  }

  on_start(event) {
    this.message = event.message_id;
    if (conversation !== event.conversation_id) {
      conversation = event.conversation_id;
      history.replaceState(null, "", `/app/chat/${encodeURIComponent(conversation)}`);
    }
    if (this.unwanted) end(this.message).catch(() => {});
  }
  /** What is being looked up, as long as nothing is said. */
  note(text) {
    const [kind, tool] = text.split(" ");
    const word = kind === "step" ? words[`step-${tool.replaceAll("_", "-")}`] : null;
    if (!word || this.text || this.ended) return;
    this.body.replaceChildren(element("p", { class: "text-secondary", "data-step": tool }, word));
  }
  on_text(event) {
    this.text += event.delta ?? "";
    showText(this.body, this.text);
  }
  on_citation(event) {
    if (event.masked) return;
    const resource = names.resources[event.resource];
    const name = [resource?.label ?? event.resource, event.field ? (resource?.fields[event.field]?.label ?? event.field) : null, event.title].filter(Boolean).join(" · ");
    const label = event.ref ? `[${event.ref}] ${name}` : name;
    // Where it leads follows from the catalogue and the record's id, never from what a model said.
    const mark = event.mark ? `?mark=${encodeURIComponent(event.mark)}#cited` : "";
    const source = event.id && resource ? element("a", { href: `${resource.path}/${encodeURIComponent(event.id)}${mark}`, "data-citation": true }, label) : element("span", {}, label);
    this.source(source, event.quote);
  }
  on_proposal(event) {
    this.cards.append(proposalCard(event, { words, names, language, timeZone }));
  }
  on_ask(event) {
    this.text += `${this.text ? "\n\n" : ""}${event.text ?? ""}`;
    showText(this.body, this.text);
  }
  on_open_screen(event) {
    // The address is made by the server from the catalogue; anything else is not followed.
    if (!event.path || !/^\/app\/[a-z_]+\/[a-z_]+([/?][^\\\s]*)?$/.test(event.path)) return;
    const label = [event.label, event.title].filter(Boolean).join(" ");
    // What stands in the form and is not the person's own is told before he opens it.
    this.cards.append(...noticeBoxes(event.notices, words), ...markBoxes(event.tainted, { words, names }));
    this.cards.append(element("a", { class: "btn mt-2", href: event.path, "data-open": true }, `${words.open}: ${label}`));
  }
  on_done(event) {
    if (event.answer && event.answer !== this.text) showText(this.body, event.answer);
    if (!event.answer && !this.text) {
      if (event.stopped) this.body.replaceChildren();
      else this.body.remove();
    }
    if (event.stopped) this.body.append(element("p", { class: "text-secondary m-0", role: "status", "data-stopped": true }, words.stopped));
    if (event.degraded) this.after.prepend(element("div", {}, words.degraded));
    const queries = [...new Set((event.figures ?? []).map((figure) => figure.query))];
    for (const query of queries) this.source(element("code", {}, query));
    this.end();
  }
  on_error(event) {
    this.fail(`${event.message} (${event.code})`);
  }
  source(node, quote) {
    if (!this.list) {
      this.list = element("ul", { class: "mb-0 ps-3" });
      this.after.append(element("details", {}, element("summary", {}, words.sources), this.list));
    }
    this.list.append(element("li", {}, node, quote ? element("q", { class: "ms-1" }, quote) : null));
  }
  fail(text) {
    if (!this.text) this.body.replaceChildren();
    this.body.append(element("div", { class: "alert alert-danger m-0", role: "alert" }, text));
    this.end();
  }
  /** The person looks no further, and the server has not said yet which answer it is: it is ended when it says so. */
  stop() {
    this.unwanted = true;
    if (!this.text) this.body.replaceChildren();
    this.body.append(element("p", { class: "text-secondary m-0", role: "status", "data-stopped": true }, words.stopped));
    this.end();
  }
  end() {
    this.ended = true;
    this.body.classList.remove("steward-busy");
  }
}

function own(text) {
  document.getElementById("welcome")?.remove();
  messages.append(element("article", { class: "steward-said is-own", "aria-label": words.you }, element("div", { class: "steward-bubble" }, element("p", {}, text))));
  messages.scrollTop = messages.scrollHeight;
}

function busy(isBusy) {
  send.hidden = isBusy;
  stop.hidden = !isBusy;
}

async function problemOf(response) {
  const problem = await response.json().catch(() => null);
  return problem ? `${problem.detail} (${problem.reason ?? problem.code})` : response.statusText;
}

/** Follows an answer until its end; a connection that breaks is taken up again behind the last event. */
async function follow(answer, first, control) {
  let response = first;
  for (let attempt = 0; !answer.ended; attempt += 1) {
    try {
      if (!response) {
        const headers = answer.last ? { "last-event-id": answer.last } : {};
        response = await fetch(`/api/v1/assistant/messages/${encodeURIComponent(answer.message)}/events`, { headers, signal: control.signal });
      }
      if (!response.ok) {
        answer.fail(await problemOf(response));
        return;
      }
      const before = answer.last;
      await readEvents(response, (id, name, data) => answer.take(id, name, data), (text) => answer.note(text));
      if (answer.last !== before) attempt = 0;
    } catch (error) {
      if (control.signal.aborted) {
        answer.stop();
        return;
      }
      if (!(error instanceof TypeError)) {
        answer.fail(words.failed);
        return;
      }
    }
    response = null;
    if (answer.ended) return;
    if (!answer.message || attempt >= TRIES) {
      answer.fail(words.interrupted);
      return;
    }
    await new Promise((resume) => setTimeout(resume, 300 * 2 ** attempt));
  }
}

async function ask(text) {
  own(text);
  const answer = new Answer();
  const control = new AbortController();
  running = { control, answer };
  busy(true);
  const body = { text };
  if (conversation) body.conversation_id = conversation;
  if (written.position) body.position = written.position;
  let response = null;
  try {
    response = await fetch("/api/v1/assistant/messages", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(body),
      signal: control.signal,
    });
  } catch {
    if (control.signal.aborted) answer.stop();
    else if (!answer.unwanted) answer.fail(words.interrupted);
  }
  // One that is no longer wanted is read on until it says which one it is.
  if (response?.ok && answer.unwanted) await readEvents(response, (id, name, data) => answer.take(id, name, data)).catch(() => {});
  else if (response) await follow(answer, response, control);
  finished(answer);
  input.focus();
  await threads();
}

async function threads(cursor = null) {
  const list = document.getElementById("threads");
  try {
    const { items, next } = await call("GET", `/api/v1/assistant/conversations${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ""}`);
    const link = (item) =>
      element(
        "a",
        { class: `list-group-item list-group-item-action${item.id === conversation ? " active" : ""}`, href: `/app/chat/${encodeURIComponent(item.id)}`, "aria-current": item.id === conversation ? "page" : false, title: item.title },
        item.title || words["new-chat"],
      );
    const remove = (item) => {
      const button = element("button", { type: "button", class: "btn btn-sm btn-ghost-secondary steward-forget", "aria-label": `${words["delete-chat"]}: ${item.title}`, title: words["delete-chat"], "data-forget": item.id }, "×");
      button.addEventListener("click", () => forget(item.id));
      return button;
    };
    const row = (item) => element("div", { class: "steward-thread", "data-thread": item.id }, link(item), remove(item));
    const rows = items.map(row);
    if (next) {
      const more = element("button", { type: "button", class: "list-group-item list-group-item-action text-secondary", "data-more-threads": true }, words["older-chats"]);
      more.addEventListener("click", async () => {
        more.remove();
        await threads(next);
      });
      rows.push(more);
    }
    if (cursor) list.append(...rows);
    else list.replaceChildren(...(rows.length > 0 ? rows : [element("div", { class: "list-group-item text-secondary" }, words["no-chats"])]));
  } catch (error) {
    list.replaceChildren(element("div", { class: "list-group-item text-danger" }, error.message));
  }
}

async function forget(id) {
  if (!window.confirm(words["delete-chat-sure"])) return;
  try {
    await call("DELETE", `/api/v1/assistant/conversations/${encodeURIComponent(id)}`);
  } catch (error) {
    messages.append(element("div", { class: "alert alert-danger", role: "alert" }, error.message));
    return;
  }
  if (id === conversation) window.location.assign("/app/chat");
  else await threads();
}

/** Shows messages of before; with an `anchor` in front of it, as they are older. */
async function show(known, anchor) {
  for (const message of known.messages) {
    if (message.role === "user") {
      own(message.text);
      if (anchor) anchor.before(messages.lastElementChild);
      continue;
    }
    const answer = new Answer();
    if (anchor) anchor.before(answer.node);
    answer.message = message.id;
    for (const event of message.events) answer.take(String(event.id), event.event, JSON.stringify(event.data));
    if (answer.ended) continue;
    const control = new AbortController();
    running = { control, answer };
    busy(true);
    await follow(answer, null, control);
    finished(answer);
  }
}

/** A button for what is older, in front of what is shown. */
function older(known) {
  if (!known.more || known.messages.length === 0) return;
  const button = element("button", { type: "button", class: "btn btn-sm btn-ghost-secondary", "data-older": true }, words["older-messages"]);
  button.addEventListener("click", async () => {
    const anchor = button.nextElementSibling;
    button.remove();
    const before = await call("GET", `/api/v1/assistant/conversations/${encodeURIComponent(conversation)}?before=${encodeURIComponent(known.messages[0].id)}`);
    await show(before, anchor);
    older(before);
  });
  messages.prepend(button);
}

async function load() {
  if (!conversation) return;
  try {
    const known = await call("GET", `/api/v1/assistant/conversations/${encodeURIComponent(conversation)}`);
    older(known);
    await show(known, null);
    messages.scrollTop = messages.scrollHeight;
  } catch (error) {
    document.getElementById("welcome")?.remove();
    messages.append(element("div", { class: "alert alert-danger", role: "alert" }, error.message));
  }
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text || running) return;
  input.value = "";
  ask(text);
});
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    composer.requestSubmit();
  }
});
const end = (message) => call("POST", `/api/v1/assistant/messages/${encodeURIComponent(message)}/stop`, {});

/** Ends the work on the answer. Its stream goes on to its end, which the server makes at once. */
async function halt() {
  if (!running) return;
  const { control, answer } = running;
  if (!answer.message) {
    answer.stop();
    finished(answer);
    return;
  }
  stop.disabled = true;
  try {
    await end(answer.message);
  } catch {
    control.abort();
  }
  stop.disabled = false;
}

/** The answer is no longer waited for; another one may be by now. */
function finished(answer) {
  if (running?.answer !== answer) return;
  running = null;
  busy(false);
}
stop.addEventListener("click", halt);

await Promise.all([threads(), load()]);
let carried = null;
try {
  carried = sessionStorage.getItem("steward-ask");
  sessionStorage.removeItem("steward-ask");
} catch {
  // Without storage nothing was carried over.
}
if (carried && !conversation) ask(carried);
