#pragma once
#include <nlohmann/json.hpp>

#include "../io/atomic_file.hpp"
#include "../io/read_file.hpp"
#include "calibration.hpp"

/// Calibrations as JSON, to be kept, looked at and edited: a "range": [low, high] added to a tensor overrides what
/// was measured.
OCTET_BEGIN
namespace detail {

constexpr const char* range_method_names[] = {"min_max", "moving_average", "percentile", "entropy", "mse"};

inline nlohmann::json to_json(const Range& r) { return nlohmann::json::array({r.low, r.high}); }

inline Range range_from(const nlohmann::json& j) {
  require<FormatError>(j.is_array() && j.size() == 2 && j[0].is_number() && j[1].is_number(), "a range is [low, high]");
  const auto low = j[0].get<double>(), high = j[1].get<double>();
  constexpr auto most = static_cast<double>(std::numeric_limits<float>::max());
  require<FormatError>(low >= -most && low <= high && high <= most, "[", low, ", ", high, "] is no range");
  return {static_cast<float>(low), static_cast<float>(high)};
}

/// A whole number from `least` to `most`, which may be written as 1e3.
inline std::int64_t integer_from(const nlohmann::json& j, const char* what, std::int64_t least, std::int64_t most) {
  require<FormatError>(j.is_number(), "\"", what, "\" is no number");
  const auto x = j.get<double>();  // near enough to tell what is far out of range
  const bool in_range = x >= static_cast<double>(least) && x <= static_cast<double>(most);
  require<FormatError>(in_range && x == std::floor(x), "\"", what, "\" is ", j.dump(),
                       ", expected a whole number from ", least, " to ", most);
  return static_cast<std::int64_t>(x);
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
  const std::int64_t first =
      integer_from(j.at("first_bin"), "first_bin", -Histogram::half, Histogram::half) + Histogram::half;
  const nlohmann::json& some = j.at("counts");
  require<FormatError>(some.is_array() && static_cast<std::int64_t>(some.size()) <= 2 * Histogram::half - first,
                       "a histogram has ", 2 * Histogram::half, " bins");
  std::vector<std::uint64_t> all(2 * Histogram::half, 0);
  constexpr std::int64_t most = std::int64_t{1} << 50;  // the sum of all bins then has 63 bits
  for (std::size_t i = 0; i < some.size(); ++i)
    all[static_cast<std::size_t>(first) + i] = static_cast<std::uint64_t>(integer_from(some[i], "counts", 0, most));
  return Histogram::from(static_cast<int>(integer_from(j.at("exponent"), "exponent", -1000, 1000)), std::move(all));
}

inline TensorStatistics statistics_from(const nlohmann::json& j) {
  require<FormatError>(j.is_object(), "is no object");
  TensorStatistics t;
  if (j.contains("seen")) t.seen = range_from(j["seen"]);
  if (j.contains("range")) t.given = range_from(j["range"]);
  if (j.contains("histogram")) t.histogram = histogram_from(j["histogram"]);
  if (j.contains("samples"))
    for (const auto& r : j["samples"]) t.samples.push_back(range_from(r));
  if (j.contains("channel_sums")) {
    t.channel_sums = j["channel_sums"].get<std::vector<double>>();
    t.summed = integer_from(j.at("summed"), "summed", 1, std::int64_t{1} << 50);
  }
  return t;
}

inline std::string calibration_text(const std::string& path) {
  try {
    return read_file(path, std::int64_t{1} << 30);
  } catch (const Error& e) {
    fail<FormatError>("cannot read calibration: ", e.what());
  }
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
  const std::string text = detail::calibration_text(path);
  const nlohmann::json all = nlohmann::json::parse(text, nullptr, false);
  try {
    detail::require<FormatError>(all.is_object() && all.contains("octet_calibration") && all["octet_calibration"] == 1,
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
      try {
        c.tensors[tensor] = detail::statistics_from(j);
      } catch (const std::exception& e) {
        detail::fail<FormatError>("tensor '", tensor, "': ", e.what());
      }
    }
    return c;
  } catch (const std::exception& e) {
    detail::fail<FormatError>("calibration '", path, "': ", e.what());
  }
}

OCTET_END
