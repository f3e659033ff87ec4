#include "layers.hpp"

#include <octet/models/builder.hpp>
#include <octet/operators/convolution/common.hpp>
#include <sstream>

#include "models.hpp"

using namespace octet;

namespace {

Model product(const LayerCase& c) {
  Graph g;
  const int x = g.add_input("x", {c.size, c.in});
  const int w = g.add_constant("w", random_tensor({c.out, c.in}));
  const Unary relu(UnaryKind::clip, 0, std::numeric_limits<double>::infinity());
  g.outputs = {g.add("relu", relu, {g.add("product", FullyConnected(), {x, w})})};
  return g;
}

octet::detail::NetworkBuilder builder(const LayerCase& c) { return {"layer", c.size, c.in, 1}; }

Model convolution(const LayerCase& c) {
  auto b = builder(c);
  b.conv("conv", c.out, c.kernel, c.stride, c.kernel / 2, c.groups, true).relu("relu");
  return b.finish();
}

/// The block of MobileNetV2: expands `in` channels by 6, depthwise convolution, projects to `out`; with a shortcut if
/// the shapes allow it.
Model inverted_residual(const LayerCase& c) {
  auto b = builder(c);
  const int x = b.current();
  b.conv("expand", 6 * c.in, 1, 1, 0, 1, true).relu6("relu1");
  b.conv("depthwise", 6 * c.in, c.kernel, c.stride, c.kernel / 2, 6 * c.in, true).relu6("relu2");
  b.conv("project", c.out, 1, 1, 0, 1, true);
  if (c.stride == 1 && c.in == c.out) b.add("add", x);
  return b.finish();
}

Model max_pool(const LayerCase& c) {
  auto b = builder(c);
  b.max_pool("pool", c.kernel, c.stride, c.kernel == 3 ? 1 : 0);
  return b.finish();
}

Model global_average(const LayerCase& c) {
  auto b = builder(c);
  b.global_average("pool");
  return b.finish();
}

Model add(const LayerCase& c) {
  Graph g;
  const int a = g.add_input("a", {1, c.size, c.size, c.in}), b = g.add_input("b", {1, c.size, c.size, c.in});
  g.outputs = {g.add("add", Binary(BinaryKind::add), {a, b})};
  return g;
}

struct Window {
  std::int64_t kernel, stride, size, in, out = 0;  // out: output channels; 0: depthwise
};

// "3x3s2_56x56x128_128"
std::string name_of(const Window& w) {
  std::ostringstream text;
  text << (w.out ? "" : "depthwise_") << w.kernel << "x" << w.kernel;
  if (w.stride > 1) text << "s" << w.stride;
  text << "_" << w.size << "x" << w.size << "x" << w.in;
  if (w.out) text << "_" << w.out;
  return text.str();
}

void add_network(std::vector<LayerCase>& cases, const std::string& network, const std::vector<Window>& layers) {
  for (const Window& w : layers)
    cases.push_back({network + "/" + name_of(w), convolution, w.size, w.in, w.out ? w.out : w.in, w.kernel, w.stride,
                     w.out ? 1 : w.in});
}

template <class T>
bool winograd_pays(const LayerCase& c) {
  octet::detail::ConvolutionShape s;
  s.in_h = s.in_w = s.out_h = s.out_w = c.size;
  s.in_c = c.in;
  s.out_c = c.out;
  s.kernel_h = s.kernel_w = 3;
  const std::vector<T> zeros(static_cast<std::size_t>(c.out * 9 * c.in));
  octet::detail::ConvolutionWeights<T> w;
  w.values = zeros.data();
  w.out_c = c.out;
  w.window = s;
  w.group_in = c.in;
  w.memory = WeightMemory::fast;
  return octet::detail::WinogradConvolution<T>(octet::detail::kernels(), w).pays(s);
}

}  // namespace

