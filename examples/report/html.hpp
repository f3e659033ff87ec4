#pragma once
#include "layer_section.hpp"
#include "output_section.hpp"
#include "page.hpp"
#include "training_section.hpp"

namespace report {
using namespace octet;

/// A chart of one quantity for all variants. `value` returns the number, if there is one, and its text.
template <class Value>
std::string variant_chart(const ComparisonResult& r, const std::string& heading, double most, Value value) {
  std::vector<Bar> bars;
  for (const VariantResult& v : r.variants) {
    const std::pair<std::optional<double>, std::string> x = value(v);
    if (!x.first) continue;
    bars.push_back({v.title, x.second, *x.first, variant_style(r, v.name)});
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
  if (r.classifier) {
    html += variant_chart(r, labels ? "Top-1 accuracy" : "Agreement with float", 1, [&](const VariantResult& v) {
      return labels ? Labelled(v.top1, percent(v.top1)) : Labelled(v.agreement, percent(v.agreement));
    });
  } else {
    html += variant_chart(r, "Least SQNR of the outputs (dB)", 100, [](const VariantResult& v) {
      const auto db = least_sqnr(v);
      return Labelled(db ? std::optional<double>(std::clamp(*db, 0.0, 100.0)) : db, db ? decibels(*db) : "");
    });
  }
  html += variant_chart(r, "Time per " + r.sample + " (ms)", 0,
                        [](const VariantResult& v) { return Labelled(v.median_ms, significant(v.median_ms)); });
  return html + "</div>\n";
}

inline std::string key_figure(const std::string& figure, const std::string& meaning) {
  return "<div class=\"key\"><b>" + escaped(figure) + "</b><span>" + escaped(meaning) + "</span></div>\n";
}

/// The main gains and costs of int8, in large type.
inline std::string key_figures(const ComparisonResult& r) {
  const VariantResult* int8 = r.find("int8");
  if (!int8 || int8 == &r.original()) return {};
  const VariantResult &a = r.original(), &b = *int8;
  std::string html = "<div class=\"keys\">\n";
  html += key_figure(
      fixed(static_cast<double>(a.size_bytes) / static_cast<double>(std::max<std::int64_t>(b.size_bytes, 1)), 1) +
          " \xc3\x97",
      "smaller in int8");
  html += key_figure(fixed(a.median_ms / std::max(b.median_ms, 1e-9), 1) + " \xc3\x97", "the speed of float in int8");
  const auto points = [&](const VariantResult& v, const std::string& meaning) {
    if (!a.top1 || !v.top1) return;
    const double gain = 100 * (*v.top1 - *a.top1);
    const std::string sign = std::abs(gain) < 0.005 ? "\xc2\xb1" : gain < 0 ? "\xe2\x88\x92" : "+";
    html += key_figure(sign + fixed(std::abs(gain), 2), "points of top-1 accuracy " + meaning);
  };
  points(b, "in int8");
  if (const VariantResult* trained = r.find("int8_qat")) points(*trained, "in int8, trained for it");
  if (const auto db = least_sqnr(b); db && !r.classifier)
    html += key_figure(decibels(*db), "least SQNR of the outputs in int8");
  if (b.agreement) html += key_figure(percent(b.agreement, 1), "same first choice as float in int8");
  return html + "</div>\n";
}

/// What was compared.
inline std::string facts(const ComparisonResult& r) {
  std::string html = "<ul class=\"facts\">";
  const auto fact = [&](const std::string& text) { html += "<li>" + escaped(text) + "</li>"; };
  fact(with_prefix(r.parameters) + " parameters");
  fact(with_prefix(r.macs) + " multiply-adds");
  fact(std::to_string(r.images) + " " + r.sample + "s" + (r.data.empty() ? "" : " of " + r.data));
  if (r.calibration_images > 0) fact(std::to_string(r.calibration_images) + " calibration " + r.sample + "s");
  fact("preprocessing " + r.preprocessing);
  fact(r.machine);
  return html + "</ul>\n";
}

/// All results of one model.
inline std::string comparison_section(const ComparisonResult& r) {
  std::string html = facts(r);
  if (!r.warnings.empty()) {
    html += "<section class=\"card warn\"><h2>Warnings</h2>\n";
    for (const std::string& w : r.warnings) html += "<p>" + escaped(w) + ".</p>\n";
    html += "</section>\n";
  }
  html += key_figures(r) + card("Comparison", html_table(comparison_table(r).rows(), "fit"));
  html += variant_charts(r) + training_section(r) + output_section(r) + layer_section(r);
  html += "<footer>\n";
  for (const std::string& n : r.notes) html += "<p>" + escaped(n) + ".</p>\n";
  html += "<p>Sizes are those of the saved files (1 MB = 1,000,000 bytes). Times are for one " + r.sample +
          " at a time; the "
          "variants are measured alternately. "
          "The time to quantize does not include calibration" +
          (r.calibration_images > 0 ? ", which took " + significant(r.calibration_seconds) + " s" : std::string()) +
          ". Made by octet " OCTET_VERSION ".</p>\n";
  return html + "</footer>\n";
}

/// A self-contained HTML page: key figures, table, charts of size, accuracy and time, error of each layer.
inline std::string html_report(const ComparisonResult& r) {
  return page(r.model + " quantized", "<h1>" + escaped(r.model) + "</h1>\n" + comparison_section(r));
}

/// The same for several models, with an overview table.
inline std::string html_report(const std::string& title, const TextTable& overview,
                               const std::vector<ComparisonResult>& models) {
  std::string body = "<h1>" + escaped(title) + "</h1>\n" + card("All models", html_table(overview.rows(), "fit"));
  for (const ComparisonResult& r : models) body += "<h1>" + escaped(r.model) + "</h1>\n" + comparison_section(r);
  return page(title, body);
}

}  // namespace report
