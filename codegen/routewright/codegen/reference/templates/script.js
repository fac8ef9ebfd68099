"use strict";
(() => {
  const root = document.documentElement;
  const remembered = { get: () => null, set: () => {} };
  try {
    const storage = window.localStorage;
    remembered.get = () => storage.getItem("theme");
    remembered.set = (theme) => storage.setItem("theme", theme);
    const theme = remembered.get();
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch {
    // a browser that keeps nothing for files shows its own scheme
  }
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  const theming = () => {
    const button = document.querySelector(".theme");
    const show = () => {
      button.setAttribute("aria-pressed", String(isDark()));
    };
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        remembered.set(root.dataset.theme);
      } catch {
        // it holds for this page then
      }
      show();
    });
    prefersDark.addEventListener("change", show);
  };

  const searching = () => {
    const input = document.querySelector("#search");
    if (!input) return;
    const rows = [...document.querySelectorAll("table.routes tbody tr")];
    const words = rows.map((row) => row.dataset.words.toLowerCase());
    const status = document.querySelector(".search [role=status]");
    const find = () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row, at) => {
        const fits = wanted.every((word) => words[at].includes(word));
        row.hidden = !fits;
        count += fits ? 1 : 0;
      });
      status.textContent = wanted.length ? `${count} of ${rows.length}` : "";
    };
    input.closest(".search").hidden = rows.length < 2;
    input.addEventListener("input", find);
    find();
  };

  const copying = () => {
    for (const pre of document.querySelectorAll("pre")) {
      if (pre.scrollHeight > pre.clientHeight) pre.tabIndex = 0;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(pre.textContent);
          button.textContent = "Copied";
        } catch {
          window.getSelection().selectAllChildren(pre);
          button.textContent = "Selected";
        }
        window.setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      const frame = document.createElement("div");
      frame.className = "copied";
      pre.replaceWith(frame);
      frame.append(pre, button);
    }
  };

  const unfolding = () => {
    window.addEventListener("beforeprint", () => {
      for (const each of document.querySelectorAll("details.try")) each.open = true;
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    theming();
    searching();
    copying();
    unfolding();
  });
})();
