// One chart on the page: drawn when it comes near, redrawn when its size or the colours change.

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const views = [];

class View {
  constructor(figure) {
    this.figure = figure;
    this.box = figure.querySelector(".canvas");
    this.spec = JSON.parse(figure.querySelector("script").textContent);
    const { spec } = this;
    const own = spec.series.flatMap((one) => one.x || []);
    this.categories = spec.x.type === "category" ? [...(spec.x.values || []), ...new Set(own.filter((x) => !spec.x.values?.includes(x)))] : [];
    const index = new Map(this.categories.map((value, i) => [value, i]));
    this.place = { time: instant, value: (x) => x, category: (x) => index.get(x) }[spec.x.type];
    // Categories that are shared may repeat, so there a value's place is its position.
    const shared = spec.x.type === "category" ? (_, i) => i : this.place;
    this.columns = columnsOf(spec);
    this.rows = rowsOf(spec, this.columns, spec.series.some((one) => one.x) ? this.place : shared);
    const drawn = (y) => y !== null && !(spec.log && y <= 0);
    const placed = (one, value) => one.y.map((_, i) => [one.x ? this.place(one.x[i]) : shared(spec.x.values[i], i), value(i)]);
    const whole = (one, i) => drawn(one.y[i]) && (!one.low || drawn(one.low[i]));
    this.points = spec.series.map((one) => placed(one, (i) => (whole(one, i) ? one.y[i] : null)));
    this.floors = spec.series.map((one) => one.low && placed(one, (i) => (whole(one, i) ? one.low[i] : null)));
    this.write = writer(this.columns.flatMap((one) => one.y));
    this.marks = spec.marks.map((mark) =>
      "at" in mark ? { label: mark.label, at: this.place(mark.at) } : { label: mark.label, from: this.place(mark.from), to: this.place(mark.to) },
    );
    this.hidden = new Set();
    this.ends = this.rows.length ? this.rows.reduce(([a, b], row) => [Math.min(a, row.at), Math.max(b, row.at)], [Infinity, -Infinity]) : [0, 1];
    this.first = Array.isArray(spec.zoom) ? spec.zoom.map(this.place) : this.ends;
    this.range = this.first;
    this.cursor = -1;
    this.controls();
  }

  draw() {
    this.dark = dark.matches && !document.documentElement.classList.contains("printing");
    this.still = still.matches;
    this.width = this.box.clientWidth;
    if (!this.chart) {
      this.chart = echarts.init(this.box, null, { renderer: "canvas", locale: "EN" });
      this.chart.on("dataZoom", () => this.zoomed());
      new ResizeObserver(() => {
        if (this.box.clientWidth && this.box.clientWidth !== this.width) this.draw();
      }).observe(this.box);
    }
    this.chart.resize();
    this.chart.setOption(optionOf(this), true);
    this.mark();
  }

  zoomed() {
    const zoom = this.chart.getOption().dataZoom[0];
    this.range = [zoom.startValue, zoom.endValue];
    const whole = this.range[0] <= this.first[0] && this.range[1] >= this.first[1] && this.range[1] - this.range[0] <= this.first[1] - this.first[0];
    this.figure.querySelector(".reset").hidden = whole;
    this.mark();
    this.list();
  }

  zoom(from, to) {
    this.chart.dispatchAction({ type: "dataZoom", startValue: from, endValue: to });
  }

  // Shaded spans and lines. Their labels are placed anew for each size and zoom: a label that doesn't fit is cut or left out
  // (the tooltip still names the span).
  mark() {
    if (!this.marks.length) return;
    const font = fontOf(12);
    const [from, to] = this.spec.zoom ? this.range : this.ends;
    const pixel = (at) => this.chart.convertToPixel({ xAxisIndex: 0 }, Math.min(Math.max(at, from), to));
    const fitted = (label, room) => {
      if (textWidth(label, font) <= room) return label;
      let most = label.length;
      while (most > 3 && textWidth(cut(label, most), font) > room) most -= 1;
      return most > 3 ? cut(label, most) : "";
    };
    const spans = this.marks.filter((mark) => !("at" in mark));
    const areas = spans.map((span, i) => [
      {
        xAxis: span.from,
        itemStyle: { color: colour(`span-${i % 3}`) },
        label: { formatter: () => fitted(span.label, pixel(span.to) - pixel(span.from) - 8), position: "top", distance: 6 },
      },
      { xAxis: span.to },
    ]);
    const right = this.box.clientWidth;
    const lines = this.marks
      .filter((mark) => "at" in mark && mark.at >= from && mark.at <= to)
      .map((mark) => {
        const half = textWidth(mark.label, font) / 2;
        const x = pixel(mark.at);
        const align = x - half < 4 ? "left" : x + half > right - 4 ? "right" : "center";
        return { xAxis: mark.at, label: { formatter: () => fitted(mark.label, right - 16), align } };
      });
    const label = { show: true, color: colour("soft"), fontSize: 12 };
    const line = { symbol: "none", silent: true, lineStyle: { color: colour("soft"), type: [4, 3], width: 1 }, label: { ...label, position: "end", distance: 6 } };
    this.chart.setOption({
      series: [{ name: "marks", markArea: { silent: true, data: areas, label }, markLine: { ...line, data: lines } }],
    });
  }

