#pragma once

#include "builtin.hpp"
#include "mobilenet.hpp"
#include "resnet.hpp"
#include "small_cnn.hpp"
#include "vgg.hpp"

OCTET_BEGIN

namespace detail {

/// Removes a number from the beginning of s and returns it. Returns nullopt if s does not begin with one.
inline std::optional<double> take_number(std::string& s) {
  const std::size_t n = std::min(s.find_first_not_of("0123456789."), s.size());
  if (n == 0 || n > 6) return std::nullopt;
  const double x = std::strtod(s.substr(0, n).c_str(), nullptr);
  s.erase(0, n);
  return x;
}

inline bool take(std::string& s, const char* beginning) {
  const std::size_t n = std::strlen(beginning);
  if (s.compare(0, n, beginning) != 0) return false;
  s.erase(0, n);
  return true;
}

/// Parses what follows "mobilenet_v2": nothing, _WIDTH, or _WIDTH_SIZE.
inline bool take_mobilenet_options(std::string& s, MobileNetOptions& o) {
  for (int part = 0; part < 2 && take(s, "_"); ++part) {
    const auto x = take_number(s);
    if (!x || *x <= 0 || *x > 1024) return false;
    if (part == 0)
      o.width = *x;
    else
      o.image_size = static_cast<std::int64_t>(*x);
  }
  return s.empty() && o.width <= 4 && o.image_size >= 32;
}

inline std::optional<Model> find_builtin(const std::string& name) {
  for (const int depth : {18, 34, 50, 101}) {
    ResNetOptions o;
    o.depth = depth;
    o.v1_5 = name != "resnet" + std::to_string(depth) + "_v1";
    if (name == "resnet" + std::to_string(depth) || !o.v1_5) return resnet(o);
  }
  for (const int depth : {11, 13, 16, 19}) {
    VggOptions o;
    o.depth = depth;
    o.batch_norm = name == "vgg" + std::to_string(depth) + "_bn";
    if (name == "vgg" + std::to_string(depth) || o.batch_norm) return vgg(o);
  }
  std::string rest = name;
  MobileNetOptions o;
  if (take(rest, "mobilenet_v1") && take_mobilenet_options(rest, o)) return mobilenet_v1(o);
  rest = name;
  o = {};
  if (take(rest, "mobilenet_v2") && take_mobilenet_options(rest, o)) return mobilenet_v2(o);
  if (name == "small_cnn") return small_cnn();
  return std::nullopt;
}

}  // namespace detail

OCTET_API const char* builtin_names() {
  return "resnet18, resnet34, resnet50, resnet101 (or resnet50_v1 and so on), vgg11, vgg13, vgg16, vgg19 (or "
         "vgg16_bn and so on), "
         "mobilenet_v1, mobilenet_v2 (or with width and image size: mobilenet_v2_0.5, "
         "mobilenet_v1_0.25_128), small_cnn";
}

OCTET_API Model builtin(const std::string& name) {
  std::string rest = name;
  detail::take(rest, "builtin:");
  auto model = detail::find_builtin(rest);
  detail::require(model.has_value(), "unknown builtin model '", rest, "', expected one of ", builtin_names());
  model->name = rest;
  model->metadata["weights"] = "random";
  model->metadata["preprocess"] = rest == "small_cnn" ? "unit" : "torch";
  return std::move(*model);
}

OCTET_END
