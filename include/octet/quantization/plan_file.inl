#pragma once
#include <cstdio>
#include <cstdlib>

#include "../files/atomic_file.hpp"
#include "../files/read_file.hpp"
#include "check_plan.hpp"
#include "json_values.hpp"
#include "plan_file.hpp"

OCTET_BEGIN
namespace detail {

constexpr const char* rounding_names[] = {"fp32",   "tflite_double", "tflite_single",
                                          "litert", "fp32_centered", "xnnpack"};  // in the order of Rounding
constexpr PlannedForm planned_forms[] = {PlannedForm::floating, PlannedForm::integer,  PlannedForm::dynamic,
                                         PlannedForm::half,     PlannedForm::bfloat16, PlannedForm::integer16};

/// The shortest decimal number that is read as x.
inline nlohmann::json shortest(float x) {
  char text[32];
  double y = static_cast<double>(x);
  for (int digits = 6; digits <= 9; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(x));
    y = std::strtod(text, nullptr);
    if (static_cast<float>(y) == x) break;
  }
  return y;
}

/// Throws FormatError if the object has keys other than these, since misspelled ones would be ignored.
inline void require_keys(const nlohmann::json& j, std::initializer_list<const char*> keys) {
  require<FormatError>(j.is_object(), "is not an object");
  for (const auto& entry : j.items())
    require<FormatError>(std::find(keys.begin(), keys.end(), entry.key()) != keys.end(), "has the unknown key \"",
                         entry.key(), "\"");
}

inline float float_from(const nlohmann::json& j, const char* what) {
  const double x = number_from(j, what);
  require<FormatError>(std::abs(x) <= static_cast<double>(std::numeric_limits<float>::max()), "\"", what, "\" is ",
                       j.dump(), ", which float32 cannot hold");
  return static_cast<float>(x);
}

inline const nlohmann::json& list_from(const nlohmann::json& j, const char* what) {
  require<FormatError>(j.is_array(), "\"", what, "\" is not a list");
  return j;
}

inline bool boolean_from(const nlohmann::json& j, const char* what) {
  require<FormatError>(j.is_boolean(), "\"", what, "\" is neither true nor false");
  return j.get<bool>();
}

/// The element of `all` whose name, by name_of, is the string j. Throws FormatError if there is none.
template <class T, class Name>
T named(const nlohmann::json& j, const char* what, const std::vector<T>& all, Name name_of) {
  std::string known;
  for (const T& t : all) {
    if (j == name_of(t)) return t;
    known += (known.empty() ? "" : ", ") + std::string(name_of(t));
  }
  fail<FormatError>("\"", what, "\" is ", j.dump(), ", expected one of ", known);
}

inline nlohmann::json to_json(const std::vector<int>& numbers) { return numbers; }

inline nlohmann::json to_json(const ActivationPlan& a) {
  return {{"scale", shortest(a.scale)}, {"zero_point", a.zero_point}};
}

inline ActivationPlan activation_plan_from(const nlohmann::json& j) {
  require_keys(j, {"scale", "zero_point"});
  const IntegerRange codes = integer_range(format_of(PlannedForm::integer)->activations);
  ActivationPlan a;
  a.scale = float_from(member(j, "scale"), "scale");
  a.zero_point = static_cast<std::int32_t>(integer_from(member(j, "zero_point"), "zero_point", codes.low, codes.high));
  require_valid(a);
  return a;
}

inline nlohmann::json to_json(const LayerPlan& layer) {
  nlohmann::json j{{"form", name(layer.form)}};
  if (layer.weights) {
    nlohmann::json& w = j["weights"];
    if (layer.weights.per_channel())
      for (float s : layer.weights.scale) w["scale"].push_back(shortest(s));
    else
      w["scale"] = shortest(layer.weights.scale[0]);
    w["bits"] = layer.weight_bits;
    if (layer.weight_block != 0) w["block"] = layer.weight_block;
    if (!layer.block_multipliers.empty()) w["multipliers"] = layer.block_multipliers;
    if (!layer.weight_codes.empty()) w["codes"] = layer.weight_codes;
  }
  if (!layer.input_means.empty()) j["input_means"] = layer.input_means;
  if (!layer.bias_shift.empty()) j["bias_shift"] = layer.bias_shift;
  return j;
}

