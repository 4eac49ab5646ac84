// The grid of lines: rows come and go without a new page. Enter in the last row begins the next one.

import { enhancePickers } from "./picker.js";

const DONE = new WeakSet();

export function enhanceLines(root) {
  for (const grid of root.querySelectorAll("[data-lines]")) {
    if (DONE.has(grid)) continue;
    DONE.add(grid);
    enhance(grid);
  }
}

function enhance(grid) {
  const body = grid.querySelector("[data-lines-body]");
  const template = grid.querySelector("template");

  const add = () => {
    const index = Number(grid.dataset.next);
    grid.dataset.next = String(index + 1);
    const row = template.content.firstElementChild.cloneNode(true);
    for (const element of row.querySelectorAll("*")) {
      for (const attribute of [...element.attributes]) {
        if (attribute.value.includes("__row__")) element.setAttribute(attribute.name, attribute.value.replaceAll("__row__", String(index)));
      }
    }
    body.append(row);
    window.htmx.process(row);
    enhancePickers(row);
    changed();
    return row;
  };
  const first = (row) => row?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  const changed = () => grid.dispatchEvent(new CustomEvent("steward:changed", { bubbles: true }));

  grid.querySelector("[data-lines-add]").addEventListener("click", () => first(add()));
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-lines-remove]");
    if (!button) return;
    const row = button.closest("[data-line]");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    changed();
    if (next) first(next);
    else grid.querySelector("[data-lines-add]").focus();
  });
  body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.defaultPrevented || !event.target.matches("input")) return;
    // A form that is sent by Enter in the middle of a line is sent too early.
    event.preventDefault();
    const row = event.target.closest("[data-line]");
    first(row.nextElementSibling ?? add());
  });
}
