#pragma once
#include <nlohmann/json.hpp>

#include <cmath>

#include <octet/comparison/comparison.hpp>

namespace report {
using namespace octet;

/// The contents of results.json. Accuracies are in [0, 1], or null without labels.
inline nlohmann::ordered_json to_json(const ComparisonResult& r) {
  using nlohmann::ordered_json;
  const auto or_null = [](const std::optional<double>& x) { return x ? ordered_json(*x) : ordered_json(nullptr); };
  ordered_json variants = ordered_json::array();
  for (const VariantResult& v : r.variants) {
    variants.push_back(ordered_json{{"name", v.name},
                                    {"size_bytes", v.size_bytes},
                                    {"quantize_seconds", v.quantize_seconds},
                                    {"top1", or_null(v.top1)},
                                    {"top5", or_null(v.top5)},
                                    {"agreement", or_null(v.agreement)},
                                    {"median_ms", v.median_ms},
                                    {"min_ms", v.min_ms},
                                    {"arena_bytes", v.arena_bytes}});
    for (const OutputError& e : v.outputs)
      variants.back()["outputs"].push_back(
          ordered_json{{"name", e.name},
                       {"sqnr_db", std::isfinite(e.sqnr_db) ? ordered_json(e.sqnr_db) : ordered_json(nullptr)},
                       {"cosine", e.cosine},
                       {"max_error", e.max_error},
                       {"pixel_agreement", or_null(e.pixel_agreement)}});
  }
  ordered_json j{{"model", r.model}, {"images", r.images}, {"variants", variants}};
  for (const TrainingHistory& t : r.training) {
    ordered_json points = ordered_json::array();
    for (const TrainingPoint& p : t.points)
      points.push_back(ordered_json{{"epoch", p.epoch},
                                    {"loss", p.loss},
                                    {"accuracy", p.accuracy},
                                    {"held_out_loss", or_null(p.held_out_loss)},
                                    {"held_out_accuracy", or_null(p.held_out_accuracy)}});
    j["training"].push_back({{"name", t.name}, {"seconds", t.seconds}, {"points", points}});
  }
  return j;
}

/// As text. Bytes that are not valid UTF-8 (in file names) are replaced.
inline std::string json_text(const nlohmann::ordered_json& j) {
  return j.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace report
