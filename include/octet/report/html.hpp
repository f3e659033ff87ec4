#pragma once
#include "chart.hpp"

OCTET_BEGIN
namespace detail {

inline const char* report_style() {
  return R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1b2430;--soft:#5c6878;--line:#e1e5ea;--track:#edf0f4;--v0:#8a96a8;--v1:#e0a030;--v2:#3b9c8f;--v3:#3f6fd8;--good:#3b9c6b;--fair:#d99a2b;--poor:#cf4b4b;--warn:#fff6e3;--warn-line:#e9c46a}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1b2129;--text:#e6eaf0;--soft:#98a4b3;--line:#2c3540;--track:#28303a;--v0:#8592a5;--v1:#e3ac4c;--v2:#4bb3a5;--v3:#6a93f0;--good:#4db583;--fair:#e0a94a;--poor:#e06a6a;--warn:#2b2516;--warn-line:#7a6228}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1100px;margin:0 auto;padding:32px 20px 48px}
h1{font-size:28px;line-height:1.2;margin:0 0 6px;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 14px}
p{margin:0 0 10px}
.soft{color:var(--soft)}
.facts{display:flex;flex-wrap:wrap;gap:4px 20px;color:var(--soft);margin:0 0 22px;padding:0;list-style:none;overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;margin:0 0 18px}
.warn{background:var(--warn);border-color:var(--warn-line);overflow-wrap:anywhere}
.warn p::first-letter,footer p::first-letter{text-transform:uppercase}
.warn p:last-child,.card>p:last-child{margin-bottom:0}
.keys{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;margin:0 0 18px}
.key{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px}
.key b{display:block;font-size:25px;line-height:1.25;font-weight:650}
.key span{color:var(--soft);font-size:13.5px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(290px,1fr));gap:18px;margin:0 0 18px}
.charts .card{margin:0}
.scroll{overflow-x:auto;margin:0 -20px;padding:0 20px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:8px 0 8px 18px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;padding-left:0}
tr:last-child td{border-bottom:0}
.fit th:not(:first-child){width:16%}
thead th{font-size:13.5px;color:var(--soft);font-weight:600;vertical-align:bottom}
.chart{display:block;overflow:visible}
.label{font-size:13.5px;fill:var(--text)}
.value{font-size:13.5px;fill:var(--text);font-weight:600;font-variant-numeric:tabular-nums}
.track{fill:var(--track)}
.v0{fill:var(--v0)}.v1{fill:var(--v1)}.v2{fill:var(--v2)}.v3,.bar{fill:var(--v3)}
.good{fill:var(--good)}.fair{fill:var(--fair)}.poor{fill:var(--poor)}
.columns{columns:2;column-gap:36px}
.columns svg{break-inside:avoid}
.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 5px 0 0}
.swatch.good{background:var(--good)}.swatch.fair{background:var(--fair)}.swatch.poor{background:var(--poor)}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;color:var(--soft);font-size:13.5px;margin:0 0 12px}
details{margin-top:14px}
summary{cursor:pointer;color:var(--soft)}
details table{margin-top:10px;font-size:13.5px}
footer{color:var(--soft);font-size:13.5px}
footer p{overflow-wrap:anywhere}
@media(max-width:640px){main{padding:22px 14px 36px}h1{font-size:23px}.card{padding:16px}.scroll{margin:0 -16px;padding:0 16px}.keys{grid-template-columns:1fr 1fr;gap:10px}.key{padding:12px 14px}.key b{font-size:21px}.columns{columns:1}table{font-size:13.5px}th,td{padding-left:14px}.wide td:first-child{max-width:150px;overflow:hidden;text-overflow:ellipsis}.fit th,.fit td:first-child{white-space:normal}.fit{font-size:12.5px}.fit th,.fit td{padding-left:8px}.fit th:first-child,.fit td:first-child{padding-left:0}.fit thead th{font-size:12px}}
)css";
}

