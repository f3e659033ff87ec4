#pragma once
#include <cmath>
#include <nlohmann/json.hpp>

#include "../core/error.hpp"

/// Values of JSON files. Without exceptions, nlohmann-json aborts instead of throwing, so everything is
/// checked before it is accessed.
OCTET_BEGIN
namespace detail {

/// The value that a text describes.
inline nlohmann::json parsed_json(const std::string& text) {
  nlohmann::json j = nlohmann::json::parse(text, nullptr, false);
  require<FormatError>(!j.is_discarded(), "the text is not valid JSON");
  return j;
}

inline const nlohmann::json& member(const nlohmann::json& j, const char* key) {
  require<FormatError>(j.is_object() && j.contains(key), "\"", key, "\" is missing");
  return j[key];
}

inline double number_from(const nlohmann::json& j, const char* what) {
  require<FormatError>(j.is_number(), "\"", what, "\" is ", j.dump(), ", expected a number");
  return j.get<double>();
}

/// An integer from `least` to `most`. It may be written as a floating-point number such as 1e3.
inline std::int64_t integer_from(const nlohmann::json& j, const char* what, std::int64_t least, std::int64_t most) {
  const double x = number_from(j, what);  // the conversion is accurate enough for the test below
  const bool in_range = x >= static_cast<double>(least) && x <= static_cast<double>(most);
  require<FormatError>(in_range && x == std::floor(x), "\"", what, "\" is ", j.dump(), ", expected an integer from ",
                       least, " to ", most);
  return static_cast<std::int64_t>(x);
}

/// JSON files are UTF-8; other names would be changed by saving and loading.
inline void require_utf8(const char* what, const std::string& name) {
  using nlohmann::json;
  const std::string valid = json(name).dump(-1, ' ', false, json::error_handler_t::ignore);
  require(json::parse(valid, nullptr, false) == name, "the name of ", what, " '", name,
          "' is not valid UTF-8, which JSON files require");
}

}  // namespace detail
OCTET_END
