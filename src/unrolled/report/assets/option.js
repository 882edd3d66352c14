// From a chart's spec to ECharts' option.

const DASHES = { dashed: [6, 4], dotted: [1.5, 3] };
const ENDS = 26; // characters of a name at a line's end
const LABELLED_BARS = 14; // up to here each bar carries its number

const textWidth = (() => {
  const pen = document.createElement("canvas").getContext("2d");
  return (text, font) => {
    pen.font = font;
    return pen.measureText(text).width;
  };
})();

const fontOf = (size, weight = "") => `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;

// The lines whose names stand at their ends, which says more than a legend: few lines that all end at the right edge, and no
// zoom. Of lines that end too close for two labels, one has it: the emphasised one, or the first.
const endsLabelled = (view) => {
  const { series, kind, zoom } = view.spec;
  const lines = series.map((_, s) => s).filter((s) => !["points", "band"].includes(series[s].style));
  if (kind !== "line" || zoom || view.width < 560 || lines.length < 2 || lines.length > 6) return new Set();
  const end = (s) => view.points[s].at(-1);
  if (!lines.every((s) => end(s) && end(s)[0] === view.ends[1] && end(s)[1] !== null)) return new Set();
  const all = view.points.flat().map(([, y]) => y).filter((y) => y !== null);
  const apart = 0.06 * (Math.max(...all) - Math.min(...all));
  const shown = [];
  for (const s of [...lines].sort((a, b) => Boolean(series[b].emphasis) - Boolean(series[a].emphasis)))
    if (shown.every((other) => Math.abs(end(other)[1] - end(s)[1]) > apart)) shown.push(s);
  return new Set(shown);
};

// Points with no neighbour on either side would be invisible as a line.
const alone = (points) => {
  const here = (i) => points[i] !== undefined && points[i][1] !== null;
  return points.flatMap((_, i) => (here(i) && !here(i - 1) && !here(i + 1) ? [i] : []));
};

const lineOf = (one, points, labelled, width) => {
  const ink = colour(one.colour);
  if (one.style === "points") return { type: "scatter", symbolSize: one.emphasis ? 6 : 5, itemStyle: { color: ink, opacity: 0.75 } };
  const single = new Set(alone(points));
  const thin = points.length > 1.5 * width ? 1 : 1.5;
  return {
    type: "line",
    lineStyle: { color: ink, width: one.emphasis ? 2.25 : thin, type: DASHES[one.style] || "solid", cap: "round", join: "round" },
    itemStyle: { color: ink },
    areaStyle: one.style === "area" ? { color: ink, opacity: 0.14 } : undefined,
    symbol: single.size ? (_, params) => (single.has(params.dataIndex) ? "circle" : "none") : "circle",
    showSymbol: single.size > 0,
    symbolSize: single.size ? 4 : 6,
    emphasis: { disabled: true },
    endLabel: labelled && { show: true, formatter: () => cut(one.name, ENDS), color: ink, distance: 8, fontWeight: one.emphasis ? 600 : 400 },
  };
};

// A band is two lines that nobody sees: its lower end, and on it, stacked, what is missing to the upper one, filled. Where
// it has no neighbour on either side there is nothing to fill: caps mark its ends.
const bandOf = (view, one, s) => {
  const [floor, points] = [view.floors[s], view.points[s]];
  const ink = colour(one.colour);
  const single = new Set(alone(floor));
  const shared = {
    type: "line",
    name: String(s),
    z: 2,
    silent: true,
    stack: `band-${s}`,
    stackStrategy: "all", // a band may begin below zero
    lineStyle: { opacity: 0 },
    itemStyle: { color: ink },
    symbol: single.size ? (_, params) => (single.has(params.dataIndex) ? "rect" : "none") : "none",
    showSymbol: single.size > 0,
    symbolSize: [12, 2],
    emphasis: { disabled: true },
  };
  const height = points.map(([x, y], i) => [x, y === null ? null : y - floor[i][1]]);
  return [
    { ...shared, id: `floor-${s}`, data: floor },
    { ...shared, id: `series-${s}`, data: height, areaStyle: { color: ink, opacity: view.dark ? 0.26 : 0.18 } },
  ];
};

const barOf = (view, one) => ({
  type: "bar",
  barMaxWidth: 56,
  barCategoryGap: "32%",
  barGap: "12%",
  itemStyle: { color: colour(one.colour), borderRadius: 3 },
  emphasis: { disabled: true },
  label: {
    show: view.rows.length * view.spec.series.length <= LABELLED_BARS && view.width / (view.rows.length * view.spec.series.length) > 44,
    position: "top",
    formatter: (params) => view.write(params.value[1]),
    color: colour(one.emphasis ? "ink" : "soft"),
    fontWeight: one.emphasis ? 600 : 400,
  },
});

const xAxisOf = (view) => {
  const { spec } = view;
  const quiet = { color: colour("soft"), fontSize: 12, hideOverlap: true, margin: 11 };
  const axis = {
    type: spec.x.type,
    name: spec.x.label,
    nameLocation: "middle",
    nameGap: 12,
    nameTextStyle: { color: colour("soft"), fontSize: 12 },
    nameTruncate: { maxWidth: view.width * 0.8 },
    axisLine: { show: true, onZero: false, lineStyle: { color: colour("rule") } },
    axisTick: { show: spec.kind === "line", lineStyle: { color: colour("rule") } },
    axisLabel: quiet,
    splitLine: { show: false },
    axisPointer: { label: { show: false } },
  };
  if (spec.x.type === "time") {
    Object.assign(axis, { min: "dataMin", max: "dataMax", splitNumber: Math.max(2, Math.round(view.width / 130)) });
    axis.axisLabel = { ...quiet, formatter: { year: "{primary|{yyyy}}", month: "{primary|{MMM}}", day: "{d} {MMM}", hour: "{HH}:{mm}" } };
    axis.axisLabel.rich = { primary: { fontWeight: 600, color: colour("ink") } };
  } else if (spec.x.type === "value") {
    Object.assign(axis, { scale: true, min: "dataMin", max: "dataMax" });
  } else {
    axis.data = view.categories.map((text) => cut(text, 40));
    axis.boundaryGap = spec.kind === "bar";
    if (view.categories.length <= 8) axis.axisLabel = { ...quiet, interval: 0, width: (view.width - 60) / view.categories.length - 8, overflow: "break" };
  }
  return axis;
};

const yAxisOf = (view) => {
  const { spec } = view;
  const values = view.columns.flatMap((one) => one.y).filter((y) => y !== null);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return {
    type: spec.log ? "log" : "value",
    logBase: high / low < 50 ? 2 : 10, // few decades have few powers of ten to label
    scale: spec.kind === "line" && !(low >= 0 && low < high / 3), // near zero, zero belongs on the axis
    axisLabel: { color: colour("soft"), fontSize: 12 },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: colour("rule"), width: 1, opacity: 0.7 } },
    splitNumber: 5,
  };
};

const zoomOf = (view) => {
  if (!view.spec.zoom) return [];
  const shared = { xAxisIndex: 0, filterMode: "none", startValue: view.range[0], endValue: view.range[1] };
  const accent = colour("accent-0");
  return [
    { ...shared, type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: true, preventDefaultMouseMove: false },
    {
      ...shared,
      type: "slider",
      bottom: 6,
      height: 30,
      left: 14,
      right: 14,
      showDetail: false,
      brushSelect: false,
      borderColor: "transparent",
      backgroundColor: colour("tint"),
      fillerColor: colour("filler"),
      dataBackground: { lineStyle: { color: colour("soft"), opacity: 0.5, width: 0.75 }, areaStyle: { color: colour("soft"), opacity: 0.08 } },
      selectedDataBackground: { lineStyle: { color: accent, opacity: 0.8, width: 0.75 }, areaStyle: { color: accent, opacity: 0.1 } },
      handleIcon: "path://M-2 -9h4a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-4a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z",
      handleSize: "70%",
      handleStyle: { color: colour("surface"), borderColor: accent, borderWidth: 1.5 },
      moveHandleSize: 0,
      emphasis: { handleStyle: { color: accent, borderColor: accent } },
    },
  ];
};

const optionOf = (view) => {
  const { spec } = view;
  const labelled = endsLabelled(view);
  const names = spec.series.map((one) => textWidth(cut(one.name, ENDS), fontOf(12, one.emphasis ? "600" : "")));
  const series = spec.series.flatMap((one, s) => one.low ? bandOf(view, one, s) : ({
    id: `series-${s}`,
    name: String(s), // names from the document may repeat; numbers don't
    data: view.points[s],
    z: one.emphasis ? 4 : 3,
    ...(spec.kind === "bar" ? barOf(view, one) : lineOf(one, view.points[s], labelled.has(s), view.width)),
  }));
  return {
    animation: false,
    useUTC: true,
    darkMode: view.dark,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
    grid: {
      left: 2,
      right: labelled.size ? Math.ceil(Math.max(...names)) + 16 : 14,
      top: spec.marks.length ? 26 : 14,
      bottom: spec.zoom ? 48 : 4,
      outerBoundsMode: "same",
      outerBoundsContain: "all",
    },
    legend: { show: false, selected: Object.fromEntries(spec.series.map((_, s) => [String(s), !view.hidden.has(s)])) },
    tooltip: {
      trigger: "axis",
      confine: true,
      transitionDuration: view.still ? 0 : 0.12,
      backgroundColor: colour("surface"),
      borderColor: colour("rule"),
      padding: 0,
      textStyle: { color: colour("ink"), fontSize: 13 },
      extraCssText: "box-shadow: 0 4px 16px rgb(0 0 0 / .14); border-radius: 8px; max-width: min(340px, 90%)",
      axisPointer: spec.kind === "bar" ? { type: "shadow", shadowStyle: { color: colour("tint") } } : { lineStyle: { color: colour("soft") } },
      formatter: (params) => view.tip(params),
    },
    xAxis: xAxisOf(view),
    yAxis: yAxisOf(view),
    dataZoom: zoomOf(view),
    series: [...series, { name: "marks", type: "line", data: [], silent: true, tooltip: { show: false } }],
  };
};
