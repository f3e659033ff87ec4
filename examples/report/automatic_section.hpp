#pragma once
#include <nlohmann/json.hpp>

#include <octet/comparison/automatic.hpp>
#include <set>

#include "curve_chart.hpp"
#include "layer_section.hpp"
#include "machine.hpp"
#include "page.hpp"

/// The results of `octet auto`: as text, as JSON, and as a page.
namespace report {
using namespace octet;

/// "0.27 points lost, 98.39 % agree" or "31.2 dB".
inline std::string quality_text(const Quality& q, const Target& t) {
  if (t.min_sqnr > 0 || !q.agreement) return decibels(q.least_db);
  std::string text =
      q.top1 ? "top-1 " + percent(q.top1) + ", " + percent(q.agreement) + " agree" : percent(q.agreement) + " agree";
  return text + ", " + fixed(q.drop, 2) + " points lost";
}

/// A row for each model that was tried. The first is float.
inline TextTable curve_table(const AutomaticResult& r, const Target& t) {
  TextTable table({"Model", "On the half that chooses", "On the half held apart", "Target", "Time (ms)", "Size (MB)"});
  for (std::size_t i = 0; i < r.curve.size(); ++i) {
    const AutomaticPoint& p = r.curve[i];
    table.add({(i == r.chosen ? "> " : "  ") + p.what, quality_text(p.chosen_on, t),
               p.proof  ? quality_text(*p.proof, t)
               : i == 0 ? quality_text(r.float_proof, t)
                        : "-",
               p.met ? "kept" : "missed", significant(p.milliseconds),
               p.size_bytes > 0 ? megabytes(p.size_bytes) : "-"});
  }
  return table;
}

/// The layers that can have several forms, and the form that each got, with its SQNR alone.
inline TextTable forms_table(const AutomaticResult& r) {
  std::vector<std::string> header{"Layer", "Type", "Form"};
  std::vector<std::string> names, titles;
  for (const LayerSensitivity& l : r.layers) {
    names.push_back(l.layer);
    for (const FormTrial& f : l.forms)
      if (std::find(titles.begin(), titles.end(), f.form) == titles.end() && f.form != "float")
        titles.push_back(f.form);
  }
  names = short_names(names);
  for (const std::string& f : titles) header.push_back(f + " alone");
  TextTable table(header);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const LayerSensitivity& l = r.layers[i];
    std::vector<std::string> row{names[i], l.type, l.chosen};
    for (const std::string& title : titles) {
      const auto f = std::find_if(l.forms.begin(), l.forms.end(), [&](const FormTrial& x) { return x.form == title; });
      row.push_back(f == l.forms.end() ? "-" : decibels(f->output_db));
    }
    table.add(row);
  }
  return table;
}

inline std::string target_text(const Target& t) {
  const std::string goal = t.min_sqnr > 0 ? "at least " + short_number(t.min_sqnr) + " dB SQNR of every output"
                                          : "at most " + short_number(t.max_drop) + " points of " +
                                                (t.labels.empty() ? "agreement" : "top-1 accuracy") + " lost";
  return goal + ", least " + octet::name(t.objective);
}

inline std::string automatic_text(const AutomaticResult& r, const Target& t) {
  std::map<std::string, int> counts;
  for (const LayerSensitivity& l : r.layers) ++counts[l.chosen];
  std::string forms;
  for (const auto& [form, n] : counts) forms += (forms.empty() ? "" : ", ") + std::to_string(n) + " " + form;
  return "target: " + target_text(t) + "\n" + std::to_string(r.choosing) + " samples choose, " +
         std::to_string(r.proving) + " held apart prove; each layer was tried on " + std::to_string(r.scanned) +
         "\n\n" + curve_table(r, t).str(140) + "\n" + forms_table(r).str(140) + "\nlayers: " + forms + "\n" +
         (r.met ? "target kept" : "target MISSED") +
         " on the samples held apart: " + quality_text(r.curve[r.chosen].proof.value_or(Quality{}), t) + "; " +
         fixed(r.time_ratio(), 2) + " of the float model's time, " + fixed(r.size_ratio(), 2) + " of its size\n";
}

