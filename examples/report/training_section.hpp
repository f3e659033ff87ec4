#pragma once
#include "curve_chart.hpp"
#include "page.hpp"

namespace report {
using namespace octet;

/// The curves of one quantity of all trainings: on held-out examples (bright) and on training examples (faint).
template <class Learned, class HeldOut>
std::vector<Curve> training_curves(const ComparisonResult& r, Learned learned, HeldOut held_out) {
  std::vector<Curve> curves;
  for (const TrainingHistory& t : r.training) {
    Curve faint{variant_style(r, t.name), {}, true}, bright{faint.style, {}, false};
    for (const TrainingPoint& p : t.points) {
      faint.points.emplace_back(p.epoch, learned(p));
      if (const std::optional<double> y = held_out(p)) bright.points.emplace_back(p.epoch, *y);
    }
    curves.push_back(std::move(faint));
    curves.push_back(std::move(bright));
  }
  return curves;
}

/// Loss and accuracy of all trainings.
inline std::string training_section(const ComparisonResult& r) {
  if (r.training.empty()) return {};
  const std::vector<Curve> loss = training_curves(
      r, [](const TrainingPoint& p) { return p.loss; }, [](const TrainingPoint& p) { return p.held_out_loss; });
  const std::vector<Curve> accuracy = training_curves(
      r, [](const TrainingPoint& p) { return p.accuracy; }, [](const TrainingPoint& p) { return p.held_out_accuracy; });
  std::string legend = "<div class=\"legend\">";
  for (const TrainingHistory& t : r.training)
    legend += "<span><i class=\"swatch " + variant_style(r, t.name) + "\"></i>" + escaped(t.title) + ", " +
              significant(t.seconds) + " s</span>";
  legend += "<span>with dots: held-out images; faint: training images</span></div>\n";
  const auto chart = [&](const std::string& heading, const std::vector<Curve>& curves, auto label) {
    return card(heading, legend + curve_chart(heading, curves, axes_around(curves, label)));
  };
  return "<div class=\"charts\">\n" +
         chart("Training: accuracy", accuracy, [](double y) { return short_number(100 * y) + " %"; }) +
         chart("Training: loss", loss, short_number) + "</div>\n";
}

}  // namespace report
