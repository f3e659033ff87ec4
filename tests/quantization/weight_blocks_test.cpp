#include <octet/core/error_energy.hpp>
#include <octet/io/model_file.hpp>
#include <octet/operators/all.hpp>
#include <octet/passes/without_blocks.hpp>
#include <octet/quantization/dequantize_model.hpp>
#include <octet/quantization/error_report.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <octet/quantization/round_weights.hpp>
#include <octet/runtime/runnable.hpp>

#include "support/files.hpp"
#include "support/isas.hpp"
#include "support/messages.hpp"
#include "support/models.hpp"
#include "support/packed_weights.hpp"
#include "support/random.hpp"
#include "support/same_constants.hpp"
#include "support/sqnr.hpp"
#include "testing.hpp"

// Weights of 4 bits in blocks of inputs, from a plan to the results.

using namespace octet;
using namespace testing;

namespace {

/// Weights whose columns are uneven: groups of 32 columns have magnitudes from 0.05 to 1.
Tensor<float> uneven(std::int64_t outputs, std::int64_t k, unsigned seed) {
  Tensor<float> w = random_tensor({outputs, k}, seed);
  const float magnitudes[] = {1.0f, 0.05f, 0.3f, 0.1f, 0.6f};
  for (std::int64_t i = 0; i < w.size(); ++i) w[i] *= magnitudes[i % k / 32 % 5] * w[i] * w[i];
  return w;
}

/// One fully connected layer, "fc", after an activation that makes its input uint8.
Model one_layer(std::int64_t outputs, std::int64_t k, bool bias = true) {
  Model g;
  const int x = g.add("clip", Unary(UnaryKind::clip, -0.9, 0.9), {g.add_input("x", {Shape::unknown, k})});
  std::vector<int> in{x, g.add_constant("fc.w", uneven(outputs, k, 7))};
  if (bias) in.push_back(g.add_constant("fc.b", random_tensor({outputs}, 8)));
  g.outputs = {g.add("fc", FullyConnected(), in)};
  return g;
}

Calibration calibration_of(const Model& m) {
  return calibrate(m, {random_tensor({16, m.value(m.inputs[0]).shape[1]}, 1)});
}

QuantizationPlan plan_of(const Model& m, PlannedForm form, std::int64_t block) {
  const Calibration c = calibration_of(m);
  if (form == PlannedForm::dynamic) {
    WeightOptions o;
    o.weight_block = block;
    o.least_elements = 0;
    return plan_quantization<dynamic_range>(m, c, o);
  }
  Int8Options o;
  o.weight_bits = 4;
  o.weight_block = block;
  o.weights = RangeMethod::mse;
  QuantizationPlan p = plan_quantization<int8>(m, c, o);
  if (form == PlannedForm::integer16)
    for (auto& [name, layer] : p.layers) layer.form = form;
  return p;
}

/// Blocks of a layer that would have none, or others, with multipliers from 1 to 18.
void set_blocks(LayerPlan& layer, std::int64_t outputs, std::int64_t k, std::int64_t block) {
  Random r(3);
  layer.weight_block = block;
  layer.block_multipliers.clear();
  for (std::int64_t i = 0; i < outputs * ((k + block - 1) / block); ++i)
    layer.block_multipliers.push_back(static_cast<std::uint8_t>(r.between(1, 18)));
  for (float& s : layer.weights.scale) s /= 18;
}

/// The squared error of the layer's weights.
double weight_error(const Model& m, const Model& quantized) {
  const Graph whole = detail::without_blocks(quantized);
  const Value& q = whole.value(whole.find("fc.w"));
  const Tensor<float> exact = detail::to_float(m.value(m.find("fc.w")).constant.ref()),
                      found = detail::real_values(detail::whole_bytes(q.constant).ref(), q.quant);
  double sum = 0;
  for (std::int64_t i = 0; i < exact.size(); ++i) {
    const double e = static_cast<double>(exact[i]) - static_cast<double>(found[i]);
    sum += e * e;
  }
  return sum;
}

const Node& fc_of(const Model& m) {
  return *std::find_if(m.nodes.begin(), m.nodes.end(),
                       [](const Node& n) { return as<FullyConnected>(*n.op) != nullptr; });
}
Value& multipliers_of(Model& m) { return m.value(m.find("fc.w.multipliers")); }

/// The model with another operator or other inputs of its layer.
template <class Change>
Model changed(Model m, Change change) {
  for (Node& n : m.nodes)
    if (const auto* f = as<FullyConnected>(*n.op)) {
      FullyConnected op = *f;
      change(op, n, m);
      n.op = make_operator(op);
    }
  return m;
}

}  // namespace

