#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <octet/comparison/output_errors.hpp>
#include <octet/data/input_set.hpp>
#include <octet/io/image.hpp>
#include <octet/io/load.hpp>
#include <octet/operators/convert.hpp>

#include "../common/text.hpp"
#include "../report/table.hpp"
#include "tensors.hpp"

using namespace octet;

namespace {

bool is_image(const std::string& file) {
  const std::string ending = std::filesystem::path(file).extension().string();
  return ending != ".npy" && ending != ".npz";
}

int transposes_of(const Model& m, int v) {
  int n = 0;
  for (const Node& node : m.nodes) n += std::string(node.op->type()) == "Transpose" && node.inputs[0] == v;
  return n;
}

/// [N, C, spatial ...] as [N, spatial ..., C].
AnyTensor channels_last(const AnyTensor& t) {
  const Shape& s = t.shape();
  Shape to = s;
  to.erase(1);
  to.push_back(s[1]);
  const std::int64_t channels = s[1], pixels = t.size() / std::max<std::int64_t>(s[0] * channels, 1);
  const auto bytes = static_cast<std::int64_t>(t.size_bytes()) / std::max<std::int64_t>(t.size(), 1);
  return AnyTensor::make(t.dtype(), to, [&](std::byte* out) {
    for (std::int64_t i = 0; i < t.size(); ++i) {
      const std::int64_t image = i / (channels * pixels), c = i / pixels % channels, p = i % pixels;
      std::copy_n(t.data() + i * bytes, bytes, out + ((image * pixels + p) * channels + c) * bytes);
    }
  });
}

/// The same codes as the other type of 8 bits, which the other file may have.
AnyTensor as_type(const AnyTensor& t, DType to, const std::string& input) {
  if (t.dtype() == to) return t;
  require(is_byte(to) && is_byte(t.dtype()), "input '", input, "' is ", name(t.dtype()), " in the model, and ",
          name(to), " in the file that was written");
  return AnyTensor::make(to, t.shape(), [&](std::byte* out) {
    for (std::int64_t i = 0; i < t.size(); ++i) out[i] = t.data()[i] ^ std::byte{0x80};
  });
}

/// The distance of neighboring numbers of an output: its scale, or that of the codes that it was made from; 0 if it was
/// not quantized.
double step_of(const Model& m, int v) {
  if (m.value(v).has_one_scale()) return static_cast<double>(m.value(v).quant.scale[0]);
  for (const Node& n : m.nodes)
    for (int out : n.outputs)
      if (out == v && std::string(n.op->type()) == Convert::type_name && m.value(n.inputs[0]).has_one_scale())
        return static_cast<double>(m.value(n.inputs[0]).quant.scale[0]);
  return 0;
}

std::string decibels(double db) { return std::isfinite(db) ? report::significant(db) : db > 0 ? "equal" : "-"; }

}  // namespace

void CheckOptions::add_to(CLI::App& command) {
  command.add_option("--check", input,
                     "Run both models in octet on an image, or on an .npy or .npz file (in the layout of the model's "
                     "file), and print how the outputs differ");
  command
      .add_option("--check-limit", limit,
                  "dB: with --check, an output whose signal to quantization noise ratio is less is an error")
      ->capture_default_str();
  images.add_to(command);
}

std::vector<AnyTensor> check_inputs(const std::string& name, const Model& model, const CheckOptions& o) {
  if (o.input.empty()) return {};
  if (is_image(o.input)) {
    const ImageInput input(model, o.images.size);
    const Tensor<float> x = input.prepare(load_image(o.input), o.images.preprocessing(model, input));
    o.images.note(model, input);
    return {as_input(model.value(model.inputs[0]), x)};
  }
  // Tensors in files have the layout of the model's file, `model` has octet's.
  const Model as_stored = open_model(name, {}, true, o.shapes);
  std::vector<AnyTensor> all = read_inputs(as_stored, {o.input});
  for (std::size_t i = 0; i < all.size(); ++i) {
    require(all[i].size() > 0, "'", o.input, "' has no elements, expected at least one image");
    const int stored = as_stored.inputs[i], own = model.inputs[i];
    if (as_stored.value(stored).shape != model.value(own).shape ||
        transposes_of(as_stored, stored) > transposes_of(model, own))
      all[i] = channels_last(all[i]);
  }
  return all;
}

void check_conversion(const Model& model, const std::vector<AnyTensor>& x, const std::string& written, double limit) {
  const Model other = load(written);
  std::vector<AnyTensor> converted_x;
  std::vector<Shape> shapes;
  require(model.inputs.size() == other.inputs.size(), "'", written, "' has ", other.inputs.size(), " inputs, expected ",
          model.inputs.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Value& input = other.value(other.inputs[i]);
    converted_x.push_back(as_type(x[i], input.dtype, input.name));
    shapes.push_back(x[i].shape());
  }
  const std::vector<Tensor<float>> a = real_outputs(model, Executor(model, with_threads(0)).run(x)),
                                   b = real_outputs(other, Executor(other, with_threads(0)).run(converted_x));
  OutputErrors errors(model, shapes, false);
  require(errors.add(a, b), "the outputs of '", written, "' or those of the model are not finite, and cannot be ",
          "compared");
  const std::vector<OutputError> found = errors.result();
  report::TextTable table({"Output", "Equal", "Largest difference", "Steps", "SQNR (dB)"});
  double worst = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::string& output = model.value(model.outputs[i]).name;
    require(a[i].shape() == b[i].shape(), "output '", output, "' of '", written, "' has the shape ", b[i].shape(),
            ", expected ", a[i].shape());
    std::int64_t equal = 0;
    for (std::int64_t k = 0; k < a[i].size(); ++k) equal += a[i][k] == b[i][k];
    const double step = step_of(model, model.outputs[i]);
    const double share = a[i].size() > 0 ? static_cast<double>(equal) / static_cast<double>(a[i].size()) : 1;
    table.add({output, report::percent(share), concat(found[i].max_error),
               step > 0 ? std::to_string(std::llround(found[i].max_error / step)) : "-", decibels(found[i].sqnr_db)});
    worst = std::min(worst, found[i].sqnr_db);
  }
  std::cout << table.str();
  require(worst >= limit, "'", written, "' gives other outputs than the model: ", decibels(worst),
          " dB SQNR, expected ", limit, " or more (--check-limit)");
}