std::vector<LayerCase> layer_cases() {
  std::vector<LayerCase> cases{
      {"gemm/512x512x512", product, 512, 512, 512},       {"gemm/1024x1024x1024", product, 1024, 1024, 1024},
      {"gemm/2048x2048x2048", product, 2048, 2048, 2048}, {"gemm/196x512x2304", product, 196, 2304, 512},
      {"gemm/3136x64x64", product, 3136, 64, 64},         {"gemm/1x4096x25088", product, 1, 25088, 4096},
      {"gemm/1x4096x4096", product, 1, 4096, 4096},       {"gemm/1x1000x2048", product, 1, 2048, 1000}};
  // Kernel, stride, height and width, channels, output channels.
  add_network(cases, "resnet50",
              {{7, 2, 224, 3, 64},   {1, 1, 56, 64, 64},    {3, 1, 56, 64, 64},    {1, 1, 56, 64, 256},
               {1, 1, 56, 256, 64},  {1, 1, 56, 256, 128},  {3, 2, 56, 128, 128},  {1, 2, 56, 256, 512},
               {1, 1, 28, 128, 512}, {1, 1, 28, 512, 128},  {3, 1, 28, 128, 128},  {1, 1, 28, 512, 256},
               {3, 2, 28, 256, 256}, {1, 2, 28, 512, 1024}, {1, 1, 14, 256, 1024}, {1, 1, 14, 1024, 256},
               {3, 1, 14, 256, 256}, {1, 1, 14, 1024, 512}, {3, 2, 14, 512, 512},  {1, 2, 14, 1024, 2048},
               {1, 1, 7, 512, 2048}, {1, 1, 7, 2048, 512},  {3, 1, 7, 512, 512}});
  add_network(cases, "resnet18",
              {{3, 2, 56, 64, 128},
               {1, 2, 56, 64, 128},
               {3, 2, 28, 128, 256},
               {1, 2, 28, 128, 256},
               {3, 2, 14, 256, 512},
               {1, 2, 14, 256, 512}});
  add_network(cases, "vgg16",
              {{3, 1, 224, 3, 64},
               {3, 1, 224, 64, 64},
               {3, 1, 112, 64, 128},
               {3, 1, 112, 128, 128},
               {3, 1, 56, 128, 256},
               {3, 1, 56, 256, 256},
               {3, 1, 28, 256, 512},
               {3, 1, 28, 512, 512},
               {3, 1, 14, 512, 512}});
  add_network(cases, "mobilenetv1",
              {{3, 2, 224, 3, 32},
               {1, 1, 112, 32, 64},
               {1, 1, 56, 64, 128},
               {1, 1, 56, 128, 128},
               {1, 1, 28, 128, 256},
               {1, 1, 28, 256, 256},
               {1, 1, 14, 256, 512},
               {1, 1, 14, 512, 512},
               {1, 1, 7, 512, 1024},
               {1, 1, 7, 1024, 1024}});
  add_network(cases, "mobilenetv1",
              {{3, 1, 112, 32},
               {3, 2, 112, 64},
               {3, 1, 56, 128},
               {3, 2, 56, 128},
               {3, 1, 28, 256},
               {3, 2, 28, 256},
               {3, 1, 14, 512},
               {3, 2, 14, 512},
               {3, 1, 7, 1024}});
  add_network(cases, "mobilenetv2",
              {{1, 1, 112, 32, 16},
               {1, 1, 112, 16, 96},
               {1, 1, 56, 96, 24},
               {1, 1, 56, 24, 144},
               {1, 1, 56, 144, 24},
               {1, 1, 28, 144, 32},
               {1, 1, 28, 32, 192},
               {1, 1, 28, 192, 32},
               {1, 1, 14, 192, 64},
               {1, 1, 14, 64, 384},
               {1, 1, 14, 384, 64},
               {1, 1, 14, 384, 96},
               {1, 1, 14, 96, 576},
               {1, 1, 14, 576, 96},
               {1, 1, 7, 576, 160},
               {1, 1, 7, 160, 960},
               {1, 1, 7, 960, 160},
               {1, 1, 7, 960, 320},
               {1, 1, 7, 320, 1280}});
  add_network(cases, "mobilenetv2",
              {{3, 2, 112, 96},
               {3, 1, 56, 144},
               {3, 2, 56, 144},
               {3, 1, 28, 192},
               {3, 2, 28, 192},
               {3, 1, 14, 384},
               {3, 1, 14, 576},
               {3, 2, 14, 576},
               {3, 1, 7, 960}});
  add_network(cases, "other", {{5, 1, 28, 120}, {5, 2, 56, 72}, {5, 1, 14, 672}, {7, 1, 28, 192}});
  const std::vector<LayerCase> others{
      {"mobilenetv2/block_56x56x24_24", inverted_residual, 56, 24, 24, 3},
      {"mobilenetv2/block_s2_56x56x24_32", inverted_residual, 56, 24, 32, 3, 2},
      {"mobilenetv2/block_14x14x64_64", inverted_residual, 14, 64, 64, 3},
      {"pool/max3x3s2_112x112x64", max_pool, 112, 64, 64, 3, 2},
      {"pool/max2x2s2_224x224x64", max_pool, 224, 64, 64, 2, 2},
      {"pool/average_7x7x2048", global_average, 7, 2048, 2048},
      {"add/56x56x256", add, 56, 256, 256},
      {"add/7x7x2048", add, 7, 2048, 2048},
  };
  cases.insert(cases.end(), others.begin(), others.end());
  for (const char* name : {"gemm/512x512x512", "gemm/196x512x2304", "gemm/1x4096x25088", "resnet50/1x1_56x56x64_256",
                           "resnet50/3x3_28x28x128_128", "vgg16/3x3_56x56x256_256", "mobilenetv2/1x1_14x14x96_576"})
    std::find_if(cases.begin(), cases.end(), [&](const LayerCase& c) { return c.name == name; })->all_precisions = true;
  return cases;
}

bool has_winograd(const LayerCase& c, bool bytes) {
  const bool possible = c.make == convolution && c.kernel == 3 && c.stride == 1 && c.groups == 1;
  if (!possible || !detail::kernels().winograd) return false;
  return bytes ? winograd_pays<std::int8_t>(c) : winograd_pays<float>(c);
}