inline nlohmann::ordered_json quality_json(const Quality& q) {
  using nlohmann::ordered_json;
  const auto or_null = [](const std::optional<double>& x) { return x ? ordered_json(*x) : ordered_json(nullptr); };
  return ordered_json{{"top1", or_null(q.top1)},
                      {"agreement", or_null(q.agreement)},
                      {"drop", q.agreement ? ordered_json(q.drop) : ordered_json(nullptr)},
                      {"least_sqnr_db", std::isfinite(q.least_db) ? ordered_json(q.least_db) : ordered_json(nullptr)}};
}

/// The contents of the JSON file. Accuracies are in [0, 1] and those of the samples held apart; null without labels.
inline nlohmann::ordered_json automatic_json(const std::string& model, const AutomaticResult& r, const Target& t) {
  using nlohmann::ordered_json;
  const AutomaticPoint& chosen = r.curve[r.chosen];
  const Quality proof = chosen.proof.value_or(Quality{});
  const auto or_null = [](const std::optional<double>& x) { return x ? ordered_json(*x) : ordered_json(nullptr); };
  ordered_json layers = ordered_json::array(), curve = ordered_json::array();
  std::set<std::string> listed;
  const auto with_forms = [&](const LayerSensitivity& l) {
    ordered_json forms = ordered_json::array();
    for (const FormTrial& f : l.forms)
      forms.push_back(ordered_json{
          {"form", f.form},
          {"output_sqnr_db", std::isfinite(f.output_db) ? ordered_json(f.output_db) : ordered_json(nullptr)},
          {"agreement", or_null(f.agreement)},
          {"milliseconds", f.milliseconds},
          {"bytes", f.bytes}});
    return forms;
  };
  for (const LayerSensitivity& l : r.layers)
    layers.push_back(ordered_json{{"layer", l.layer}, {"type", l.type}, {"form", l.chosen}, {"alone", with_forms(l)}});
  for (std::size_t i = 0; i < r.curve.size(); ++i) {
    const AutomaticPoint& p = r.curve[i];
    curve.push_back(ordered_json{{"model", p.what},
                                 {"chosen", i == r.chosen},
                                 {"met", p.met},
                                 {"choosing", quality_json(p.chosen_on)},
                                 {"proof", p.proof ? quality_json(*p.proof) : ordered_json(nullptr)},
                                 {"milliseconds", p.milliseconds},
                                 {"size_bytes", p.size_bytes},
                                 {"memory_bytes", p.memory_bytes}});
  }
  return ordered_json{
      {"model", model},
      {"objective", octet::name(t.objective)},
      {"max_drop", t.min_sqnr > 0 ? ordered_json(nullptr) : ordered_json(t.max_drop)},
      {"min_sqnr_db", t.min_sqnr > 0 ? ordered_json(t.min_sqnr) : ordered_json(nullptr)},
      {"met", r.met},
      {"float_top1", or_null(r.float_proof.top1)},
      {"top1", or_null(proof.top1)},
      {"agreement", or_null(proof.agreement)},
      {"drop", proof.agreement ? ordered_json(proof.drop) : ordered_json(nullptr)},
      {"least_sqnr_db", std::isfinite(proof.least_db) ? ordered_json(proof.least_db) : ordered_json(nullptr)},
      {"time_ratio", r.time_ratio()},
      {"size_ratio", r.size_ratio()},
      {"samples", {{"choosing", r.choosing}, {"proving", r.proving}, {"scanned", r.scanned}}},
      {"layers", layers},
      {"curve", curve},
      {"notes", r.notes}};
}

