#pragma once
#include <octet/comparison/comparison.hpp>
#include "layer_section.hpp"

/// The errors of the outputs of the forms of a model.
namespace report {
using namespace octet;

/// A row for each output of each form. Without rows if no errors were measured.
inline TextTable output_error_table(const ComparisonResult& r) {
  bool masks = false;
  for (const VariantResult& v : r.variants)
    for (const OutputError& e : v.outputs) masks = masks || e.pixel_agreement;
  std::vector<std::string> header{"Output", "Form", "SQNR", "Cosine", "Max error"};
  if (masks) header.push_back("Same pixels");
  TextTable table(header);
  std::vector<std::string> names;
  for (const VariantResult& v : r.variants)
    if (names.empty())
      for (const OutputError& e : v.outputs) names.push_back(e.name);
  names = short_names(names);
  for (std::size_t o = 0; o < names.size(); ++o)
    for (const VariantResult& v : r.variants) {
      if (o >= v.outputs.size()) continue;
      const OutputError& e = v.outputs[o];
      std::vector<std::string> row{names[o], v.title, decibels(e.sqnr_db), fixed(e.cosine, 6),
                                   significant(e.max_error)};
      if (masks) row.push_back(percent(e.pixel_agreement));
      table.add(row);
    }
  return table;
}

/// The smallest SQNR of the outputs of a form; none if it was not measured.
inline std::optional<double> least_sqnr(const VariantResult& v) {
  std::optional<double> least;
  for (const OutputError& e : v.outputs) least = std::min(least.value_or(e.sqnr_db), e.sqnr_db);
  return least;
}

inline std::string output_section(const ComparisonResult& r) {
  const TextTable table = output_error_table(r);
  if (table.rows().size() < 2) return {};
  return card("Errors of the outputs", "<p class=\"soft\">With respect to the float model, over all " + r.sample +
                                           "s.</p>\n" + html_table(table.rows(), "wide"));
}

}  // namespace report
