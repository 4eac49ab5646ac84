// What a model says, as text: paragraphs, lists, bold words and pipe tables, made of nodes. Nothing of it is ever read as
// HTML, and no address in it becomes a link or a picture.

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const bullet = /^\s*(?:[-*•]|(\d{1,3})[.)])\s+(.*)$/;

/** Bold words as such, everything else as it stands. */
function inline(text) {
  return text.split(/(\*\*[^*\n]+\*\*)/).filter((part) => part !== "").map((part) => (/^\*\*[^*\n]+\*\*$/.test(part) ? element("strong", {}, part.slice(2, -2)) : part));
}

const isRow = (line) => /^\s*\|.*\|\s*$/.test(line);
const isRule = (line) => /^\s*\|(\s*:?-+:?\s*\|)+\s*$/.test(line);
const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
const isNumber = (text) => /^[−-]?[\d.,\s]+( [A-Z]{3}|%)?$/.test(text);

/** Replaces what stands in `target` by the text. */
export function showText(target, text) {
  const parts = [];
  const lines = text.split("\n");
  let paragraph = [];
  const flush = () => {
    const joined = paragraph.join("\n").trim();
    if (joined) parts.push(element("p", {}, ...inline(joined)));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    if (isRow(lines[at]) && at + 1 < lines.length && isRule(lines[at + 1])) {
      flush();
      const head = cells(lines[at]);
      const rows = [];
      for (at += 2; at < lines.length && isRow(lines[at]); at += 1) rows.push(cells(lines[at]));
      at -= 1;
      parts.push(table(head, rows));
    } else if (bullet.test(lines[at])) {
      flush();
      const first = bullet.exec(lines[at]);
      const items = [];
      for (; at < lines.length && bullet.test(lines[at]); at += 1) items.push(element("li", {}, ...inline(bullet.exec(lines[at])[2])));
      at -= 1;
      parts.push(first[1] ? element("ol", { start: first[1] }, ...items) : element("ul", {}, ...items));
    } else if (lines[at].trim() === "") {
      flush();
    } else {
      paragraph.push(lines[at]);
    }
  }
  flush();
  target.replaceChildren(...parts);
}

function table(head, rows) {
  const align = head.map((_, column) => (rows.length > 0 && rows.every((row) => isNumber(row[column] ?? "")) ? "text-end text-nowrap" : false));
  const line = (name, values) => element("tr", {}, ...values.map((value, column) => element(name, { class: align[column], scope: name === "th" ? "col" : false }, ...inline(value))));
  const body = element("tbody", {}, ...rows.map((row) => line("td", head.map((_, column) => row[column] ?? ""))));
  return element("div", { class: "table-responsive" }, element("table", { class: "table table-sm" }, element("thead", {}, line("th", head)), body));
}

/** A value of the wire for people. */
export function show(value, context) {
  const { words, language, timeZone } = context;
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? words.yes : words.no;
  if (Array.isArray(value)) return value.map((item) => show(item, context)).join(", ");
  if (typeof value === "object") {
    if ("title" in value) return value.title ?? String(value.id).slice(0, 8);
    if ("amount" in value && value.amount === null) return "–";
    if ("amount" in value) return `${number(value.amount, language)} ${value.currency ?? ""}`.trim();
    if ("value" in value) return `${number(value.value, language)} ${value.unit ?? ""}`.trim();
    return JSON.stringify(value);
  }
  const text = String(value);
  const locale = language === "de" ? "de-DE" : "en-GB";
  if (/^\d{4}-\d{2}-\d{2}T/.test(text)) return new Date(text).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short", timeZone });
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return new Date(`${text}T00:00:00Z`).toLocaleDateString(locale, { dateStyle: "medium", timeZone: "UTC" });
  if (/^-?\d+\.\d+$/.test(text)) return number(text.replace(/\.?0+$/, ""), language);
  return text;
}

function number(text, language) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(text));
  if (!match) return String(text);
  const [group, decimal] = language === "de" ? [".", ","] : [",", "."];
  const whole = match[2].replace(/\B(?=(\d{3})+$)/g, group);
  return `${match[1] ? "−" : ""}${whole}${match[3] ? decimal + match[3] : ""}`;
}
