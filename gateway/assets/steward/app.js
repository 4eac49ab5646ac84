// What every page shares: menu, light and dark, the key `/`, dialogs. Pages work without it, by links and forms.

import { enhanceLines } from "./lines.js";
import { enhancePickers } from "./picker.js";
import { enhanceSearch } from "./search.js";

const dialog = document.getElementById("dialog");

function enhance(root) {
  enhancePickers(root);
  enhanceLines(root);
  root.querySelector("[data-focus]")?.focus();
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("[data-theme-toggle]")) {
    const dark = document.documentElement.getAttribute("data-bs-theme") === "dark";
    document.documentElement.setAttribute("data-bs-theme", dark ? "light" : "dark");
    try {
      localStorage.setItem("steward-theme", dark ? "light" : "dark");
    } catch {
      // It holds for this page.
    }
  }
  const toggle = target?.closest("[data-menu-toggle]");
  if (toggle) {
    const open = document.getElementById("menu")?.classList.toggle("show");
    toggle.setAttribute("aria-expanded", String(Boolean(open)));
  }
  if (target?.closest("[data-close]") || target === dialog) dialog?.close();
  // A menu closes when one looks elsewhere.
  for (const open of document.querySelectorAll("details.steward-drop[open]")) {
    if (!open.contains(target)) open.removeAttribute("open");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("details.steward-drop[open]")) {
      open.removeAttribute("open");
      open.querySelector("summary")?.focus();
    }
  }
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  const box = document.getElementById("find") ?? document.getElementById("ask") ?? document.getElementById("message");
  if (box) {
    event.preventDefault();
    box.focus();
    box.select?.();
  }
});

// A preview holds for what was typed when it was made.
document.addEventListener("input", (event) => {
  const form = event.target instanceof Element ? event.target.closest("[data-command-form]") : null;
  if (!form || event.target.closest("[data-picker]")?.querySelector("[data-picker-text]") === event.target) return;
  forget(form);
});
document.addEventListener("steward:changed", (event) => {
  const form = event.target.closest("[data-command-form]");
  if (form) forget(form);
});
function forget(form) {
  for (const part of form.querySelectorAll("[data-previewed]")) part.remove();
}

// A second click on the way is not a second command.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("[data-command-form]") || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  window.addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
});

// A question asked on the first page is carried over to the chat.
document.addEventListener("submit", (event) => {
  if (!(event.target instanceof HTMLFormElement) || !event.target.matches("[data-ask]")) return;
  const text = new FormData(event.target).get("q")?.toString().trim() ?? "";
  event.preventDefault();
  try {
    if (text) sessionStorage.setItem("steward-ask", text);
    location.href = "/app/chat";
  } catch {
    location.href = `/app/chat?q=${encodeURIComponent(text)}`;
  }
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  if (target.id === "dialog-body" && dialog && !dialog.open) dialog.showModal();
  enhance(target.isConnected ? target : document.body);
  if (target.id === "dialog-body") dialog?.querySelector("[data-focus], .modal-body input:not([type=hidden]), .modal-body select, .modal-body textarea, #confirm")?.focus();
});
dialog?.addEventListener("close", () => document.getElementById("dialog-body")?.replaceChildren());

enhanceSearch();
enhance(document.body);