TEST_CASE("weight blocks: sums of products with multiplier times code, in every form and instruction set") {
  for (const PlannedForm form : {PlannedForm::integer, PlannedForm::dynamic, PlannedForm::integer16})
    for (const std::int64_t k : {31, 32, 33, 63, 64, 65, 127, 128, 129, 257})
      for (const std::int64_t outputs : {1, 15, 16, 17, 63, 65}) {
        const Model m = one_layer(outputs, k, k % 2 == 0);
        QuantizationPlan p = plan_of(m, form, 0);
        if (form == PlannedForm::dynamic) p = with_weight_bits(p, 4);
        const std::int64_t block = std::int64_t{32} << (k + outputs) % 4;
        set_blocks(p.layers.at("fc"), outputs, k, block);
        const Model q = quantize(m, p);
        const Node& fc = fc_of(q);
        REQUIRE(as<FullyConnected>(*fc.op)->block == block);
        // The weights as they are defined.
        const AnyTensor codes = detail::whole_bytes(q.value(fc.inputs[1]).constant);
        Tensor<std::int8_t> products({outputs, k});
        const auto& multipliers = p.layers.at("fc").block_multipliers;
        for (std::int64_t i = 0; i < products.size(); ++i)
          products[i] = static_cast<std::int8_t>(
              codes.view<std::int8_t>()[i] *
              multipliers[static_cast<std::size_t>(i / k * ((k + block - 1) / block) + i % k / block)]);
        Model whole = q;
        for (Node& n : whole.nodes)
          if (n.name == fc.name) {
            n.op = make_operator(FullyConnected());
            n.inputs.resize(3);
            if (n.inputs[2] == Node::none) n.inputs.resize(2);
            whole.value(n.inputs[1]).constant = products;
            whole.value(n.inputs[1]).dtype = DType::i8;
          }
        whole.remove_unused();
        for (const Isa isa : available_isas())
          for (const std::int64_t batch : {1, 2, 5}) {
            const UseIsa use(isa);
            const std::vector<AnyTensor> in{random_tensor({batch, k}, 2)};
            const AnyTensor x = Executor(q).run(in)[0], y = Executor(whole).run(in)[0];
            INFO(std::string(name(isa)), ", ", std::string(name(form)), ": ", batch, " x ", outputs, " x ", k,
                 " in blocks of ", block);
            CHECK(std::memcmp(x.data(), y.data(), x.size_bytes()) == 0);
          }
      }
}

TEST_CASE("weight blocks: an executor that is planned for one row and then for many") {
  const Model m = one_layer(70, 200);
  for (const PlannedForm form : {PlannedForm::integer, PlannedForm::dynamic}) {
    const Model q = quantize(m, plan_of(m, form, 64));
    REQUIRE(as<FullyConnected>(*fc_of(q).op)->block == 64);
    Executor executor(q), whole(detail::without_blocks(q));
    for (const std::int64_t batch : {1, 20, 2}) {
      const std::vector<AnyTensor> in{random_tensor({batch, 200}, 2)};
      const AnyTensor x = executor.run(in)[0], y = whole.run(in)[0];
      CHECK(std::memcmp(x.data(), y.data(), x.size_bytes()) == 0);
    }
  }
}

TEST_CASE("weight blocks: less squared error of uneven columns, rounded to nearest and by inputs") {
  const Model m = one_layer(24, 320);
  const Calibration c = calibration_of(m);
  const std::vector<Tensor<float>> samples{random_tensor({600, 320}, 3)}, others{random_tensor({100, 320}, 4)};
  for (const int bits : {3, 4})
    for (const RoundWeights round : {RoundWeights::nearest, RoundWeights::fast}) {
      CAPTURE(bits);
      CAPTURE(static_cast<int>(round));
      const auto quantized = [&](std::int64_t block) {
        Int8Options o;
        o.weights = RangeMethod::mse;
        o.weight_bits = bits;
        o.weight_block = block;
        o.round = round;
        o.rounding_samples.inputs = samples;
        return quantize(m, plan_quantization<int8>(m, c, o));
      };
      const Model channels = quantized(0), blocks = quantized(32);
      CHECK(weight_error(m, blocks) < (round == RoundWeights::nearest ? 0.5 : 0.7) * weight_error(m, channels));
      CHECK(sqnr_db(m, blocks, others) > sqnr_db(m, channels, others) + 2);
    }
  WeightOptions o;
  o.weight_block = 32;
  const QuantizationPlan p = plan_quantization<dynamic_range>(m, c, o);
  CHECK(p.layers.at("fc").weight_bits == 4);
  CHECK(sqnr_db(m, quantize(m, p), others) >
        sqnr_db(m, quantize(m, with_weight_bits(plan_quantization<dynamic_range>(m, c), 4)), others) + 2);
}

