#include <map>
#include <octet/io/load.hpp>
#include <octet/models/mobilenet.hpp>
#include <octet/operators/all.hpp>
#include <octet/quantization/calibration.hpp>
#include <octet/quantization/quantize_model.hpp>

#include "support/exported.hpp"
#include "support/files.hpp"

// Whole networks: written, read, the same numbers.

using namespace octet;
using namespace testing;

namespace {

/// Published models, if the folder of shared files has them.
std::vector<std::string> shared_models(bool integer) {
  std::vector<std::string> all;
  const std::vector<std::string> integers{
      "mlperf_tiny_resnet8_int8.tflite", "mlperf_tiny_vww_int8.tflite", "mobilenet_v1_0.25_128_uint8_qat.tflite",
      "mobilenet_v2_1.0_224_int8_ptq.tflite", "mobilenet_v2_1.0_224_uint8_qat.tflite"};
  const std::vector<std::string> floats{"squeezenet1.1.onnx", "resnet20_cifar10.onnx",
                                        "mlperf_tiny_resnet8_float.tflite", "mlperf_tiny_vww_float.tflite",
                                        "mobilenet_v2_1.0_224_tfslim.onnx"};
  for (const std::string& name : integer ? integers : floats)
    if (const std::string path = shared_file("models/" + name); !path.empty()) all.push_back(path);
  if (all.empty()) MESSAGE("skipped: no shared models");
  return all;
}

Model int8_of(const Model& m) {
  std::vector<Tensor<float>> batches;
  for (unsigned i = 0; i < 2; ++i) batches.push_back(floats(random_inputs(m, 20 + i)[0]));
  return quantize<int8>(m, calibrate(m, batches));
}

/// The codes, scales and zero points of the constants of layers, and the parameters of activations, without names.
std::map<std::string, int> quantized_parts(const Model& model) {
  std::map<std::string, int> parts;
  const Model m = optimize(model);
  for (const Value& v : m.values) {
    if (!v.is_quantized() && !(v.is_constant() && v.dtype == DType::i32)) continue;
    std::string part = name(v.is_constant() ? v.dtype : DType::u8);
    const std::int32_t shift = !v.is_constant() && v.dtype == DType::i8 ? 128 : 0;
    for (float s : v.quant.scale) part += " " + std::to_string(detail::bits_of(s));
    for (std::int32_t z : v.quant.zero_point) part += " " + std::to_string(z + shift);
    if (v.is_constant())
      part += " " + std::string(reinterpret_cast<const char*>(v.constant.data()), v.constant.size_bytes());
    ++parts[part];
  }
  return parts;
}

}  // namespace

TEST_CASE("export: published float models give the same numbers") {
  for (const std::string& path : shared_models(false)) {
    CAPTURE(path);
    const Model m = load(path);
    const std::vector<AnyTensor> x = random_inputs(m, 1);
    for (Format f : {Format::onnx, Format::tflite}) CHECK(difference_through(m, f, x).relative() <= 1e-6);
  }
}

TEST_CASE("export: published integer models give the same bits") {
  for (const std::string& path : shared_models(true)) {
    CAPTURE(path);
    const Model m = load(path);
    const std::vector<AnyTensor> x = random_inputs(m, 1);
    for (Format f : {Format::onnx, Format::tflite}) CHECK(difference_through(m, f, x).different == 0);
  }
}

TEST_CASE("export: models that octet quantizes give the same bits, unless they add residuals") {
  for (const std::string& path : shared_models(false)) {
    CAPTURE(path);
    const Model m = int8_of(load(path));
    const std::vector<AnyTensor> x = random_inputs(m, 1);
    const bool adds = std::any_of(m.nodes.begin(), m.nodes.end(), [](const Node& n) {
      return as<Convolution>(*n.op) && n.inputs.size() > 3 && n.inputs[3] != Node::none;
    });
    for (Format f : {Format::onnx, Format::tflite}) {
      const Difference d = difference_through(m, f, x);
      if (adds)
        CHECK(d.relative() < 0.1);
      else
        CHECK(d.different == 0);
    }
  }
}

TEST_CASE("export: conversion keeps scales, zero points and codes") {
  std::vector<std::string> files = shared_models(true);
  for (const char* name : {"net_qdq_u8.onnx", "net_qdq_u8_float_in.onnx", "net_int8_exact.tflite", "net_qdq_s8.onnx"})
    if (const std::string path = shared_file("reference/exchange/" + std::string(name)); !path.empty())
      files.push_back(path);
  for (const std::string& path : files) {
    CAPTURE(path);
    const Model m = load(path);
    const bool older = path.find("uint8_qat") != std::string::npos;
    const Model there = through(m, Format::tflite), back = through(there, Format::onnx);
    const std::vector<AnyTensor> x = random_inputs(m, 1);
    CHECK(difference(run_model(m, x), run_model(back, inputs_like(x, back))).different == 0);
    if (older) continue;  // its weights are uint8
    const std::map<std::string, int> first = quantized_parts(m), last = quantized_parts(back);
    for (const auto& part : first) CHECK(last.count(part.first) == 1);
  }
}

TEST_CASE("export: networks of all sizes that octet builds") {
  MobileNetOptions o;
  o.width = 0.25;
  o.image_size = 32;
  o.classes = 10;
  for (const Model& m : {mobilenet_v1(o), mobilenet_v2(o)}) {
    const std::vector<AnyTensor> x = random_inputs(m, 1);
    const Model q = int8_of(m);
    for (Format f : {Format::onnx, Format::tflite}) {
      CHECK(difference_through(m, f, x).relative() <= 1e-5);
      CHECK(difference_through(q, f, x).relative() < 0.1);
    }
  }
}
