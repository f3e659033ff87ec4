#pragma once
#include "../../core/integer_format.hpp"
#include "../../passes/optimize.hpp"
#include "../../quantization/dequantize_model.hpp"
#include "../../runtime/runnable.hpp"
#include "fake_quantizer.hpp"
#include "prepare.hpp"

OCTET_BEGIN

OCTET_API Model prepare_qat(const Model& model, const QatConfig& config) {
  using namespace detail;
  for (int bits : {config.weight_bits == 0 ? 8 : config.weight_bits, config.activation_bits})
    require(has_codes(bits), "model '", model.name, "': expected ", bits_of_codes,
            " bits for weights and activations, found ", bits);
  require(config.first_last_bits == 0 || has_codes(config.first_last_bits), "model '", model.name, "': expected ",
          bits_of_codes, " bits for the first and last layer, or 0 for those of all layers, found ",
          config.first_last_bits);
  require(config.range_decay >= 0 && config.range_decay < 1, "expected range_decay in [0, 1), found ",
          config.range_decay);
  for (const Node& n : model.nodes)
    require(!n.op->traits().fake_quantizes, "model '", model.name, "' is already prepared: layer '", n.name, "' is ",
            n.op->type());
  DequantizedModel d = dequantize_model(model);
  for (int v : d.graph.inputs)
    require(d.graph.value(v).dtype == DType::f32, "model '", model.name, "': expected input '", d.graph.value(v).name,
            "' of type float32, found ", octet::name(d.graph.value(v).dtype));
  return runnable(FakeQuantizer(std::move(d), config).build());
}

OCTET_END