TEST_CASE("weight blocks: rounding by inputs has less error of the results than rounding to nearest") {
  const Model m = one_layer(24, 320);
  const Calibration c = calibration_of(m);
  std::vector<Tensor<float>> samples{random_tensor({600, 320}, 3)}, others{random_tensor({100, 320}, 4)};
  for (auto* list : {&samples, &others})  // correlated, as activations are
    for (Tensor<float>& t : *list)
      for (std::int64_t i = 1; i < t.size(); ++i) t[i] = 0.8f * t[i - 1] + 0.6f * t[i];
  const auto db = [&](RoundWeights round) {
    Int8Options o;
    o.weight_bits = 4;
    o.weight_block = 64;
    o.round = round;
    o.rounding_samples.inputs = samples;
    return sqnr_db(m, quantize(m, plan_quantization<int8>(m, c, o)), others);
  };
  CHECK(db(RoundWeights::fast) > db(RoundWeights::nearest) + 1);
}

TEST_CASE("weight blocks: which layers have them") {
  Graph m = one_layer(9, 100);
  int v = m.add("reshape", Reshape({-1, 3, 3, 1}), {m.outputs[0]});
  v = add_convolution(m, v, "convolution", 3, 40, 1);
  v = m.add("flat", Flatten(1), {v});
  v = m.add("large", FullyConnected(), {v, m.add_constant("large.w", random_tensor({5, 360}, 9))});
  m.outputs = {m.add("small", FullyConnected(), {v, m.add_constant("small.w", random_tensor({4, 5}, 9))})};
  const Calibration c = calibrate(m, {random_tensor({4, 100}, 1)});
  std::vector<std::string> notes;
  Int8Options o;
  o.weight_bits = 4;
  o.weight_block = 64;
  o.keep_8_bits = {"large"};
  o.notes = &notes;
  const QuantizationPlan p = plan_quantization<int8>(m, c, o);
  CHECK(p.layers.at("fc").weight_block == 64);
  CHECK(p.layers.at("fc").block_multipliers.size() == 18);
  for (const char* other : {"convolution", "large", "small"}) {
    CHECK(p.layers.at(other).weight_block == 0);
    CHECK(p.layers.at(other).block_multipliers.empty());
  }
  CHECK(notes.empty());
  o.per_channel = false;
  const QuantizationPlan one_scale = plan_quantization<int8>(m, c, o);
  CHECK(one_scale.layers.at("fc").weights.scale.size() == 1);
  CHECK(one_scale.layers.at("fc").block_multipliers.size() == 18);
  CHECK_NOTHROW(quantize(m, one_scale));
  WeightOptions w;
  w.weight_block = 128;
  w.notes = &notes;
  w.keep_float = {"large"};
  CHECK(plan_quantization<dynamic_range>(m, c, w).layers.at("fc").weight_block == 0);  // fewer inputs
  REQUIRE(notes.size() == 1);
  CHECK(has(notes[0], {"no layer", "128"}));
  o.weight_bits = 5;
  plan_quantization<int8>(m, c, o);
  REQUIRE(notes.size() == 2);
  CHECK(has(notes[1], {"no layer", "64", "4 bits"}));
  for (const std::int64_t wrong : {-1, 1, 16, 48, 512}) {
    o.weight_block = w.weight_block = wrong;
    const std::string text = std::to_string(wrong);
    CHECK(has(message([&] { plan_quantization<int8>(m, c, o); }), {text.c_str(), "32, 64, 128 or 256"}));
    CHECK(has(message([&] { plan_quantization<dynamic_range>(m, c, w); }), {text.c_str(), "32, 64, 128 or 256"}));
  }
}

