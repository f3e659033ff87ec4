#pragma once
#include "../core/with_place.hpp"
#include "../files/atomic_file.hpp"
#include "../files/read_file.hpp"
#include "calibration_file.hpp"
#include "json_values.hpp"

OCTET_BEGIN
namespace detail {

constexpr const char* range_method_names[] = {"min_max", "moving_average", "percentile", "entropy", "mse"};

inline nlohmann::json to_json(const Range& r) { return nlohmann::json::array({r.low, r.high}); }

inline Range range_from(const nlohmann::json& j) {
  require<FormatError>(j.is_array() && j.size() == 2 && j[0].is_number() && j[1].is_number(),
                       "expected a range [low, high]");
  const auto low = j[0].get<double>(), high = j[1].get<double>();
  constexpr auto most = static_cast<double>(std::numeric_limits<float>::max());
  require<FormatError>(low >= -most && low <= high && high <= most, "[", low, ", ", high, "] is not a valid range");
  return {static_cast<float>(low), static_cast<float>(high)};
}

/// Runs of bins: [first bin, count, count, ...].
inline nlohmann::json to_json(const Histogram& h) {
  nlohmann::json runs = nlohmann::json::array();
  std::int64_t next = 0;
  h.each_bin([&](std::int64_t bin, std::uint64_t count) {
    if (runs.empty() || bin != next) runs.push_back({bin});
    runs.back().push_back(count);
    next = bin + 1;
  });
  return {{"bins", std::move(runs)}};
}

constexpr std::int64_t most_counted = std::int64_t{1} << 45;  // so that the sum of all bins fits into 63 bits

/// Version 1: `counts` of bins i of equal width, [i, i + 1) * 2^exponent, from first_bin on.
inline Histogram equal_bins_from(const nlohmann::json& j) {
  constexpr std::int64_t half = 2048;
  const std::int64_t first = integer_from(member(j, "first_bin"), "first_bin", -half, half);
  const auto exponent = static_cast<int>(integer_from(member(j, "exponent"), "exponent", -160, 116));
  const nlohmann::json& counts = member(j, "counts");
  require<FormatError>(counts.is_array() && static_cast<std::int64_t>(counts.size()) <= half - first,
                       "\"counts\" has to be a list of at most ", half - first, " numbers");
  Histogram h;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double center = static_cast<double>(first + static_cast<std::int64_t>(i)) + 0.5;
    const auto x = static_cast<float>(std::ldexp(center, exponent));
    Histogram one;
    one.add(&x, 1);
    const auto count = static_cast<std::uint64_t>(integer_from(counts[i], "counts", 0, most_counted));
    if (count > 0) one.each_bin([&](std::int64_t bin, std::uint64_t) { h.add_to_bin(bin, count); });
  }
  return h;
}

inline Histogram histogram_from(const nlohmann::json& j) {
  if (j.is_object() && j.contains("exponent")) return equal_bins_from(j);
  const nlohmann::json& runs = member(j, "bins");
  require<FormatError>(runs.is_array(), "\"bins\" has to be a list");
  Histogram h;
  std::int64_t next = -1 - Histogram::largest_bin;
  for (const nlohmann::json& run : runs) {
    require<FormatError>(run.is_array() && !run.empty(),
                         "an entry of \"bins\" has to be a list of a bin and its counts");
    const std::int64_t first = integer_from(run[0], "bins", -1 - Histogram::largest_bin, Histogram::largest_bin);
    require<FormatError>(first >= next, "\"bins\" are not in ascending order");
    next = first + static_cast<std::int64_t>(run.size()) - 1;
    require<FormatError>(static_cast<std::int64_t>(run.size()) - 2 <= Histogram::largest_bin - first,
                         "\"bins\" has counts beyond the last bin");
    for (std::size_t i = 1; i < run.size(); ++i)
      if (const std::int64_t n = integer_from(run[i], "bins", 0, most_counted); n > 0)
        h.add_to_bin(first + static_cast<std::int64_t>(i) - 1, static_cast<std::uint64_t>(n));
  }
  return h;
}

