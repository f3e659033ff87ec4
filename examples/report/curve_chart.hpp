#pragma once
#include <cmath>
#include <limits>

#include "chart.hpp"

namespace report {
using namespace octet;

/// A polyline with ascending x.
struct Curve {
  std::string style;  // CSS class of its color
  std::vector<std::pair<double, double>> points;
  bool faint = false;
};

/// Limits of the axes and labelled horizontal grid lines.
struct CurveAxes {
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;
  std::vector<GridLine> lines;  // here, heights are values of y
};

/// Spacing of grid lines: 1, 2 or 5 times a power of ten, so that 3 to 7 lines fit into `size`.
inline double grid_step(double size) {
  const double power = std::pow(10.0, std::floor(std::log10(size / 3)));
  for (const double factor : {5.0, 2.0})
    if (size / (factor * power) >= 3) return factor * power;
  return power;
}

/// A number with as few digits as necessary: 0, 0.1, 2.5, 30.
inline std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", std::abs(x) < 1e-12 ? 0.0 : x);
  return text;
}

/// Axes that contain all points of the curves. `label` formats a value of y.
template <class Label>
CurveAxes axes_around(const std::vector<Curve>& curves, Label label) {
  CurveAxes a;
  a.y_low = std::numeric_limits<double>::infinity();
  a.y_high = -a.y_low;
  for (const Curve& c : curves)
    for (const auto& [x, y] : c.points) {
      a.x_high = std::max(a.x_high, x);
      if (std::isfinite(y)) {
        a.y_low = std::min(a.y_low, y);
        a.y_high = std::max(a.y_high, y);
      }
    }
  if (!(a.y_low <= a.y_high)) {
    a.y_low = 0;
    a.y_high = 1;
  }
  const double step = grid_step(std::max(a.y_high - a.y_low, 1e-3 * std::max(1e-3, std::abs(a.y_high))));
  a.y_low = std::floor(a.y_low / step) * step;
  a.y_high = std::ceil(a.y_high / step) * step;
  if (a.y_high <= a.y_low) a.y_high = a.y_low + step;
  const auto count = static_cast<int>(std::round((a.y_high - a.y_low) / step));
  for (int i = 0; i <= count; ++i) a.lines.push_back({label(a.y_low + i * step), a.y_low + i * step});
  return a;
}

/// A chart of curves over a common x. x is in percent and y in pixels, so that the line width does not depend on the
/// width of the page.
inline std::string curve_chart(const std::string& title, const std::vector<Curve>& curves, const CurveAxes& axes,
                               const std::string& x_name = "epoch") {
  constexpr double height = 180, top = 8;
  const auto y = [&](double v) {
    const double part = (v - axes.y_low) / (axes.y_high - axes.y_low);
    return fixed(top + (1 - std::clamp(part, 0.0, 1.0)) * height, 1);
  };
  const auto x = [&](double v) {
    return fixed(100 * std::clamp((v - axes.x_low) / (axes.x_high - axes.x_low), 0.0, 1.0), 2) + "%";
  };
  std::string html = "<div class=\"depth\">";
  for (const GridLine& l : axes.lines)
    html += "<span style=\"top:" + y(l.height) + "px\">" + escaped(l.label) + "</span>";
  html += "<svg class=\"chart\" role=\"img\" width=\"100%\" height=\"" + fixed(height + 2 * top, 0) + "\"><title>" +
          escaped(title) + "</title>\n";
  for (const GridLine& l : axes.lines)
    html += "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"" + y(l.height) + "\" y2=\"" + y(l.height) + "\"/>";
  for (const Curve& c : curves) {
    html += "<g class=\"curve " + escaped(c.style) + (c.faint ? " faint" : "") + "\">";
    for (std::size_t i = 0; i < c.points.size(); ++i) {
      const auto& [px, py] = c.points[i];
      if (!std::isfinite(py)) continue;
      if (i > 0 && std::isfinite(c.points[i - 1].second))
        html += "<line x1=\"" + x(c.points[i - 1].first) + "\" y1=\"" + y(c.points[i - 1].second) + "\" x2=\"" + x(px) +
                "\" y2=\"" + y(py) + "\"/>";
      if (!c.faint) html += "<circle cx=\"" + x(px) + "\" cy=\"" + y(py) + "\" r=\"2.6\"/>";
    }
    html += "</g>\n";
  }
  return html + "</svg></div>\n<div class=\"ends\"><span>" + short_number(axes.x_low) + "</span><span>" +
         escaped(x_name) + " " + short_number(axes.x_high) + "</span></div>\n";
}

}  // namespace report
