// Tabs, copy buttons, and the table of contents.

for (const tabs of document.querySelectorAll(".tabs")) {
  const buttons = [...tabs.firstElementChild.children];
  const choose = (chosen) => {
    buttons.forEach((button, i) => {
      button.setAttribute("aria-selected", String(i === chosen));
      button.tabIndex = i === chosen ? 0 : -1;
      document.getElementById(button.getAttribute("aria-controls")).classList.toggle("off", i !== chosen);
    });
  };
  buttons.forEach((button, i) => {
    button.addEventListener("click", () => choose(i));
    button.addEventListener("keydown", (event) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: -1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = (to + buttons.length) % buttons.length;
      choose(next);
      buttons[next].focus();
    });
  });
  choose(0);
}

for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code); // no clipboard here: leave the text selected for Ctrl+C
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (button.textContent = "Copy"), 1600);
  });
}

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const here = () => {
  const sections = [...document.querySelectorAll("main > section")];
  const bottom = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  const current = bottom ? sections.at(-1) : sections.findLast((section) => section.getBoundingClientRect().top < innerHeight / 3) || sections[0];
  links.forEach((link, id) => (id === current?.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
};
addEventListener("scroll", here, { passive: true });
here();
