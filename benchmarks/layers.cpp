#include "layers.hpp"

#include <octet/models/builder.hpp>

#include "models.hpp"

using namespace octet;

namespace {

Model product(const LayerCase& c) {
  Graph g;
  const int x = g.add_input("x", {c.size, c.in});
  const int w = g.add_constant("w", random_tensor({c.out, c.in}));
  g.outputs = {g.add("product", FullyConnected(), {x, w})};
  return g;
}

Model convolution(const LayerCase& c) {
  octet::detail::NetworkBuilder b("layer", c.size, c.in, 1);
  b.conv("conv", c.out, c.kernel, c.stride, c.kernel / 2, c.groups, true).relu("relu");
  return b.finish();
}

Model max_pool(const LayerCase& c) {
  octet::detail::NetworkBuilder b("layer", c.size, c.in, 1);
  b.max_pool("pool", c.kernel, c.stride, c.kernel == 3 ? 1 : 0);
  return b.finish();
}

Model global_average(const LayerCase& c) {
  octet::detail::NetworkBuilder b("layer", c.size, c.in, 1);
  b.global_average("pool");
  return b.finish();
}

Model add(const LayerCase& c) {
  Graph g;
  const int a = g.add_input("a", {1, c.size, c.size, c.in}), b = g.add_input("b", {1, c.size, c.size, c.in});
  g.outputs = {g.add("add", Binary(BinaryKind::add), {a, b})};
  return g;
}

LayerCase depthwise(const std::string& name, std::int64_t size, std::int64_t channels, std::int64_t stride) {
  return {name, convolution, size, channels, channels, 3, stride, channels};
}

}  // namespace

std::vector<LayerCase> layer_cases() {
  return {
      {"gemm/512x512x512", product, 512, 512, 512},
      {"gemm/1024x1024x1024", product, 1024, 1024, 1024},
      {"gemm/2048x2048x2048", product, 2048, 2048, 2048},
      {"gemm/196x512x2304", product, 196, 2304, 512},
      {"gemm/3136x64x64", product, 3136, 64, 64},
      {"gemm/1x4096x25088", product, 1, 25088, 4096},
      {"resnet50/7x7s2_224x224x3_64", convolution, 224, 3, 64, 7, 2},
      {"resnet50/1x1_56x56x64_256", convolution, 56, 64, 256},
      {"resnet50/1x1_56x56x256_64", convolution, 56, 256, 64},
      {"resnet50/3x3_56x56x64_64", convolution, 56, 64, 64, 3},
      {"resnet50/3x3s2_56x56x128_128", convolution, 56, 128, 128, 3, 2},
      {"resnet50/3x3_28x28x128_128", convolution, 28, 128, 128, 3},
      {"resnet50/1x1s2_56x56x256_512", convolution, 56, 256, 512, 1, 2},
      {"resnet50/3x3_14x14x256_256", convolution, 14, 256, 256, 3},
      {"resnet50/1x1_14x14x256_1024", convolution, 14, 256, 1024},
      {"resnet50/3x3_7x7x512_512", convolution, 7, 512, 512, 3},
      {"resnet50/1x1_7x7x2048_512", convolution, 7, 2048, 512},
      {"vgg16/3x3_224x224x3_64", convolution, 224, 3, 64, 3},
      {"vgg16/3x3_224x224x64_64", convolution, 224, 64, 64, 3},
      {"vgg16/3x3_112x112x128_128", convolution, 112, 128, 128, 3},
      {"vgg16/3x3_56x56x256_256", convolution, 56, 256, 256, 3},
      {"vgg16/3x3_28x28x512_512", convolution, 28, 512, 512, 3},
      {"vgg16/3x3_14x14x512_512", convolution, 14, 512, 512, 3},
      {"mobilenetv2/3x3s2_224x224x3_32", convolution, 224, 3, 32, 3, 2},
      {"mobilenetv2/1x1_112x112x16_96", convolution, 112, 16, 96},
      {"mobilenetv2/1x1_56x56x144_24", convolution, 56, 144, 24},
      {"mobilenetv2/1x1_28x28x32_192", convolution, 28, 32, 192},
      {"mobilenetv2/1x1_14x14x64_384", convolution, 14, 64, 384},
      {"mobilenetv2/1x1_14x14x576_96", convolution, 14, 576, 96},
      {"mobilenetv2/1x1_7x7x320_1280", convolution, 7, 320, 1280},
      depthwise("mobilenetv2/depthwise_112x112x32", 112, 32, 1),
      depthwise("mobilenetv2/depthwise_s2_112x112x96", 112, 96, 2),
      depthwise("mobilenetv2/depthwise_56x56x144", 56, 144, 1),
      depthwise("mobilenetv2/depthwise_28x28x192", 28, 192, 1),
      depthwise("mobilenetv2/depthwise_14x14x384", 14, 384, 1),
      depthwise("mobilenetv2/depthwise_14x14x576", 14, 576, 1),
      depthwise("mobilenetv2/depthwise_7x7x960", 7, 960, 1),
      {"pool/max3x3s2_112x112x64", max_pool, 112, 64, 64, 3, 2},
      {"pool/max2x2s2_224x224x64", max_pool, 224, 64, 64, 2, 2},
      {"pool/average_7x7x2048", global_average, 7, 2048, 2048},
      {"add/56x56x256", add, 56, 256, 256},
      {"add/7x7x2048", add, 7, 2048, 2048},
  };
}