  // All series at one x.
  tip(params) {
    const shown = params.filter((each) => each.seriesId.startsWith("series-") && each.value[1] != null);
    if (!shown.length) return "";
    const { seriesName, dataIndex, value } = shown[0];
    const given = (this.spec.series[seriesName].x || this.spec.x.values)[dataIndex];
    const span = this.marks.find((mark) => mark.from <= value[0] && value[0] <= mark.to);
    const name = this.spec.x.type === "value" && this.spec.x.label ? `${cut(this.spec.x.label, 40)} ${given}` : cut(stamped(given), 60);
    const unit = this.spec.unit && this.spec.unit.length < 5 ? ` ${this.spec.unit}` : "";
    const head = make("div", "tip-head", make("bdi", "", name), span ? make("span", "tip-span", cut(span.label, 40)) : "");
    const lines = shown.map((each) => {
      const one = this.spec.series[each.seriesName];
      const swatch = this.buttons[each.seriesName].querySelector("svg").cloneNode(true);
      const ends = one.low ? [one.low, one.y] : [one.y];
      const number = make("span", "tip-value", ends.map((y) => this.write(y[each.dataIndex])).join(" – ") + unit);
      return make("div", one.emphasis ? "tip-line strong" : "tip-line", swatch, make("bdi", "tip-name", one.name), number);
    });
    return make("div", "tip", head, ...lines);
  }

  controls() {
    this.buttons = [...this.figure.querySelectorAll(".legend button")];
    this.buttons.forEach((button, s) => {
      button.addEventListener("click", () => {
        const show = this.hidden.delete(s) || !this.hidden.add(s);
        button.setAttribute("aria-pressed", String(show));
        this.chart?.dispatchAction({ type: show ? "legendSelect" : "legendUnSelect", name: String(s) });
      });
    });
    this.details = this.figure.querySelector("details.numbers");
    this.details.addEventListener("toggle", () => this.list());
    const slug = this.spec.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").toLowerCase();
    this.figure.querySelector(".csv").addEventListener("click", () => save(csvOf(this.spec, this.columns, this.rows), `${slug || "chart"}.csv`));
    this.figure.querySelector(".reset")?.addEventListener("click", () => this.zoom(...this.first));
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => this.chart?.dispatchAction({ type: "hideTip" }));
  }

  inView() {
    return this.spec.zoom ? this.rows.filter((row) => row.at >= this.range[0] && row.at <= this.range[1]) : this.rows;
  }

  list() {
    if (!this.details.open) return;
    const rows = this.inView();
    const total = rows.length.toLocaleString("en-US");
    const part = this.spec.zoom ? "rows in view" : "rows";
    const note = rows.length > ROWS ? `The first ${ROWS} of ${total} ${part}; the CSV file has all.` : `${total} ${part}.`;
    this.details.replaceChildren(this.details.firstElementChild, make("p", "hint", note), tableOf(this.spec, this.columns, rows));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.chart) return;
    const rows = this.inView();
    const last = rows.length - 1;
    const page = Math.max(1, Math.round(rows.length / 20));
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
    if (event.key in steps && last >= 0) {
      this.cursor = Math.min(last, Math.max(0, this.cursor + steps[event.key]));
      const x = this.chart.convertToPixel({ xAxisIndex: 0 }, rows[this.cursor].at);
      this.chart.dispatchAction({ type: "showTip", x, y: this.box.clientHeight / 3 });
      this.say(rows[this.cursor]);
    } else if (this.spec.zoom && ["+", "=", "-", "0"].includes(event.key)) {
      const [from, to] = this.range;
      const step = ((to - from) / 4) * (event.key === "-" ? -2 : 1);
      if (event.key === "0") this.zoom(...this.first);
      else this.zoom(Math.max(this.ends[0], from + step), Math.min(this.ends[1], to - step));
      this.cursor = -1;
    } else if (event.key === "Escape") {
      this.chart.dispatchAction({ type: "hideTip" });
    } else return;
    event.preventDefault();
  }

  say(row) {
    const values = this.columns.flatMap((one, c) => (row.y[c] === null || this.hidden.has(one.s) ? [] : [`${one.name} ${this.write(row.y[c])}`]));
    this.figure.querySelector(".live").textContent = [cut(stamped(row.x), 60), ...values].join(", ");
  }
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting || !entry.target.clientWidth) continue;
      near.unobserve(entry.target);
      views.find((view) => view.box === entry.target).draw();
    }
  },
  { rootMargin: "400px" },
);
for (const figure of document.querySelectorAll("figure.chart")) {
  const view = new View(figure);
  views.push(view);
  near.observe(view.box);
}

const redraw = () => views.forEach((view) => view.chart && view.draw());
dark.addEventListener("change", redraw);
still.addEventListener("change", redraw);

// A canvas keeps the pixels it had on the screen, so paper gets its own drawing: light, and as wide as the sheet.
addEventListener("beforeprint", () => {
  document.documentElement.classList.add("printing");
  for (const view of views) if (view.box.clientWidth) view.draw();
});
addEventListener("afterprint", () => {
  document.documentElement.classList.remove("printing");
  redraw();
});
