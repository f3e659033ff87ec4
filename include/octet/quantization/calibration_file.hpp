#pragma once
#include <fstream>
#include <nlohmann/json.hpp>

#include "../io/atomic_file.hpp"
#include "calibration.hpp"

/// Calibrations as JSON, to be kept, looked at and edited: a "range": [low, high] added to a tensor overrides what
/// was measured.
OCTET_BEGIN
namespace detail {

constexpr const char* range_method_names[] = {"min_max", "moving_average", "percentile", "entropy", "mse"};

inline nlohmann::json to_json(const Range& r) { return nlohmann::json::array({r.low, r.high}); }

inline Range range_from(const nlohmann::json& j) {
  require<FormatError>(j.is_array() && j.size() == 2 && j[0].is_number() && j[1].is_number(), "a range is [low, high]");
  const Range r{j[0].get<float>(), j[1].get<float>()};
  require<FormatError>(std::isfinite(r.low) && std::isfinite(r.high) && r.low <= r.high, "[", r.low, ", ", r.high,
                       "] is no range");
  return r;
}

inline nlohmann::json to_json(const Histogram& h) {
  const auto& c = h.counts();
  std::size_t first = 0, last = c.size();
  while (first < last && c[first] == 0) ++first;
  while (last > first && c[last - 1] == 0) --last;
  return {{"exponent", h.exponent()},
          {"first_bin", static_cast<std::int64_t>(first) - Histogram::half},
          {"counts", std::vector<std::uint64_t>(c.begin() + static_cast<std::ptrdiff_t>(first),
                                                c.begin() + static_cast<std::ptrdiff_t>(last))}};
}

inline Histogram histogram_from(const nlohmann::json& j) {
  const auto first = j.at("first_bin").get<std::int64_t>() + Histogram::half;
  const auto some = j.at("counts").get<std::vector<std::uint64_t>>();
  require<FormatError>(first >= 0 && first <= 2 * Histogram::half &&
                           static_cast<std::int64_t>(some.size()) <= 2 * Histogram::half - first,
                       "a histogram has ", 2 * Histogram::half, " bins");
  std::vector<std::uint64_t> all(2 * Histogram::half, 0);
  std::copy(some.begin(), some.end(), all.begin() + static_cast<std::ptrdiff_t>(first));
  return Histogram::from(j.at("exponent").get<int>(), std::move(all));
}

}  // namespace detail

/// Writes a calibration; the file appears whole or not at all.
inline void save(const Calibration& c, const std::string& path) {
  nlohmann::json tensors = nlohmann::json::object();
  for (const auto& [tensor, t] : c.tensors) {
    nlohmann::json& j = tensors[tensor] = nlohmann::json::object();
    if (t.seen.low <= t.seen.high) j["seen"] = detail::to_json(t.seen);
    if (t.given) j["range"] = detail::to_json(*t.given);
    if (!t.histogram.empty()) j["histogram"] = detail::to_json(t.histogram);
    for (const Range& r : t.samples) j["samples"].push_back(detail::to_json(r));
    if (t.summed > 0) j["channel_sums"] = t.channel_sums, j["summed"] = t.summed;
  }
  const nlohmann::json all{{"octet_calibration", 1},
                           {"method", detail::range_method_names[static_cast<int>(c.method)]},
                           {"percent", c.percent},
                           {"tensors", std::move(tensors)}};
  detail::write_atomically(path, [&](std::ostream& out) { out << all.dump(1) << '\n'; });
}

/// Reads what save wrote, edited or not.
inline Calibration load_calibration(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  detail::require<FormatError>(in.good(), "cannot read '", path, "'");
  const nlohmann::json all = nlohmann::json::parse(in, nullptr, false);
  try {
    detail::require<FormatError>(all.is_object() && all.value("octet_calibration", 0) == 1,
                                 "not a calibration of version 1");
    Calibration c;
    const auto method = all.at("method").get<std::string>();
    const auto* const end = std::end(detail::range_method_names);
    const auto* const found = std::find(std::begin(detail::range_method_names), end, method);
    detail::require<FormatError>(found != end, "unknown method '", method, "'");
    c.method = static_cast<RangeMethod>(found - std::begin(detail::range_method_names));
    c.percent = all.at("percent").get<double>();
    detail::require<FormatError>(c.percent > 0 && c.percent <= 100, "a percentile is in (0, 100], not ", c.percent);
    detail::require<FormatError>(all.at("tensors").is_object(), "\"tensors\" is no object");
    for (const auto& [tensor, j] : all["tensors"].items()) {
      detail::require<FormatError>(j.is_object(), "tensor '", tensor, "' is no object");
      TensorStatistics& t = c.tensors[tensor];
      if (j.contains("seen")) t.seen = detail::range_from(j["seen"]);
      if (j.contains("range")) t.given = detail::range_from(j["range"]);
      if (j.contains("histogram")) t.histogram = detail::histogram_from(j["histogram"]);
      if (j.contains("samples"))
        for (const auto& r : j["samples"]) t.samples.push_back(detail::range_from(r));
      if (j.contains("channel_sums")) {
        t.channel_sums = j["channel_sums"].get<std::vector<double>>();
        t.summed = j.at("summed").get<std::int64_t>();
        detail::require<FormatError>(t.summed > 0, "\"summed\" of tensor '", tensor, "' is ", t.summed);
      }
    }
    return c;
  } catch (const std::exception& e) {
    detail::fail<FormatError>("calibration '", path, "': ", e.what());
  }
}

OCTET_END