inline TensorStatistics statistics_from(const nlohmann::json& j) {
  require<FormatError>(j.is_object(), "expected an object");
  TensorStatistics t;
  if (j.contains("seen")) t.seen = range_from(j["seen"]);
  if (j.contains("range")) t.given = range_from(j["range"]);
  if (j.contains("histogram")) t.histogram = histogram_from(j["histogram"]);
  if (j.contains("samples"))
    for (const auto& r : j["samples"]) t.samples.push_back(range_from(r));
  if (j.contains("channel_sums")) {
    require<FormatError>(j["channel_sums"].is_array(), "\"channel_sums\" has to be a list");
    for (const auto& sum : j["channel_sums"]) t.channel_sums.push_back(number_from(sum, "channel_sums"));
    t.summed = integer_from(member(j, "summed"), "summed", 1, std::int64_t{1} << 50);
  }
  if (j.contains("channel_ranges")) {
    require<FormatError>(j["channel_ranges"].is_array(), "\"channel_ranges\" has to be a list");
    for (const auto& r : j["channel_ranges"]) t.channel_ranges.push_back(range_from(r));
  }
  return t;
}

inline Calibration calibration_from(const nlohmann::json& all) {
  require<FormatError>(all.is_object() && all.contains("octet_calibration") &&
                           (all["octet_calibration"] == 1 || all["octet_calibration"] == 2),
                       "expected a calibration of version 1 or 2 (\"octet_calibration\")");
  Calibration c;
  require<FormatError>(member(all, "method").is_string(), "\"method\" has to be a string");
  const auto method = all["method"].get<std::string>();
  const auto* const end = std::end(range_method_names);
  const auto* const found = std::find(std::begin(range_method_names), end, method);
  require<FormatError>(found != end, "unknown method '", method, "'");
  c.method = static_cast<RangeMethod>(found - std::begin(range_method_names));
  c.percent = number_from(member(all, "percent"), "percent");
  require<FormatError>(c.percent > 0 && c.percent <= 100, "\"percent\" is ", c.percent,
                       ", expected a number in (0, 100]");
  require<FormatError>(member(all, "tensors").is_object(), "\"tensors\" has to be an object");
  for (const auto& [tensor, j] : all["tensors"].items())
    c.tensors[tensor] =
        with_place([name = tensor](const std::string& text) { return "tensor '" + name + "': " + text; },
                   [&statistics = j] { return statistics_from(statistics); });
  return c;
}

}  // namespace detail

OCTET_API void save(const Calibration& c, const std::string& path) {
  nlohmann::json tensors = nlohmann::json::object();
  for (const auto& [tensor, t] : c.tensors) {
    detail::require_utf8("tensor", tensor);
    nlohmann::json& j = tensors[tensor] = nlohmann::json::object();
    if (t.seen.low <= t.seen.high) j["seen"] = detail::to_json(t.seen);
    if (t.given) j["range"] = detail::to_json(*t.given);
    if (!t.histogram.empty()) j["histogram"] = detail::to_json(t.histogram);
    for (const Range& r : t.samples) j["samples"].push_back(detail::to_json(r));
    if (t.summed > 0) {
      j["channel_sums"] = t.channel_sums;
      j["summed"] = t.summed;
    }
    for (const Range& r : t.channel_ranges) j["channel_ranges"].push_back(detail::to_json(r));
  }
  const nlohmann::json all{{"octet_calibration", 2},
                           {"method", detail::range_method_names[static_cast<int>(c.method)]},
                           {"percent", c.percent},
                           {"tensors", std::move(tensors)}};
  detail::write_atomically(path, [&](std::ostream& out) { out << all.dump(1) << '\n'; });
}

OCTET_API Calibration load_calibration(const std::string& path) {
  const std::string text = detail::with_place([](const std::string& why) { return "cannot read calibration: " + why; },
                                              [&] { return detail::read_file(path, std::int64_t{1} << 30); });
  return detail::with_place([&](const std::string& why) { return "calibration '" + path + "': " + why; },
                            [&] { return detail::calibration_from(detail::parsed_json(text)); });
}

OCTET_END
