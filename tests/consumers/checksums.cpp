// Prints checksums of results that must have the same bits with every compiler, flag, instruction set and number of
// threads: models from quantization and training, and outputs of integer models.
#include <octet/octet.hpp>

#include <cstdio>
#include <string>

#include "../support/fingerprint.hpp"
#include "../support/isas.hpp"
#include "../support/many_layers.hpp"

using namespace octet;
using namespace testing;

namespace {

using Lines = std::vector<std::string>;

void add(Lines& lines, const std::string& model, const std::string& what, unsigned long long sum) {
  char hex[20];
  std::snprintf(hex, sizeof hex, "%016llx", sum);
  lines.push_back(hex + ("  " + model) + ", " + what);
}

unsigned long long outputs(const Model& m, const Tensor<float>& x, int threads) {
  ExecutorOptions options;
  options.threads = threads;
  Fingerprint f;
  for (const AnyTensor& y : Executor(m, options).run({AnyTensor(x)})) f.add(y);
  return f.value();
}

void quantized(Lines& lines, const Model& m, const Tensor<float>& images, int threads) {
  const std::pair<RangeMethod, const char*> methods[] = {{RangeMethod::min_max, "min-max"},
                                                         {RangeMethod::moving_average, "moving average"},
                                                         {RangeMethod::percentile, "percentile"},
                                                         {RangeMethod::entropy, "entropy"},
                                                         {RangeMethod::mse, "mse"}};
  CalibrationOptions by;
  by.executor.threads = threads;
  Calibration c;
  for (const auto& [method, name] : methods) {
    by.method = method;
    c = calibrate(m, {images}, by);
    const Model q = quantize<int8>(m, c);
    add(lines, m.name, std::string("int8 by ") + name, fingerprint(q));
    add(lines, m.name, std::string("its outputs"), outputs(q, images, threads));
  }
  Int8Options other;
  other.per_channel = false;
  other.symmetric_activations = true;
  other.weights = RangeMethod::mse;
  const Model q = quantize<int8>(m, c, other);
  add(lines, m.name, "int8 by tensor, symmetric", fingerprint(q));
  add(lines, m.name, "its outputs", outputs(q, images, threads));
  add(lines, m.name, "dynamic range", fingerprint(quantize<dynamic_range>(m, c)));
  add(lines, m.name, "fp16", fingerprint(quantize<fp16>(m, c)));
  add(lines, m.name, "bf16", fingerprint(quantize<bf16>(m, c)));
}

Model trainable() {
  octet::detail::NetworkBuilder b("trained", 12, 3, 3);
  b.conv("conv1", 16, 3, 1, 1).batch_norm("bn1").relu6("relu1");
  const int x = b.current();
  b.conv("depthwise", 16, 3, 1, 1, 16).batch_norm("bn2").relu("relu2").conv("conv2", 16, 3, 1, 1).batch_norm("bn3");
  b.add("add", x).relu("relu3").max_pool("pool", 2, 2).global_average("mean").linear("dense", 4);
  return b.finish();
}

void trained(Lines& lines, int threads) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 24; ++i) labels.push_back(i * i % 4);
  const TensorExamples examples(numbers({24, 12, 12, 3}, 4, -2, 2), labels);
  const auto train = [&](const Model& m, Optimizer optimizer) {
    TrainingOptions o;
    o.batch = 8;
    o.threads = threads;
    o.label_smoothing = 0.1;
    o.learning_rate = cosine_rate(1e-2);
    o.progress = false;
    o.optimizer = optimizer;
    Trainer trainer(m, o);
    trainer.fit(examples, 2);
    return trainer.model();
  };
  Optimizer sgd, adam;
  sgd.kind = Optimizer::Kind::sgd;
  sgd.momentum = 0.9;
  sgd.nesterov = true;
  sgd.weight_decay = 1e-4;
  adam.kind = Optimizer::Kind::adamw;
  adam.weight_decay = 1e-2;
  const Model a = train(trainable(), sgd), b = train(trainable(), adam);
  add(lines, a.name, "by SGD", fingerprint(a));
  add(lines, b.name, "by AdamW", fingerprint(b));
  QatConfig config;
  for (bool learned : {false, true}) {
    config.learned_scales = learned;
    const Model qat = train(prepare_qat(a, config), adam), q = convert(qat);
    const char* what = learned ? "QAT, learned scales" : "QAT";
    add(lines, a.name, what, fingerprint(qat));
    add(lines, a.name, "its integers", fingerprint(q));
    add(lines, a.name, "its outputs", outputs(q, numbers({2, 12, 12, 3}, 6, -2, 2), threads));
  }
}

Lines all(Isa isa, int threads) {
  const UseIsa use(isa);
  Lines lines;
  quantized(lines, many_layers(), numbers({2, 28, 28, 3}, 5, -2, 2), threads);
  MobileNetOptions mobilenet;
  mobilenet.width = 0.25;
  mobilenet.image_size = 32;
  mobilenet.classes = 10;
  quantized(lines, mobilenet_v1(mobilenet), numbers({1, 32, 32, 3}, 7, -2, 2), threads);
  mobilenet.width = 0.35;
  quantized(lines, mobilenet_v2(mobilenet), numbers({1, 32, 32, 3}, 8, -2, 2), threads);
  ResNetOptions resnet_options;
  resnet_options.depth = 18;
  resnet_options.image_size = 32;
  quantized(lines, resnet(resnet_options), numbers({1, 32, 32, 3}, 9, -2, 2), threads);
  trained(lines, threads);
  return lines;
}

}  // namespace

int main() {
  const Lines expected = all(detected_isa(), 2);
  for (const std::string& line : expected) std::puts(line.c_str());
  const Lines scalar = all(Isa::scalar, 1);
  int wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (scalar[i] != expected[i]) {
      std::printf("scalar, 1 thread: %s\n", scalar[i].c_str());
      ++wrong;
    }
  return wrong != 0;
}