inline std::string html_table(const std::vector<std::vector<std::string>>& rows,
                              const std::string& style = "") {
  std::string html = "<div class=\"scroll\"><table class=\"" + style + "\">\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::string cell = r == 0 ? "th" : "td";
    html += r == 0 ? "<thead><tr>" : "<tr>";
    for (const std::string& text : rows[r]) html += "<" + cell + ">" + escaped(text) + "</" + cell + ">";
    html += r == 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

inline std::string card(const std::string& heading, const std::string& body) {
  return "<section class=\"card\"><h2>" + escaped(heading) + "</h2>\n" + body + "</section>\n";
}

/// The chart of one quantity of all variants; `value` gives a number and its text, or no number.
template <class Value>
std::string variant_chart(const ComparisonResult& r, const std::string& heading, double most, Value value) {
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < r.variants.size(); ++i) {
    const std::pair<std::optional<double>, std::string> x = value(r.variants[i]);
    if (!x.first) continue;
    bars.push_back({r.variants[i].title, x.second, *x.first, "v" + std::to_string(i % 4)});
  }
  if (bars.empty()) return {};
  if (most == 0)
    for (const Bar& b : bars) most = std::max(most, b.value);
  return card(heading, bar_chart(heading, bars, most));
}

inline std::string variant_charts(const ComparisonResult& r) {
  using Labelled = std::pair<std::optional<double>, std::string>;
  const bool labels = r.original().top1.has_value();
  std::string html = "<div class=\"charts\">\n";
  html += variant_chart(r, "Size (MB)", 0, [](const VariantResult& v) {
    return Labelled(static_cast<double>(v.size_bytes), megabytes(v.size_bytes));
  });
  html +=
      variant_chart(r, labels ? "Top-1 accuracy" : "Agreement with float", 1, [&](const VariantResult& v) {
        return labels ? Labelled(v.top1, percent(v.top1)) : Labelled(v.agreement, percent(v.agreement));
      });
  html += variant_chart(r, "Time per image (ms)", 0, [](const VariantResult& v) {
    return Labelled(v.median_ms, significant(v.median_ms));
  });
  return html + "</div>\n";
}

inline std::string decibels(double db) { return std::isfinite(db) ? fixed(db, 1) + " dB" : "exact"; }

/// Length of the beginning, up to a separator, that all names share.
inline std::size_t shared_beginning(const std::vector<LayerError>& layers) {
  const std::string& first = layers.front().name;
  std::size_t n = first.size();
  for (const LayerError& e : layers) {
    const std::size_t most = std::min(n, e.name.size());
    n = static_cast<std::size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(most), e.name.begin())
            .first -
        first.begin());
  }
  const std::size_t separator = n == 0 ? std::string::npos : first.find_last_of("/.", n - 1);
  return separator == std::string::npos ? 0 : separator + 1;
}

/// The error of each layer of the int8 model: the worst as bars, all of them in a table.
inline std::string layer_section(const ComparisonResult& r) {
  if (r.layers.empty()) return {};
  constexpr std::size_t shown = 24;
  const std::size_t skipped = shared_beginning(r.layers);
  std::vector<Bar> bars;
  double most = 40;
  for (const LayerError& e : r.layers)
    if (std::isfinite(e.sqnr_db)) most = std::max(most, e.sqnr_db);
  for (const LayerError& e : r.layers) {
    if (bars.size() == shown) break;
    bars.push_back({e.name.substr(skipped), decibels(e.sqnr_db), std::max(e.sqnr_db, 0.0),
                    e.sqnr_db >= 20   ? "good"
                    : e.sqnr_db >= 10 ? "fair"
                                      : "poor"});
  }
  std::string body =
      "<p class=\"soft\">Signal to quantization noise of each layer's output and of its weights, worst "
      "first" +
      std::string(r.layers.size() > shown ? " (the worst " + std::to_string(shown) + " of " +
                                                std::to_string(r.layers.size()) + ")"
                                          : "") +
      ". A layer's error includes what the layers before it add.</p>\n"
      "<div class=\"legend\"><span><i class=\"swatch good\"></i>20 dB or more</span><span><i class=\"swatch "
      "fair\"></i>10 to 20 dB</span>"
      "<span><i class=\"swatch poor\"></i>below 10 dB</span></div>\n<div class=\"columns\">\n";
  // One drawing a bar, so that the columns of the page can break between them.
  for (const Bar& b : bars) body += bar_chart("SQNR of " + b.label, {b}, most);
  std::vector<std::vector<std::string>> rows{
      {"Tensor", "Layer", "SQNR", "Max error", "RMSE / scale", "Saturated"}};
  for (const LayerError& e : r.layers)
    rows.push_back({e.name, e.type, decibels(e.sqnr_db), significant(e.max_error),
                    e.rmse_over_scale > 0 ? fixed(e.rmse_over_scale, 3) : "-", percent(e.saturation)});
  body += "</div>\n<details><summary>All " + std::to_string(r.layers.size()) +
          " tensors as a table</summary>\n" + html_table(rows, "wide") + "</details>\n";
  return card("Error of each layer in int8", body);
}