/// A chart of the models that were tried; the chosen one has another color.
template <class X>
std::string automatic_chart(const std::string& title, const AutomaticResult& r, const Target& t,
                            const std::string& x_name, X x) {
  const bool db = t.min_sqnr > 0 || !r.curve[0].chosen_on.agreement;
  std::vector<Curve> curves;
  double most = 0;
  for (std::size_t i = 0; i < r.curve.size(); ++i) {
    const Quality& q = r.curve[i].chosen_on;
    const double y = db ? q.least_db : 100 * (q.top1 ? *q.top1 : q.agreement.value_or(0));
    curves.push_back({i == r.chosen ? "v5" : r.curve[i].met ? "v2" : "v0", {{x(r.curve[i]), y}}});
    most = std::max(most, x(r.curve[i]));
  }
  std::rotate(curves.begin() + static_cast<std::ptrdiff_t>(r.chosen),
              curves.begin() + static_cast<std::ptrdiff_t>(r.chosen) + 1,
              curves.end());  // drawn last
  CurveAxes axes = axes_around(curves, [&](double y) { return short_number(y) + (db ? " dB" : " %"); });
  axes.x_high = 1.05 * most;
  return card(title,
              "<div class=\"legend\"><span><i class=\"swatch v5\"></i>chosen</span><span><i class=\"swatch "
              "v2\"></i>keeps the target</span><span><i class=\"swatch v0\"></i>misses it</span></div>\n" +
                  curve_chart(title, curves, axes, x_name));
}

inline std::string automatic_page(const std::string& model, const AutomaticResult& r, const Target& t) {
  const AutomaticPoint& chosen = r.curve[r.chosen];
  std::string body = "<h1>" + escaped(model) + ": a form for each layer</h1>\n<ul class=\"facts\"><li>" +
                     escaped(target_text(t)) + "</li><li>" + std::to_string(r.choosing) + " samples choose, " +
                     std::to_string(r.proving) + " prove</li><li>" +
                     escaped(machine_description(t.executor.pool ? t.executor.pool->size() : 0)) + "</li></ul>\n";
  if (!r.met)
    body +=
        "<section class=\"card warn\"><p>The target is missed on the samples held apart. This is the best model "
        "that was found.</p></section>\n";
  const auto key = [](const std::string& figure, const std::string& meaning) {
    return "<div class=\"key\"><b>" + escaped(figure) + "</b><span>" + escaped(meaning) + "</span></div>\n";
  };
  body += "<div class=\"keys\">\n" + key(fixed(r.time_ratio(), 2) + " \xc3\x97", "the time of float") +
          key(fixed(r.size_ratio(), 2) + " \xc3\x97", "the size of float") +
          key(quality_text(chosen.proof.value_or(Quality{}), t), "on the samples held apart") + "</div>\n";
  const std::string what = t.min_sqnr > 0 || !chosen.chosen_on.agreement ? "Least SQNR of the outputs"
                           : chosen.chosen_on.top1                       ? "Top-1 accuracy"
                                                                         : "Agreement with float";
  body += "<div class=\"charts\">\n" +
          automatic_chart(what + " against time", r, t, "ms", [](const AutomaticPoint& p) { return p.milliseconds; }) +
          automatic_chart(what + " against size", r, t, "MB",
                          [](const AutomaticPoint& p) { return static_cast<double>(p.size_bytes) / 1e6; }) +
          "</div>\n";
  body += card("Models that were tried", html_table(curve_table(r, t).rows(), "wide"));
  body += card("Layers", "<p class=\"soft\">SQNR of the outputs if only this layer has the form.</p>\n" +
                             html_table(forms_table(r).rows(), "wide"));
  body += "<footer>\n";
  for (const std::string& n : r.notes) body += "<p>" + escaped(n) + ".</p>\n";
  return page(model + ": a form for each layer", body + "<p>Made by octet " OCTET_VERSION ".</p></footer>\n");
}

}  // namespace report
