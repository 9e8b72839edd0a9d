// Every chart is drawn from the table beside it, so the data stays readable without a canvas.
// <figure data-chart="counts|money" data-symbol="$"><div class="chart-box"><canvas></canvas></div><table>
(function () {
  "use strict";
  let charts = [];

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function read(figure) {
    const rows = Array.from(figure.querySelectorAll("tbody tr"));
    const series = Array.from(figure.querySelectorAll("thead th"))
      .map((head, index) => ({ head, index }))
      .filter(({ head }) => head.dataset.series)
      .map(({ head, index }) => ({
        key: head.dataset.series,
        label: head.textContent,
        data: rows.map((row) => Number(row.cells[index].dataset.value)),
      }));
    return { labels: rows.map((row) => row.cells[0].textContent), series };
  }
  function short(value) {
    return value >= 1000 ? `${value / 1000}k` : String(value);
  }
  function options(money, symbol) {
    const fixed = money ? { minimumFractionDigits: 2 } : {};
    const label = (item) =>
      `${item.dataset.label}  ${money ? symbol : ""}${item.parsed.y.toLocaleString("en", fixed)}`;
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: false },
        tooltip: {
          backgroundColor: token("--c-rail"),
          padding: 10,
          cornerRadius: 6,
          boxPadding: 4,
          callbacks: { label },
        },
      },
      scales: {
        x: {
          stacked: true,
          grid: { display: false },
          border: { color: token("--c-line") },
          ticks: { maxRotation: 0, autoSkipPadding: 14 },
        },
        y: {
          stacked: true,
          beginAtZero: true,
          grid: { color: token("--c-line") },
          border: { display: false },
          ticks: { maxTicksLimit: 5, precision: 0, callback: (v) => (money ? symbol : "") + short(v) },
        },
      },
    };
  }
  function drawOne(figure) {
    const { labels, series } = read(figure);
    const money = figure.dataset.chart === "money";
    const datasets = series.map((one) => ({
      label: one.label,
      data: one.data,
      backgroundColor: token(`--c-${one.key}`),
      borderRadius: 2,
      maxBarThickness: money ? 44 : 30,
      categoryPercentage: 0.82,
      barPercentage: 0.92,
    }));
    return new Chart(figure.querySelector("canvas"), {
      type: "bar",
      data: { labels, datasets },
      options: options(money, figure.dataset.symbol || ""),
    });
  }
  function draw() {
    charts.forEach((chart) => chart.destroy());
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = 11;
    Chart.defaults.color = token("--c-text-3");
    charts = Array.from(document.querySelectorAll("[data-chart]"), drawOne);
  }
  document.fonts.ready.then(draw);
  document.addEventListener("theme", draw);
  document.addEventListener("htmx:afterSettle", (event) => {
    const swapped = event.detail.elt;
    if (swapped.closest("[data-chart]") || swapped.querySelector("[data-chart]")) draw();
  });
})();