TEST_CASE("weight blocks: plans that do not fit are errors that name the layer") {
  Graph m = one_layer(9, 100);
  int v = m.add("reshape", Reshape({-1, 3, 3, 1}), {m.outputs[0]});
  m.outputs = {add_convolution(m, v, "convolution", 3, 4, 1)};
  Int8Options o;
  o.weight_bits = 4;
  o.weight_block = 32;
  const Calibration c = calibrate(m, {random_tensor({4, 100}, 1)});
  const QuantizationPlan good = plan_quantization<int8>(m, c, o);
  const auto error = [&](auto change) {
    QuantizationPlan p = good;
    change(p.layers.at("fc"));
    CHECK(p != good);
    const std::string text = message([&] { quantize(m, p); });
    RoundingOptions samples;
    samples.inputs = {random_tensor({4, 100}, 1)};
    CHECK(!message([&] { round_weights(m, p, RoundWeights::fast, samples); }).empty());
    CAPTURE(text);
    CHECK(!text.empty());
    return text;
  };
  CHECK(has(error([](auto& l) { l.weight_block = 0; }), {"'fc'", "36", "no blocks"}));
  for (const std::int64_t wrong : {-32, 1, 33, 512})
    CHECK(has(error([&](auto& l) { l.weight_block = wrong; }), {"'fc'", std::to_string(wrong).c_str(), "expected 32"}));
  CHECK(has(error([](auto& l) { l.weight_block = 64; }), {"'fc'", "36", "expected 18"}));
  CHECK(has(error([](auto& l) { l.block_multipliers.pop_back(); }), {"'fc'", "35", "expected 36"}));
  CHECK(has(error([](auto& l) { l.block_multipliers.clear(); }), {"'fc'", "0 multipliers", "expected 36"}));
  CHECK(has(error([](auto& l) { l.block_multipliers[7] = 0; }), {"'fc'", "multiplier", "0", "1 to 18"}));
  CHECK(has(error([](auto& l) { l.block_multipliers[7] = 19; }), {"'fc'", "multiplier", "19", "1 to 18"}));
  CHECK(has(error([](auto& l) { l.weight_bits = 5; }), {"'fc'", "5 bits"}));
  QuantizationPlan p = good;
  p.layers.at("convolution").weight_block = 32;
  p.layers.at("convolution").block_multipliers = {1, 1, 1, 1};
  CHECK(has(message([&] { quantize(m, p); }), {"'convolution'", "fully connected"}));
}

TEST_CASE("weight blocks: plan files") {
  const Model m = one_layer(9, 100);
  const QuantizationPlan p = plan_of(m, PlannedForm::integer, 32);
  const TemporaryFile file("blocks.json");
  save(p, file.path);
  CHECK(load_plan(file.path) == p);
  std::string text = contents(file.path);
  CHECK(text.find("\"block\":32") != std::string::npos);
  const auto at = text.find("\"multipliers\":[");
  REQUIRE(at != std::string::npos);
  write_file(file.path, text.substr(0, at + 15) + "0," + text.substr(at + 15));
  CHECK(has(message([&] { load_plan(file.path); }), {"'fc'", "multipliers", "0"}));
}

TEST_CASE("weight blocks: .octet files have the codes and the multipliers") {
  const Model m = one_layer(65, 1000);
  for (const PlannedForm form : {PlannedForm::integer, PlannedForm::dynamic, PlannedForm::integer16}) {
    const Model q = quantize(m, plan_of(m, form, 128));
    const TemporaryFile file("blocks.octet"), channels("channels.octet");
    save(q, file.path);
    LoadOptions o;
    o.self_test = true;
    const Model back = load_octet(file.path, o);
    CHECK(same_constants(q, back));
    CHECK(as<FullyConnected>(*fc_of(back).op)->block == 128);
    const Value& w = back.value(back.find("fc.w"));
    CHECK(w.dtype == DType::i4);
    CHECK(static_cast<std::int64_t>(w.constant.size_bytes()) == (w.constant.size() + 1) / 2);
    CHECK(contents(file.path).size() < 65 * 1000 / 2 + 65 * 8 + 5000);
    const std::vector<AnyTensor> in{random_tensor({2, 1000}, 2)};
    const AnyTensor x = Executor(q).run(in)[0], y = Executor(back).run(in)[0];
    CHECK(std::memcmp(x.data(), y.data(), x.size_bytes()) == 0);
  }
}

