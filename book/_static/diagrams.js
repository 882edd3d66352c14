// Draws the diagrams in the page's own colours, again whenever it turns dark or light.
{
  const figures = [...document.querySelectorAll("figure.diagram")].map((figure) => ({
    figure,
    source: figure.textContent,
  }));

  const draw = async () => {
    const style = getComputedStyle(document.body);
    const colour = (name) => style.getPropertyValue(name).trim();
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: "strict",
      theme: "base",
      fontFamily: style.fontFamily,
      flowchart: { curve: "basis", padding: 10, nodeSpacing: 26, rankSpacing: 34 },
      themeVariables: {
        fontSize: "15px",
        primaryColor: colour("--diagram-fill"),
        primaryTextColor: colour("--diagram-text"),
        primaryBorderColor: colour("--figure-1"),
        lineColor: colour("--figure-muted"),
        background: colour("--diagram-fill"),
        edgeLabelBackground: colour("--diagram-page"),
      },
    });
    for (const [index, { figure, source }] of figures.entries()) {
      const { svg } = await mermaid.render(`diagram-${index}`, source);
      figure.innerHTML = svg;
    }
  };

  let last = Promise.resolve();
  const redraw = () => (last = last.then(draw));
  redraw();
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
