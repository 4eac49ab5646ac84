// The search box of every page: arrows move through what was found, Enter opens it, Escape leaves it. With nothing chosen
// Enter leads to the page with all results, as it does without this script.

export function enhanceSearch() {
  const form = document.querySelector("[data-find]");
  if (!form) return;
  const text = form.querySelector("[data-find-text]");
  const list = document.getElementById("found");
  let at = -1;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const isOpen = () => list.classList.contains("show");
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
    text.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  };

  text.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) {
        if (list.childElementCount > 0) open();
        else if (text.value.trim() !== "") window.htmx.trigger(text, "find");
      } else if (event.key === "ArrowDown") move(at + 1);
      else move(at < 0 ? -1 : at - 1);
    } else if (event.key === "Enter" && isOpen() && at >= 0) {
      event.preventDefault();
      options()[at]?.click();
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  text.addEventListener("input", () => {
    if (text.value.trim() === "") close();
  });
  text.addEventListener("focus", () => {
    if (text.value.trim() !== "" && list.childElementCount > 0) open();
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) setTimeout(close, 150);
  });
  // The box keeps the focus while the pointer chooses.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("htmx:afterSwap", () => {
    at = -1;
    text.removeAttribute("aria-activedescendant");
    if (document.activeElement === text && text.value.trim() !== "" && list.childElementCount > 0) open();
    else close();
  });
}
