#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <zlib.h>

#include <filesystem>
#include <octet/data/image.hpp>
#include <octet/data/stb.hpp>
#include <octet/import/onnx/registry.hpp>
#include <octet/quantization/calibration_file.hpp>
#include <octet/quantization/plan_file.hpp>
#include <octet/quantization/quantize_model.hpp>
#include <set>

#include "support/every_operator.hpp"
#include "support/one_layer.hpp"
#include "support/onnx_computed.hpp"
#include "support/onnx_networks.hpp"
#include "support/tflite_networks.hpp"
#include "tiny_model.hpp"

// Writes the files that fuzzing begins with: octet_fuzz_seeds FOLDER.

using namespace octet;
using namespace testing;
namespace tf = testing::tflite;

namespace {

std::filesystem::path root;

std::string place(const std::string& target, const std::string& name) {
  std::filesystem::create_directories(root / target);
  return (root / target / name).string();
}
void seed(const std::string& target, const std::string& name, const std::string& bytes) {
  write_file(place(target, name), bytes);
}

template <class F>
bool works(F f) {
  try {
    f();
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// A node of every operator, with the first operands that it accepts.
void write_onnx() {
  seed("onnx", "network", onnx_network());
  const std::vector<std::vector<std::string>> operands{{"x"},
                                                       {"x", "x"},
                                                       {"x", "w"},
                                                       {"x", "axes"},
                                                       {"x", "sizes"},
                                                       {"m", "k"},
                                                       {"x", "s", "z"},
                                                       {"x", "x", "x"},
                                                       {"u", "s", "z"},
                                                       {"x", "c", "c"},
                                                       {"x", "pads"},
                                                       {"x", "c", "c", "c", "c"},
                                                       {"u", "w8"},
                                                       {"x", "v"},
                                                       {"x", "scale4", "scale4"},
                                                       {"x", "", "scale4"},
                                                       {"x", "from", "to"},
                                                       {"u", "s", "z", "w8", "s", "z8", "s", "z"},
                                                       {"u", "s", "z", "u", "s", "z", "s", "z"},
                                                       {"u", "s", "z", "s", "z"},
                                                       {"s", "z", "u", "s", "z"},
                                                       {"flags", "x", "x"},
                                                       {"m", "s", "z", "k8", "s", "z8", "s", "z"},
                                                       {"axes"},
                                                       {"x", "axis"},
                                                       {"x", "places"},
                                                       {"x", "places", "x"},
                                                       {"x", "rows", "updates"},
                                                       {"x", "axis", "v"},
                                                       {"x", "grid"},
                                                       {"x", "lengths"},
                                                       {"m"},
                                                       {"axis", "axis", "axis"},
                                                       {"t", "lw", "lr"},
                                                       {"t", "gw", "gr"},
                                                       {"t", "rw", "rr"},
                                                       {"boxes", "scores", "axes"}};
  const std::vector<std::vector<OnnxAttribute>> attributes{
      {},
      {{"kernel_shape", std::vector<std::int64_t>{3, 3}}, {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}},
      {{"axis", 1}},
      {{"axes", std::vector<std::int64_t>{1}}},
      {{"blocksize", 2}},
      {{"size", 3}},
      {{"to", 1}},
      {{"num_groups", 2}, {"group", 2}},
      {{"equation", "ij,jk->ik"}}};
  const auto model = [&](const std::string& type, const char* domain, const std::vector<std::string>& in,
                         const std::vector<OnnxAttribute>& a) {
    OnnxBuilder b(18);
    b.input("x", {-2, 4, 6, 6});
    const std::string all = [&] {
      std::string s;
      for (const std::string& i : in) s += "," + i;
      return s + ",";
    }();
    const auto uses = [&](const char* name) { return all.find("," + std::string(name) + ",") != std::string::npos; };
    if (uses("m")) b.input("m", {2, 6});
    if (uses("u")) b.input("u", {1, 4, 6, 6}, DType::u8);
    if (uses("flags")) b.input("flags", {1, 4, 6, 6}, DType::boolean);
    if (uses("w")) b.initializer("w", random_tensor({4, 4, 3, 3}, 1));
    if (uses("w8")) b.initializer("w8", random_integers<int8>({4, 4, 3, 3}, 1, -9, 9));
    if (uses("k")) b.initializer("k", random_tensor({6, 3}, 2));
    if (uses("k8")) b.initializer("k8", random_integers<int8>({6, 3}, 2, -9, 9));
    if (uses("c")) b.initializer("c", random_tensor({4}, 3, 0.5f, 1));
    if (uses("s")) b.scalar("s", 0.1f);
    if (uses("z")) b.initializer("z", Tensor<uint8>(Shape{}, {128}));
    if (uses("z8")) b.initializer("z8", Tensor<int8>(Shape{}, {0}));
    if (uses("axes")) b.integers("axes", {1});
    if (uses("v")) b.integers("v", {1, 3});
    if (uses("sizes")) b.integers("sizes", {1, -1});
    if (uses("pads")) b.integers("pads", {0, 0, 1, 1, 0, 0, 1, 1});
    if (uses("from")) b.integers("from", {0, 1});
    if (uses("to")) b.integers("to", {1, 3});
    if (uses("axis")) b.initializer("axis", Tensor<std::int64_t>(Shape{}, {2}));
    if (uses("places")) b.initializer("places", random_integers<std::int64_t>({1, 4, 6, 6}, 4, -1, 0));
    if (uses("rows")) b.initializer("rows", Tensor<std::int64_t>({2, 2}, {0, 1, 0, 3}));
    if (uses("updates")) b.initializer("updates", random_tensor({2, 6, 6}, 5));
    if (uses("lengths")) b.integers("lengths", {1, 0, 1, 1});
    if (uses("grid")) b.input("grid", {-2, 3, 5, 2});
    if (uses("t")) b.input("t", {5, 2, 4});
    if (uses("boxes")) b.input("boxes", {1, 5, 4}).input("scores", {1, 2, 5});
    for (const auto& [w, r, rows] : std::vector<std::tuple<const char*, const char*, std::int64_t>>{
             {"lw", "lr", 12}, {"gw", "gr", 9}, {"rw", "rr", 3}}) {
      if (uses(w)) b.initializer(w, random_tensor({1, rows, 4}, 6));
      if (uses(r)) b.initializer(r, random_tensor({1, rows, 3}, 7));
    }
    if (uses("scale4")) b.initializer("scale4", Tensor<float>({4}, {1, 1, 2, 2}));
    return b.node(type.c_str(), in, {"y"}, a, domain).output("y").bytes();
  };
  const auto each = [&](const detail::onnx::Handlers& handlers, const char* domain) {
    for (const auto& entry : handlers) {
      const std::string type(entry.first);
      std::string found = model(type, domain, {"x", "x"}, {});
      [&] {
        for (const auto& in : operands)
          for (const auto& a : attributes)
            if (const std::string m = model(type, domain, in, a); works([&] { import_onnx(m); })) {
              found = m;
              return;
            }
        std::fprintf(stderr, "no operands for %s\n", type.c_str());
      }();
      seed("onnx", type, found);
    }
  };
  for (const char* type : computed_types)
    for (const bool codes : {false, true}) {
      OnnxBuilder b = image_with_sizes();
      b.scalar("scale", 0.5f).initializer("zero", Tensor<uint8>(Shape{}, {3}));
      if (codes) b.node("QuantizeLinear", {"x", "scale", "zero"}, {"q"});
      add_computed(b, type, codes ? "q" : "x", codes ? "zero" : "scale");
      if (codes) b.node("DequantizeLinear", {"y", "scale", "zero"}, {"z"});
      seed("onnx", std::string("computed_") + type + (codes ? "_uint8" : ""), b.output(codes ? "z" : "y").bytes());
    }
  for (const auto& [name, b] : data_sized_networks()) seed("onnx", "data_sized_" + name, b.bytes());
  each(detail::onnx::standard_handlers(), "");
  each(detail::onnx::microsoft_handlers(), "com.microsoft");
  OnnxBuilder inner, yes, no, outer(18);
  inner.scalar("k", 2).node("Mul", {"x", "k"}, {"r"}).output("r");
  no.node("Neg", {"x"}, {"r"}).output("r");
  yes.node("If", {"c"}, {"r"},
           {OnnxAttribute::graph("then_branch", inner.graph()), OnnxAttribute::graph("else_branch", no.graph())});
  yes.output("r");
  outer.input("x", {1, 3}).node("Shape", {"x"}, {"s"}).integers("zero", {0}).integers("one", {1});
  outer.node("Gather", {"s", "zero"}, {"n"}).node("Equal", {"n", "one"}, {"c"});
  outer.node("If", {"c"}, {"y"},
             {OnnxAttribute::graph("then_branch", yes.graph()), OnnxAttribute::graph("else_branch", no.graph())});
  seed("onnx", "If", outer.output("y").bytes());
}

void write_tflite() {
  const auto write = [](const std::string& name, const tf::Bytes& b) { seed("tflite", name, {b.begin(), b.end()}); };
  write("float", tf::float_network());
  write("integer", tf::integer_network());
  write("moving", tf::moving_network());
  for (const bool soft : {false, true}) {
    tf::ModelBuilder b;
    const auto number = [&](const char* name, float x) {
      return b.constant(name, Tensor<float>(Shape{}, std::vector<float>{x}));
    };
    const int x = b.tensor("boxes", {6, 4}), s = b.tensor("scores", {6});
    tf::Dims in{x, s, b.constant("most", Tensor<std::int32_t>(Shape{}, tf::Dims{3})), number("iou", 0.5f),
                number("score", 0.1f)},
        out{b.tensor("indices", {3}, DType::i32)};
    if (soft) in.push_back(number("sigma", 0.5f)), out.push_back(b.tensor("best", {3}));
    out.push_back(b.tensor("number", {}, DType::i32));
    const std::string type = std::string("NON_MAX_SUPPRESSION_V") + (soft ? "5" : "4");
    b.op(type, in, out);
    write(type, b.finish({x, s}, out));
  }
  const std::vector<std::vector<tf::Option>> options{{},
                                                     tf::pool_options(tf::same, 2, 1),
                                                     tf::convolution_options(tf::same, 1),
                                                     {tf::integer(0, 2)},
                                                     {tf::integer(0, 1), tf::integer(1, 1)},
                                                     {tf::byte(0, 1)}};
  for (int code = 0; code < 162; ++code) {
    const std::string type = detail::tflite::operator_name(code);
    const auto model = [&](int operands, DType t, const std::vector<tf::Option>& o) {
      tf::ModelBuilder b;
      const QuantParams q = t == DType::i8 ? QuantParams(0.1f, 3) : QuantParams();
      const int x = b.tensor("x", {1, 4, 4, 4}, t, q), y = b.tensor("y", {}, t, q);
      tf::Dims in{x};
      switch (operands) {
        case 0: break;
        case 1: in = {x, x}; break;
        case 2: in = {x, b.integers("i", {1})}; break;
        case 3: in = {x, b.constant("w", random_tensor({4, 1, 1, 4}, 1)), -1}; break;
        case 4: in = {x, b.integers("i", {2, 2})}; break;
        case 5: in = {x, b.integers("i", {0, 1, 0, 0}), b.integers("j", {1, 2, 3, 4})}; break;
        case 6:
          in = {x, b.integers("i", {0, 1, 0, 0}), b.integers("j", {1, 2, 3, 4}), b.integers("k", {1, 1, 1, 1})};
          break;
        case 7: in = {x, b.constant("p", Tensor<std::int32_t>({4, 2}, {0, 0, 1, 1, 0, 2, 0, 0}))}; break;
        case 8: in = {x, b.integers("i", {1, 4, 2, 8})}; break;
        case 9: in = {b.constant("a", Tensor<std::int32_t>(Shape{}, tf::Dims{1})), x}; break;
        case 10: in = {x, b.integers("i", {0, 2, 1, 3})}; break;
        case 11: in = {x, b.integers("i", {1, 1}), b.constant("p", Tensor<std::int32_t>({2, 2}, {0, 0, 0, 0}))}; break;
        case 12: in = {x, b.constant("k", Tensor<std::int32_t>(Shape{}, tf::Dims{2}))}; break;
        case 13:
          in = {x, b.constant("d", Tensor<std::int32_t>(Shape{}, tf::Dims{3})),
                b.constant("on", Tensor<std::int32_t>(Shape{}, tf::Dims{1})),
                b.constant("off", Tensor<std::int32_t>(Shape{}, tf::Dims{0}))};
          break;
        case 14: in = {b.constant("at", Tensor<std::int32_t>({1, 1}, {3})), x, b.integers("size", {6, 4, 4, 4})}; break;
        case 15: in = {b.integers("size", {1, 4}), b.constant("n", Tensor<std::int32_t>(Shape{}, tf::Dims{3}))}; break;
        case 16:
          in = {b.constant("from", Tensor<std::int32_t>(Shape{}, tf::Dims{1})),
                b.constant("to", Tensor<std::int32_t>(Shape{}, tf::Dims{9})),
                b.constant("by", Tensor<std::int32_t>(Shape{}, tf::Dims{2}))};
          break;
        default: in = {b.integers("s", {1, 4, 4, 4}), b.constant("w", random_tensor({4, 1, 1, 4}, 1)), x}; break;
      }
      b.op(type, in, {y}, o);
      return b.finish({x}, {y});
    };
    [&] {
      for (const DType t : {DType::i8, DType::f32, DType::i32, DType::boolean})
        for (int operands = 0; operands < 18; ++operands)
          for (const auto& o : options)
            if (const tf::Bytes m = model(operands, t, o); works([&] { tf::parse(m); })) {
              write(type + (t == DType::i8 ? "_int8" : ""), m);
              return;
            }
    }();
  }
}

void write_octet() {
  Random r(1);
  std::vector<Model> models = models_of_one_layer(r);
  models.push_back(small_model(r));
  int number = 0;
  for (const Model& m : models)
    save(m, place("octet", m.nodes[0].op->type() + std::to_string(number++) + ".octet"), {m.nodes.size() > 1});
  // Of other operators, and of computed parameters, the cases that tests have.
  std::set<std::string> seen;
  const auto is_new = [&](const Model& m) {
    bool fresh = false;
    for (const Node& n : m.nodes) fresh = seen.insert(n.op->type()).second || fresh;
    return fresh;
  };
  for (const Model& m : models) is_new(m);
  for (const every_operator::Case& c : every_operator::cases()) {
    Model m;
    m.outputs = {c.add(m, m.add_input("x", {4, 6, 6, 8}))};
    std::string name = "case_" + c.name;
    std::replace(name.begin(), name.end(), ' ', '_');
    if (is_new(m) || c.name.compare(0, 12, "Parametrized") == 0) save(m, place("octet", name + ".octet"), {false});
  }
}

std::string little(std::uint32_t n, int bytes = 4) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(n >> (8 * i) & 255);
  return s;
}

void write_images() {
  const Tensor<uint8> color = random_integers<uint8>({5, 4, 3}, 1, 0, 255),
                      gray = random_integers<uint8>({5, 4, 1}, 1, 0, 255),
                      alpha = random_integers<uint8>({5, 4, 4}, 1, 0, 255);
  save_png(place("image", "color.png"), color);
  save_png(place("image", "gray.png"), gray);
  save_png(place("image", "alpha.png"), alpha);
  const std::string pixels(24, 'x'),
      info = little(40) + little(3) + little(2) + little(1, 2) + little(24, 2) + std::string(24, '\0');
  seed("image", "rgb.bmp", "BM" + little(78) + little(0) + little(54) + info + pixels);
  std::string palette = "BM" + little(54 + 16 + 4) + little(0) + little(54 + 16) + little(40) + little(4) + little(1) +
                        little(1, 2) + little(8, 2) + std::string(24, '\0') + std::string(16, 'p') +
                        std::string("\3\0\1\2", 4);
  seed("image", "palette.bmp", palette);
  for (const int quality : {20, 95}) {
    std::string jpeg;
    detail::stb::stbi_write_jpg_to_func(
        [](void* to, void* bytes, int n) {
          static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), static_cast<std::size_t>(n));
        },
        &jpeg, 4, 5, 3, color.data(), quality);
    seed("image", "quality" + std::to_string(quality) + ".jpg", jpeg);
    if (const auto at = jpeg.find("\xff\xc0"); at != std::string::npos) jpeg[at + 1] = '\xc2';
    seed("image", "progressive" + std::to_string(quality) + ".jpg", jpeg);
  }
}

