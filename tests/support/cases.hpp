#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <octet/core/element.hpp>
#include <octet/io/load.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/runtime/executor.hpp>

#include "files.hpp"

/// Models with inputs and reference outputs, described by shared/cases/cases.json (see its README).
namespace testing::cases {

using namespace octet;
using Json = nlohmann::json;

/// The tensors of a file, in order, as float32.
inline std::vector<float> read_floats(const std::string& path) {
  const std::string bytes = contents(path);
  std::vector<float> all(bytes.size() / sizeof(float));
  std::memcpy(all.data(), bytes.data(), all.size() * sizeof(float));
  return all;
}

inline std::vector<float> read_stored(const std::string& path, const Json& input) {
  if (input.at("stored") == "float32") return read_floats(path);
  const std::string bytes = contents(path);
  std::vector<float> all;
  for (char c : bytes)
    all.push_back(static_cast<float>(static_cast<unsigned char>(c)) * input.at("scale").get<float>() +
                  input.at("offset").get<float>());
  return all;
}

inline Shape shape_of(const Json& dimensions) {
  Shape s;
  for (const Json& d : dimensions) s.push_back(d.get<std::int64_t>());
  return s;
}

/// Converts real values to the type of a model's input.
inline AnyTensor as_input(const Value& v, const Shape& shape, const float* x) {
  return AnyTensor::make(v.dtype, shape, [&](std::byte* p) {
    for (std::int64_t i = 0; i < shape.elements(); ++i) {
      double value = static_cast<double>(x[i]);
      if (v.is_quantized())
        value = std::nearbyint(value / static_cast<double>(v.quant.scale[0])) + v.quant.zero_point[0];
      octet::detail::store_element(v.dtype, p, i, value);
    }
  });
}

/// Converts a model's output to real values.
inline std::vector<float> as_floats(const Value& v, const AnyTensor& t) {
  std::vector<float> all;
  for (std::int64_t i = 0; i < t.size(); ++i) {
    double value = octet::detail::load_element(t.dtype(), t.data(), i);
    if (v.is_quantized()) value = (value - v.quant.zero_point[0]) * static_cast<double>(v.quant.scale[0]);
    all.push_back(static_cast<float>(value));
  }
  return all;
}

/// SQNR in dB over indices [begin, end) of one axis (default: all); 200 if equal.
struct Part {
  int axis = 0;
  std::int64_t begin = 0, end = Shape::unknown;
};
inline double sqnr_db(const std::vector<float>& reference, const std::vector<float>& y, const Shape& shape,
                      const Part& part = {}) {
  const std::int64_t inner = shape.product(part.axis + 1, shape.rank());
  double signal = 0, error = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    if (part.end != Shape::unknown) {
      const std::int64_t at = static_cast<std::int64_t>(i) / inner % shape[part.axis];
      if (at < part.begin || at >= part.end) continue;
    }
    const auto r = static_cast<double>(reference[i]), e = static_cast<double>(y[i]) - r;
    signal += r * r;
    error += e * e;
  }
  if (error == 0) return 200;
  const double db = 10 * std::log10(signal / error);
  return std::isnan(db) ? -200 : db;
}

/// One case: its description, its tensors, and how to run it.
class Case {
 public:
  Case(const Json& description, const std::string& folder) : json_(description), folder_(folder) {}

  const Json& json() const { return json_; }
  std::string name() const { return json_.at("name"); }
  bool has(const char* field) const { return json_.contains(field); }

  /// Loads the model in its own layout. If it has external data, loads a copy of both files.
  Model load(const TemporaryFolder& temporary, std::optional<Rounding> rounding = {}) const {
    std::string path = folder_ + "/" + json_.at("model").get<std::string>();
    if (has("external")) {
      path = temporary.write("model.onnx", contents(path));
      temporary.write(json_.at("external").at("file"), external_weights());
    }
    LoadOptions options;
    options.keep_layout = true;
    options.rounding = rounding;
    return octet::load(path, options);
  }

  /// The reference values of each output, for all runs in order.
  std::vector<std::vector<float>> references(const char* field = "file") const {
    std::vector<std::vector<float>> all;
    for (const Json& o : json_.at("outputs"))
      all.push_back(read_floats(folder_ + "/" + o.at(field).get<std::string>()));
    return all;
  }

  /// Runs the model on all inputs. Returns outputs as real values, only for elements that have references.
  std::vector<std::vector<float>> run(const Model& model, const ExecutorOptions& options = {}) const {
    Executor executor(model, options);
    const auto inputs = stored_inputs("file");
    std::vector<std::vector<float>> all(json_.at("outputs").size());
    for (int r = 0; r < json_.at("runs").get<int>(); ++r) {
      const std::vector<AnyTensor> results = executor.run(tensors(executor.graph(), inputs, r));
      REQUIRE(results.size() == all.size());
      for (std::size_t o = 0; o < all.size(); ++o) {
        const Json& out = json_.at("outputs")[o];
        CHECK(results[o].shape() == shape_of(out.at("shape")));
        const auto y = as_floats(executor.graph().value(executor.graph().outputs[o]), results[o]);
        for (std::size_t i = 0; i < y.size(); i += out.value("every", std::size_t{1})) all[o].push_back(y[i]);
      }
    }
    return all;
  }

  Calibration calibrate(const Model& model, CalibrationOptions options = {}) const {
    options.percent = json_.value("percent", options.percent);
    auto inputs = stored_inputs("calibration_file");
    for (const Json& p : json_.value("calibration_patch", Json::array())) {
      const auto i = p.at("input").get<std::size_t>();
      const std::int64_t size = shape_of(json_.at("inputs")[i].at("shape")).elements();
      inputs[i].at(static_cast<std::size_t>(p.at("run").get<std::int64_t>() * size +
                                            p.at("index").get<std::int64_t>())) = p.at("value").get<float>();
    }
    Calibrator calibrator(model, options);
    for (int r = 0; r < json_.at("calibration_runs").get<int>(); ++r) calibrator.add(tensors(model, inputs, r));
    return calibrator.result();
  }

  std::vector<AnyTensor> first_inputs(const Graph& g) const { return tensors(g, stored_inputs("file"), 0); }

 private:
  std::vector<std::vector<float>> stored_inputs(const char* field) const {
    std::vector<std::vector<float>> all;
    for (const Json& i : json_.at("inputs"))
      all.push_back(read_stored(folder_ + "/" + i.at(field).get<std::string>(), i));
    return all;
  }
  /// The inputs of run r, in the order of the model's inputs.
  std::vector<AnyTensor> tensors(const Graph& g, const std::vector<std::vector<float>>& values, int r) const {
    std::vector<AnyTensor> all;
    for (int v : g.inputs) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const Json& in = json_.at("inputs")[i];
        if (in.at("name") != g.value(v).name) continue;
        const Shape shape = shape_of(in.at("shape"));
        all.push_back(as_input(g.value(v), shape, values[i].data() + r * shape.elements()));
      }
    }
    REQUIRE(all.size() == g.inputs.size());
    return all;
  }
  std::string external_weights() const {
    const auto n = json_.at("external").at("floats").get<int>();
    std::string bytes(static_cast<std::size_t>(n) * 4, '\0');
    for (int i = 0; i < n; ++i) {
      const float w = static_cast<float>((static_cast<std::int64_t>(i) * 7919) % 201 - 100) / 1024;
      std::memcpy(&bytes[static_cast<std::size_t>(i) * 4], &w, 4);
    }
    return bytes;
  }

  const Json json_;
  std::string folder_;
};

}  // namespace testing::cases
