#pragma once
#include <string>
#include <vector>

#include "table.hpp"

/// Charts as inline SVG. Positions along the page are percentages and text keeps its size, so that one
/// drawing fits every width; colors come from classes that the page's style sheet gives (light and dark).
OCTET_BEGIN
namespace detail {

/// The text as HTML or XML shows it literally. Control characters, which XML forbids, become spaces.
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

}  // namespace detail

/// One bar of a chart.
struct Bar {
  std::string label, text;  // at the left and at the right above the bar
  double value = 0;
  std::string style = "bar";  // class of the bar
};

/// Horizontal bars from 0 to `most`, each with its label and value above it. `title` is what screen readers
/// say.
inline std::string bar_chart(const std::string& title, const std::vector<Bar>& bars, double most) {
  constexpr int row = 40, thickness = 12;
  const std::string height = std::to_string(row * static_cast<int>(bars.size()));
  std::string svg = "<svg class=\"chart\" role=\"img\" width=\"100%\" height=\"" + height + "\"><title>" +
                    detail::escaped(title) + "</title>\n";
  int y = 0;
  for (const Bar& b : bars) {
    const double part = std::isfinite(b.value) ? std::clamp(b.value / std::max(most, 1e-12), 0.0, 1.0) : 1.0;
    const std::string text_y = std::to_string(y + 15), bar_y = std::to_string(y + 21),
                      thick = std::to_string(thickness);
    svg += "<g><title>" + detail::escaped(b.label + ": " + b.text) + "</title>";
    svg += "<text class=\"label\" x=\"0\" y=\"" + text_y + "\">" +
           detail::escaped(detail::shortened(b.label, 38)) + "</text>";
    svg += "<text class=\"value\" x=\"100%\" y=\"" + text_y + "\" text-anchor=\"end\">" +
           detail::escaped(b.text) + "</text>";
    svg += "<rect class=\"track\" x=\"0\" y=\"" + bar_y + "\" width=\"100%\" height=\"" + thick +
           "\" rx=\"3\"/>";
    svg += "<rect class=\"" + detail::escaped(b.style) + "\" x=\"0\" y=\"" + bar_y + "\" width=\"" +
           detail::fixed(100 * part, 2) + "%\" height=\"" + thick + "\" rx=\"3\"/></g>\n";
    y += row;
  }
  return svg + "</svg>\n";
}

OCTET_END
