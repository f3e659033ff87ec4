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
      integer_from(member(j, "first_bin"), "first_bin", -Histogram::half, Histogram::half) + Histogram::half;
  const nlohmann::json& some = member(j, "counts");
  require<FormatError>(some.is_array() && static_cast<std::int64_t>(some.size()) <= 2 * Histogram::half - first,
                       "\"counts\" has to be a list of at most ", 2 * Histogram::half - first, " numbers");
  std::vector<std::uint64_t> all(2 * Histogram::half, 0);
  constexpr std::int64_t most = std::int64_t{1} << 50;  // so that the sum of all bins fits into 63 bits
  for (std::size_t i = 0; i < some.size(); ++i)
    all[static_cast<std::size_t>(first) + i] = static_cast<std::uint64_t>(integer_from(some[i], "counts", 0, most));
  return Histogram::from(static_cast<int>(integer_from(member(j, "exponent"), "exponent", -1000, 1000)),
                         std::move(all));
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
  return t;
}

inline Calibration calibration_from(const nlohmann::json& all) {
  require<FormatError>(all.is_object() && all.contains("octet_calibration") && all["octet_calibration"] == 1,
                       "expected a calibration of version 1 (\"octet_calibration\": 1)");
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
  }
  const nlohmann::json all{{"octet_calibration", 1},
                           {"method", detail::range_method_names[static_cast<int>(c.method)]},
                           {"percent", c.percent},
                           {"tensors", std::move(tensors)}};
  detail::write_atomically(path, [&](std::ostream& out) { out << all.dump(1) << '\n'; });
}

OCTET_API Calibration load_calibration(const std::string& path) {
  const std::string text = detail::with_place([](const std::string& why) { return "cannot read calibration: " + why; },
                                              [&] { return detail::read_file(path, std::int64_t{1} << 30); });
  return detail::with_place([&](const std::string& why) { return "calibration '" + path + "': " + why; },
                            [&] { return detail::calibration_from(nlohmann::json::parse(text, nullptr, false)); });
}

OCTET_END
