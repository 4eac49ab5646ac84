// The reference picker: arrows move through what the server found, Enter takes it, Escape leaves it.

const DONE = new WeakSet();

export function enhancePickers(root) {
  for (const picker of root.querySelectorAll("[data-picker]")) {
    if (DONE.has(picker)) continue;
    DONE.add(picker);
    enhance(picker);
  }
}

function enhance(picker) {
  const text = picker.querySelector("[data-picker-text]");
  const id = picker.querySelector("[data-picker-id]");
  const list = picker.querySelector("[role=listbox]");
  let chosen = text.value;
  let at = -1;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const open = () => {
    list.classList.add("show");
    text.setAttribute("aria-expanded", "true");
  };
  const close = () => {
    list.classList.remove("show");
    text.setAttribute("aria-expanded", "false");
    text.removeAttribute("aria-activedescendant");
    at = -1;
  };
  const move = (to) => {
    const all = options();
    if (all.length === 0) return;
    at = (to + all.length) % all.length;
    all.forEach((option, index) => {
      option.classList.toggle("active", index === at);
      option.setAttribute("aria-selected", String(index === at));
    });
    // Several pickers may offer the same record: the id in this list is made its own.
    if (!all[at].id.startsWith(text.id)) all[at].id = `${text.id}-${all[at].id}`;
    text.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  };
  const take = (option) => {
    id.value = option.dataset.id;
    text.value = option.dataset.title;
    chosen = text.value;
    close();
    id.dispatchEvent(new Event("change", { bubbles: true }));
    id.dispatchEvent(new CustomEvent("steward:changed", { bubbles: true }));
  };

  text.addEventListener("input", () => {
    if (text.value !== chosen && id.value !== "") {
      id.value = "";
      id.dispatchEvent(new CustomEvent("steward:changed", { bubbles: true }));
    }
    if (text.value === "" && chosen !== "") {
      chosen = "";
      id.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  text.addEventListener("change", (event) => {
    // The text is no value of the form: only a record that was taken is.
    event.stopPropagation();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      if (list.classList.contains("show") && options().length > 0) move(at + 1);
      else window.htmx.trigger(text, "pick");
    } else if (event.key === "ArrowUp") {
      event.preventDefault();
      move(at - 1);
    } else if (event.key === "Enter" && list.classList.contains("show") && options().length > 0) {
      event.preventDefault();
      take(options()[Math.max(at, 0)]);
    } else if (event.key === "Escape" && list.classList.contains("show")) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab" && at >= 0) {
      take(options()[at]);
    }
  });
  text.addEventListener("click", () => window.htmx.trigger(text, "pick"));
  text.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  list.addEventListener("htmx:afterSwap", () => {
    at = -1;
    if (document.activeElement === text) open();
  });
}