TEST_CASE("weight blocks: hostile models are errors that name the layer") {
  const Model m = one_layer(9, 100);
  for (const PlannedForm form : {PlannedForm::integer, PlannedForm::dynamic, PlannedForm::integer16}) {
    const Model good = quantize(m, plan_of(m, form, 32));
    const TemporaryFile file("hostile.octet");
    const auto error = [&](auto change) {
      const Model bad = changed(good, change);
      const std::string text = message([&] { require_runnable(bad); });
      CAPTURE(text);
      CHECK(has(text, {"'fc", "FullyConnected"}));
      CHECK(!message([&] { Executor(bad, {}); }).empty());
      CHECK(!message([&] { detail::dequantize_model(bad); }).empty());
      CHECK(message([&] { save(bad, file.path, {false}); }).find("'fc'") != std::string::npos);
      return text;
    };
    const auto multipliers = [](std::uint8_t first, const Shape& shape = {9, 4}) {
      Tensor<uint8> t(shape);
      for (std::uint8_t& x : t) x = 1;
      t[1] = first;
      return t;
    };
    for (const std::int64_t block : {-32, 1, 48, 512})
      CHECK(has(error([&](auto& op, auto&, auto&) { op.block = block; }), {"32, 64, 128 or 256"}));
    CHECK(has(error([](auto& op, auto&, auto&) { op.block = 0; }), {"no blocks"}));
    CHECK(has(error([](auto& op, auto&, auto&) { op.block = 64; }), {"[9, 2]", "[9, 4]"}));
    CHECK(has(error([](auto&, Node& n, auto&) { n.inputs.resize(3); }), {"no multipliers"}));
    CHECK(has(error([](auto&, Node& n, auto&) { n.inputs[3] = Node::none; }), {"no multipliers"}));
    CHECK(has(error([](auto&, Node& n, auto&) { n.inputs[3] = n.inputs[0]; }), {"constant"}));
    CHECK(has(error([](auto&, Node& n, auto& g) {
                n.inputs[3] = g.add_constant("m", random_tensor({9, 4}, 1));
              }),
              {"uint8", "float32"}));
    CHECK(has(error([](auto&, Node& n, auto& g) {
                const Value& w = g.value(n.inputs[1]);
                n.inputs[1] = g.add_constant("whole", detail::whole_bytes(w.constant), QuantParams(w.quant));
              }),
              {"int4", "int8"}));
    CHECK(has(error([&](auto&, Node&, auto& g) { multipliers_of(g).constant = multipliers(0); }),
              {"multiplier", "block 1", "channel 0"}));
    CHECK(has(error([&](auto&, Node&, auto& g) { multipliers_of(g).constant = multipliers(255); }),
              {"block 1", "channel 0", "255", "int8"}));
    CHECK(has(error([&](auto&, Node& n, auto& g) {
                n.inputs[3] = g.add_constant("m", multipliers(1, {9, 3}));
              }),
              {"[9, 4]", "[9, 3]"}));
    CHECK(has(error([](auto&, Node& n, auto& g) { g.value(n.inputs[1]).quant.zero_point[2] = 1; }), {"zero point 1"}));
    // In the file: the multipliers, and the size of blocks.
    save(good, file.path, {false});
    const std::string saved = contents(file.path);
    const AnyTensor& m4 = good.value(good.find("fc.w.multipliers")).constant;
    const auto at = saved.find(std::string(reinterpret_cast<const char*>(m4.data()), m4.size_bytes()));
    REQUIRE(at != std::string::npos);
    for (const char c : {'\0', '\xff'}) {
      std::string bad = saved;
      bad[at + 2] = c;
      write_file(file.path, sealed(bad));
      CHECK(has(message([&] { require_runnable(load_octet(file.path)); }), {"'fc' (FullyConnected)", "block 2"}));
    }
    const auto block = saved.find(std::string("block\0@", 7));  // the kind of the field, and twice its value
    REQUIRE(block != std::string::npos);
    for (const char c : {'\0', '\1', '\x20', '\x60'}) {
      std::string bad = saved;
      bad[block + 6] = c;
      write_file(file.path, sealed(bad));
      const std::string text = message([&] { load_octet(file.path); });
      CAPTURE(text);
      CHECK(has(text, {"'fc' (FullyConnected)", "blocks"}));
    }
  }
}

TEST_CASE("weight blocks: reports and conversions to float read the same weights as layers") {
  const Model m = one_layer(24, 320);
  const Model q = quantize(m, plan_of(m, PlannedForm::integer, 32)), whole = detail::without_blocks(q);
  CHECK(packed_constants(whole) == 0);
  CHECK(whole.values.size() + 1 == q.values.size());
  const std::vector<Tensor<float>> batches{random_tensor({3, 320}, 5)};
  const std::vector<LayerError> a = error_report(m, q, batches), b = error_report(m, whole, batches);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].sqnr_db == b[i].sqnr_db);
  }
  const Graph x = detail::dequantize_model(q).graph, y = detail::dequantize_model(whole).graph;
  CHECK(same_constants(x, y));
  CHECK(sqnr_db(m, x, batches) > 15);
}