void write_json() {
  const Model model = fuzzing::tiny_model();
  std::vector<Tensor<float>> images;
  for (unsigned i = 0; i < 3; ++i) images.push_back(random_tensor({1, 4, 4, 2}, i));
  const TemporaryFile file("values.json");
  for (const RangeMethod method : {RangeMethod::min_max, RangeMethod::percentile}) {
    CalibrationOptions options;
    options.method = method;
    const Calibration c = calibrate(model, images, options);
    save(c, file.path);
    seed("json", "calibration" + std::to_string(static_cast<int>(method)), "c" + contents(file.path));
    QuantizationPlan plan = plan_quantization<int8>(model, c);
    save(plan, file.path);
    seed("json", "plan" + std::to_string(static_cast<int>(method)), "p" + contents(file.path));
    LayerPlan& linear = plan.layers.at("linear");
    linear.weight_bits = 4;
    linear.weight_block = 32;
    linear.block_multipliers = {1, 7, 18};
    save(plan, file.path);
    seed("json", "plan_in_blocks", "p" + contents(file.path));
  }
}

std::string gzipped(const std::string& s) {
  std::string out(1000 + s.size(), '\0');
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(s.data()));
  z.avail_in = static_cast<uInt>(s.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

void write_datasets() {
  seed("dataset", "csv", "cfile,label\na.png,1\n\"b \"\"c\"\".png\",2\r\nd.png,0\n");
  seed("dataset", "csv_plain", "c/x/a.png,1\nb.png,3\n");
  seed("dataset", "labels", "ltench\ngoldfish\n\"shark, great white\"\n");
  seed("dataset", "labels_numbers", "l0,tench\n1,goldfish\n");
  seed("dataset", "labels_synsets", "lsynset,label\nn01440764,tench\nn01443537,goldfish\n");
  seed("dataset", "labels_json", "l{\"0\": [\"n01440764\", \"tench\"], \"1\": [\"n01443537\", \"goldfish\"]}");
  const std::string images = std::string("\0\0\x08\x03\0\0\0\2\0\0\0\2\0\0\0\3", 16) + std::string(12, 'x');
  const std::string labels = std::string("\0\0\x08\x01\0\0\0\x0a", 8) + std::string("\0\1\2\3\4\5\6\7\1\2", 10);
  const std::string record = '\3' + std::string(3072, 'r');
  seed("dataset", "idx", "i" + images);
  seed("dataset", "idx.gz", "i" + gzipped(images));
  seed("dataset", "idx_labels", "n" + labels);
  seed("dataset", "cifar", "r" + record);
  seed("dataset", "cifar.gz", "r" + gzipped(record + record));
}

void write_checkpoints() {
  Trainer trainer(fuzzing::tiny_model(), fuzzing::tiny_training());
  trainer.save_checkpoint(place("checkpoint", "new"));
  trainer.fit(fuzzing::tiny_examples(), 2);
  trainer.save_checkpoint(place("checkpoint", "trained"));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "usage: octet_fuzz_seeds FOLDER\n"), 2;
  root = arguments[1];
  write_onnx();
  write_tflite();
  write_octet();
  write_images();
  write_json();
  write_datasets();
  write_checkpoints();
}
