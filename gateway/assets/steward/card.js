// The card of a proposal: what would happen, and the two buttons that only a person presses. Its token is fetched when
// the card is shown and goes nowhere but into the person's decision.

import { element, show } from "./text.js";

/** The position of the last write from this page: a question that brings it knows of the write. */
export const written = { position: null };

export async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  written.position = response.headers.get("steward-position") ?? written.position;
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) throw Object.assign(new Error(answer?.detail ?? response.statusText), { problem: answer });
  return answer;
}

const isNothing = (value) => value === null || value === undefined || value === "" || value?.amount === null;

/** What is said of a name; what every object answers to (`constructor`) is none of it. */
const own = (of, name) => (of && Object.hasOwn(of, name) ? of[name] : undefined);

/** A value as what it fills has it: choices by their labels, texts to the letter, however much they look like a figure. */
function asFilled(known, value, context) {
  const choice = typeof value === "string" ? own(known?.choices, value) : undefined;
  if (choice !== undefined) return choice;
  if (isNothing(value)) return show(null, context);
  if (known?.kind === "text" || known?.kind === "long_text") return String(value);
  if (known?.kind === "texts" && Array.isArray(value)) return value.join(", ");
  return show(value, context);
}

/** What whoever goes on must know before anything else, by the names of the server. */
export function noticeBoxes(names, words) {
  const told = (names ?? []).map((name) => [name, words[name.replaceAll("_", "-")]]).filter(([, text]) => text);
  return told.map(([name, text]) => element("div", { class: `alert alert-${name === "asked_only" ? "danger" : "warning"}`, role: "alert", "data-notice": name }, text));
}

/** Values that are not the person's own words, each with the record that it comes from; `where` says which step it is in. */
export function markBoxes(marks, { words, names }, where = () => "") {
  if (!marks?.length) return [];
  const line = (mark) => {
    const resource = names.resources[mark.source?.resource];
    const origin = mark.source ? mark.source.title || resource?.label || mark.source.resource : null;
    const source = mark.source?.id && resource ? element("a", { href: `${resource.path}/${encodeURIComponent(mark.source.id)}` }, origin) : origin;
    return element("li", { "data-tainted": mark.path }, `${where(mark)}${mark.path}: `, element("q", {}, mark.value), ` – ${words[`tainted-${mark.why}`] ?? mark.why} `, source);
  };
  return [element("div", { class: "alert alert-warning", role: "alert" }, element("strong", {}, words.tainted), element("ul", { class: "mb-0" }, ...marks.map(line)))];
}