inline std::string key_figure(const std::string& figure, const std::string& meaning) {
  return "<div class=\"key\"><b>" + escaped(figure) + "</b><span>" + escaped(meaning) + "</span></div>\n";
}

/// What int8 gains and costs, in large figures.
inline std::string key_figures(const ComparisonResult& r) {
  const VariantResult &a = r.original(), &b = r.variants.back();
  if (r.variants.size() < 2) return {};
  std::string html = "<div class=\"keys\">\n";
  html += key_figure(
      fixed(static_cast<double>(a.size_bytes) / static_cast<double>(std::max<std::int64_t>(b.size_bytes, 1)),
            1) +
          " \xc3\x97",
      "smaller in int8");
  html += key_figure(fixed(a.median_ms / std::max(b.median_ms, 1e-9), 1) + " \xc3\x97",
                     "the speed of float in int8");
  if (a.top1 && b.top1) {
    const double points = 100 * (*b.top1 - *a.top1);
    const std::string sign = std::abs(points) < 0.005 ? "\xc2\xb1" : points < 0 ? "\xe2\x88\x92" : "+";
    html += key_figure(sign + fixed(std::abs(points), 2), "points of top-1 accuracy in int8");
  }
  if (b.agreement) html += key_figure(percent(b.agreement, 1), "same first choice as float in int8");
  return html + "</div>\n";
}

}  // namespace detail

/// A page that needs no other file: figures, table, charts of size, accuracy and time, error of every layer.
/// For desktops and phones, light and dark.
inline std::string html_report(const ComparisonResult& r) {
  using namespace detail;
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      escaped(r.model) + " quantized - octet</title>\n<style>" + report_style() +
      "</style>\n</head>\n<body>\n<main>\n";
  html += "<h1>" + escaped(r.model) + "</h1>\n<ul class=\"facts\">";
  const auto fact = [&](const std::string& text) { html += "<li>" + escaped(text) + "</li>"; };
  fact(significant(static_cast<double>(r.parameters) / 1e6) + " M parameters");
  fact(significant(static_cast<double>(r.macs) / 1e6) + " M multiply-adds");
  fact(std::to_string(r.images) + " images" + (r.data.empty() ? "" : " of " + r.data));
  if (r.calibration_images > 0) fact(std::to_string(r.calibration_images) + " calibration images");
  fact("preprocessing " + r.preprocessing);
  fact(r.machine);
  html += "</ul>\n";
  if (!r.warnings.empty()) {
    html += "<section class=\"card warn\"><h2>Look at this first</h2>\n";
    for (const std::string& w : r.warnings) html += "<p>" + escaped(w) + ".</p>\n";
    html += "</section>\n";
  }
  html += key_figures(r);
  html += card("Comparison", html_table(comparison_table(r).rows(), "fit"));
  html += variant_charts(r);
  html += layer_section(r);
  html += "<footer>\n";
  for (const std::string& n : r.notes) html += "<p>" + escaped(n) + ".</p>\n";
  html +=
      "<p>Sizes are those of the saved files (1 MB = 1,000,000 bytes). Times are of one image at a time, all "
      "forms measured in turns; "
      "quantizing does not include calibration" +
      (r.calibration_images > 0 ? ", which took " + significant(r.calibration_seconds) + " s"
                                : std::string()) +
      ". Made by octet " OCTET_VERSION ".</p>\n";
  return html + "</footer>\n</main>\n</body>\n</html>\n";
}

OCTET_END
