for (const element of document.querySelectorAll("span.math, div.math > .tex")) {
  katex.render(element.textContent, element, {
    displayMode: element.classList.contains("tex"),
    throwOnError: false,
  });
}