export function proposalCard(proposal, context) {
  const { words, names } = context;
  const label = (command) => names.commands[command] ?? command;
  const duplicates = proposal.duplicates ?? [];
  const given = element("div", { "data-arguments": true });
  const status = element("div", { class: "mt-2", role: "status" });
  const actions = element("div", { class: "card-footer d-flex gap-2 justify-content-end" });
  const card = element(
    "section",
    { class: "card steward-card", "data-proposal": proposal.id, "aria-label": proposal.steps.map((step) => label(step.command)).join(", ") },
    element("div", { class: "card-header" }, element("h3", { class: "card-title" }, proposal.steps.map((step) => label(step.command)).join(" → "))),
    element("div", { class: "card-body" }, ...notices(), given, ...tainted(), ...preview(proposal.preview ?? {}), status),
    actions,
  );

  function notices() {
    const parts = noticeBoxes(proposal.notices, words);
    for (const duplicate of duplicates) {
      const step = proposal.steps.length > 1 ? `${words.step} ${duplicate.step + 1}: ` : "";
      parts.push(element("div", { class: "alert alert-danger", role: "alert", "data-duplicate": duplicate.step }, step, words.duplicate));
    }
    if (proposal.masked) parts.push(element("div", { class: "alert alert-info", role: "status" }, words.masked));
    return parts;
  }

  /** What is executed, step by step: each value that was filled in, and whether it is the person's own. */
  function showArguments(steps, titles) {
    const views = steps.map((step, at) => ({ command: step.command, rows: rowsOf(step, at, { titles, earlier: steps.slice(0, at).map((one) => one.name) }) }));
    if (steps.length > 1) {
      given.replaceChildren(element("ol", { class: "steward-steps" }, ...views.map(({ command, rows }) => element("li", { "data-step": command }, label(command), table(command, rows)))));
    } else {
      given.replaceChildren(...views.map(({ command, rows }) => element("div", { "data-step": command }, table(command, rows))));
    }
  }

  function table(command, rows) {
    if (rows.length === 0) return null;
    return element("table", { class: "table table-sm steward-arguments", "aria-label": label(command) }, element("tbody", {}, ...rows));
  }

  function rowsOf(step, at, records) {
    const inputs = own(names.inputs, step.command);
    const fields = names.resources[step.command.slice(0, step.command.lastIndexOf("."))]?.fields;
    const marked = (path) => (proposal.tainted ?? []).some((mark) => mark.step === at && mark.path === path);
    const entries = Object.entries(step.arguments ?? {}).filter(([name]) => name !== "allow_duplicate" && name !== "custom");
    const rows = entries.filter(([, value]) => !isNothing(value)).map(([name, value]) => [name, own(inputs, name), value]);
    for (const [name, value] of Object.entries(step.arguments?.custom ?? {})) if (!isNothing(value)) rows.push([`custom.${name}`, own(fields, name), value]);
    return rows.map(([path, input, value]) => element("tr", {}, element("th", { scope: "row" }, input?.label ?? path), filled(path, input, value, records, marked)));
  }

  /** A value as a person reads it; a line of a document is a line. */
  function filled(path, input, value, { titles, earlier }, marked) {
    // Only what names a record is shown as one: a text may read like the id of one, or like the name of a step.
    const record = (one) => own(titles, one) ?? (one.startsWith("$") && earlier.includes(one.slice(1)) ? `→ ${one.slice(1)}` : undefined);
    const told = (known, one) => (known?.kind === "reference" && typeof one === "string" ? record(one) : undefined) ?? asFilled(known, one, context);
    const mark = (name, at) => ({ class: marked(at) ? "steward-new steward-tainted" : name, "data-tainted": marked(at) ? at : false, title: marked(at) ? words.tainted : false });
    if (Array.isArray(value) && value.some((row) => row !== null && typeof row === "object")) {
      const cell = (at, known, name, one) => element("span", mark("", at), `${known?.label ?? name}: `, told(known, one));
      const line = (row, at) => {
        const cells = Object.entries(row).filter(([, one]) => !isNothing(one));
        return element("li", {}, ...cells.flatMap(([name, one], nth) => [nth > 0 ? ", " : null, cell(`${path}[${at}].${name}`, own(input?.lines, name), name, one)]));
      };
      return element("td", {}, element("ol", { class: "mb-0 ps-3" }, ...value.map(line)));
    }
    return element("td", mark("steward-new", path), Array.isArray(value) ? value.join(", ") : told(input, value));
  }

  function tainted() {
    return markBoxes(proposal.tainted, context, (mark) => (proposal.steps.length > 1 ? `${words.step} ${mark.step + 1}, ` : ""));
  }

  const say = (text, kind) => status.replaceChildren(element("div", { class: `alert alert-${kind} m-0` }, text));
  const failed = (error) => say(`${error.message}${error.problem?.code ? ` (${error.problem.reason ?? error.problem.code})` : ""}`, "danger");

  function preview(shown) {
    const parts = [];
    for (const warning of shown.warnings ?? []) parts.push(element("div", { class: "alert alert-warning", role: "alert" }, warning));
    if (shown.irreversible?.length) {
      const which = proposal.steps.length > 1 ? ` (${shown.irreversible.map(label).join(", ")})` : "";
      parts.push(element("div", { class: "alert alert-warning", role: "alert", "data-irreversible": shown.irreversible.join(" ") }, words.irreversible, which));
    }
    const records = new Map();
    for (const change of shown.changes ?? []) {
      if (change.field === "created_at" || change.field === "updated_at") continue;
      const key = `${change.resource} ${change.id}`;
      if (!records.has(key)) records.set(key, []);
      records.get(key).push(change);
    }
    // What the command is about stands first.
    const about = proposal.steps.map((step) => step.command.slice(0, step.command.lastIndexOf(".")));
    const sorted = [...records.values()].sort((a, b) => about.includes(b[0].resource) - about.includes(a[0].resource));
    for (const changes of sorted) parts.push(changed(changes));
    for (const [word, lines] of [["effects", shown.effects], ["follows", shown.follows]]) {
      if (lines?.length) parts.push(element("h4", { class: "h4 mb-1" }, words[word]), element("ul", {}, ...lines.map((line) => element("li", {}, line))));
    }
    if (parts.length === 0) parts.push(element("p", { class: "text-secondary" }, words["no-change"]));
    return parts;
  }

  function isTainted(change) {
    const values = [change.new, change.new?.id, change.new?.amount, change.new?.value];
    return (proposal.tainted ?? []).some((mark) => values.some((value) => typeof value === "string" && value === mark.value));
  }

  function changed(changes) {
    const resource = names.resources[changes[0].resource];
    const isNew = changes.every((change) => isNothing(change.old));
    const value = (change, side) => asFilled(own(resource?.fields, change.field), side, context);
    const row = (change) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, resource?.fields[change.field]?.label ?? change.field),
        isNew ? null : element("td", { class: "steward-old" }, value(change, change.old)),
        element("td", { class: isTainted(change) ? "steward-new steward-tainted" : "steward-new", title: isTainted(change) ? words.tainted : false }, value(change, change.new)),
      );
    const shown = changes.filter((change) => !isNew || !isNothing(change.new));
    const head = [words.field, isNew ? null : words.before, words.after].filter((text) => text !== null);
    return element(
      "div",
      { class: "table-responsive mb-2" },
      element(
        "table",
        { class: "table table-sm steward-changes" },
        element("caption", {}, resource?.label ?? changes[0].resource, isNew ? ` (${words.new})` : ""),
        element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
        element("tbody", {}, ...shown.map(row)),
      ),
    );
  }

  /** What was done, with all the ways from here; `told` where it was taken back. */
  function executed(outcome, told = words.done, kind = "success") {
    say(told, kind);
    const links = (outcome.results ?? [])
      .filter((result) => result.id && names.resources[result.resource])
      .map((result) => element("a", { class: "btn", href: `${names.resources[result.resource].path}/${result.id}` }, `${words.open}: ${names.resources[result.resource].label}`));
    const undo = element("button", { type: "button", class: "btn", "data-undo": true }, words.undo);
    undo.addEventListener("click", async () => {
      undo.disabled = true;
      try {
        executed(await call("POST", `/api/v1/assistant/proposals/${encodeURIComponent(proposal.id)}/undo`, {}), words.undone, "info");
      } catch (error) {
        failed(error);
        undo.disabled = false;
      }
    });
    actions.replaceChildren(...links, ...(outcome.undo?.executions?.length ? [undo] : []));
  }

  function offer(token) {
    const confirm = element("button", { type: "button", class: proposal.preview?.risk === "high" ? "btn btn-danger" : "btn btn-primary", "data-confirm": true }, words.confirm);
    const reject = element("button", { type: "button", class: "btn", "data-reject": true }, words.reject);
    // That a likely duplicate is wanted is the person's own word: the server asks for it as well.
    const tick = element("input", { class: "form-check-input", type: "checkbox", "data-allow-duplicate": true });
    const wanted = duplicates.length > 0 ? element("label", { class: "form-check me-auto mb-0" }, tick, element("span", { class: "form-check-label" }, words["create-anyway"])) : null;
    const both = (disabled) => {
      confirm.disabled = disabled || (wanted !== null && !tick.checked);
      reject.disabled = disabled;
    };
    tick.addEventListener("change", () => both(false));
    both(false);
    confirm.addEventListener("click", async () => {
      both(true);
      try {
        executed(await call("POST", `/api/v1/assistant/proposals/${encodeURIComponent(proposal.id)}/confirm`, wanted ? { token, allow_duplicate: tick.checked } : { token }));
      } catch (error) {
        failed(error);
        both(false);
      }
    });
    reject.addEventListener("click", async () => {
      both(true);
      try {
        await call("POST", `/api/v1/assistant/proposals/${encodeURIComponent(proposal.id)}/reject`, { token });
        say(words.rejected, "info");
        actions.replaceChildren();
      } catch (error) {
        failed(error);
        both(false);
      }
    });
    actions.replaceChildren(...(wanted ? [wanted] : []), reject, confirm);
  }

  showArguments(proposal.steps, {});
  // What became of it, also after the page was loaded again; and what the records are called.
  (async () => {
    try {
      const known = await call("GET", `/api/v1/assistant/proposals/${encodeURIComponent(proposal.id)}`);
      showArguments(known.steps, known.titles ?? {});
      if (known.state === "executed" && known.results) executed(known.results);
      else if (known.state === "undone" && known.results) executed(known.results, words.undone, "info");
      else if (known.state === "rejected" || known.state === "expired") say(words[known.state], "info");
      else if (known.token) offer(known.token);
    } catch (error) {
      failed(error);
    }
  })();
  return card;
}
