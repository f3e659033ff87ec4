#pragma once
#include <octet/comparison/comparison.hpp>
#include "layer_text.hpp"
#include "page.hpp"

namespace report {
using namespace octet;

inline std::string decibels(double db) {
  if (std::isfinite(db)) return fixed(db, 1) + " dB";
  return db > 0 ? "exact" : "no signal";
}

/// The `most` tensors (0: all) with the largest error in int8, as a table.
inline TextTable error_table(const ComparisonResult& r, std::size_t most = 0) {
  TextTable table({"Tensor", "Layer", "SQNR", "Max error", "RMSE / scale", "Saturated"});
  std::vector<std::string> names;
  for (const LayerError& e : r.errors) names.push_back(e.name);
  names = short_names(names);
  for (std::size_t i = 0; i < r.errors.size() && (most == 0 || i < most); ++i) {
    const LayerError& e = r.errors[i];
    table.add({names[i], e.type, decibels(e.sqnr_db), significant(e.max_error),
               e.rmse_over_scale > 0 ? fixed(e.rmse_over_scale, 3) : "-", percent(e.saturation)});
  }
  return table;
}

/// Quantization noise of each layer along the network, from 0.1 % of the signal (bottom) to 100 % (top).
inline std::string noise_chart(const ComparisonResult& r) {
  constexpr double range_db = 60;
  const auto height = [](double db) { return db > 0 ? 1 - db / range_db : 1.0; };  // NaN: 1
  std::vector<std::string> names;
  for (const LayerNoise& l : r.layers) names.push_back(l.name);
  names = short_names(names);
  std::vector<DepthBar> bars;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const LayerNoise& l = r.layers[i];
    DepthBar b{names[i] + ", " + l.kind + ": " + decibels(l.output_db),
               height(l.output_db),
               l.output_db >= 20   ? "good"
               : l.output_db >= 10 ? "fair"
                                   : "poor",
               {}};
    if (l.weights_db) {
      b.tip += ", weights " + decibels(*l.weights_db);
      b.mark = height(*l.weights_db);
    }
    bars.push_back(b);
  }
  std::vector<GridLine> lines;
  for (const auto& [db, label] : {std::make_pair(0, "100 %"), {10, "32 %"}, {20, "10 %"}, {40, "1 %"}, {60, "0.1 %"}})
    lines.push_back({label, height(db)});
  return depth_chart("Quantization noise of each layer", bars, lines) + "<div class=\"ends\"><span>" +
         escaped(shortened(names.front(), 30)) + "</span><span>" + escaped(shortened(names.back(), 30)) +
         "</span></div>\n";
}

/// The error of each layer of the int8 model: a chart, the worst ones, and a table of all.
inline std::string layer_section(const ComparisonResult& r) {
  if (r.layers.empty()) return {};
  constexpr std::size_t shown = 8;
  std::string body =
      "<p class=\"soft\">Quantization noise in each layer's output relative to the signal, from the first "
      "layer to the last. It accumulates along the network.</p>\n<div class=\"legend\">";
  for (const auto& [style, text] : {std::make_pair("good", "up to 10 % (20 dB)"),
                                    {"fair", "up to 32 % (10 dB)"},
                                    {"poor", "more"},
                                    {"dot", "in the weights"}})
    body += std::string("<span><i class=\"swatch ") + style + "\"></i>" + text + "</span>";
  body += "</div>\n" + noise_chart(r) + html_table(error_table(r, shown).rows(), "wide");
  if (r.errors.size() > shown)
    body += "<details><summary>All " + std::to_string(r.errors.size()) + " tensors, worst first</summary>\n" +
            html_table(error_table(r).rows(), "wide") + "</details>\n";
  return card("Error of each layer in int8", body);
}

}  // namespace report
