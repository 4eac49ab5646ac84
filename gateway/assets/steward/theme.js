// Sets light or dark before anything is drawn: what was picked, else what the system prefers.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let picked = null;
    try {
      picked = localStorage.getItem("steward-theme");
    } catch {
      // Without storage the system decides.
    }
    document.documentElement.setAttribute("data-bs-theme", picked ?? (system.matches ? "dark" : "light"));
  };
  apply();
  system.addEventListener("change", apply);
})();
