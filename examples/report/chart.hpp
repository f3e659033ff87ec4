#pragma once
#include <optional>
#include <string>
#include <vector>

#include "table.hpp"

/// Charts as inline SVG. Horizontal positions are percentages and text has a fixed size, so that a chart fits any page
/// width. Colors come from CSS classes of the page (light and dark).
namespace report {
using namespace octet;

/// Escapes text for HTML and XML. Control characters, which XML forbids, become spaces.
inline std::string escaped(const std::string& text) {
  std::string r;
  for (char c : text) switch (c) {
      case '&': r += "&amp;"; break;
      case '<': r += "&lt;"; break;
      case '>': r += "&gt;"; break;
      case '"': r += "&quot;"; break;
      case '\'': r += "&#39;"; break;
      default: r += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  return r;
}

/// One bar of a chart.
struct Bar {
  std::string label, text;  // above the bar: at its left and its right end
  double value = 0;
  std::string style = "bar";  // CSS class of the bar
};

/// Horizontal bars on a scale from 0 to `most`, each with its label and value above. `title` is for screen readers.
inline std::string bar_chart(const std::string& title, const std::vector<Bar>& bars, double most) {
  constexpr int row = 40, thickness = 12;
  const std::string height = std::to_string(row * static_cast<int>(bars.size()));
  std::string svg = "<svg class=\"chart\" role=\"img\" width=\"100%\" height=\"" + height + "\"><title>" +
                    escaped(title) + "</title>\n";
  int y = 0;
  for (const Bar& b : bars) {
    const double part = std::isfinite(b.value) ? std::clamp(b.value / std::max(most, 1e-12), 0.0, 1.0) : 1.0;
    const std::string text_y = std::to_string(y + 15), bar_y = std::to_string(y + 21),
                      thick = std::to_string(thickness);
    svg += "<g><title>" + escaped(b.label + ": " + b.text) + "</title>";
    svg += "<text class=\"label\" x=\"0\" y=\"" + text_y + "\">" + escaped(shortened(b.label, 38)) + "</text>";
    svg += "<text class=\"value\" x=\"100%\" y=\"" + text_y + "\" text-anchor=\"end\">" + escaped(b.text) + "</text>";
    svg += "<rect class=\"track\" x=\"0\" y=\"" + bar_y + "\" width=\"100%\" height=\"" + thick + "\" rx=\"3\"/>";
    svg += "<rect class=\"" + escaped(b.style) + "\" x=\"0\" y=\"" + bar_y + "\" width=\"" + fixed(100 * part, 2) +
           "%\" height=\"" + thick + "\" rx=\"3\"/></g>\n";
    y += row;
  }
  return svg + "</svg>\n";
}

/// One layer in a depth chart; height and mark are in [0, 1].
struct DepthBar {
  std::string tip;  // tooltip
  double height = 0;
  std::string style = "bar";
  std::optional<double> mark;  // a dot
};

/// A horizontal grid line.
struct GridLine {
  std::string label;
  double height = 0;
};

/// Thin vertical bars from the first layer to the last, readable for 2 to 200 layers.
inline std::string depth_chart(const std::string& title, const std::vector<DepthBar>& bars,
                               const std::vector<GridLine>& lines) {
  constexpr double height = 180, top = 8;
  const auto y = [&](double h) { return fixed(top + (1 - std::clamp(h, 0.0, 1.0)) * height, 1); };
  const double slot = 100.0 / static_cast<double>(std::max<std::size_t>(bars.size(), 1));
  const double width = std::min(0.76 * slot, 4.0);
  const std::string foot = y(0), radius = bars.size() > 80 ? "1.6" : "2.6";
  std::string html = "<div class=\"depth\">";
  for (const GridLine& l : lines) html += "<span style=\"top:" + y(l.height) + "px\">" + escaped(l.label) + "</span>";
  html += "<svg class=\"chart\" role=\"img\" width=\"100%\" height=\"" + fixed(height + 2 * top, 0) + "\"><title>" +
          escaped(title) + "</title>\n";
  for (const GridLine& l : lines)
    html += "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"" + y(l.height) + "\" y2=\"" + y(l.height) + "\"/>";
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const DepthBar& b = bars[i];
    const double center = (static_cast<double>(i) + 0.5) * slot,
                 tall = std::max(std::clamp(b.height, 0.0, 1.0) * height, 1.5);
    html += "<g><title>" + escaped(b.tip) + "</title><rect class=\"" + escaped(b.style) + "\" x=\"" +
            fixed(center - width / 2, 3) + "%\" y=\"" + fixed(top + height - tall, 1) + "\" width=\"" +
            fixed(width, 3) + "%\" height=\"" + fixed(tall, 1) + "\"/>";
    if (b.mark)
      html +=
          "<circle class=\"mark\" cx=\"" + fixed(center, 3) + "%\" cy=\"" + y(*b.mark) + "\" r=\"" + radius + "\"/>";
    html += "</g>\n";
  }
  return html + "<line class=\"foot\" x1=\"0\" x2=\"100%\" y1=\"" + foot + "\" y2=\"" + foot + "\"/></svg></div>\n";
}

}  // namespace report