inline LayerPlan layer_plan_from(const nlohmann::json& j) {
  require_keys(j, {"form", "weights", "input_means", "bias_shift"});
  LayerPlan layer;
  layer.form = named<PlannedForm>(member(j, "form"), "form", {std::begin(planned_forms), std::end(planned_forms)},
                                  [](PlannedForm f) { return name(f); });
  if (j.contains("weights")) {
    const nlohmann::json& w = j["weights"];
    require_keys(w, {"scale", "bits", "block", "multipliers", "codes"});
    const nlohmann::json& scale = member(w, "scale");
    layer.weights.axis = scale.is_array() ? 0 : -1;
    for (const auto& s : scale.is_array() ? scale : nlohmann::json::array({scale}))
      layer.weights.scale.push_back(float_from(s, "scale"));
    layer.weights.zero_point.assign(layer.weights.scale.size(), 0);
    if (w.contains("bits"))
      layer.weight_bits = static_cast<int>(integer_from(w["bits"], "bits", 2, bits(weight_format(layer).weights)));
    if (w.contains("block")) layer.weight_block = integer_from(w["block"], "block", 0, 256);
    if (w.contains("multipliers"))
      for (const auto& m : list_from(w["multipliers"], "multipliers"))
        layer.block_multipliers.push_back(static_cast<std::uint8_t>(integer_from(m, "multipliers", 1, 127)));
    const int largest = int8_format.largest_weight();  // that fits LayerPlan::weight_codes
    if (w.contains("codes"))
      for (const auto& code : list_from(w["codes"], "codes"))
        layer.weight_codes.push_back(static_cast<std::int8_t>(integer_from(code, "codes", -largest, largest)));
  }
  if (j.contains("input_means"))
    for (const auto& mean : list_from(j["input_means"], "input_means"))
      layer.input_means.push_back(number_from(mean, "input_means"));
  if (j.contains("bias_shift"))
    for (const auto& shift : list_from(j["bias_shift"], "bias_shift"))
      layer.bias_shift.push_back(number_from(shift, "bias_shift"));
  require_valid(layer);
  return layer;
}

/// Reads the entries of an object. Errors start with what the entry is and its name.
template <class T, class Read>
std::map<std::string, T> entries_from(const nlohmann::json& all, const char* key, const char* what, Read read) {
  const nlohmann::json& j = member(all, key);
  require<FormatError>(j.is_object(), "\"", key, "\" is not an object");
  std::map<std::string, T> entries;
  for (const auto& entry : j.items())
    entries[entry.key()] =
        with_place([&](const std::string& text) { return concat(what, " '", entry.key(), "': ", text); },
                   [&] { return read(entry.value()); });
  return entries;
}

inline QuantizationPlan plan_from(const nlohmann::json& all) {
  require<FormatError>(all.is_object() && all.contains("octet_plan") && all["octet_plan"] == 1,
                       "not a quantization plan of version 1");
  require_keys(
      all, {"octet_plan", "rounding", "integer_input", "integer_output", "activations", "layers", "channel_exponents"});
  QuantizationPlan plan;
  if (all.contains("rounding"))
    plan.rounding = named<Rounding>(all["rounding"], "rounding",
                                    {Rounding::fp32, Rounding::tflite_double, Rounding::tflite_single, Rounding::litert,
                                     Rounding::fp32_centered, Rounding::xnnpack},
                                    [](Rounding r) { return rounding_names[static_cast<int>(r)]; });
  if (all.contains("integer_input")) plan.integer_input = boolean_from(all["integer_input"], "integer_input");
  if (all.contains("integer_output")) plan.integer_output = boolean_from(all["integer_output"], "integer_output");
  plan.activations = entries_from<ActivationPlan>(all, "activations", "tensor", activation_plan_from);
  plan.layers = entries_from<LayerPlan>(all, "layers", "layer", layer_plan_from);
  if (all.contains("channel_exponents"))
    plan.channel_exponents =
        entries_from<std::vector<int>>(all, "channel_exponents", "tensor", [](const nlohmann::json& j) {
          std::vector<int> exponents;
          for (const auto& e : list_from(j, "channel_exponents"))
            exponents.push_back(static_cast<int>(integer_from(e, "channel_exponents", -30, 30)));
          return exponents;
        });
  return plan;
}

/// The entries of an object, one per line.
template <class T>
void write_entries(std::ostream& out, const char* key, const char* what, const std::map<std::string, T>& entries) {
  out << " \"" << key << "\": {";
  const char* before = "\n  ";
  for (const auto& [entry, value] : entries) {
    require_utf8(what, entry);
    out << before << nlohmann::json(entry).dump() << ": " << to_json(value).dump();
    before = ",\n  ";
  }
  out << "\n }";
}

}  // namespace detail

OCTET_API void save(const QuantizationPlan& plan, const std::string& path) {
  detail::require_valid(plan);
  std::ostringstream out;
  out << std::boolalpha << "{\n \"octet_plan\": 1,\n \"rounding\": \""
      << detail::rounding_names[static_cast<int>(plan.rounding)] << "\",\n \"integer_input\": " << plan.integer_input
      << ",\n \"integer_output\": " << plan.integer_output << ",\n";
  detail::write_entries(out, "activations", "tensor", plan.activations);
  out << ",\n";
  detail::write_entries(out, "layers", "layer", plan.layers);
  if (!plan.channel_exponents.empty()) {
    out << ",\n";
    detail::write_entries(out, "channel_exponents", "tensor", plan.channel_exponents);
  }
  out << "\n}\n";
  detail::write_atomically(path, [&](std::ostream& file) { file << out.str(); });
}

OCTET_API QuantizationPlan load_plan(const std::string& path) {
  const std::string text = detail::with_place([](const std::string& why) { return "cannot read plan: " + why; },
                                              [&] { return detail::read_file(path, std::int64_t{1} << 30); });
  return detail::with_place([&](const std::string& why) { return "plan '" + path + "': " + why; },
                            [&] { return detail::plan_from(detail::parsed_json(text)); });
}

OCTET_END
